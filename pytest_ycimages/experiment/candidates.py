"""The faults that a search tries, in one table: the mildest first. What is shrunk is shrunk towards its beginning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_ycimages.api.methods import matching
from pytest_ycimages.errors import UsageError
from pytest_ycimages.experiment.scenario import PlannedFault
from pytest_ycimages.faults.answers import (
    bad_gateway,
    bad_request,
    error,
    gateway_timeout,
    internal,
    permission_denied,
    quota_exceeded,
    rate_limited,
    token_expired,
    unavailable,
)
from pytest_ycimages.faults.connection_faults import close, garble, hang, refuse, reset, stale, stall, trickle, truncate
from pytest_ycimages.faults.fault import Fault
from pytest_ycimages.faults.operation_faults import (
    cancel_ignored,
    image_seen_late,
    operation_fails,
    operation_lost,
    operation_never_ends,
    operation_seen_late,
)
from pytest_ycimages.faults.rule import Rule
from pytest_ycimages.faults.rule_text import rule_of
from pytest_ycimages.faults.slowness import slow
from pytest_ycimages.faults.when import always

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


_WHY: Final = "Injected: the source of the image cannot be read"

DEFAULT_FAULTS: Final = (
    # The answer is late.
    Candidate(slow(5)),
    Candidate(trickle(1000)),
    # What is there is not found yet.
    Candidate(operation_seen_late(reads=1)),
    Candidate(image_seen_late(reads=1)),
    # Errors that pass. A gateway does not know whether the service has done what it was asked.
    Candidate(unavailable()),
    Candidate(rate_limited(retry_after=7), commits=("before",)),
    Candidate(bad_gateway()),
    Candidate(gateway_timeout()),
    Candidate(internal()),
    # Answers that do not arrive, or not whole.
    Candidate(stale()),
    Candidate(close()),
    Candidate(reset()),
    Candidate(reset(after=60), commits=("after",)),
    Candidate(truncate(), commits=("after",)),
    Candidate(garble("json"), commits=("after",)),
    Candidate(garble("bytes"), commits=("after",)),
    Candidate(garble("content_type"), commits=("after",)),
    Candidate(refuse(5)),
    Candidate(slow(120)),
    Candidate(stall(after=60), commits=("after",)),
    Candidate(hang()),
    # The operation goes wrong.
    Candidate(operation_fails(message=_WHY)),
    Candidate(operation_fails(message=_WHY, rollback=600)),
    Candidate(operation_never_ends()),
    Candidate(cancel_ignored()),
    Candidate(operation_lost()),
    # Refusals for good.
    Candidate(token_expired(), commits=("before",)),
    Candidate(permission_denied(), commits=("before",)),
    Candidate(error("INVALID_ARGUMENT"), commits=("before",)),
    Candidate(bad_request(), commits=("before",)),
    Candidate(quota_exceeded(), on="images.create", commits=("before",)),
    # An outage.
    Candidate(unavailable(), commits=("before",), lasts=True),
)
"""Every fault of the catalogue but `ramp`, which is many calls long, each with values that clients meet."""


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
