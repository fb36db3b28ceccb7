"""The verb that lets something go wrong."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from pytest_ycimages.errors import FaultNeverStruckError
from pytest_ycimages.faults.injection import fault_reports
from pytest_ycimages.faults.rule import Rule
from pytest_ycimages.faults.schedules import always

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    from pytest_ycimages.faults.fault import Commit, Fault
    from pytest_ycimages.faults.injection import FaultReport, Injection
    from pytest_ycimages.faults.injector import Injector
    from pytest_ycimages.faults.rule import On, Per
    from pytest_ycimages.faults.schedules import When


class Injecting(ABC):
    """Injects faults, and accounts for them."""

    @abstractmethod
    def _injecting(self) -> AbstractContextManager[Injector]:
        """The faults in force, under the lock."""

    def inject(  # noqa: PLR0913 - what may be said of a fault, each by its name
        self,
        fault: Fault,
        *,
        on: On = "*",
        when: When | None = None,
        commit: Commit | None = None,
        per: Per = "rule",
        where: Mapping[str, str] | None = None,
        expect: bool = True,
    ) -> Injection:
        """Let calls go wrong from now on.

        Rules hold in the order in which they were injected: the first that strikes a call decides.

        Args:
            fault: what goes wrong, from the catalogue, such as `reset()` or `unavailable(retry_after=5)`.
            on: a method word or glob, or a predicate on the request.
            when: which of the calls that match it strikes, such as `first(2)`; None: all of them.
            commit: whether it strikes `before` the cloud does what it was asked, which then never happens, or `after`.
                None: before, unless the fault can only strike after; a `garble` strikes after.
            per: what `when` counts: the calls of this `rule`, the attempts of one `call`, or the calls over one
                `connection`.
            where: fields of the request, such as `folderId` or `name`, and headers, such as `header.x-request-id`, each
                with the pattern that its value matches.
            expect: whether a double that is closed without the fault having struck fails the test.

        Returns:
            A handle that tells what it has done.

        Raises:
            UsageError: it could never be right; the text says what would be.
        """
        rule = Rule(fault, on, when or always(), commit, per, where or {}, expect)
        with self._injecting() as injector:
            return injector.add(rule)

    @property
    def accounts(self) -> Sequence[FaultReport]:
        """What every fault that was ever injected has done by now, as values that stay as they are."""
        with self._injecting() as injector:
            return fault_reports(injector.injections)

    @property
    def injections(self) -> Sequence[Injection]:
        """Every fault that was ever injected, with what it has done."""
        with self._injecting() as injector:
            return tuple(injector.injections)

    def _check_faults(self) -> None:
        """Raise if a fault that was to strike has not.

        Raises:
            FaultNeverStruckError: the text has the account of each of them.
        """
        __tracebackhide__ = True
        idle = [each for each in self.injections if each.rule.expect and not each.struck]
        if idle:
            raise FaultNeverStruckError(
                "\n".join(
                    [
                        f"{len(idle)} fault(s) never struck, so this test has not shown what it was written for:",
                        *(each.report() for each in idle),
                        "If that is all right, inject with expect=False.",
                    ]
                )
            )
