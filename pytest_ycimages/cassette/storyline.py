"""A cassette as a story to go through again: its interactions in order, with their methods, moments and states."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pytest_ycimages.api.methods import UNROUTED
from pytest_ycimages.cassette.asked import asked_by
from pytest_ycimages.cassette.told import told_by

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from pytest_ycimages.cassette.asked import Asked
    from pytest_ycimages.cassette.interaction import Interaction, Tape
    from pytest_ycimages.cassette.told import Told

    Wire = dict[str, Any]

_IMAGES: Final = "/compute/v1/images"
_EXACT: Final = {
    ("POST", _IMAGES): "images.create",
    ("GET", _IMAGES): "images.list",
    ("GET", f"{_IMAGES}:latestByFamily"): "images.latestByFamily",
    ("POST", "/iam/v1/tokens"): "tokens.create",
    ("GET", "/endpoints"): "endpoints.list",
}
_OF_AN_IMAGE: Final = {
    ("GET", ""): "images.get",
    ("PATCH", ""): "images.update",
    ("DELETE", ""): "images.delete",
    ("GET", "/operations"): "images.listOperations",
    ("GET", ":listAccessBindings"): "images.listAccessBindings",
    ("POST", ":setAccessBindings"): "images.setAccessBindings",
    ("POST", ":updateAccessBindings"): "images.updateAccessBindings",
}
_ON_THE_WAY: Final = frozenset({"CREATING", "DELETING"})


class Step(NamedTuple):
    """An interaction, read.

    Attributes:
        number: its place in the cassette, counted from 1.
        interaction: as it was recorded.
        asked: what was asked.
        told: what that was answered.
        method: the word for the method, such as `images.create`; `unrouted` for a path that no method has.
        at: when it came: seconds since the first, never fewer than those of the step before.
        busy: the images on which an operation ran that is shown running later still.
    """

    number: int
    interaction: Interaction
    asked: Asked
    told: Told
    method: str
    at: float
    busy: frozenset[str] = frozenset()

    @property
    def is_read(self) -> bool:
        """Whether it changes nothing."""
        return not self.asked.changes

    @property
    def state(self) -> State | None:
        """What it was shown of things that go on by themselves."""
        return state_of(self.interaction.response.status, self.told.body)


class State(NamedTuple):
    """What an answer shows of operations and images, apart from which these are.

    Attributes:
        shape: equal for answers that show the same.
        is_on_the_way: whether something of it goes on by itself.
    """

    shape: Hashable
    is_on_the_way: bool


def steps_of(tape: Tape) -> tuple[Step, ...]:
    """The steps of a cassette, in order. Where it does not say when, each comes a second after the one before."""
    steps = tuple(_steps(tape))
    spans = tuple(_running_spans(steps))
    return tuple(
        step._replace(busy=frozenset(image_id for image_id, first, last in spans if first < step.number < last))
        for step in steps
    )


def _running_spans(steps: tuple[Step, ...]) -> Iterator[tuple[str, int, int]]:
    """For each operation its image, and the numbers of the first and the last step that show it running."""
    spans: dict[str, tuple[str, int, int]] = {}
    for step in steps:
        for operation in operations_in(step.told.body):
            about = operation.get("metadata")
            if operation.get("done") is not True and isinstance(about, dict):
                _, first, _ = spans.get(operation["id"], ("", step.number, 0))
                spans[operation["id"]] = str(about.get("imageId")), first, step.number
    yield from spans.values()


def _steps(tape: Tape) -> Iterator[Step]:
    at = first = next((each.at for each in tape.interactions if each.at is not None), 0.0)
    for number, interaction in enumerate(tape.interactions, 1):
        at = at + (number > 1) if interaction.at is None else max(at, interaction.at)
        asked = asked_by(interaction.request)
        yield Step(number, interaction, asked, told_by(interaction.response), method_of(asked), at - first)


def method_of(asked: Asked) -> str:
    """The word for the method that serves a request."""
    verb, path = asked.method, asked.path
    if (verb, path) in _EXACT:
        return _EXACT[verb, path]
    if path.startswith(f"{_IMAGES}/"):
        rest = path.removeprefix(f"{_IMAGES}/")
        id_, mark, action = rest.partition("/") if "/" in rest else rest.partition(":")
        return _OF_AN_IMAGE.get((verb, f"{mark}{action}"), UNROUTED) if id_ else UNROUTED
    if asked.operation_id:
        return _of_an_operation(verb, path)
    endpoint = path.removeprefix("/endpoints/")
    return "endpoints.get" if verb == "GET" and endpoint not in {path, ""} and "/" not in endpoint else UNROUTED


def _of_an_operation(verb: str, path: str) -> str:
    if path.endswith(":cancel"):
        return "operations.cancel" if verb in {"GET", "POST"} else UNROUTED
    return "operations.get" if verb == "GET" else UNROUTED


def operations_in(body: Any) -> list[Wire]:
    """The operations that an answer shows."""
    if not isinstance(body, dict):
        return []
    return [body] if is_operation(body) else _listed(body, "operations")


def images_in(body: Any) -> list[Wire]:
    """The images that an answer shows as they are now, and not as an operation left them."""
    if not isinstance(body, dict):
        return []
    return [body] if is_image(body) else _listed(body, "images")


def is_operation(body: Wire) -> bool:
    """Whether a body is an operation, or would be one if a field that should be there were."""
    return isinstance(body.get("id"), str) and ("createdBy" in body or isinstance(body.get("done"), bool))


def is_image(body: Wire) -> bool:
    """Whether a body is an image, likewise."""
    return isinstance(body.get("id"), str) and "folderId" in body and not is_operation(body)


def _listed(body: Wire, name: str) -> list[Wire]:
    listed = body.get(name)
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []


def state_of(status: int, body: Any) -> State | None:
    """What an answer shows of things that go on by themselves; None if that is nothing."""
    if status == HTTPStatus.NOT_FOUND:
        return State("not found", is_on_the_way=False)
    operations, images = operations_in(body), images_in(body)
    if not operations and not images:
        return None
    done = sorted((each.get("done") is True, "error" in each) for each in operations)
    statuses = sorted(str(each.get("status")) for each in images)
    on_the_way = any(not ended for ended, _ in done) or not _ON_THE_WAY.isdisjoint(statuses)
    return State((tuple(done), tuple(statuses)), on_the_way)
