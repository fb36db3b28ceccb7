"""How the operations of a cassette went, as a fake can be told that its own shall go. Pure functions.

An operation was seen at some moments only. Between the last that showed it running and the first that showed its end it
may have ended at any; it ends at the one that its own times tell, if that lies between them.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pytest_ycimages.api.code import Code
from pytest_ycimages.cloud.timing import After, AfterPolls, Immediate, Never
from pytest_ycimages.verify.recorded_operations import tracks_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_ycimages.cassette.answers import RecordedCall
    from pytest_ycimages.cloud.plan import CancelWord
    from pytest_ycimages.cloud.timing import Timing
    from pytest_ycimages.verify.recorded_operations import Sight, Track

    Wire = dict[str, Any]

_NEVER_UNDONE: Final = 1e9
_LONG: Final = 3600.0


class Fate(NamedTuple):
    """What becomes of an operation.

    Attributes:
        method: what starts it.
        operation: how it was shown last.
        timing: when it ends by itself.
        error: what it fails with, without having been cancelled; None: it does not.
        rollback: seconds that undoing takes.
        cancel: what a cancel does; None: none came.
        cancel_delay: seconds until a late one takes effect; None: it is not late.
        least: seconds after which it was seen running, if its end was never seen; else None.
    """

    method: str
    operation: Wire
    timing: Timing
    error: Wire | None = None
    rollback: float = 0.0
    cancel: CancelWord | None = None
    cancel_delay: float | None = None
    least: float | None = None


def fates_of(steps: Iterable[RecordedCall]) -> dict[int, Fate]:
    """The fate of each operation, by the number of the step that started it."""
    fates = {track.begun.number: _fate(track) for track in tracks_of(steps)}
    return {number: _as_usual(fate, fates.values()) for number, fate in fates.items()}


def _as_usual(fate: Fate, others: Iterable[Fate]) -> Fate:
    """The fate of an operation whose end nobody saw: it takes as long as others do, if that is no contradiction."""
    if fate.least is None:
        return fate
    usual = [each for each in others if isinstance(each.timing, After)]
    usual.sort(key=lambda each: each.method != fate.method)
    for each in usual:
        if isinstance(each.timing, After) and each.timing.seconds > fate.least:
            return fate._replace(timing=each.timing)
    return fate


def _fate(track: Track) -> Fate:
    method, begun = track.begun.method, track.begun
    end = track.first("failing", "failed", "succeeded")
    fate = Fate(method, track.shown, Never())
    if end is None:
        least = max(sight.at for sight in track.sights) - begun.at
        return _with_cancel(track, fate._replace(least=least), None)
    if end.number == begun.number:
        return fate._replace(timing=Immediate(), error=_error(track, end), rollback=_rollback(track, end, begun.at))
    unfinished = ("running",) if end.phase == "failing" else ("running", "unfinished")
    latest = track.latest_before(end, *unfinished)
    polls = len({number for number in track.polls if begun.number < number <= end.number})
    length = end.at - begun.at
    if end.at > latest:
        length = _between(latest - begun.at, _told(track, end), length)
        fate = fate._replace(timing=After(length))
    else:
        fate = fate._replace(timing=AfterPolls(polls) if polls else Immediate())
    rollback = _rollback(track, end, begun.at + length)
    return _with_cancel(track, fate._replace(error=_error(track, end), rollback=rollback), end)


def _between(least: float, told: float | None, most: float) -> float:
    """What an operation tells of when it ended, if it was seen neither ended before nor running after."""
    return told if told is not None and least < told <= most else most


def _told(track: Track, end: Sight) -> float | None:
    """How long the operation took, by its own times."""
    times = (str(track.shown.get("createdAt", "")), end.modified_at)
    try:
        begun, ended = (datetime.fromisoformat(time) for time in times)
    except ValueError:
        return None
    return (ended - begun).total_seconds()


def _error(track: Track, end: Sight) -> Wire | None:
    """What an operation failed with by itself; where only its image told that it did, nobody knows with what."""
    error = track.shown.get("error")
    if track.cancels and (not isinstance(error, dict) or error.get("code") == Code.CANCELLED):
        return None
    if isinstance(error, dict):
        return error
    return None if end.phase == "succeeded" else {"code": int(Code.UNKNOWN)}


def _rollback(track: Track, end: Sight, ended_at: float) -> float:
    """How long undoing took, from the moment of the failure to the first sight that showed it undone."""
    if end.phase != "failing":
        return 0.0
    done = track.first("failed")
    if done is None:
        return _NEVER_UNDONE
    latest, told = track.latest_before(done, "failing", "unfinished"), _told(track, done)
    told = None if told is None else told - (ended_at - track.begun.at)
    return _between(latest - ended_at, told, done.at - ended_at)


def _with_cancel(track: Track, fate: Fate, end: Sight | None) -> Fate:
    """The fate with what the first cancel that mattered did to it."""
    cancel = track.cancels[0] if track.cancels and fate.method == "images.create" else None
    if cancel is None or (end is not None and end.number < cancel.number):
        return fate
    if cancel.interaction.response.status >= 400:  # noqa: PLR2004 - a refusal
        return fate._replace(cancel="refused")
    error = track.shown.get("error")
    ended_by_it = end is not None and isinstance(error, dict) and error.get("code") == Code.CANCELLED
    if end is None or not ended_by_it:
        just_then = end is not None and end.number == cancel.number and isinstance(fate.timing, Immediate)
        return fate._replace(cancel="too_late", timing=After(_LONG)) if just_then else fate._replace(cancel="loses")
    if end.number == cancel.number:
        return fate._replace(cancel="wins", timing=Never())
    return fate._replace(cancel="late", timing=Never(), cancel_delay=max(0.0, end.at - cancel.at))
