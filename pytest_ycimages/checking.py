"""Faults and checks: the methods of a double that inject faults, report on them, and raise what it has met."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Final

from pytest_ycimages.errors import (
    DoubleFailedError,
    FaultNeverStruckError,
    UnknownFieldWarning,
    printable,
    raise_first,
    shortened,
)
from pytest_ycimages.faults.injection import fault_reports
from pytest_ycimages.faults.rule import Rule, rules_of
from pytest_ycimages.faults.schedules import always

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_ycimages.backing.backing import Backing
    from pytest_ycimages.errors import RealHostRefusedError, YCImagesError
    from pytest_ycimages.faults.fault import Commit, Fault
    from pytest_ycimages.faults.injection import FaultReport, Injection
    from pytest_ycimages.faults.rule import On, Per
    from pytest_ycimages.faults.schedules import When
    from pytest_ycimages.settings import Settings


_REPORTED: Final = 100
"""How many dropped faults are kept for the report: the first."""


class Checking:
    """Injects faults, reports what they did, and raises the errors that a double has met."""

    settings: Settings
    _backing: Backing
    _dropped: tuple[str, ...] = ()
    """The reports of faults that had to strike, and had not when a reset dropped them."""
    _struck: frozenset[int] = frozenset()
    """Which faults of the settings, by their numbers, had struck before a reset."""
    _refusals: list[RealHostRefusedError]
    """The calls that clients made to the real service."""
    _raised: tuple[YCImagesError, ...] = ()
    """The errors that have been raised."""
    _warned = 0
    """How many calls have been looked at for unknown fields."""

    def inject(  # noqa: PLR0913 - the parts of a rule, each by its name
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
        """Inject a fault into future calls.

        Rules apply in the order of injection: the first that strikes a call decides.

        Args:
            fault: the fault, from the catalogue, such as `reset()` or `unavailable(retry_after=5)`.
            on: a method word or glob; in Python, also a predicate on the request.
            when: which of the matching calls it strikes, such as `first(2)`; None: all.
            commit: whether it strikes `before` the cloud executes the call, which then never happens, or `after`.
                None: before, unless the fault can only strike after; a `garble` strikes after.
            per: what `when` counts: the calls of this `rule`, the attempts of one `call`, or the calls over one
                `connection`.
            where: fields of the request, such as `folderId` or `name`, and headers, such as `header.x-request-id`, each
                with the pattern that its value matches.
            expect: whether closing the double fails the test if the fault has never struck.

        Returns:
            A handle that shows what the fault has done.

        Raises:
            UsageError: the rule can never strike, or a value is invalid; the text says what is accepted.
        """
        rule = Rule(fault, on, when or always(), commit, per, where or {}, expect)
        with self._backing.pipeline.lock:
            return self._backing.pipeline.injector.add(rule)

    @property
    def accounts(self) -> Sequence[FaultReport]:
        """The reports of all injected faults as of now, as frozen values."""
        with self._backing.pipeline.lock:
            return fault_reports(self._backing.pipeline.injector.injections)

    @property
    def injections(self) -> Sequence[Injection]:
        """All injected faults, with what they have done."""
        with self._backing.pipeline.lock:
            return tuple(self._backing.pipeline.injector.injections)

    # Checks.

    def check(self, *, faults: bool = True) -> None:
        """Raise errors that the double met, and warn about fields that the contract does not know.

        Args:
            faults: whether faults that never struck and unused interactions of a cassette are errors.

        Raises:
            CassetteError: the cassette had no answer, has expired, or could not be written.
            CassetteUnusedError: the client did not request all interactions of the cassette.
            CassetteDiffersError: answers differ from the recorded ones.
            RealHostRefusedError: a client called the real service, and not the double.
            DoubleFailedError: the double raised while answering a call; the cause has the traceback.
            FaultNeverStruckError: a planned fault has not struck.
        """
        __tracebackhide__ = True
        raise_first(self.problems)
        if faults:
            self.check_end()
        self._warn_of_unknown_fields()

    def check_since_last_time(self) -> None:
        """Raise errors that the double has met since the last time, and warn about unknown fields.

        Raises:
            YCImagesError: as `check` does; faults and cassettes may still be used.
        """
        __tracebackhide__ = True
        fresh = [each for each in self.problems if not any(each is one for one in self._raised)]
        self._raised = (*self._raised, *fresh)
        self._backing.pipeline.failure, self._backing.pipeline.failed = None, 0
        raise_first(fresh)
        self._warn_of_unknown_fields()

    def check_end(self) -> None:
        """Raise unless all planned faults have struck, and all interactions of the cassette were used.

        Raises:
            CassetteUnusedError: the client did not request all interactions of the cassette.
            CassetteDiffersError: answers differ from the recorded ones.
            FaultNeverStruckError: a planned fault has not struck.
        """
        __tracebackhide__ = True
        self._check_faults()
        self._backing.check_end()

    @property
    def problems(self) -> list[YCImagesError]:
        """What has gone wrong by now, the first of which `check` raises: such as requests that a cassette lacks."""
        pipeline = self._backing.pipeline
        problems = [error for error in (*self._backing.problems, *self._refusals) if not error.is_shown]
        if pipeline.failure is not None:
            line, error = pipeline.failure
            failed = DoubleFailedError(f"The double failed at {pipeline.failed} call(s); the first was {line}")
            failed.__cause__ = error
            problems.append(failed)
        return problems

    def _warn_of_unknown_fields(self) -> None:
        if self.settings.unknown_fields != "warn":
            return
        calls = self._backing.pipeline.journal.calls
        fresh = calls[max(0, self._warned - calls.dropped) :]
        self._warned = calls.dropped + len(calls)
        for call in fresh:
            if call.unknown_fields:
                fields = printable(shortened(", ".join(call.unknown_fields)))
                warnings.warn(
                    f"{call.method} was sent unknown fields, which the service ignores: {fields}. The contract "
                    f"in force is {self.settings.contract!r}; silence this with the setting unknown_fields='ignore'.",
                    UnknownFieldWarning,
                    stacklevel=3,
                )

    def _check_faults(self) -> None:
        """Raise if a planned fault has not struck.

        Raises:
            FaultNeverStruckError: the text has the report of each.
        """
        __tracebackhide__ = True
        reports = [*self._dropped, *(each.report() for each in self._idle())]
        if reports:
            raise FaultNeverStruckError(
                "\n".join(
                    [
                        f"{len(reports)} fault(s) never struck, so this test has not shown what it was written for:",
                        *reports,
                        "If that is all right, inject with expect=False.",
                    ]
                )
            )

    def _idle(self) -> list[Injection]:
        """Return the planned faults that have not struck; those of the settings may have struck before a reset."""
        return [
            each
            for number, each in enumerate(self.injections)
            if each.rule.expect and not each.struck and number not in self._struck
        ]

    def _drop_faults(self) -> None:
        """Record which faults have struck before a reset drops them and injects those of the settings anew."""
        own = len(rules_of(self.settings.faults))
        dropped = (each.report() for each in self._idle() if each not in self.injections[:own])
        self._dropped = (*self._dropped, *dropped)[:_REPORTED]
        self._struck |= {number for number, each in enumerate(self.injections[:own]) if each.struck}
