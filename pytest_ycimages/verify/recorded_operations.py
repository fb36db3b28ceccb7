"""At which moments a cassette shows what of its operations: by themselves, by their images, and by refusals."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pytest_ycimages.api.code import Code
from pytest_ycimages.cassette.answers import images_in, operations_in

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_ycimages.cassette.answers import RecordedCall

    Wire = dict[str, Any]

STARTING: Final = frozenset({"images.create", "images.update", "images.delete"})
"""The methods that start an operation."""


class Sight(NamedTuple):
    """How an operation was seen, and when."""

    at: float
    number: int
    phase: str
    modified_at: str = ""


class Track:
    """All that was seen of an operation."""

    def __init__(self, step: RecordedCall, operation: Wire) -> None:
        self.begun = step
        self.shown = operation
        self.sights: list[Sight] = []
        self.polls: list[int] = []
        self.cancels: list[RecordedCall] = []
        about = operation.get("metadata")
        self.image_id = about.get("imageId") if isinstance(about, dict) else None

    def see(self, step: RecordedCall, phase: str, modified_at: str = "") -> None:
        """Write down that a step shows it in a phase."""
        self.sights.append(Sight(step.at, step.number, phase, modified_at))

    def first(self, *phases: str) -> Sight | None:
        """The first sight of it in one of these phases."""
        return next((sight for sight in self.sights if sight.phase in phases), None)

    def latest_before(self, end: Sight, *phases: str) -> float:
        """When it was last seen in one of these phases before `end`, in seconds since the first step."""
        seen = (sight.at for sight in self.sights if sight.number < end.number and sight.phase in phases)
        return max(seen, default=self.begun.at)


def tracks_of(steps: Iterable[RecordedCall]) -> tuple[Track, ...]:
    """What was seen of each operation that the cassette's own requests started."""
    tracks: dict[str, Track] = {}
    for step in steps:
        _look(step, tracks)
    return tuple(tracks.values())


def _look(step: RecordedCall, tracks: dict[str, Track]) -> None:
    """Take in what a step shows of operations."""
    shown = operations_in(step.answer.body) if step.answer.ok else []
    if step.method in STARTING and step.answer.ok and step.answer.operation_id not in tracks:
        _implied(step, tracks)
    for operation in shown:
        if step.method in STARTING and operation["id"] not in tracks:
            tracks[operation["id"]] = Track(step, operation)
        track = tracks.get(operation["id"])
        if track is not None:
            track.shown = operation
            track.see(step, _phase(operation), str(operation.get("modifiedAt", "")))
            if step.method in {"operations.get", "images.listOperations"}:
                track.polls.append(step.number)
    for track in tracks.values():
        if step.method == "operations.cancel" and step.request.operation_id == track.shown["id"]:
            track.cancels.append(step)
    _look_at_images(step, tracks)


def _phase(operation: Wire) -> str:
    if operation.get("done") is True:
        return "failed" if "error" in operation else "succeeded"
    return "failing" if "error" in operation else "running"


def _look_at_images(step: RecordedCall, tracks: dict[str, Track]) -> None:
    images = {image["id"]: image for image in images_in(step.answer.body)}
    named, folders = _named(step), _folders(tracks)
    for track in tracks.values():
        image_id, starts = str(track.image_id), track.begun.method
        if step.number == track.begun.number:
            continue
        status = str(images.get(image_id, {}).get("status", "")) or _told_by_refusal(step, image_id in named)
        status = "GONE" if _is_left_out(step, track, folders) else status
        if status and (step.method in _LOOKING or starts == "images.delete"):
            track.polls.append(step.number)
        phase = _OF_IMAGE.get((starts, status)) or _updated(track, images.get(image_id))
        if phase and not (status == "GONE" and track.first("succeeded")):
            track.see(step, phase)


def _folders(tracks: dict[str, Track]) -> dict[str, str]:
    """The folder of each image that was created."""
    created = (track for track in tracks.values() if track.begun.method == "images.create")
    asked = ((str(track.image_id), track.begun.request.body) for track in created)
    return {image_id: str(body.get("folderId")) for image_id, body in asked if isinstance(body, dict)}


def _named(step: RecordedCall) -> set[str]:
    """The images that a request names."""
    asked = step.request.body if isinstance(step.request.body, dict) else {}
    path = step.request.path.removesuffix("/operations").rpartition("/")[2]
    return {path, str(asked.get("imageId"))} if step.method.startswith("images.") else set()


def _told_by_refusal(step: RecordedCall, is_named: bool) -> str:  # noqa: FBT001 - of one image
    """What a refusal tells of the image that its request named."""
    status = step.interaction.response.status
    if not is_named or not isinstance(step.answer.body, dict):
        return ""
    if status == HTTPStatus.NOT_FOUND:
        return "GONE"
    return "BUSY" if step.answer.body.get("code") == Code.FAILED_PRECONDITION else ""


def _is_left_out(step: RecordedCall, track: Track, folders: dict[str, str]) -> bool:
    """Whether a list that holds all images of a folder does not hold this one."""
    query = dict(step.request.query)
    if step.method != "images.list" or not step.answer.ok or query.get("filter") or query.get("pageToken"):
        return False
    is_there = folders.get(str(track.image_id)) == query.get("folderId", "")
    ids = {image.get("id") for image in images_in(step.answer.body)}
    return is_there and "nextPageToken" not in step.answer.body and track.image_id not in ids


def _updated(track: Track, image: Wire | None) -> str:
    """What an image tells of the operation that updates it: whether it is as was asked."""
    asked = track.begun.request.body
    if track.begun.method != "images.update" or image is None or not isinstance(asked, dict):
        return ""
    fields = {name: value for name, value in asked.items() if name in {"name", "description", "labels", "minDiskSize"}}
    is_so = all(str(image.get(name) or "") == str(value or "") for name, value in fields.items())
    return "succeeded" if is_so and fields else "unfinished"


_LOOKING: Final = frozenset({"images.get", "images.list", "images.listOperations"})
_OF_IMAGE: Final = {
    ("images.create", "CREATING"): "unfinished",
    ("images.create", "READY"): "succeeded",
    ("images.create", "DELETING"): "succeeded",
    ("images.create", "GONE"): "failed",
    ("images.create", "BUSY"): "unfinished",
    ("images.delete", "BUSY"): "running",
    ("images.delete", "DELETING"): "running",
    ("images.delete", "GONE"): "succeeded",
}
"""What the status of an image tells of the operation that creates or deletes it."""


def _implied(step: RecordedCall, tracks: dict[str, Track]) -> None:
    """What is changed, or made something of, has been created by then."""
    source = step.request.body.get("imageId") if isinstance(step.request.body, dict) else None
    for track in tracks.values():
        if track.image_id in {step.request.image_id, source} and track.begun.method == "images.create":
            track.see(step, "succeeded")
    if step.method == "images.create" and isinstance(step.request.body, dict):
        _name_was_free(step, _holder_of(step.request.body), tracks)


def _holder_of(asked: Wire) -> tuple[str, str]:
    return str(asked.get("folderId")), str(asked.get("name") or "")


def _name_was_free(step: RecordedCall, holder: tuple[str, str], tracks: dict[str, Track]) -> None:
    """Whoever had the name that an image is created with is gone: deleted, or never came to be."""
    for track in tracks.values() if holder[1] else ():
        asked = track.begun.request.body
        if track.begun.method != "images.create" or not isinstance(asked, dict) or _holder_of(asked) != holder:
            continue
        others = [other for other in tracks.values() if other.image_id == track.image_id and other is not track]
        if any(other.begun.method == "images.update" for other in others):
            continue  # and may have another name since
        deletes = [other for other in others if other.begun.method == "images.delete"]
        if deletes:
            deletes[-1].see(step, "succeeded")
        elif not track.first("succeeded"):
            track.see(step, "failed")
