"""What goes wrong in one trial, as a value: which faults, each at which call. Pure, ordered, and told in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ycimages.faults.rule import Rule
from pytest_ycimages.faults.schedules import after, nth

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_ycimages.faults.fault import Commit, Fault
    from pytest_ycimages.faults.injection import Injection
    from pytest_ycimages.faults.schedules import When
    from pytest_ycimages.journal import Calls


@dataclass(frozen=True, slots=True)
class PlannedFault:
    """One fault at one call.

    Attributes:
        fault: what goes wrong.
        method: the word of the method whose call it strikes, such as `images.create`.
        nth: which call of this method, counted from 1 over the whole trial.
        commit: whether it strikes `before` the cloud does what it was asked, or `after`.
        lasts: whether it strikes all later calls of the method as well: an outage that does not end.
    """

    fault: Fault
    method: str
    nth: int
    commit: Commit
    lasts: bool = False

    @property
    def when(self) -> When:
        """Which calls of the method it strikes, as `inject` takes it."""
        return after(self.nth - 1) if self.lasts else nth(self.nth)

    @property
    def rule(self) -> Rule:
        """The rule that does it. A trial that does not come to the call is no error."""
        return Rule(self.fault, on=self.method, when=self.when, commit=self.commit, expect=False)

    def __str__(self) -> str:
        """In words, such as `reset() at call 1 of images.create, after the commit`."""
        which = f"from call {self.nth} of {self.method} on" if self.lasts else f"at call {self.nth} of {self.method}"
        sides = "" if len(self.fault.commits) == 1 else f", {self.commit} the commit"
        return f"{self.fault} {which}{sides}"


@dataclass(frozen=True, slots=True)
class Scenario:
    """What goes wrong in one trial.

    Attributes:
        faults: the faults, in the order in which their calls come. None of them: the baseline.
    """

    faults: tuple[PlannedFault, ...] = ()

    def __len__(self) -> int:
        """How many faults: its depth."""
        return len(self.faults)

    def __str__(self) -> str:
        """In words; two scenarios with the same words are the same."""
        return " and ".join(map(str, self.faults)) or "nothing goes wrong"


def scenario_of(injections: Iterable[Injection], calls: Calls) -> Scenario:
    """What went wrong with a double, as far as it did: each fault at the first call that it struck.

    A fault that struck more than once is taken for one that lasts.
    """
    planned = [found for each in injections if each.struck and (found := _planned(each, calls)) is not None]
    return Scenario(tuple(planned))


def _planned(injection: Injection, calls: Calls) -> PlannedFault | None:
    rule = injection.rule
    label = f"{rule.fault} {rule.commit} the commit"
    method = injection.strikes[0].method
    for number, call in enumerate(calls.of(method), 1):
        if call.fault == label and rule.commit is not None:
            return PlannedFault(rule.fault, method, number, rule.commit, injection.struck > 1)
    return None
