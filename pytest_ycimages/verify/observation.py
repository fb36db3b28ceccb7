"""Observations in recorded answers, and the facts and conditions about them that `fidelity/behaviours.toml` names."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from pytest_ycimages.api.methods import UNROUTED
from pytest_ycimages.api.status import Code, error_code
from pytest_ycimages.cassette.answers import images_in, is_operation, operation_image, operations_in
from pytest_ycimages.verify.diff import HEADERS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from pytest_ycimages.cassette.answers import RecordedCall

    Wire = dict[str, Any]

_REFUSED: Final = 400
_BAD_REQUEST: Final = 400
_LARGEST_PAGE: Final = 1000
_LISTS: Final = frozenset({"images.list", "images.listOperations", "endpoints.list"})
_SOURCES: Final = frozenset({"imageId", "diskId", "snapshotId", "uri"})
_UPDATABLE: Final = frozenset({"name", "description", "labels", "minDiskSize", "min_disk_size"})
_STARTING: Final = {"images.create": "Create", "images.update": "Update", "images.delete": "Delete"}
_STORAGE: Final = re.compile(r"https?://storage\.yandexcloud\.net/")


class History:
    """The operations and keys of the calls before an observation.

    Attributes:
        made_by: id of an image -> the request that created it.
        updated: ids of images that were updated.
        latest: id of an operation -> its latest state.
        keys: the idempotency keys that were sent.
    """

    def __init__(self) -> None:
        self.made_by: dict[str, Wire] = {}
        self.updated: set[str] = set()
        self.latest: dict[str, Wire] = {}
        self.keys: set[str] = set()
        self._started_by: dict[str, str] = {}

    def add(self, call: RecordedCall) -> None:
        """Add the operations and the key of a call."""
        key = dict(call.interaction.request.headers).get("idempotency-key", "")
        starts = call.method in _STARTING and key not in self.keys
        for operation in operations_in(call.answer.body) if call.answer.ok else ():
            self.latest[operation["id"]] = operation
            if starts:
                self._started_by.setdefault(operation["id"], call.method)
            if starts and call.method == "images.create":
                self.made_by.setdefault(operation_image(operation), call.asked)
            elif starts and call.method == "images.update":
                self.updated.add(operation_image(operation))
        self.keys |= {key} - {""}

    def operations(self, image_id: str) -> list[tuple[str, Wire]]:
        """Return the operations on an image, each with the method that started it and its latest state."""
        return [
            (self._started_by.get(id_, ""), shown)
            for id_, shown in self.latest.items()
            if image_id and operation_image(shown) == image_id
        ]


class Observation:
    """One resource, list or error in a recorded answer, or the whole of it, beside today's answer.

    Args:
        call: the recorded call.
        status: today's HTTP status.
        today: today's JSON body.
        history: the calls before.
        whole: whether the recording has every header and the white space of the body.
        kind: `answer`, `operation`, `image`, `error` or `list`.
        path: where it is in the answer, such as `body.response`.
        value: its JSON; empty for a whole answer.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - both answers, and the place in them
        self,
        call: RecordedCall,
        status: int,
        today: object,
        history: History,
        whole: bool,  # noqa: FBT001 - given by place
        kind: str,
        path: str,
        value: Wire,
    ) -> None:
        request, response, body = call.interaction.request, call.interaction.response, call.answer.body
        self.kind, self.path, self.value, self.history, self.whole = kind, path, value, history, whole
        self.method, self.asked, self.query = call.method, call.asked, call.request.parameters
        self.sent, self.answer, self.body = call.request.body, body, _object(body)
        self.today, self.is_refused = _object(today), status >= _REFUSED
        self.status, self.was_refused = response.status, response.status >= _REFUSED
        self.headers, self.request_headers = dict(response.headers), dict(request.headers)
        self.text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(self.body.get("message", ""))
        self.is_repeated = self.request_headers.get("idempotency-key", "") in history.keys
        if kind == "operation" and isinstance(value.get("metadata"), dict):
            self.image_id = operation_image(value)
        else:
            self.image_id = str(value.get("id", "")) if kind == "image" else call.request.image_id
        self.made_by = history.made_by.get(self.image_id, {})
        self.error = _object(value.get("error"))
        self.is_done = value.get("done") is True


def _object(value: object) -> Wire:
    return value if isinstance(value, dict) else {}


def places(call: RecordedCall) -> Iterator[tuple[str, str, Wire]]:
    """Return the kind, the path and the JSON of each observation of an answer."""
    body = call.answer.body
    yield "answer", "body", {}
    if not isinstance(body, dict):
        return
    if not call.answer.ok:
        yield "error", "body", body
        return
    for kind, shown in (("operation", operations_in(body)), ("image", images_in(body))):
        for number, value in enumerate(shown):
            path = "body" if value is body else f"body.{kind}s[{number}]"
            yield kind, path, value
            made = _object(value.get("response")) if is_operation(value) else {}
            if str(made.get("@type")).endswith(".Image"):
                yield "image", f"{path}.response", made
    if call.method in _LISTS:
        yield "list", "body", body


# Facts: a number that a row gives, a text that contains one of a row's words, or words of which a row gives one.


def _filled(value: Mapping[str, object]) -> Collection[str]:
    return [name for name, each in value.items() if each]


def _violated(body: Wire) -> Iterator[str]:
    """Return the fields of the request that a refusal names, in camelCase."""
    details = body.get("details")
    for detail in details if isinstance(details, list) else ():
        for violation in _object(detail).get("fieldViolations", ()):
            first, *rest = re.split(r"[.\[]", str(violation.get("field")))[0].split("_")
            yield first + "".join(word.title() for word in rest)


def _started_by(seen: Observation) -> Collection[str]:
    """Return the methods that may have started the operation, by the call and by the metadata."""
    kind = str(_object(seen.value.get("metadata")).get("@type", ""))
    return {seen.method, *(method for method, name in _STARTING.items() if kind.endswith(f"{name}ImageMetadata"))}


def _running(operations: Iterable[tuple[str, Wire]]) -> Collection[str]:
    return {method for method, shown in operations if not shown.get("done")}


FACTS: Final[dict[str, Callable[[Observation], int | str | Collection[str] | None]]] = {
    "method": lambda seen: [seen.method],
    "status": lambda seen: seen.status,
    "code": lambda seen: seen.body.get("code"),
    "text": lambda seen: seen.text,
    "detail": lambda seen: json.dumps(seen.body.get("details", ()), ensure_ascii=False),
    "violates": lambda seen: [*_violated(seen.body), *_violated(seen.today)],
    "header": lambda seen: [*seen.headers, *(HEADERS if seen.whole and seen.headers else ())],
    "asked": lambda seen: _filled(seen.asked),
    "query": lambda seen: _filled(seen.query),
    "request_header": lambda seen: seen.request_headers,
    "made_by": lambda seen: seen.made_by,
    "has": lambda seen: seen.value,
    "state": lambda seen: [str(seen.value.get("status"))],
    "filled": lambda seen: _filled(seen.value),
    "started_by": _started_by,
    "began": lambda seen: [method for method, _ in seen.history.operations(seen.image_id)],
    "running": lambda seen: _running(seen.history.operations(seen.image_id)),
    "failed": lambda seen: [method for method, shown in seen.history.operations(seen.image_id) if "error" in shown],
    "source_running": lambda seen: _running(seen.history.operations(str(seen.asked.get("imageId", "")))),
}


def holds(seen: Observation, name: str, wanted: Any) -> bool:
    """Return whether a condition of a row holds; `not_` before the name of a fact negates it."""
    if name == "when":
        return all(CONDITIONS[each](seen) for each in wanted)
    fact = FACTS[name.removeprefix("not_")](seen)
    if isinstance(fact, int) or fact is None:
        return bool(fact == wanted)
    return any(each in fact for each in wanted) is not name.startswith("not_")


def _is_not_updatable(seen: Observation) -> bool:
    return bool(set(str(seen.asked.get("updateMask", "")).split(",")) - {""} - _UPDATABLE)


def _is_large_page(seen: Observation) -> bool:
    size = seen.query.get("pageSize", "")
    return size.isdecimal() and int(size) > _LARGEST_PAGE


def _is_disk_file(seen: Observation) -> bool:
    """Return whether the image was created from a file in a format that the service does not read."""
    return str(seen.made_by.get("uri", "")).partition("?")[0].lower().endswith((".vhdx", ".vdi"))


def _is_running(seen: Observation) -> bool:
    return not seen.is_done and "error" not in seen.value


def _had_ended(seen: Observation) -> bool:
    return seen.history.latest.get(str(seen.value.get("id")), {}).get("done") is True


CONDITIONS: Final[dict[str, Callable[[Observation], bool]]] = {
    # of any answer
    "accepted": lambda seen: not seen.was_refused,
    "by-gateway": lambda seen: seen.status == _BAD_REQUEST and isinstance(seen.answer, bytes),
    "headers": lambda seen: bool(seen.headers),
    "json": lambda seen: isinstance(seen.answer, dict),
    "layout": lambda seen: seen.whole and bool(seen.body),
    "routed": lambda seen: seen.method != UNROUTED,
    # of a request
    "empty-request": lambda seen: not seen.asked,
    "malformed": lambda seen: isinstance(seen.sent, bytes),
    "not-an-object": lambda seen: not isinstance(seen.sent, bytes | dict),
    "two-sources": lambda seen: seen.method == "images.create" and len(_SOURCES & seen.asked.keys()) > 1,
    "foreign-uri": lambda seen: _STORAGE.match(str(seen.asked.get("uri", "http:"))) is None,
    "not-updatable": _is_not_updatable,
    "large-page": _is_large_page,
    "by-age": lambda seen: "reated" in seen.query.get("orderBy", ""),
    "equal-filter": lambda seen: re.search("(?<!!)=", seen.query.get("filter", "")) is not None,
    # of a list
    "empty": lambda seen: not seen.value,
    "several-images": lambda seen: len(seen.value.get("images", ())) > 1,
    # of an operation
    "begun": lambda seen: seen.method in _STARTING and not seen.is_repeated and not seen.is_done,
    "repeated": lambda seen: seen.method in _STARTING and seen.is_repeated,
    "seen-before": lambda seen: seen.value.get("id") in seen.history.latest,
    "not-done": lambda seen: not seen.is_done,
    "running": _is_running,
    "just-ended": lambda seen: not _is_running(seen) and not _had_ended(seen),
    "had-ended": _had_ended,
    "with-error": lambda seen: isinstance(seen.value.get("error"), dict),
    "cancelled": lambda seen: error_code(seen.error) is Code.CANCELLED,
    "disk-file": _is_disk_file,
    # of an image
    "made-here": lambda seen: seen.image_id in seen.history.made_by and seen.image_id not in seen.history.updated,
}
"""The conditions that a row names in `when`."""
