"""The reader of recorded answers: what each shows of operations and images, and a cassette read call by call."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pydantic.alias_generators import to_camel

from pytest_ycimages.api.methods import UNROUTED, method_at
from pytest_ycimages.cassette.requests import canonical, json_value, key_of, normalize

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator

    from pytest_ycimages.api.message import Wire
    from pytest_ycimages.cassette.model import CassetteData, Interaction, RecordedResponse
    from pytest_ycimages.cassette.requests import NormalizedRequest

_IMAGES: Final = "/compute/v1/images"
_IMAGE_TYPE: Final = "type.googleapis.com/yandex.cloud.compute.v1.Image"
IN_PROGRESS: Final = frozenset({"CREATING", "DELETING", "UPDATING", "PROVISIONING"})
"""The statuses of an image, or of another resource, that end by themselves."""


class AnswerSummary(NamedTuple):
    """The content of an answer.

    Attributes:
        body: a JSON value; bytes if it is not JSON, None if it is empty.
        ok: whether it is not a refusal.
        operation_id: the operation that it shows; empty for none.
        image_id: the image that this operation is about; empty for none.
        done: whether the operation is; None if it shows none.
        in_progress: whether it shows an operation, or a resource, that a client would poll again.
    """

    body: Any
    ok: bool
    operation_id: str = ""
    image_id: str = ""
    done: bool | None = None
    in_progress: bool = False

    def __repr__(self) -> str:
        """Show nothing that may be secret: reports of tests print the variables of frames."""
        return f"<AnswerSummary of {self.operation_id or self.image_id or 'no resource'}>"


class Progress(NamedTuple):
    """The states of the operations and images in an answer, apart from their ids; `shape` is equal for the same.

    `in_progress`: whether one of them will change by itself.
    """

    shape: Hashable
    in_progress: bool


class RecordedCall(NamedTuple):
    """An interaction, read.

    Attributes:
        number: its place in the cassette, counted from 1.
        method: the word for the method, such as `images.create`; `unrouted` for a path that no method has.
        at: when it came: seconds since the first call, never fewer than those of the call before.
        busy: the images with an operation that this call, or an earlier and a later one, show running.
    """

    number: int
    interaction: Interaction
    request: NormalizedRequest
    answer: AnswerSummary
    method: str
    at: float
    busy: frozenset[str] = frozenset()

    @property
    def asked(self) -> Wire:
        """The JSON body of the request by name, in camelCase; empty for another one."""
        body = self.request.body
        return {to_camel(name): value for name, value in body.items()} if isinstance(body, dict) else {}

    @property
    def folder_id(self) -> str:
        """The folder that the request names; empty for none."""
        folder = self.asked.get("folderId") or self.request.parameters.get("folderId")
        return folder if isinstance(folder, str) else ""

    @property
    def is_read(self) -> bool:
        """Whether it changes nothing."""
        return not self.request.changes

    @property
    def progress(self) -> Progress | None:
        """What it shows of resources that change by themselves."""
        return progress_of(self.interaction.response.status, self.answer.body)


def summarize(response: RecordedResponse) -> AnswerSummary:
    """Return what `response` says of operations and images."""
    body = json_value(response.body) if response.body else None
    ok = response.status < HTTPStatus.MULTIPLE_CHOICES
    if not ok or not isinstance(body, dict):
        return AnswerSummary(body, ok)
    if is_operation(body):
        done, image_id = body.get("done") is True, operation_image(body)
        return AnswerSummary(body, ok, body["id"], image_id, done, not done)
    status = body.get("status")
    return AnswerSummary(body, ok, in_progress=isinstance(status, str) and status in IN_PROGRESS)


def is_operation(body: Wire) -> bool:
    """Return whether a JSON object is an operation, also without one of its fields."""
    return isinstance(body.get("id"), str) and ("createdBy" in body or isinstance(body.get("done"), bool))


def is_image(body: Wire) -> bool:
    """Return whether a JSON object is an image, also if one of its fields is missing."""
    return isinstance(body.get("id"), str) and ("folderId" in body or "status" in body) and not is_operation(body)


def operation_image(operation: Wire) -> str:
    """Return the id of the image that an operation is about; empty for none."""
    about = operation.get("metadata")
    image_id = about.get("imageId") if isinstance(about, dict) else None
    return image_id if isinstance(image_id, str) else ""


def operations_in(body: Any) -> list[Wire]:
    """Return the operations in an answer, single or listed."""
    return _resources(body, is_operation, "operations")


def images_in(body: Any) -> list[Wire]:
    """Return the images in an answer, single or listed, but not those inside an operation."""
    return _resources(body, is_image, "images")


def _resources(body: Any, is_one: Callable[[Wire], bool], name: str) -> list[Wire]:
    if not isinstance(body, dict):
        return []
    listed = [body] if is_one(body) else body.get(name)
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []


def progress_of(status: int, body: Any) -> Progress | None:
    """Return the states of the operations and images in an answer; None if it shows none."""
    if status == HTTPStatus.NOT_FOUND:
        return Progress("not found", in_progress=False)
    operations, images = operations_in(body), images_in(body)
    if not operations and not images:
        return None
    done = sorted((each.get("done") is True, "error" in each) for each in operations)
    statuses = sorted(str(each.get("status")) for each in images)
    in_progress = any(not ended for ended, _ in done) or not IN_PROGRESS.isdisjoint(statuses)
    return Progress((tuple(done), tuple(statuses)), in_progress)


class ShownResources:
    """The latest state of each operation and image that a client was shown: all that a replay knows of the cloud.

    Attributes:
        operations: id -> the operation in its JSON form.
        images: id -> the image in its JSON form, unless it was deleted or not found.
        responses: id -> the response that showed the operation last.
    """

    def __init__(self) -> None:
        self.operations: dict[str, Wire] = {}
        self.images: dict[str, Wire] = {}
        self.responses: dict[str, RecordedResponse] = {}
        self._gone: set[str] = set()

    def add(self, request: NormalizedRequest, answer: AnswerSummary, response: RecordedResponse) -> None:
        """Take in what an answer shows."""
        if answer.operation_id:
            self.responses[answer.operation_id] = response
            self._operation(answer.body)
        elif not request.path.startswith(_IMAGES):
            return
        elif not answer.ok:
            if response.status == HTTPStatus.NOT_FOUND:
                self._remove(request.image_id)
        else:
            for image in images_in(answer.body):
                self._image(image)
            for operation in operations_in(answer.body):
                self._operation(operation)

    def _operation(self, operation: Wire) -> None:
        if isinstance(operation.get("id"), str):
            self.operations[operation["id"]] = operation
        if not operation.get("done"):
            return
        made, about = operation.get("response"), operation.get("metadata")
        if isinstance(made, dict) and made.get("@type") == _IMAGE_TYPE:
            if made.get("id") not in self._gone:  # an operation shows its image as it was when it ended
                self._image({name: value for name, value in made.items() if name != "@type"})
        elif isinstance(about, dict) and _ends_image(str(about.get("@type")), operation):
            self._remove(str(about.get("imageId")))

    def _remove(self, image_id: str) -> None:
        self.images.pop(image_id, None)
        self._gone.add(image_id)

    def _image(self, image: Wire) -> None:
        if is_image(image):
            self.images[image["id"]] = image


def _ends_image(what: str, operation: Wire) -> bool:
    """Return whether a done operation leaves no image: a delete that succeeded, a create that failed."""
    return what.endswith(".DeleteImageMetadata" if "response" in operation else ".CreateImageMetadata")


def recorded_calls(cassette: CassetteData) -> tuple[RecordedCall, ...]:
    """Return the calls of a cassette, in order. Where it has no times, each comes a second after the one before."""
    calls = tuple(_calls(cassette))
    spans = tuple(_running_spans(calls))
    return tuple(
        call._replace(busy=frozenset(image_id for image_id, first, last in spans if first < call.number < last))
        for call in calls
    )


def _calls(cassette: CassetteData) -> Iterator[RecordedCall]:
    at = first = next((each.at for each in cassette.interactions if each.at is not None), 0.0)
    for number, interaction in enumerate(cassette.interactions, 1):
        at = at + (number > 1) if interaction.at is None else max(at, interaction.at)
        request = normalize(interaction.request)
        answer = summarize(interaction.response)
        yield RecordedCall(number, interaction, request, answer, method_of(request), at - first)


def _running_spans(calls: tuple[RecordedCall, ...]) -> Iterator[tuple[str, int, int]]:
    """Yield for each operation its image, and the numbers of the first and the last call that show it running."""
    spans: dict[str, tuple[str, int, int]] = {}
    for call in calls:
        for operation in operations_in(call.answer.body):
            image_id = operation_image(operation)
            if operation.get("done") is not True and image_id:
                _, first, _ = spans.get(operation["id"], ("", call.number, 0))
                spans[operation["id"]] = image_id, first, call.number
    yield from spans.values()


def method_of(request: NormalizedRequest) -> str:
    """Return the word for the method that serves a request; `unrouted` for HEAD, whose answer shows nothing."""
    return UNROUTED if request.method == "HEAD" else method_at(request.path, request.method)


# Compaction: of equal answers to one request that only reads, the first is kept.


def visible_state(status: int, answer: AnswerSummary) -> Hashable:
    """Return what an answer shows, equal for answers that show the same.

    While an operation is not done, a moved `modifiedAt` does not count.
    """
    body = answer.body
    if answer.done is False:
        body = {name: value for name, value in body.items() if name != "modifiedAt"}
    return status, canonical(body)


class LatestStates:
    """The latest kept state of each request."""

    def __init__(self) -> None:
        self._states: dict[Hashable, tuple[Hashable, int]] = {}

    def changes(self, key: Hashable, state: Hashable, skipped: int = 0) -> bool:
        """Return whether `state` differs from the latest of this request; `skipped` polls more came between."""
        latest, before = self._states.get(key, (None, 0))
        if state == latest:
            self._states[key] = state, before + skipped + 1
            return False
        self._states[key] = state, 0
        return True

    def skipped(self, key: Hashable) -> int:
        """Return how many equal polls followed the latest state of this request."""
        return self._states[key][1] if key in self._states else 0


class Compactor:
    """Drops polls that show the same as the latest kept of the same request."""

    def __init__(self) -> None:
        self._latest = LatestStates()

    def add(self, interaction: Interaction) -> Interaction | None:
        """Return `interaction` with the number of equal polls dropped before it; None if it is dropped itself."""
        request = normalize(interaction.request)
        if not request.is_poll:
            return interaction
        key = key_of(request).key
        skipped = self._latest.skipped(key)
        state = visible_state(interaction.response.status, summarize(interaction.response))
        if self._latest.changes(key, state, interaction.skipped_polls):
            return interaction._replace(skipped_polls=interaction.skipped_polls + skipped) if skipped else interaction
        return None


def compact(interactions: Iterable[Interaction]) -> tuple[Interaction, ...]:
    """Return the interactions without the polls that show nothing new. Idempotent."""
    compactor = Compactor()
    return tuple(kept for interaction in interactions if (kept := compactor.add(interaction)) is not None)
