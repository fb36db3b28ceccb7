"""What `inject` returns: a handle that tells what a rule has done."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from pytest_ycimages.api.exchange import Request
    from pytest_ycimages.call import Call
    from pytest_ycimages.faults.rule import Rule


class Struck(NamedTuple):
    """One time that a fault struck.

    Attributes:
        at: seconds since the double began, on its clock.
        method: the method word of the call.
        line: how the client spelled the call.
        attempt: which attempt of this call it was.
    """

    at: float
    method: str
    line: str
    attempt: int

    def __str__(self) -> str:
        return f"+{self.at:.3f}s {self.method} {self.line}, attempt {self.attempt}"


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
    """A call that the rule was about and that was not struck."""

    reason: Reason
    line: str
    number: int
    at: float
    note: str = ""

    def __str__(self) -> str:
        which = f"call {self.number} that it was about, at +{self.at:.3f}s" if self.number else ""
        return ": ".join(filter(None, (self.line, self.reason, self.note or which)))


class Injection:
    """A rule in force, and its account. What `where` keeps from a rule costs nothing until somebody asks.

    Attributes:
        rule: the rule.
        key: what tells its draws from those of other rules. Equal rules draw alike: so a rule that never struck has had
            no part in what the others did.
        methods: the methods that it can strike.
        considered: how many calls it was about.
        strikes: each time that it struck.
        is_removed: whether it is out of force.
    """

    def __init__(self, rule: Rule, calls: Sequence[Call]) -> None:
        self.rule = rule
        self.key = rule.words
        self.methods = rule.methods()
        self.considered = 0
        self.strikes: list[Struck] = []
        self.counts: Counter[Hashable] = Counter()
        self.times: list[int] = []
        self.is_removed = False
        self._calls = calls
        self._since = len(calls)
        self._passed: Counter[Reason] = Counter()
        self._latest: _Passed | None = None

    @property
    def struck(self) -> int:
        """How often it struck."""
        return len(self.strikes)

    @property
    def passed(self) -> Counter[str]:
        """Why it did not strike calls of its methods, and how often."""
        unlike = sum(1 for _ in self._unlike())
        return Counter({**{str(reason): count for reason, count in self._passed.items()}, **_counted(unlike)})

    @property
    def nearest(self) -> str:
        """The last call that it was about and did not strike, else the last call of its methods; and why not."""
        if self._latest is not None:
            return str(self._latest)
        for call in self._unlike():
            return f"{call.line}: {self.rule.unlike(call)}"
        return ""

    def remove(self) -> None:
        """Take the rule out of force. Its account stays."""
        self.is_removed = True

    def pass_by(self, request: Request, reason: Reason, number: int = 0, at: float = 0, note: str = "") -> None:
        """Write down that it did not strike."""
        self._passed[reason] += 1
        self._latest = _Passed(reason, request.line, number, at, note)

    def take_back(self, request: Request, reason: Reason, note: str = "") -> None:
        """Write down that its last strike came to nothing."""
        self.strikes.pop()
        self.pass_by(request, reason, note=note)

    def __repr__(self) -> str:
        """The rule and its account."""
        return f"<{self.rule}: struck {self.struck} of {self.considered} calls>"

    def report(self) -> str:
        """The account, for people."""
        lines = [f"{self.rule}: struck {self.struck} of the {self.considered} calls that it was about"]
        if self.struck > _SHOWN:
            lines.append(f"  struck {self.struck - _SHOWN} times before these:")
        lines += (f"  struck {strike}" for strike in self.strikes[-_SHOWN:])
        if not self.strikes:
            lines += (f"  passed {count}: {why}" for why, count in self.passed.items())
            lines.append(f"  nearest: {self.nearest or 'no call of ' + ', '.join(sorted(self.methods))}")
        return "\n".join(lines)

    def _unlike(self) -> Iterator[Call]:
        """The calls of its methods that the rule is not about, the latest first."""
        for number in range(len(self._calls) - 1, self._since - 1, -1):
            call = self._calls[number]
            if call.method in self.methods and self.rule.unlike(call):
                yield call


def _counted(unlike: int) -> dict[str, int]:
    return {str(Reason.WHERE): unlike} if unlike else {}
