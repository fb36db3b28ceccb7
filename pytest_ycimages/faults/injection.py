"""Injections: the rules in force with what each has done, live and as a report."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, deque
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_ycimages.api.message import nanoseconds
from pytest_ycimages.redaction.printing import Printing
from pytest_ycimages.words import exact, sealed

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    from pytest_ycimages.api.exchange import Request
    from pytest_ycimages.call import Call
    from pytest_ycimages.faults.rule import Rule


@exact
@dataclass(frozen=True, slots=True)
class Strike:
    """A call that a fault struck.

    Attributes:
        at: seconds since the double began, on its clock.
        method: the method word of the call.
        line: the call as the client sent it, without secrets.
        attempt: which attempt of this call it was.
    """

    at: float
    method: str
    line: str
    attempt: int

    def __str__(self) -> str:
        return f"+{self.at:.3f}s {self.method} {self.line}, attempt {self.attempt}"


class _Struck(NamedTuple):
    """A call that a rule struck, as the client sent it: removing secrets from its line costs more than an answer."""

    at: float
    request: Request
    attempt: int

    def shown(self) -> Strike:
        """Return the call without secrets."""
        line = Printing(self.request.metadata).line(self.request.line)
        return Strike(self.at, self.request.method, line, self.attempt)


_SHOWN: Final = 10
"""How many strikes a report shows one by one: the last."""


class Reason(StrEnum):
    """Why a fault did not strike a call of its methods."""

    WHERE = "`where` or the predicate said no"
    WHEN = "`when` said no"
    FIRST = "another rule struck first"
    NEW = "its connection was new"
    REFUSED = "the call was refused"
    REPEATED = "the call started no operation, but was answered as one before with its Idempotency-Key"


class _Passed(NamedTuple):
    """A call of its methods that a rule did not strike."""

    reason: Reason
    request: Request
    number: int
    at: float
    note: str = ""

    def __str__(self) -> str:
        which = f"call {self.number} that matches, at +{self.at:.3f}s" if self.number else ""
        to_print = Printing(self.request.metadata)
        line, note = to_print.line(self.request.line), to_print.text(self.note)
        return ": ".join(filter(None, (line, self.reason, note or which)))


class _Counts:
    """What a rule has done so far: a plain object, whose attributes cost less to set than those of a sealed one."""

    __slots__ = ("considered", "first_struck_at", "struck")

    def __init__(self) -> None:
        self.considered = 0
        self.struck = 0
        self.first_struck_at: float | None = None


@sealed
class Injection:
    """A rule in force, and the record of what it did. Calls that `where` excludes are counted only on demand.

    Attributes:
        rule: the rule.
        key: the key of its random choices. Equal rules choose alike, so a rule that never struck has not changed what
            the others did.
        label: the fault as the journal names it.
        methods: the methods that it can strike.
        is_removed: whether it is out of force.
    """

    def __init__(self, rule: Rule, calls: Sequence[Call], limit: int | None = None) -> None:
        self.rule = rule
        self.key = rule.words
        self.label = f"{rule.fault} {rule.commit} the commit"
        self.methods = rule.methods()
        self._so_far = _Counts()
        self._struck: list[_Struck] = []
        self.is_removed = False
        self._limit = limit
        self.counts: dict[Hashable, int] = {}
        self._window = nanoseconds(rule.when.window)
        self._times: deque[int] = deque()
        self._calls = calls
        self._after = calls[-1] if calls else None
        self._passed: Counter[Reason] = Counter()
        self._latest: _Passed | None = None

    @property
    def considered(self) -> int:
        """How many calls matched the rule."""
        return self._so_far.considered

    @property
    def struck(self) -> int:
        """How many calls it struck."""
        return self._so_far.struck

    @property
    def first_struck_at(self) -> float | None:
        """When it first struck, in seconds since the double began; None: it has not."""
        return self._so_far.first_struck_at

    @property
    def strikes(self) -> tuple[Strike, ...]:
        """The calls that it struck; with a limit, the latest."""
        return tuple(each.shown() for each in self._struck)

    def strike(self, request: Request, at: float, attempt: int) -> None:
        """Record that it struck a call, at so many seconds since the double began."""
        so_far = self._so_far
        so_far.struck += 1
        if so_far.first_struck_at is None:
            so_far.first_struck_at = at
        self._struck.append(_Struck(at, request, attempt))
        if self._limit is not None:
            del self._struck[: -self._limit]

    def count(self, counted: Hashable, now: int) -> int:
        """Count a call that matches, and return how many of its kind there were: all, or those of a connection.

        With a limit, only the connections with the latest calls are counted.
        """
        if self._window:
            self._times.append(now)
            while self._times[0] <= now - self._window:
                self._times.popleft()
        self._so_far.considered += 1
        number = self.counts[counted] = self.counts.pop(counted, 0) + 1
        if self._limit is not None and len(self.counts) > 2 * self._limit:
            for connection in list(self.counts)[: self._limit]:
                del self.counts[connection]
        return number

    def within(self, seconds: float, now: int) -> int:
        """Return how many of the calls that match came within so many seconds."""
        return len(self._times) - bisect_right(self._times, now - nanoseconds(seconds))

    @property
    def passed(self) -> Counter[str]:
        """Return the reasons why it did not strike calls of its methods, each with how often."""
        passed = Counter(self._passed) + Counter({Reason.WHERE: sum(1 for _ in self._unlike())})
        return Counter({str(reason): count for reason, count in passed.items()})

    @property
    def nearest(self) -> str:
        """Return the last call that matched and was not struck, else the last call of its methods, and why not."""
        if self._latest is not None:
            return str(self._latest)
        for call in self._unlike():
            return f"{call.line}: {self.rule.unlike(call)}"
        return ""

    def remove(self) -> None:
        """Take the rule out of force. The record stays."""
        self.is_removed = True

    def pass_by(self, request: Request, reason: Reason, number: int = 0, at: float = 0, note: str = "") -> None:
        """Record that it did not strike."""
        self._passed[reason] += 1
        self._latest = _Passed(reason, request, number, at, note)

    def take_back(self, request: Request, reason: Reason, note: str = "") -> None:
        """Record that its last strike had no effect."""
        self._struck.pop()
        self._so_far.struck -= 1
        self.pass_by(request, reason, note=note)

    def __repr__(self) -> str:
        """Return the rule and how often it struck."""
        return f"<{self.rule}: struck {self.struck} of {self.considered} calls>"

    def report(self) -> str:
        """Return the record as text."""
        lines = [f"{self.rule}: struck {self.struck} of the {self.considered} calls that match"]
        if self.struck > _SHOWN:
            lines.append(f"  struck {self.struck - _SHOWN} times before these:")
        lines += (f"  struck {each.shown()}" for each in self._struck[-_SHOWN:])
        if not self.struck:
            lines += (f"  passed {count}: {why}" for why, count in self.passed.items())
            lines.append(f"  nearest: {self.nearest or 'no call of ' + ', '.join(sorted(self.methods))}")
        return "\n".join(lines)

    def _unlike(self) -> Iterator[Call]:
        """Return the calls of its methods that `where` excludes, the latest first."""
        for call in reversed(self._calls[:]):
            if call is self._after:
                return
            if call.method in self.methods and self.rule.unlike(call):
                yield call


@exact
@dataclass(frozen=True, slots=True)
class FaultReport:
    """What a fault had done at one moment.

    Attributes:
        number: its number, counted from 1 in the order of injection.
        rule: the rule as text.
        expect: whether it had to strike.
        in_force: whether it may still strike; False once it has been removed.
        considered: how many calls matched the rule.
        struck: how many calls it struck.
        strikes: these calls; with a limited journal, the latest.
        passed: the reasons why it did not strike, each with how often.
        nearest: the call that came nearest when it did not strike; empty for none.
        report: all of it as text.
    """

    number: int
    rule: str
    expect: bool
    in_force: bool
    considered: int
    struck: int
    strikes: tuple[Strike, ...]
    passed: Mapping[str, int]
    nearest: str
    report: str


def fault_reports(injections: Sequence[Injection]) -> tuple[FaultReport, ...]:
    """Return the reports of all faults that were ever injected. Callers hold the double's lock."""
    return tuple(
        FaultReport(
            number=number,
            rule=str(each.rule),
            expect=each.rule.expect,
            in_force=not each.is_removed,
            considered=each.considered,
            struck=each.struck,
            strikes=each.strikes,
            passed=dict(each.passed),
            nearest=each.nearest,
            report=each.report(),
        )
        for number, each in enumerate(injections, 1)
    )


def never_struck(reports: Sequence[FaultReport]) -> tuple[FaultReport, ...]:
    """Return the reports of faults that had to strike and have not."""
    return tuple(each for each in reports if each.expect and not each.struck)
