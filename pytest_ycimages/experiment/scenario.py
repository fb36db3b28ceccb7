"""What goes wrong in one trial, as a value: which faults, each at which call; and the faults that a search tries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, get_args

from pytest_ycimages.api.methods import matching
from pytest_ycimages.errors import UsageError
from pytest_ycimages.faults import catalogue
from pytest_ycimages.faults.fault import Commit, Fault
from pytest_ycimages.faults.rule import Rule, rule_of
from pytest_ycimages.faults.schedules import after, always, nth
from pytest_ycimages.words import choose, exact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_ycimages.double import Double
    from pytest_ycimages.faults.injection import Injection
    from pytest_ycimages.faults.schedules import When
    from pytest_ycimages.journal import Calls

Transport = Literal["REST", "gRPC"]
"""What a call comes over."""
TRANSPORTS: Final[tuple[Transport, ...]] = get_args(Transport)


@exact
@dataclass(frozen=True, slots=True)
class PlannedFault:
    """One fault at one call.

    Attributes:
        fault: what goes wrong.
        method: the method whose call it strikes, such as `images.create`.
        nth: which call of this method, counted from 1.
        commit: whether it strikes `before` or `after` the commit.
        lasts: whether it strikes all later calls of the method as well.
    """

    fault: Fault
    method: str
    nth: int
    commit: Commit
    lasts: bool = False

    def __post_init__(self) -> None:
        choose(self, commit=get_args(Commit))

    @property
    def when(self) -> When:
        """Return which calls of the method it strikes, as `inject` takes it."""
        return after(self.nth - 1) if self.lasts else nth(self.nth)

    def __str__(self) -> str:
        """Return it in words, such as `reset() at call 1 of images.create, after the commit`."""
        which = f"from call {self.nth} of {self.method} on" if self.lasts else f"at call {self.nth} of {self.method}"
        sides = "" if len(self.fault.commits) == 1 else f", {self.commit} the commit"
        return f"{self.fault} {which}{sides}"


@exact
@dataclass(frozen=True, slots=True)
class Scenario:
    """What goes wrong in one trial: faults in the order of their calls. Without any, it is the baseline."""

    faults: tuple[PlannedFault, ...] = ()

    def inject_into(self, double: Double) -> None:
        """Inject its faults into a double. They need not strike."""
        for each in self.faults:
            double.inject(each.fault, on=each.method, when=each.when, commit=each.commit, expect=False)

    def __len__(self) -> int:
        return len(self.faults)

    def __str__(self) -> str:
        """Return it in words; two scenarios with the same words are the same."""
        return " and ".join(map(str, self.faults)) or "nothing goes wrong"


def scenario_of(injections: Iterable[Injection], calls: Calls) -> Scenario:
    """Return the faults that struck a double, each at its first call; one that struck more than once `lasts`."""
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


class Candidate(NamedTuple):
    """A fault that a search tries, at every call that it can strike.

    Attributes:
        fault: what goes wrong.
        on: the methods that it is tried on, or a glob.
        commits: the sides of the commit on which it is tried; empty: all.
        lasts: whether it strikes all later calls of the method as well.
        over: the transport of the calls that it is tried on, `REST` or `gRPC`; None: both.
    """

    fault: Fault
    on: str = "*"
    commits: tuple[Commit, ...] = ()
    lasts: bool = False
    over: Transport | None = None

    def at(self, method: str, nth: int, transport: Transport | None = None) -> Iterator[PlannedFault]:
        """Yield what can be planned of it for one call; without a transport, for one over its own."""
        is_over = transport is None or self.over in {None, transport}
        if is_over and method in self.fault.methods and method in matching(self.on):
            for commit in self.commits or self.fault.commits:
                yield PlannedFault(self.fault, method, nth, commit, self.lasts)


_WHY: Final = "Injected: the source of the image cannot be read"
_BEFORE: Final[tuple[Commit, ...]] = ("before",)
_AFTER: Final[tuple[Commit, ...]] = ("after",)

DEFAULT_FAULTS: Final = (
    Candidate(catalogue.slow(5)),
    Candidate(catalogue.trickle(1000)),
    Candidate(catalogue.goaway(seen=True), over="gRPC"),
    Candidate(catalogue.operation_seen_late(reads=1)),
    Candidate(catalogue.image_seen_late(reads=1)),
    Candidate(catalogue.unavailable()),
    Candidate(catalogue.rate_limited(retry_after=7), commits=_BEFORE),
    Candidate(catalogue.bad_gateway()),
    Candidate(catalogue.gateway_timeout()),
    Candidate(catalogue.internal()),
    Candidate(catalogue.goaway(), over="gRPC"),
    Candidate(catalogue.stream_reset(), over="gRPC"),
    Candidate(catalogue.stream_reset("CANCEL"), over="gRPC"),
    Candidate(catalogue.stream_reset("INTERNAL_ERROR"), over="gRPC"),
    Candidate(catalogue.stream_reset("ENHANCE_YOUR_CALM"), over="gRPC"),
    Candidate(catalogue.stale()),
    Candidate(catalogue.close()),
    Candidate(catalogue.reset()),
    Candidate(catalogue.reset(after=60), commits=_AFTER),
    Candidate(catalogue.truncate(), commits=_AFTER, over="REST"),
    Candidate(catalogue.garble("json"), commits=_AFTER, over="REST"),
    Candidate(catalogue.garble("bytes"), commits=_AFTER, over="REST"),
    Candidate(catalogue.garble("content_type"), commits=_AFTER, over="REST"),
    Candidate(catalogue.refuse(5), over="REST"),
    Candidate(catalogue.slow(120)),
    Candidate(catalogue.stall(after=60), commits=_AFTER),
    Candidate(catalogue.hang()),
    Candidate(catalogue.operation_slow(360)),
    Candidate(catalogue.operation_fails(message=_WHY)),
    Candidate(catalogue.operation_fails(message=_WHY, rollback=600)),
    Candidate(catalogue.operation_never_ends()),
    Candidate(catalogue.cancel_ignored()),
    Candidate(catalogue.operation_lost()),
    Candidate(catalogue.token_expired(), commits=_BEFORE),
    Candidate(catalogue.permission_denied(), commits=_BEFORE),
    Candidate(catalogue.error("INVALID_ARGUMENT"), commits=_BEFORE),
    Candidate(catalogue.bad_request(), commits=_BEFORE, over="REST"),
    Candidate(catalogue.quota_exceeded(), on="images.create", commits=_BEFORE),
    Candidate(catalogue.unavailable(), commits=_BEFORE, lasts=True),
)
"""The faults that experiments try by default, the mildest first: shrinking goes towards the beginning.

A new fault is not added by itself. `ramp` needs too many calls. Faults of HTTP/2 are tried at gRPC calls alone. Those
of the body and of a gateway's plain text are tried at the others, as is `refuse`: grpcio reconnects in real time."""


def candidates_of(faults: object) -> tuple[Candidate, ...]:
    """Return the faults that a search tries, read from faults, text, or `Candidate`s; None: the default ones.

    Raises:
        UsageError: one of them is not a fault, or says when it strikes.
    """
    if faults is None:
        return DEFAULT_FAULTS
    several = (
        faults if isinstance(faults, Iterable) and not isinstance(faults, str | Mapping | Candidate) else (faults,)
    )
    found = tuple(_candidate(each) for each in several)
    if not found:
        raise UsageError("faults=[] leaves an experiment nothing to try. Leave it out to try the default faults.")
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
            f"{rule} says when it strikes, or which requests: an experiment tries that out. Give the fault, "
            "with `on` and `commit` at most; for one that lasts, give Candidate(fault, lasts=True)."
        )
    sides = (rule.commit,) if rule.commit and _names_side(value) else ()
    return Candidate(rule.fault, rule.on, sides)


def _names_side(value: object) -> bool:
    """Return whether a rule as it was written says before or after; a `Rule` always does."""
    return isinstance(value, Rule) or "commit" in str(value)
