"""What a recorded answer shows, thing by thing, and what had been shown before it: all that a judge may know."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pytest_ycimages.cassette.answers import images_in, is_operation, operations_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_ycimages.cassette.answers import RecordedCall

    Wire = dict[str, Any]

_REFUSED: Final = 400


class Exhibit(NamedTuple):
    """One thing that a recorded answer shows.

    Attributes:
        kind: `answer` for the whole of it; `operation`, `image`, `error` or `list` for what is in it.
        path: where it is, such as `body.response`.
        value: its JSON; empty for an answer.
        step: what was asked and recorded.
        status: the HTTP status of today.
        now: the JSON body of today; empty for any other.
        past: what had been shown before.
        whole: whether the recording has every header, and the white space of the body.
    """

    kind: str
    path: str
    value: Wire
    step: RecordedCall
    status: int
    now: Wire
    past: Past
    whole: bool

    @property
    def method(self) -> str:
        """The method that was asked."""
        return self.step.method

    @property
    def asked(self) -> Wire:
        """The JSON body of the request; empty for any other."""
        body = self.step.request.body
        return body if isinstance(body, dict) else {}

    @property
    def query(self) -> dict[str, str]:
        """The query of the request."""
        return dict(self.step.request.query)

    @property
    def told(self) -> Wire:
        """The recorded JSON body; empty for any other."""
        return self.step.answer.body if isinstance(self.step.answer.body, dict) else {}

    @property
    def recorded_status(self) -> int:
        """The HTTP status that was recorded."""
        return self.step.interaction.response.status

    @property
    def headers(self) -> dict[str, str]:
        """The recorded headers; empty where nobody wrote them down."""
        return dict(self.step.interaction.response.headers)

    @property
    def was_refused(self) -> bool:
        """Whether the recorded answer is a refusal."""
        return self.recorded_status >= _REFUSED

    @property
    def is_refused(self) -> bool:
        """Whether the answer of today is one."""
        return self.status >= _REFUSED

    @property
    def image_id(self) -> str:
        """The recorded id of the image that the request, or the thing itself, is about; empty for none."""
        about = self.value.get("metadata")
        if self.kind == "operation" and isinstance(about, dict):
            return str(about.get("imageId", ""))
        return str(self.value.get("id", "")) if self.kind == "image" else self.step.request.image_id

    @property
    def violations(self) -> frozenset[str]:
        """The fields of the request that one of the two refusals names, without what is inside of them."""
        return frozenset(_violated(self.told)) | frozenset(_violated(self.now))


class Past:
    """What a recording has shown up to some moment.

    Attributes:
        made_by: id of an image -> the request that created it.
        updated: ids of images that were updated.
        started_by: id of an operation -> the method that started it.
        latest: id of an operation -> how it was shown last.
        keys: idempotency keys that were sent.
    """

    def __init__(self) -> None:
        self.made_by: dict[str, Wire] = {}
        self.updated: set[str] = set()
        self.started_by: dict[str, str] = {}
        self.latest: dict[str, Wire] = {}
        self.keys: set[str] = set()

    def add(self, step: RecordedCall) -> None:
        """Take in what was shown."""
        key = dict(step.interaction.request.headers).get("idempotency-key", "")
        fresh = key not in self.keys
        for operation in operations_in(step.answer.body) if step.answer.ok else ():
            id_ = operation["id"]
            if step.method.startswith("images.") and step.method != "images.listOperations" and fresh:
                self.started_by.setdefault(id_, step.method)
                self._begun(step, operation)
            self.latest[id_] = operation
        self.keys |= {key} - {""}

    def _begun(self, step: RecordedCall, operation: Wire) -> None:
        about = operation.get("metadata")
        image_id = str(about.get("imageId")) if isinstance(about, dict) else ""
        if step.method == "images.create" and isinstance(step.request.body, dict):
            self.made_by.setdefault(image_id, step.request.body)
        elif step.method == "images.update":
            self.updated.add(image_id)

    def running(self, method: str, image_id: str) -> bool:
        """Whether an operation on an image that a method has started was not done when it was shown last."""
        return any(not shown.get("done") for shown in self._operations(method, image_id))

    def began(self, method: str, image_id: str) -> bool:
        """Whether there was such an operation."""
        return any(True for _ in self._operations(method, image_id))

    def failed(self, method: str, image_id: str) -> bool:
        """Whether such an operation had an error when it was shown last."""
        return any("error" in shown for shown in self._operations(method, image_id))

    def _operations(self, method: str, image_id: str) -> Iterator[Wire]:
        for id_, shown in self.latest.items():
            about = shown.get("metadata")
            if self.started_by.get(id_) == method and isinstance(about, dict) and about.get("imageId") == image_id:
                yield shown


def exhibits_of(step: RecordedCall, status: int, answer: Any, past: Past, *, whole: bool) -> tuple[Exhibit, ...]:
    """All that a recorded answer shows, beside today's answer to the same request."""
    now = answer if isinstance(answer, dict) else {}
    found = [("answer", "body", {}), *_things(step)]
    return tuple(Exhibit(kind, path, value, step, status, now, past, whole) for kind, path, value in found)


def _things(step: RecordedCall) -> Iterator[tuple[str, str, Wire]]:
    body = step.answer.body
    if not isinstance(body, dict):
        return
    if not step.answer.ok:
        yield "error", "body", body
        return
    for kind, shown in (("operation", operations_in(body)), ("image", images_in(body))):
        for number, value in enumerate(shown):
            path = "body" if value is body else f"body.{kind}s[{number}]"
            yield kind, path, value
            made = value.get("response") if is_operation(value) else None
            if isinstance(made, dict) and str(made.get("@type")).endswith(".Image"):
                yield "image", f"{path}.response", made
    if step.method in {"images.list", "images.listOperations", "endpoints.list"}:
        yield "list", "body", body


def _violated(body: Wire) -> Iterator[str]:
    details = body.get("details")
    for detail in details if isinstance(details, list) else ():
        for violation in detail.get("fieldViolations", ()) if isinstance(detail, dict) else ():
            head = str(violation.get("field")).partition(".")[0].partition("[")[0]
            first, *rest = head.split("_")
            yield first + "".join(word.title() for word in rest)


def json_text(value: Any) -> str:
    """A JSON value as text, to look for a word in it."""
    return json.dumps(value, ensure_ascii=False)
