"""Observations in recorded answers, and the conditions on them that `fidelity/behaviours.toml` names."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from pytest_ycimages.api.methods import UNROUTED
from pytest_ycimages.api.status import Code
from pytest_ycimages.cassette.answers import operation_image, operations_in
from pytest_ycimages.cloud.sources import CHUNK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_ycimages.cassette.answers import RecordedCall
    from pytest_ycimages.verify.diff import Difference

    Wire = dict[str, Any]

_REFUSED: Final = 400
_BAD_REQUEST: Final = 400
_LARGEST_PAGE: Final = 1000
_SOURCES: Final = frozenset({"imageId", "diskId", "snapshotId", "uri"})
_UPDATABLE: Final = frozenset({"name", "description", "labels", "minDiskSize", "min_disk_size"})
_STARTING: Final = {"images.create": "Create", "images.update": "Update", "images.delete": "Delete"}
_STORAGE: Final = re.compile(r"https?://storage\.yandexcloud\.net/")
_VALIDATION: Final = "Request validation error"
_EMPTY: Final = frozenset({'""', "[]", "{}", "null", "false", "0", '"0"'})


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
        starts = call.method.startswith("images.") and call.method != "images.listOperations" and key not in self.keys
        for operation in operations_in(call.answer.body) if call.answer.ok else ():
            if starts:
                self._started_by.setdefault(operation["id"], call.method)
                self._add_started(call, operation_image(operation))
            self.latest[operation["id"]] = operation
        self.keys |= {key} - {""}

    def _add_started(self, call: RecordedCall, image_id: str) -> None:
        if call.method == "images.create" and isinstance(call.request.body, dict):
            self.made_by.setdefault(image_id, call.request.body)
        elif call.method == "images.update":
            self.updated.add(image_id)

    def operations(self, method: str, image_id: str) -> list[Wire]:
        """Return the latest states of the operations on an image that `method` started."""
        return [
            shown
            for id_, shown in self.latest.items()
            if image_id and self._started_by.get(id_) == method and operation_image(shown) == image_id
        ]

    def running(self, method: str, image_id: str) -> bool:
        """Return whether such an operation was running when it was shown last."""
        return any(not shown.get("done") for shown in self.operations(method, image_id))


@dataclass(eq=False)
class Observation:
    """One resource, list or error in a recorded answer, or the whole of it, beside today's answer.

    Attributes:
        kind: `answer`, `operation`, `image`, `error` or `list`.
        path: where it is in the answer, such as `body.response`.
        value: its JSON; empty for a whole answer.
        call: the recorded call.
        status: today's HTTP status.
        today: today's JSON body; empty for another one.
        history: the calls before.
        whole: whether the recording has every header and the white space of the body.
    """

    kind: str
    path: str
    value: Wire
    call: RecordedCall
    status: int
    today: Wire
    history: History
    whole: bool

    @property
    def method(self) -> str:
        """Return the method that was called."""
        return self.call.method

    @cached_property
    def asked(self) -> Wire:
        """Return the JSON body of the request; empty for another one."""
        return self.call.request.body if isinstance(self.call.request.body, dict) else {}

    @cached_property
    def query(self) -> dict[str, str]:
        """Return the query of the request."""
        return dict(self.call.request.query)

    @cached_property
    def request_headers(self) -> dict[str, str]:
        """Return the recorded headers of the request."""
        return dict(self.call.interaction.request.headers)

    @cached_property
    def headers(self) -> dict[str, str]:
        """Return the recorded headers of the answer; empty if the recording has none."""
        return dict(self.call.interaction.response.headers)

    @cached_property
    def body(self) -> Wire:
        """Return the recorded JSON body; empty for another one."""
        return self.call.answer.body if isinstance(self.call.answer.body, dict) else {}

    @cached_property
    def text(self) -> str:
        """Return the message of the recorded error, or the plain text of the answer."""
        body = self.call.answer.body
        return body.decode("utf-8", "replace") if isinstance(body, bytes) else str(self.body.get("message", ""))

    @cached_property
    def details(self) -> str:
        """Return the details of the recorded error as JSON."""
        return json.dumps(self.body.get("details", ()), ensure_ascii=False)

    @property
    def recorded_status(self) -> int:
        """Return the recorded HTTP status."""
        return self.call.interaction.response.status

    @property
    def was_refused(self) -> bool:
        """Return whether the recorded answer is a refusal."""
        return self.recorded_status >= _REFUSED

    @property
    def is_refused(self) -> bool:
        """Return whether today's answer is a refusal."""
        return self.status >= _REFUSED

    @cached_property
    def image_id(self) -> str:
        """Return the recorded id of the image that this is about; empty for none."""
        if self.kind == "operation" and isinstance(self.value.get("metadata"), dict):
            return operation_image(self.value)
        return str(self.value.get("id", "")) if self.kind == "image" else self.call.request.image_id

    @cached_property
    def violations(self) -> frozenset[str]:
        """Return the fields of the request that either refusal names."""
        return frozenset(_violated(self.body)) | frozenset(_violated(self.today))


def _violated(body: Wire) -> Iterator[str]:
    details = body.get("details")
    for detail in details if isinstance(details, list) else ():
        for violation in detail.get("fieldViolations", ()) if isinstance(detail, dict) else ():
            head = str(violation.get("field")).partition(".")[0].partition("[")[0]
            first, *rest = head.split("_")
            yield first + "".join(word.title() for word in rest)


def _by_gateway(seen: Observation) -> bool:
    """Return whether the gateway refused the request in plain text."""
    return seen.recorded_status == _BAD_REQUEST and isinstance(seen.call.answer.body, bytes)


def _key(seen: Observation) -> str:
    return seen.request_headers.get("idempotency-key", "")


def _is_done(seen: Observation) -> bool:
    return seen.value.get("done") is True


def _is_begun(seen: Observation) -> bool:
    """Return whether the call has just started the operation."""
    return seen.method in _STARTING and _key(seen) not in seen.history.keys and not _is_done(seen)


def _is_running(seen: Observation) -> bool:
    return not _is_done(seen) and "error" not in seen.value


def _had_ended(seen: Observation) -> bool:
    return seen.history.latest.get(str(seen.value.get("id")), {}).get("done") is True


def _error(seen: Observation) -> Wire | None:
    error = seen.value.get("error")
    return error if isinstance(error, dict) else None


def _made_by(seen: Observation) -> Wire:
    """Return the request that created the image; empty if the recording has none."""
    return seen.history.made_by.get(seen.image_id, {})


def _is_disk_file(seen: Observation) -> bool:
    """Return whether the image was created from a file in a format that the service does not read."""
    return str(_made_by(seen).get("uri", "")).partition("?")[0].lower().endswith((".vhdx", ".vdi"))


def _is_not_updatable(seen: Observation) -> bool:
    return bool(set(str(seen.asked.get("updateMask", "")).split(",")) - {""} - _UPDATABLE)


def _is_large_page(seen: Observation) -> bool:
    size = seen.query.get("pageSize", "")
    return size.isdecimal() and int(size) > _LARGEST_PAGE


def _is_filter_equal(seen: Observation) -> bool:
    expression = seen.query.get("filter", "")
    return "=" in expression and "!=" not in expression


def _has_hardware_by_default(seen: Observation) -> bool:
    return seen.image_id in seen.history.made_by and "hardwareGeneration" not in _made_by(seen)


NAMED_CONDITIONS: Final[dict[str, Callable[[Observation], bool]]] = {
    # of any answer
    "accepted": lambda seen: not seen.was_refused,
    "by-gateway": _by_gateway,
    "headers": lambda seen: bool(seen.headers),
    "json": lambda seen: isinstance(seen.call.answer.body, dict),
    "layout": lambda seen: seen.whole and bool(seen.body),
    "routed": lambda seen: seen.method != UNROUTED,
    # of a request
    "credential": lambda seen: "authorization" in seen.request_headers,
    "no-credential": lambda seen: "authorization" not in seen.request_headers,
    "empty-request": lambda seen: not seen.asked,
    "malformed": lambda seen: isinstance(seen.call.request.body, bytes),
    "not-an-object": lambda seen: not isinstance(seen.call.request.body, bytes | dict),
    "no-source": lambda seen: not _SOURCES & seen.asked.keys(),
    "two-sources": lambda seen: seen.method == "images.create" and len(_SOURCES & seen.asked.keys()) > 1,
    "foreign-uri": lambda seen: _STORAGE.match(str(seen.asked.get("uri", "http:"))) is None,
    "not-updatable": _is_not_updatable,
    "large-page": _is_large_page,
    "by-age": lambda seen: "reated" in seen.query.get("orderBy", ""),
    "equal-filter": _is_filter_equal,
    # of a list
    "empty": lambda seen: not seen.value,
    "several-images": lambda seen: len(seen.value.get("images", ())) > 1,
    # of an operation
    "begun": _is_begun,
    "repeated": lambda seen: seen.method in _STARTING and _key(seen) in seen.history.keys,
    "seen-before": lambda seen: seen.value.get("id") in seen.history.latest,
    "not-done": lambda seen: not _is_done(seen),
    "running": _is_running,
    "just-ended": lambda seen: not _is_running(seen) and not _had_ended(seen),
    "had-ended": _had_ended,
    "with-error": lambda seen: _error(seen) is not None,
    "cancelled": lambda seen: (_error(seen) or {}).get("code") == Code.CANCELLED,
    "disk-file": _is_disk_file,
    # of an image
    "made-here": lambda seen: seen.image_id in seen.history.made_by and seen.image_id not in seen.history.updated,
    "creating-or-ready": lambda seen: seen.value.get("status") in {"CREATING", "READY"},
    "not-pooled": lambda seen: seen.value.get("pooled") is not True,
    "from-file-without-os": lambda seen: "uri" in _made_by(seen) and "os" not in _made_by(seen),
    "hardware-by-default": _has_hardware_by_default,
}
"""The conditions that a row names in `when`."""


def _has_header(seen: Observation, names: list[str]) -> bool:
    """Return whether the recording shows if the answer had one of these headers."""
    return (seen.whole and bool(seen.headers)) or any(name in seen.headers for name in names)


def _is_started_by(seen: Observation, methods: list[str]) -> bool:
    """Return whether one of these methods started the operation, by the call or by the metadata."""
    about = seen.value.get("metadata")
    kind = str(about.get("@type", "")) if isinstance(about, dict) else ""
    return seen.method in methods or kind.endswith(tuple(f"{_STARTING[method]}ImageMetadata" for method in methods))


def _source_is_running(seen: Observation, methods: list[str]) -> bool:
    return any(seen.history.running(method, str(seen.asked.get("imageId", ""))) for method in methods)


CONDITIONS: Final[dict[str, Callable[[Observation, Any], bool]]] = {
    "when": lambda seen, names: all(NAMED_CONDITIONS[name](seen) for name in names),
    "method": lambda seen, names: seen.method in names,
    "status": lambda seen, status: seen.recorded_status == status,
    "code": lambda seen, code: seen.body.get("code") == code,
    "text": lambda seen, words: any(each in seen.text for each in words),
    "no_text": lambda seen, words: not any(each in seen.text for each in words),
    "detail": lambda seen, words: any(each in seen.details for each in words),
    "violates": lambda seen, names: not seen.violations.isdisjoint(names),
    "header": _has_header,
    "asked": lambda seen, names: any(seen.asked.get(name) for name in names),
    "not_asked": lambda seen, names: not any(seen.asked.get(name) for name in names),
    "query": lambda seen, names: any(seen.query.get(name) for name in names),
    "no_query": lambda seen, names: not any(seen.query.get(name) for name in names),
    "has": lambda seen, names: not seen.value.keys().isdisjoint(names),
    "filled": lambda seen, names: any(seen.value.get(name) for name in names),
    "started_by": _is_started_by,
    "began": lambda seen, names: any(seen.history.operations(name, seen.image_id) for name in names),
    "running": lambda seen, names: any(seen.history.running(name, seen.image_id) for name in names),
    "failed": lambda seen, names: any(
        "error" in shown for name in names for shown in seen.history.operations(name, seen.image_id)
    ),
    "source_running": _source_is_running,
}
"""Whether an observation is evidence: the name of a condition -> a test of the observation and the value in the row."""


def _is_asked_for(seen: Observation, difference: Difference) -> bool:
    """Return whether the request that created the image has the field that differs."""
    return difference.field.removeprefix(f"{seen.path}.").partition(".")[0].partition("[")[0] in _made_by(seen)


def _is_about_detail(name: str, field: str) -> Callable[[Observation, Difference], bool]:
    """Return a test whether a difference is a whole detail, or in a field that only this detail has."""
    return lambda _, difference: field in difference.field or name in difference.recorded + difference.answered


def _has_partial_chunks(_: Observation, difference: Difference) -> bool:
    sizes = (side.strip('"') for side in (difference.recorded, difference.answered))
    return any(size.isdecimal() and int(size) % CHUNK for size in sizes)


def _is_result_moved(_: Observation, difference: Difference) -> bool:
    """Return whether the orders of keys differ in the place of the result only."""
    sides = (difference.recorded, difference.answered)
    was, now = ([key for key in side.split(", ") if key not in {"response", "error"}] for side in sides)
    return was == now


CONTRADICTIONS: Final[dict[str, Callable[[Observation, Difference], bool]]] = {
    "asked-for": _is_asked_for,
    "bad-request": _is_about_detail("BadRequest", "fieldViolations"),
    "empty-value": lambda _, each: (each.recorded or each.answered) in _EMPTY,
    "partial-chunks": _has_partial_chunks,
    "quoted": lambda _, each: each.recorded[:1] == '"',
    "request-info": _is_about_detail("RequestInfo", "requestId"),
    "result-moved": _is_result_moved,
    "same-code": lambda seen, _: seen.is_refused and seen.body.get("code") == seen.today.get("code"),
    "same-heading": lambda _, each: _VALIDATION in each.recorded and _VALIDATION in each.answered,
    "type-moved": lambda _, each: each.recorded.startswith("@type") is not each.answered.startswith("@type"),
}
"""Whether a difference contradicts the behaviour: the name in `against` -> a test of the observation and difference."""
