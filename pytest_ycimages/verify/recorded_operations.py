"""The operations of a cassette: when each was seen in which phase, and the timing and outcome that follow from it.

An operation was seen at some moments only. It ended between the last call that shows it running and the first that
shows its end: at the time that the operation itself has, if that is between them, else at the later call.
"""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pytest_ycimages.api.status import Code, error_code
from pytest_ycimages.cassette.answers import images_in, operation_image, operations_in
from pytest_ycimages.cloud.timing import After, AfterPolls, Immediate, Never

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_ycimages.cassette.answers import RecordedCall
    from pytest_ycimages.cloud.lifecycle import CancelWord
    from pytest_ycimages.cloud.timing import Timing

    Wire = dict[str, Any]

STARTING: Final = frozenset({"images.create", "images.update", "images.delete"})
"""The methods that start an operation."""

_NEVER_ROLLED_BACK: Final = 1e9
_LONG: Final = 3600.0
_READS_OF_IMAGES: Final = frozenset({"images.get", "images.list", "images.listOperations"})
_UPDATABLE: Final = frozenset({"name", "description", "labels", "minDiskSize"})
_PHASES: Final = {
    ("images.create", "CREATING"): "unfinished",
    ("images.create", "READY"): "succeeded",
    ("images.create", "DELETING"): "succeeded",
    ("images.create", "GONE"): "failed",
    ("images.create", "BUSY"): "unfinished",
    ("images.delete", "BUSY"): "running",
    ("images.delete", "DELETING"): "running",
    ("images.delete", "GONE"): "succeeded",
}
"""The phase of the operation that creates or deletes an image, by the status of the image."""


class SeenPhase(NamedTuple):
    """The phase in which a call shows an operation."""

    at: float
    number: int
    phase: str
    modified_at: str = ""


class OperationHistory:
    """All that a cassette shows of one operation.

    Attributes:
        begun: the call that started it.
        method: the method of that call.
        image_id: the image that it is about; empty for none.
        shown: its latest JSON.
        seen: its phases, in order.
        polls: the numbers of the calls that count as its polls.
        cancels: the calls that cancel it.
    """

    def __init__(self, call: RecordedCall, operation: Wire) -> None:
        self.begun, self.method, self.image_id = call, call.method, operation_image(operation)
        self.shown = operation
        self.seen: list[SeenPhase] = []
        self.polls: list[int] = []
        self.cancels: list[RecordedCall] = []

    def see(self, call: RecordedCall, phase: str, modified_at: str = "") -> None:
        """Add a phase that a call shows."""
        self.seen.append(SeenPhase(call.at, call.number, phase, modified_at))

    def first(self, *phases: str) -> SeenPhase | None:
        """Return when it was first seen in one of these phases, or None if it never was."""
        return next((each for each in self.seen if each.phase in phases), None)

    def latest_before(self, end: SeenPhase, *phases: str) -> float:
        """Return when it was last seen in one of these phases before `end`, in seconds since the first call."""
        seen = (each.at for each in self.seen if each.number < end.number and each.phase in phases)
        return max(seen, default=self.begun.at)

    def duration(self, end: SeenPhase) -> float | None:
        """Return the seconds that it took by its own times, or None if it has none."""
        try:
            begun = datetime.fromisoformat(str(self.shown.get("createdAt")))
            return (datetime.fromisoformat(end.modified_at) - begun).total_seconds()
        except ValueError:
            return None


def histories_of(calls: Iterable[RecordedCall]) -> tuple[OperationHistory, ...]:
    """Return the histories of the operations that the calls of a cassette started."""
    histories: dict[str, OperationHistory] = {}
    for call in calls:
        if call.method in STARTING and call.answer.ok and call.answer.operation_id not in histories:
            _see_implied(call, histories.values())
        for operation in operations_in(call.answer.body) if call.answer.ok else ():
            _see_operation(call, operation, histories)
        history = histories.get(call.request.operation_id)
        if history is not None and call.method == "operations.cancel":
            history.cancels.append(call)
        _see_images(call, histories.values())
    return tuple(histories.values())


def _see_operation(call: RecordedCall, operation: Wire, histories: dict[str, OperationHistory]) -> None:
    if call.method in STARTING and operation["id"] not in histories:
        histories[operation["id"]] = OperationHistory(call, operation)
    history = histories.get(operation["id"])
    if history is None:
        return
    history.shown = operation
    names = ("succeeded", "failed") if operation.get("done") is True else ("running", "failing")
    history.see(call, names["error" in operation], str(operation.get("modifiedAt", "")))
    if call.method in {"operations.get", "images.listOperations"}:
        history.polls.append(call.number)


def _see_images(call: RecordedCall, histories: Iterable[OperationHistory]) -> None:
    """Add the phases that follow from images, from refusals, and from lists without an image."""
    images = {image["id"]: image for image in images_in(call.answer.body)}
    named = _named(call)
    creates = (each for each in histories if each.method == "images.create")
    folders = {each.image_id: str(each.begun.asked.get("folderId")) for each in creates}
    for history in histories:
        if call.number == history.begun.number:
            continue
        image = images.get(history.image_id)
        status = str((image or {}).get("status", "")) or (_refused_status(call) if history.image_id in named else "")
        if _is_missing_in_list(call, history.image_id, folders):
            status = "GONE"
        if status and (call.method in _READS_OF_IMAGES or history.method == "images.delete"):
            history.polls.append(call.number)
        phase = _PHASES.get((history.method, status)) or _updated_phase(history, image)
        if phase and not (status == "GONE" and history.first("succeeded")):
            history.see(call, phase)


def _named(call: RecordedCall) -> set[str]:
    """Return the images that a request names."""
    path = call.request.path.removesuffix("/operations").rpartition("/")[2]
    return {path, str(call.asked.get("imageId"))} if call.method.startswith("images.") else set()


def _refused_status(call: RecordedCall) -> str:
    """Return the status of the image that a refused request names; empty if it does not follow."""
    if not isinstance(call.answer.body, dict):
        return ""
    if call.interaction.response.status == HTTPStatus.NOT_FOUND:
        return "GONE"
    return "BUSY" if error_code(call.answer.body) is Code.FAILED_PRECONDITION else ""


def _is_missing_in_list(call: RecordedCall, image_id: str, folders: dict[str, str]) -> bool:
    """Return whether a list of all images of a folder lacks an image of that folder."""
    query = call.request.parameters
    if call.method != "images.list" or not call.answer.ok or query.get("filter") or query.get("pageToken"):
        return False
    ids = {image.get("id") for image in images_in(call.answer.body)}
    is_there = folders.get(image_id) == query.get("folderId", "")
    return is_there and "nextPageToken" not in call.answer.body and image_id not in ids


def _updated_phase(history: OperationHistory, image: Wire | None) -> str:
    """Return the phase of an update: it has ended if the image is as was asked."""
    if history.method != "images.update" or image is None:
        return ""
    fields = {name: value for name, value in history.begun.asked.items() if name in _UPDATABLE}
    is_as_asked = all(str(image.get(name) or "") == str(value or "") for name, value in fields.items())
    return "succeeded" if is_as_asked and fields else "unfinished"


def _see_implied(call: RecordedCall, histories: Iterable[OperationHistory]) -> None:
    """Add that images which a call changes or copies exist, and that holders of the name that it takes are gone."""
    asked = call.asked
    creates = [each for each in histories if each.method == "images.create"]
    for history in creates:
        if history.image_id and history.image_id in {call.request.image_id, asked.get("imageId")}:
            history.see(call, "succeeded")
    if call.method != "images.create" or not asked.get("name"):
        return
    for history in creates:
        if all(str(history.begun.asked.get(name)) == str(asked.get(name)) for name in ("folderId", "name")):
            _see_name_free(call, history, histories)


def _see_name_free(call: RecordedCall, create: OperationHistory, histories: Iterable[OperationHistory]) -> None:
    others = [other for other in histories if other.image_id == create.image_id and other is not create]
    if any(other.method == "images.update" for other in others):
        return  # the image may have another name since
    deletes = [other for other in others if other.method == "images.delete"]
    if deletes:
        deletes[-1].see(call, "succeeded")
    elif not create.first("succeeded"):
        create.see(call, "failed")


class OperationOutcome(NamedTuple):
    """The timing and the end of a recorded operation.

    Attributes:
        method: the method that started it.
        timing: when it ends by itself.
        error: the error that it fails with, unless it was cancelled; None for none.
        rollback: the seconds that undoing takes.
        cancel: the effect of a cancel; None without one.
        cancel_delay: the seconds until a late cancel takes effect.
        least: the seconds after which it was seen running, if its end was never seen.
    """

    method: str
    timing: Timing
    error: Wire | None = None
    rollback: float = 0.0
    cancel: CancelWord | None = None
    cancel_delay: float | None = None
    least: float | None = None


def outcomes_of(calls: Iterable[RecordedCall]) -> dict[int, OperationOutcome]:
    """Return the outcome of each operation, by the number of the call that started it."""
    outcomes = {history.begun.number: _outcome(history) for history in histories_of(calls)}
    return {number: _with_usual_timing(each, outcomes.values()) for number, each in outcomes.items()}


def _with_usual_timing(outcome: OperationOutcome, others: Iterable[OperationOutcome]) -> OperationOutcome:
    """Return an outcome whose end was never seen with the timing of another operation, if that is long enough."""
    if outcome.least is None:
        return outcome
    timings = sorted(others, key=lambda each: each.method != outcome.method)
    usual = (each.timing for each in timings if isinstance(each.timing, After) and each.timing.seconds > outcome.least)
    return outcome._replace(timing=next(usual, outcome.timing))


def _outcome(history: OperationHistory) -> OperationOutcome:
    begun = history.begun
    end = history.first("failing", "failed", "succeeded")
    outcome = OperationOutcome(history.method, Never())
    if end is None:
        least = max(each.at for each in history.seen) - begun.at
        return _with_cancel(history, outcome._replace(least=least), None)
    outcome = outcome._replace(error=_error(history, end))
    if end.number == begun.number:
        return outcome._replace(timing=Immediate(), rollback=_rollback(history, end, begun.at))
    unfinished = ("running",) if end.phase == "failing" else ("running", "unfinished")
    latest = history.latest_before(end, *unfinished)
    length = end.at - begun.at
    if end.at > latest:
        length = _between(latest - begun.at, history.duration(end), length)
        timing: Timing = After(length)
    else:
        polls = len({number for number in history.polls if begun.number < number <= end.number})
        timing = AfterPolls(polls) if polls else Immediate()
    rollback = _rollback(history, end, begun.at + length)
    return _with_cancel(history, outcome._replace(timing=timing, rollback=rollback), end)


def _between(least: float, shown: float | None, most: float) -> float:
    """Return the duration that an operation shows if it is within the bounds that were seen, else the upper bound."""
    return shown if shown is not None and least < shown <= most else most


def _is_cancelled(history: OperationHistory) -> bool:
    return error_code(history.shown.get("error")) is Code.CANCELLED


def _error(history: OperationHistory, end: SeenPhase) -> Wire | None:
    """Return the error that an operation failed with by itself; it is unknown if only the image shows the failure."""
    error = history.shown.get("error")
    if isinstance(error, dict):
        return None if history.cancels and _is_cancelled(history) else error
    return None if history.cancels or end.phase == "succeeded" else {"code": Code.UNKNOWN.number}


def _rollback(history: OperationHistory, end: SeenPhase, ended_at: float) -> float:
    """Return the seconds from the failure to the first call that shows it rolled back."""
    if end.phase != "failing":
        return 0.0
    done = history.first("failed")
    if done is None:
        return _NEVER_ROLLED_BACK
    latest, shown = history.latest_before(done, "failing", "unfinished"), history.duration(done)
    shown = None if shown is None else shown - (ended_at - history.begun.at)
    return _between(latest - ended_at, shown, done.at - ended_at)


def _with_cancel(history: OperationHistory, outcome: OperationOutcome, end: SeenPhase | None) -> OperationOutcome:
    """Return the outcome with the effect of the first cancel, unless that came after the end."""
    cancel = history.cancels[0] if history.cancels and history.method == "images.create" else None
    if cancel is None or (end is not None and end.number < cancel.number):
        return outcome
    if cancel.interaction.response.status >= HTTPStatus.BAD_REQUEST:
        return outcome._replace(cancel="refused")
    if end is not None and _is_cancelled(history):
        if end.number == cancel.number:
            return outcome._replace(cancel="wins", timing=Never())
        return outcome._replace(cancel="late", timing=Never(), cancel_delay=max(0.0, end.at - cancel.at))
    if end is not None and end.number == cancel.number and isinstance(outcome.timing, Immediate):
        return outcome._replace(cancel="too_late", timing=After(_LONG))
    return outcome._replace(cancel="loses")
