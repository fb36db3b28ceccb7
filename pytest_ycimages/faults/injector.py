"""Decides which fault strikes a call: a pure function of the seed, the rule, the method, the attempt and the counts."""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

from pytest_ycimages.api.message import SECOND
from pytest_ycimages.cloud.ids import fraction
from pytest_ycimages.faults.fault import Damaged, Hidden, Late
from pytest_ycimages.faults.injection import Injection, Reason, Struck
from pytest_ycimages.faults.lane import Lane
from pytest_ycimages.faults.when import Occasion

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from pytest_ycimages.api.exchange import Request
    from pytest_ycimages.call import Call
    from pytest_ycimages.faults.rule import Rule


class Strike(NamedTuple):
    """A fault that strikes a call.

    Attributes:
        injection: the rule that it comes from, with its account.
        late: seconds by which the answer is late, if that is what it does.
    """

    injection: Injection
    late: float = 0


class _Veil(NamedTuple):
    """What nobody finds: for some looks, or between two moments in nanoseconds since the epoch."""

    reads: int | None
    start: int
    end: float


class Injector:
    """The rules in force, in their order. The first that strikes a call decides; the others have only considered it.

    Callers hold the double's lock.

    Attributes:
        calls: the journal, which the accounts are read from.
        injections: the rules that were ever in force, with their accounts.
    """

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self.calls: Sequence[Call] = ()
        self.injections: list[Injection] = []
        self._lanes: dict[str, Lane] = {}
        self._veils: dict[tuple[str, str], _Veil] = {}

    def __bool__(self) -> bool:
        """Whether a call can be struck at all."""
        return bool(self._lanes or self._veils)

    def add(self, rule: Rule) -> Injection:
        """Put a rule in force, after those that are."""
        text = str(rule)
        same = sum(str(injection.rule) == text for injection in self.injections)
        injection = Injection(rule, f"{text} #{same}", self.calls)
        self.injections.append(injection)
        for method in injection.methods:
            self._lanes.setdefault(method, Lane()).add(injection)
        return injection

    def decide(self, request: Request, attempt: int, now: int, began_at: int) -> Strike | None:
        """What strikes a call that comes `now`, in nanoseconds since the epoch."""
        lane = self._lanes.get(request.method)
        if lane is None:
            return None
        struck: Strike | None = None
        at = (now - began_at) / SECOND
        for injection in lane.candidates(request):
            rule = injection.rule
            if not rule.is_about(request):
                if callable(rule.on):
                    injection.pass_by(request, Reason.WHERE, note="the predicate")
                continue
            reason, number = self._passes(injection, request, attempt, at, is_struck=struck is not None)
            if reason is not None:
                injection.pass_by(request, reason, number, at)
                continue
            late = _late(injection, at)
            injection.strikes.append(Struck(at, request.method, request.line, attempt))
            struck = Strike(injection, late)
        return struck

    def _passes(
        self, injection: Injection, request: Request, attempt: int, at: float, *, is_struck: bool
    ) -> tuple[Reason | None, int]:
        """Why the fault does not strike a call that the rule is about, None when it does; and which call it is."""
        injection.considered += 1
        injection.times.append(at)
        number = _number(injection, request, attempt)
        effect = injection.rule.fault.effect
        occasion = Occasion(
            number=number,
            at=at,
            draw=lambda: fraction(self._seed, injection.key, request.method, request.identity, attempt),
            within=lambda seconds: len(injection.times) - bisect_left(injection.times, at - seconds),
        )
        if not injection.rule.when(occasion):
            return Reason.WHEN, number
        if is_struck:
            return Reason.FIRST, number
        if isinstance(effect, Damaged) and effect.only_reused and request.served == 0:
            return Reason.NEW, number
        return None, number

    # What is there and is not found.

    def veil(self, effect: Hidden, id_: str, now: int) -> None:
        """Hide what a call has made `now`."""
        start = now + round(effect.after * SECOND)
        end = start + effect.seconds * SECOND if math.isfinite(effect.seconds) else math.inf
        self._veils[effect.what, id_] = _Veil(effect.reads, start, end)

    def is_veiled(self, what: str, id_: str, now: int) -> bool:
        """Whether a look `now` finds nothing; a look counts."""
        veil = self._veils.get((what, id_))
        if veil is None or not veil.start <= now < veil.end:
            return False
        if veil.reads is not None:
            self._veils[what, id_] = veil._replace(reads=veil.reads - 1)
            return veil.reads > 0
        return True


def _number(injection: Injection, request: Request, attempt: int) -> int:
    """Which call this is for the rule, counted from 1."""
    per = injection.rule.per
    if per == "call":
        return attempt
    counted: Hashable = request.connection if per == "connection" else None
    injection.counts[counted] += 1
    return injection.counts[counted]


def _late(injection: Injection, at: float) -> float:
    """The seconds by which the fault makes an answer late."""
    effect = injection.rule.fault.effect
    if not isinstance(effect, Late) or effect.most is None:
        return effect.seconds if isinstance(effect, Late) else 0
    began = injection.strikes[0].at if injection.strikes else at
    return effect.seconds + (effect.most - effect.seconds) * min(1, (at - began) / effect.over)
