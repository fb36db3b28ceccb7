"""Decides which fault strikes a call: a pure function of the seed, the rule, the method, the attempt and the counts."""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from pytest_ycimages.api.message import SECOND
from pytest_ycimages.cloud.clock import nanoseconds
from pytest_ycimages.cloud.ids import fraction
from pytest_ycimages.errors import UsageError
from pytest_ycimages.faults.fault import EFFECTS, Damaged, Hidden, Late
from pytest_ycimages.faults.injection import Injection, Reason, Struck
from pytest_ycimages.faults.lane import Lane
from pytest_ycimages.faults.when import Occasion

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from pytest_ycimages.api.exchange import Request
    from pytest_ycimages.call import Call
    from pytest_ycimages.faults.fault import Effect
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
    """What nobody finds: for some looks, or between two moments in nanoseconds since the epoch; and by which fault."""

    reads: int | None
    start: int
    end: float
    fault: str


class Injector:
    """The rules in force, in their order. The first that strikes a call decides; the others have only considered it.

    Callers hold the double's lock.

    Args:
        seed: what draws are made from.
        effects: what faults may do; not everything where a cassette decides, and nothing to a recording.

    Attributes:
        calls: the journal, which the accounts are read from.
        injections: the rules that were ever in force, with their accounts.
    """

    def __init__(self, seed: str, effects: tuple[type[Effect], ...] = EFFECTS) -> None:
        self._seed = seed
        self._effects = effects
        self.calls: Sequence[Call] = ()
        self.injections: list[Injection] = []
        self._lanes: dict[str, Lane] = {}
        self._veils: dict[tuple[str, str], _Veil] = {}

    def __bool__(self) -> bool:
        """Whether a call can be struck at all."""
        return bool(self._lanes or self._veils)

    def add(self, rule: Rule) -> Injection:
        """Put a rule in force, after those that are.

        Raises:
            UsageError: its fault cannot be done here.
        """
        if not isinstance(rule.fault.effect, self._effects):
            able = "faults of answers and connections, such as unavailable() and reset()" if self._effects else "none"
            raise UsageError(
                f"{rule.fault} works on the fake alone. What works here: {able}. If the test is about this fault, pin "
                'it to the fake: @pytest.mark.ycimages(mode="fake").'
            )
        injection = Injection(rule, self.calls)
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
            if _is_too_new(rule.fault.effect, request):
                injection.pass_by(request, Reason.NEW)
                continue
            occasion = self._occasion(injection, request, attempt, now, at)
            if not rule.when(occasion):
                injection.pass_by(request, Reason.WHEN, occasion.number, at)
            elif struck is not None:
                injection.pass_by(request, Reason.FIRST, note=str(struck.injection.rule))
            else:
                struck = Strike(injection, _late(injection, at))
                injection.strikes.append(Struck(at, request.method, request.line, attempt))
        return struck

    def _occasion(self, injection: Injection, request: Request, attempt: int, now: int, at: float) -> Occasion:
        """What a schedule may know of a call that the rule is about; the call counts."""
        times = injection.times
        injection.considered += 1
        times.append(now)
        return Occasion(
            number=_number(injection, request, attempt),
            at=at,
            draw=lambda: fraction(self._seed, injection.key, request.method, request.identity, attempt),
            within=lambda seconds: len(times) - bisect_right(times, now - nanoseconds(seconds)),
        )

    # What is there and is not found.

    def veil(self, effect: Hidden, id_: str, now: int, fault: str) -> None:
        """Hide what a call has made `now`, which `fault` struck."""
        start = now + round(effect.after * SECOND)
        end = start + effect.seconds * SECOND if math.isfinite(effect.seconds) else math.inf
        self._veils[effect.what, id_] = _Veil(effect.reads, start, end, fault)

    def veiled(self, what: str, id_: str, now: int) -> str:
        """The fault that lets a look `now` find nothing; empty when it finds what is there. A look counts."""
        veil = self._veils.get((what, id_))
        if veil is None or not veil.start <= now < veil.end:
            return ""
        if veil.reads is not None:
            if veil.reads == 0:
                return ""
            self._veils[what, id_] = veil._replace(reads=veil.reads - 1)
        return veil.fault


def _is_too_new(effect: Effect, request: Request) -> bool:
    """Whether the fault strikes connections that were kept alive, and this one has not been."""
    return isinstance(effect, Damaged) and effect.only_reused and request.served == 0


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
