"""What `inject` returns: a handle that tells what a rule has done."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Hashable

    from pytest_ycimages.api.exchange import Request
    from pytest_ycimages.faults.rule import Rule


_SHOWN: Final = 10
"""How many strikes a report shows one by one: the last."""
_REASONS: Final = 5
"""How many reasons it shows for not striking: the most frequent."""


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
        key: what tells its draws from those of other rules. Equal rules draw alike, so that a rule which never struck
            has had no part in what the others did.
        methods: the methods that it can strike.
        says_no: why it passes a call that `when` leaves out.
        considered: how many calls the rule was about, whether it struck them or not.
        strikes: each time that it struck.
        passed: why it did not strike, with how often; calls of other methods are left out.
        nearest: the last call of its methods that it did not strike, and why not; empty when there was none.
    """

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.key = rule.words
        self.says_no = f"when={rule.when} says no"
        self.methods = rule.methods()
        self.considered = 0
        self.strikes: list[Struck] = []
        self.passed: Counter[str] = Counter()
        self.nearest = ""
        self.counts: Counter[Hashable] = Counter()
        self.times: list[int] = []
        self.is_removed = False

    @property
    def struck(self) -> int:
        """How often it struck."""
        return len(self.strikes)

    def remove(self) -> None:
        """Take the rule out of force. Its account stays."""
        self.is_removed = True

    def pass_by(self, request: Request, why: str, detail: str = "") -> None:
        """Write down that it did not strike: why, and what is true of this call alone."""
        self.passed[why] += 1
        self.nearest = f"{request.method} {request.line}: {why}{detail}"

    def take_back(self, request: Request, why: str) -> None:
        """Write down that its last strike came to nothing."""
        self.strikes.pop()
        self.pass_by(request, why)

    def __repr__(self) -> str:
        """The rule and its account."""
        return f"<{self.rule}: struck {self.struck} of {self.considered} calls>"

    def report(self) -> str:
        """The account, for people."""
        lines = [f"{self.rule}: struck {self.struck} of the {self.considered} call(s) that it is about"]
        if self.struck > _SHOWN:
            lines.append(f"  struck {self.struck - _SHOWN} times before these:")
        lines += (f"  struck {strike}" for strike in self.strikes[-_SHOWN:])
        lines += (f"  passed {count} call(s): {why}" for why, count in self.passed.most_common(_REASONS))
        if not self.strikes:
            lines.append(f"  nearest: {self.nearest or 'no call of these methods: ' + ', '.join(sorted(self.methods))}")
        return "\n".join(lines)
