"""Decides which fault strikes a call: a pure function of the seed, the rule, the method, the attempt and the counts."""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

from pytest_ycimages.api.message import SECOND
from pytest_ycimages.cloud.ids import fraction
from pytest_ycimages.faults.fault import Damaged, Hidden, Late
from pytest_ycimages.faults.injection import Injection, Struck
from pytest_ycimages.faults.when import Occasion

if TYPE_CHECKING:
    from collections.abc import Hashable

    from pytest_ycimages.api.exchange import Request
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
        injections: the rules that were ever in force, with their accounts.
    """

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self.injections: list[Injection] = []
        self._active: dict[str, list[Injection]] = {}
        self._veils: dict[tuple[str, str], _Veil] = {}

    def __bool__(self) -> bool:
        """Whether a call can be struck at all."""
        return bool(self._active or self._veils)

    def add(self, rule: Rule) -> Injection:
        """Put a rule in force, after those that are."""
        text = str(rule)
        same = sum(str(injection.rule) == text for injection in self.injections)
        injection = Injection(rule, f"{text} #{same}")
        self.injections.append(injection)
        for method in injection.methods:
            self._active.setdefault(method, []).append(injection)
        return injection

    def decide(self, request: Request, attempt: int, now: int, began_at: int) -> Strike | None:
        """What strikes a call that comes `now`, in nanoseconds since the epoch."""
        struck: Strike | None = None
        at = (now - began_at) / SECOND
        for injection in self._active.get(request.method, ()):
            if injection.is_removed:
                continue
            why = injection.rule.matches(request)
            if why:
                injection.pass_by(request, why)
                continue
            late = self._late(injection, at)
            why = self._passes(injection, request, attempt, at, struck)
            if why:
                injection.pass_by(request, why)
                continue
            injection.strikes.append(Struck(at, request.method, request.line, attempt))
            struck = Strike(injection, late)
        return struck

    def _passes(self, injection: Injection, request: Request, attempt: int, at: float, struck: Strike | None) -> str:
        """Why the fault does not strike a call that the rule is about; empty when it does."""
        injection.considered += 1
        injection.times.append(at)
        number = self._number(injection, request, attempt)
        effect = injection.rule.fault.effect
        occasion = Occasion(
            number=number,
            at=at,
            draw=lambda: fraction(self._seed, injection.key, request.method, request.identity, attempt),
            within=lambda seconds: len(injection.times) - bisect_left(injection.times, at - seconds),
        )
        if not injection.rule.when(occasion):
            return f"when={injection.rule.when} says no to call {number}, at +{at:.3f}s"
        if struck is not None:
            return f"{struck.injection.rule} struck first"
        if isinstance(effect, Damaged) and effect.only_reused and request.served == 0:
            return "its connection was new"
        return ""

    @staticmethod
    def _number(injection: Injection, request: Request, attempt: int) -> int:
        """Which call this is for the rule, counted from 1."""
        per = injection.rule.per
        if per == "call":
            return attempt
        counted: Hashable = request.connection if per == "connection" else None
        injection.counts[counted] += 1
        return injection.counts[counted]

    @staticmethod
    def _late(injection: Injection, at: float) -> float:
        effect = injection.rule.fault.effect
        if not isinstance(effect, Late) or effect.most is None:
            return effect.seconds if isinstance(effect, Late) else 0
        began = injection.strikes[0].at if injection.strikes else at
        return effect.seconds + (effect.most - effect.seconds) * min(1, (at - began) / effect.over)

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
