"""The faults that a search tries, in one table: the mildest first. What is shrunk is shrunk towards its beginning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_ycimages.api.methods import matching
from pytest_ycimages.errors import UsageError
from pytest_ycimages.experiment.scenario import PlannedFault
from pytest_ycimages.faults.catalogue import TRIED_BY_DEFAULT
from pytest_ycimages.faults.fault import Fault
from pytest_ycimages.faults.rule import Rule, rule_of
from pytest_ycimages.faults.schedules import always

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_ycimages.faults.fault import Commit


class Candidate(NamedTuple):
    """A fault that a search tries, at every call that it can strike.

    Attributes:
        fault: what goes wrong; as text, it is read when the experiment begins.
        on: the method words that it is tried on, or a glob over them.
        commits: the sides of the commit on which it is tried; none: every side on which it can strike.
        lasts: whether it goes on to strike all later calls of the method.
    """

    fault: Fault
    on: str = "*"
    commits: tuple[Commit, ...] = ()
    lasts: bool = False

    def at(self, method: str, nth: int) -> Iterator[PlannedFault]:
        """What can be planned of it for one call."""
        if method in self.fault.methods and method in matching(self.on):
            for commit in self.commits or self.fault.commits:
                yield PlannedFault(self.fault, method, nth, commit, self.lasts)


DEFAULT_FAULTS: Final = tuple(Candidate(*each) for each in TRIED_BY_DEFAULT)
"""The faults of `TRIED_BY_DEFAULT` in the catalogue, each with values that clients meet, the mildest first."""


def candidates_of(faults: object) -> tuple[Candidate, ...]:
    """Read the faults that a search is to try: None for the usual ones, or some of one's own, the mildest first.

    Args:
        faults: faults such as `reset()`, text such as `reset(), on="images.create", commit="after"`, or `Candidate`s.

    Raises:
        UsageError: one of them is none, or says when it strikes: that is what the search finds out.
    """
    if faults is None:
        return DEFAULT_FAULTS
    several = (
        faults if isinstance(faults, Iterable) and not isinstance(faults, str | Mapping | Candidate) else (faults,)
    )
    found = tuple(_candidate(each) for each in several)
    if not found:
        raise UsageError("faults=[] leaves an experiment nothing to try. Leave it out to try the whole catalogue.")
    return found


def _candidate(value: object) -> Candidate:
    if isinstance(value, Candidate):
        fault: object = value.fault
        return value if isinstance(fault, Fault) else value._replace(fault=rule_of(fault).fault)
    if isinstance(value, Fault):
        return Candidate(value)
    rule = value if isinstance(value, Rule) else rule_of(value)
    if rule.when != always() or rule.where or not isinstance(rule.on, str):
        raise UsageError(
            f"{rule} says when or whom it strikes, and that is what an experiment tries out. Give the fault, with `on` "
            "and `commit` at most; for one that lasts, give Candidate(fault, lasts=True)."
        )
    sides = (rule.commit,) if rule.commit and _names_side(value) else ()
    return Candidate(rule.fault, rule.on, sides)


def _names_side(value: object) -> bool:
    """Whether a rule as it was written says before or after; a `Rule` always does."""
    return isinstance(value, Rule) or "commit" in str(value)
