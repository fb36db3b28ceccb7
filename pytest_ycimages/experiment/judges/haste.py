"""Finds calls that follow each other too fast: bursts of failing tries, refused connections, and no pause at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_ycimages.api.status import Code
from pytest_ycimages.call import between
from pytest_ycimages.experiment.reading import Reading
from pytest_ycimages.faults.catalogue import Refuse
from pytest_ycimages.faults.fault import Damaged

if TYPE_CHECKING:
    from pytest_ycimages.experiment.trial import Trial


BURST: Final = 10
"""How many failing tries of one call a client may make within the window, unless a judge says otherwise."""
WINDOW: Final = 1.0
"""That window, in seconds."""


def burst_of(trial: Trial, most: int = BURST) -> tuple[int, ...]:
    """The first tries of one call, one after the other, that failed and came too close together; none: empty."""
    read = Reading(trial)
    series: dict[int, list[int]] = {}
    for place, call in enumerate(trial.calls):
        if call.status is Code.OK and not read.is_lost(place):
            series.pop(call.series, None)
            continue
        tries = series.setdefault(call.series, [])
        tries.append(place)
        recent = tries[-most - 1 :]
        if len(recent) > most and between(trial.calls[recent[0]].came_at, call.came_at) <= WINDOW:
            return tuple(recent)
    return ()


def is_hammering(trial: Trial) -> bool:
    """Whether the client used up its calls with connections that it was refused, more in a second than a burst has."""
    if trial.outcome.limit != "calls" or trial.refused <= len(trial.calls):
        return False
    took = between(_first_refusal(trial), trial.seconds)
    return trial.refused > BURST * max(took / WINDOW, 1)


def _first_refusal(trial: Trial) -> float:
    for place, planned in sorted(Reading(trial).strikes.items()):
        effect = planned.fault.effect
        if isinstance(effect, Damaged) and isinstance(effect.damage, Refuse):
            return trial.calls[place].came_at
    return 0.0


def is_restless(trial: Trial) -> bool:
    """Whether the client used up its calls and let no time pass between them: the later half of them, as it went on."""
    if trial.outcome.limit != "calls":
        return False
    later = trial.calls[len(trial.calls) // 2 :]
    nexts = [*(call.came_at for call in later[1:]), trial.seconds]
    return all(between(call.answered_at, until) <= 0 for call, until in zip(later, nexts, strict=True))
