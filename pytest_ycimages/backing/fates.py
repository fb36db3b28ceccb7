"""How the operations of a cassette went, as a fake can be told that its own shall go. Pure functions.

An operation was seen at some moments only. Between the last that showed it running and the first that showed its end it
may have ended at any; it ends at the one that its own times tell, if that lies between them.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pytest_ycimages.api.code import Code
from pytest_ycimages.cassette.storyline import images_in, operations_in
from pytest_ycimages.cloud.timing import After, AfterPolls, Immediate, Never

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_ycimages.cassette.storyline import Step
    from pytest_ycimages.cloud.plan import CancelWord
    from pytest_ycimages.cloud.timing import Timing

    Wire = dict[str, Any]

STARTING: Final = frozenset({"images.create", "images.update", "images.delete"})
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


class _Sight(NamedTuple):
    """How an operation was seen, and when."""

    at: float
    number: int
    phase: str
    modified_at: str = ""


class _Track:
    """All that was seen of an operation."""

    def __init__(self, step: Step, operation: Wire) -> None:
        self.begun = step
        self.shown = operation
        self.sights: list[_Sight] = []
        self.polls: list[int] = []
        self.cancels: list[Step] = []
        about = operation.get("metadata")
        self.image_id = about.get("imageId") if isinstance(about, dict) else None

    def see(self, step: Step, phase: str, modified_at: str = "") -> None:
        self.sights.append(_Sight(step.at, step.number, phase, modified_at))

    def first(self, *phases: str) -> _Sight | None:
        return next((sight for sight in self.sights if sight.phase in phases), None)

    def latest_before(self, end: _Sight, *phases: str) -> float:
        """When it was last seen in one of these phases before `end`, in seconds since the first step."""
        seen = (sight.at for sight in self.sights if sight.number < end.number and sight.phase in phases)
        return max(seen, default=self.begun.at)


def fates_of(steps: Iterable[Step]) -> dict[int, Fate]:
    """The fate of each operation, by the number of the step that started it."""
    tracks: dict[str, _Track] = {}
    for step in steps:
        _look(step, tracks)
    fates = {track.begun.number: _fate(track) for track in tracks.values()}
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


def _look(step: Step, tracks: dict[str, _Track]) -> None:
    """Take in what a step shows of operations."""
    shown = operations_in(step.told.body) if step.told.worked else []
    if step.method in STARTING and step.told.worked:
        _implied(step, tracks)
    for operation in shown:
        if step.method in STARTING and operation["id"] not in tracks:
            tracks[operation["id"]] = _Track(step, operation)
        track = tracks.get(operation["id"])
        if track is not None:
            track.shown = operation
            track.see(step, _phase(operation), str(operation.get("modifiedAt", "")))
            if step.method in {"operations.get", "images.listOperations"}:
                track.polls.append(step.number)
    for track in tracks.values():
        if step.method == "operations.cancel" and step.asked.operation_id == track.shown["id"]:
            track.cancels.append(step)
    _look_at_images(step, tracks)


def _phase(operation: Wire) -> str:
    if operation.get("done") is True:
        return "failed" if "error" in operation else "succeeded"
    return "failing" if "error" in operation else "running"


def _look_at_images(step: Step, tracks: dict[str, _Track]) -> None:
    images = {image["id"]: image for image in images_in(step.told.body)}
    gone = step.asked.image_id if step.method == "images.get" and step.interaction.response.status == 404 else ""  # noqa: PLR2004 - a status
    for track in tracks.values():
        image_id = str(track.image_id)
        is_gone = image_id == gone or _is_left_out(step, track)
        status = "GONE" if is_gone else str(images.get(image_id, {}).get("status", ""))
        if status and step.number != track.begun.number:
            track.polls.append(step.number)
            phase = _OF_IMAGE.get((track.begun.method, status)) or _updated(track, images.get(image_id))
            if phase and not (status == "GONE" and track.first("succeeded")):
                track.see(step, phase)


def _is_left_out(step: Step, track: _Track) -> bool:
    """Whether a list that holds all images of a folder does not hold this one."""
    query = dict(step.asked.query)
    if step.method != "images.list" or not step.told.worked or query.keys() & {"filter", "pageToken"}:
        return False
    asked = track.begun.asked.body
    is_there = isinstance(asked, dict) and asked.get("folderId") == query.get("folderId")
    ids = {image.get("id") for image in images_in(step.told.body)}
    return is_there and "nextPageToken" not in step.told.body and track.image_id not in ids


def _updated(track: _Track, image: Wire | None) -> str:
    """What an image tells of the operation that updates it: whether it is as was asked."""
    asked = track.begun.asked.body
    if track.begun.method != "images.update" or image is None or not isinstance(asked, dict):
        return ""
    fields = {name: value for name, value in asked.items() if name in {"name", "description", "labels", "minDiskSize"}}
    is_so = all(str(image.get(name) or "") == str(value or "") for name, value in fields.items())
    return "succeeded" if is_so and fields else "unfinished"


_OF_IMAGE: Final = {
    ("images.create", "CREATING"): "unfinished",
    ("images.create", "READY"): "succeeded",
    ("images.create", "DELETING"): "succeeded",
    ("images.create", "GONE"): "failed",
    ("images.delete", "DELETING"): "running",
    ("images.delete", "GONE"): "succeeded",
}
"""What the status of an image tells of the operation that creates or deletes it."""


def _implied(step: Step, tracks: dict[str, _Track]) -> None:
    """What is changed, or made something of, has been created by then."""
    source = step.asked.body.get("imageId") if isinstance(step.asked.body, dict) else None
    for track in tracks.values():
        if track.image_id in {step.asked.image_id, source} and track.begun.method == "images.create":
            track.see(step, "succeeded")


def _fate(track: _Track) -> Fate:
    method, begun = track.begun.method, track.begun
    end = track.first("failing", "failed", "succeeded")
    fate = Fate(method, track.shown, Never())
    if end is None:
        least = max(sight.at for sight in track.sights) - begun.at
        return _with_cancel(track, fate._replace(least=least), None)
    if end.number == begun.number:
        return fate._replace(timing=Immediate(), error=_error(track))
    unfinished = ("running", "unfinished") if end.phase == "succeeded" else ("running",)
    latest = track.latest_before(end, *unfinished)
    polls = len({number for number in track.polls if begun.number < number <= end.number})
    if end.at > latest:
        length = _between(latest - begun.at, _told(track, end), end.at - begun.at)
        fate = fate._replace(timing=After(length))
    else:
        fate = fate._replace(timing=AfterPolls(polls) if polls else Immediate())
    return _with_cancel(track, fate._replace(error=_error(track), rollback=_rollback(track, end)), end)


def _between(least: float, told: float | None, most: float) -> float:
    """What an operation tells of when it ended, if it was seen neither ended before nor running after."""
    return told if told is not None and least < told <= most else most


def _told(track: _Track, end: _Sight) -> float | None:
    """How long the operation took, by its own times."""
    times = (str(track.shown.get("createdAt", "")), end.modified_at)
    try:
        begun, ended = (datetime.fromisoformat(time) for time in times)
    except ValueError:
        return None
    return (ended - begun).total_seconds()


def _error(track: _Track) -> Wire | None:
    error = track.shown.get("error")
    if not isinstance(error, dict) or (track.cancels and error.get("code") == Code.CANCELLED):
        return None
    return error


def _rollback(track: _Track, end: _Sight) -> float:
    """How long undoing took, from the first sight of an error to the first that showed it done."""
    if end.phase != "failing":
        return 0.0
    done = track.first("failed")
    if done is None:
        return _NEVER_UNDONE
    return done.at - end.at


def _with_cancel(track: _Track, fate: Fate, end: _Sight | None) -> Fate:
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
