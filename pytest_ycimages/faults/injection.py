"""What `inject` returns: a handle that tells what a rule has done."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Hashable

    from pytest_ycimages.api.exchange import Request
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


class Injection:
    """A rule in force, and its account.

    Attributes:
        rule: the rule.
        key: what tells its draws from those of other rules.
        considered: how many calls the rule was about.
        strikes: each time that it struck.
        passed: why it did not strike, with how often; calls of other methods are left out.
        nearest: the last call that it was about, or else the last one that it was nearly about, and why not.
    """

    def __init__(self, rule: Rule, key: str) -> None:
        self.rule = rule
        self.key = key
        self.methods = rule.methods()
        self.considered = 0
        self.strikes: list[Struck] = []
        self.passed: Counter[str] = Counter()
        self.nearest = ""
        self.counts: Counter[Hashable] = Counter()
        self.times: list[float] = []
        self.is_removed = False

    @property
    def struck(self) -> int:
        """How often it struck."""
        return len(self.strikes)

    def remove(self) -> None:
        """Take the rule out of force. Its account stays."""
        self.is_removed = True

    def pass_by(self, request: Request, why: str) -> None:
        """Write down that it did not strike."""
        self.passed[why] += 1
        self.nearest = f"{request.method} {request.line}: {why}"

    def take_back(self, request: Request, why: str) -> None:
        """Write down that its last strike came to nothing."""
        self.strikes.pop()
        self.pass_by(request, why)

    def __repr__(self) -> str:
        """The rule and its account."""
        return f"<{self.rule}: struck {self.struck} of {self.considered} calls>"

    def report(self) -> str:
        """The account, for people."""
        lines = [f"{self.rule}: struck {self.struck} of the {self.considered} calls that it is about"]
        lines += (f"  struck {strike}" for strike in self.strikes[-10:])
        lines += (f"  passed {count} times: {why}" for why, count in self.passed.most_common(5))
        if not self.strikes:
            lines.append(f"  nearest: {self.nearest or 'no call of these methods: ' + ', '.join(sorted(self.methods))}")
        return "\n".join(lines)
