"""Evidence in operations, whichever call shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_ycimages.api.code import Code
from pytest_ycimages.verify.diff import Difference, Kind
from pytest_ycimages.verify.evidence_of_answers import SHAPE, type_moved
from pytest_ycimages.verify.evidence_rows import Evidence

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.verify.evidence import Exhibit

    When = Callable[[Exhibit], bool]

_FORM: Final = frozenset({Kind.FORM})
_ORDER: Final = frozenset({Kind.ORDER})
_IDENTITY: Final = frozenset({Kind.IDENTITY})
_PRESENCE: Final = frozenset({Kind.MISSING, Kind.EXTRA})
_STARTING: Final = {
    "images.create": ("Create", "create"),
    "images.update": ("Update", "update"),
    "images.delete": ("Delete", "delete"),
}
_OPERATION_FIELDS: Final = (
    ".done",
    ".metadata",
    ".id",
    ".description",
    ".createdAt",
    ".createdBy",
    ".modifiedAt",
)


def of_method(*methods: str) -> When:
    """Whether an operation was started by one of these methods, as far as its metadata says."""
    words = tuple(f"{_STARTING[method][0]}ImageMetadata" for method in methods)

    def is_of(exhibit: Exhibit) -> bool:
        about = exhibit.value.get("metadata")
        kind = str(about.get("@type", "")) if isinstance(about, dict) else ""
        return exhibit.method in methods or kind.endswith(words)

    return is_of


_OF_CREATE: Final = of_method("images.create")
_OF_UPDATE: Final = of_method("images.update")
_OF_DELETE: Final = of_method("images.delete")


def _just_begun(exhibit: Exhibit) -> bool:
    key = dict(exhibit.step.interaction.request.headers).get("idempotency-key", "")
    return exhibit.method in _STARTING and key not in exhibit.past.keys and exhibit.value.get("done") is not True


def _seen_before(exhibit: Exhibit) -> bool:
    return exhibit.value.get("id") in exhibit.past.latest


def _is_running(exhibit: Exhibit) -> bool:
    return exhibit.value.get("done") is not True and "error" not in exhibit.value


def _is_failing(exhibit: Exhibit) -> bool:
    return "error" in exhibit.value and exhibit.value.get("done") is not True


def _has_error(exhibit: Exhibit) -> bool:
    return isinstance(exhibit.value.get("error"), dict)


def _was_cancelled(exhibit: Exhibit) -> bool:
    error = exhibit.value.get("error")
    return isinstance(error, dict) and error.get("code") == Code.CANCELLED


def _is_repeated(exhibit: Exhibit) -> bool:
    key = dict(exhibit.step.interaction.request.headers).get("idempotency-key", "")
    return exhibit.method in _STARTING and key in exhibit.past.keys


def _had_ended(exhibit: Exhibit) -> bool:
    return exhibit.past.latest.get(str(exhibit.value.get("id")), {}).get("done") is True


def _cancels(exhibit: Exhibit) -> bool:
    return exhibit.method == "operations.cancel"


def _is_of_disk_file(exhibit: Exhibit) -> bool:
    request = exhibit.past.made_by.get(exhibit.image_id, {})
    return str(request.get("uri", "")).partition("?")[0].lower().endswith((".vhdx", ".vdi")) and _has_error(exhibit)


def _result_moved(_: Exhibit, difference: Difference) -> bool:
    """Whether nothing but the result stands at another place."""
    rest = ([key for key in side.split(", ") if key not in {"response", "error"}] for side in difference[1:3])
    return next(rest) == next(rest)


OPERATIONS: Final = (
    Evidence("json.done-printed", "operation", (".done",), lambda each: each.value.get("done") is not True, SHAPE),
    Evidence(
        "operation.fields", "operation", _OPERATION_FIELDS, lambda each: _just_begun(each) and _OF_CREATE(each), SHAPE
    ),
    Evidence("json.any-type-first", "operation", (".metadata", ".response"), kinds=_ORDER, against=type_moved),
    Evidence(
        "json.order-result",
        "operation",
        ("",),
        lambda each: bool({"response", "error"} & each.value.keys()),
        _ORDER,
        _result_moved,
    ),
    Evidence("json.order-operation", "operation", ("",), kinds=_ORDER),
    Evidence("id.operation", "operation", (".id",), _just_begun, _FORM),
    Evidence("id.image", "operation", (".metadata.imageId",), _just_begun, _FORM),
    Evidence("idempotency.same-key", "operation", (".id", ".metadata.imageId"), _is_repeated, _IDENTITY),
    Evidence("idempotency.current-state", "operation", (".done", ".error*", ".response*"), _is_repeated),
    Evidence(
        "cancel.finished",
        "operation",
        (".done", ".error*", ".response*", ".modifiedAt"),
        lambda each: _cancels(each) and _had_ended(each),
    ),
    Evidence("operation.created-by", "operation", (".createdBy",)),
    Evidence(
        "json.operation-time",
        "operation",
        (".createdAt", ".modifiedAt"),
        kinds=_FORM,
        against=lambda _, each: each.recorded[:1] == '"',
    ),
    Evidence("operation.modified-at-start", "operation", (".modifiedAt",), _just_begun, _FORM),
    Evidence(
        "operation.modified-while-running",
        "operation",
        (".modifiedAt",),
        lambda each: _seen_before(each) and _is_running(each),
        _FORM,
    ),
    Evidence(
        "operation.modified-at-end",
        "operation",
        (".modifiedAt",),
        lambda each: not _is_running(each) and not _had_ended(each),
        _FORM,
    ),
    Evidence("operation.description", "operation", (".description",), _OF_CREATE),
    Evidence("update.description", "operation", (".description",), _OF_UPDATE),
    Evidence("delete.description", "operation", (".description",), _OF_DELETE),
    Evidence("operation.metadata", "operation", (".metadata*",), _OF_CREATE),
    Evidence("update.operation", "operation", (".metadata*",), _OF_UPDATE),
    Evidence("delete.operation", "operation", (".metadata*",), _OF_DELETE),
    Evidence("operation.error-before-done", "operation", (".done", ".error"), _is_failing),
    Evidence(
        "cancel.running",
        "operation",
        (".error", ".error.code", ".done"),
        lambda each: _cancels(each) and _was_cancelled(each),
    ),
    Evidence("text.cancelled", "operation", (".error.message",), _was_cancelled),
    Evidence("source.uri-unsupported", "operation", (".error", ".error.code", ".response", ".done"), _is_of_disk_file),
    Evidence("text.uri", "operation", (".error.message",), _is_of_disk_file),
    Evidence("operation.error-fields", "operation", (".error.*",), _has_error, SHAPE),
    Evidence("operation.error-or-response", "operation", (".error", ".response"), kinds=_PRESENCE),
    Evidence(
        "delete.response", "operation", (".response*",), lambda each: _OF_DELETE(each) and "response" in each.value
    ),
    Evidence(
        "operation.response",
        "operation",
        (".response.@type", ".response.status"),
        lambda each: _OF_CREATE(each) and "response" in each.value,
    ),
    Evidence("cancel.answer", "operation", ("/status",), _cancels),
)
