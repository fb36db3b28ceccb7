"""Evidence in operations, images and lists, as they are shown by whatever call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_ycimages.cassette.difference import Difference, Kind
from pytest_ycimages.cassette.evidence import Evidence
from pytest_ycimages.cassette.evidence_of_answers import SHAPE
from pytest_ycimages.cassette.forms import ID
from pytest_ycimages.cloud.sources import CHUNK

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.cassette.exhibit import Exhibit

    When = Callable[[Exhibit], bool]

_FORM: Final = frozenset({Kind.FORM})
_ORDER: Final = frozenset({Kind.ORDER})
_IDENTITY: Final = frozenset({Kind.IDENTITY})
_PRESENCE: Final = frozenset({Kind.MISSING, Kind.EXTRA})
_TYPE: Final = frozenset({Kind.TYPE})
_STARTING: Final = {
    "images.create": ("Create", "create"),
    "images.update": ("Update", "update"),
    "images.delete": ("Delete", "delete"),
}
_EMPTY: Final = frozenset({'""', "[]", "{}", "null", "false", "0", '"0"'})
_CANCELLED: Final = 1
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
    return exhibit.method in _STARTING and key not in exhibit.past.keys and not exhibit.value.get("done")


def _seen_before(exhibit: Exhibit) -> bool:
    return exhibit.value.get("id") in exhibit.past.latest


def _is_running(exhibit: Exhibit) -> bool:
    return not exhibit.value.get("done") and "error" not in exhibit.value


def _is_failing(exhibit: Exhibit) -> bool:
    return "error" in exhibit.value and not exhibit.value.get("done")


def _has_error(exhibit: Exhibit) -> bool:
    return isinstance(exhibit.value.get("error"), dict)


def _was_cancelled(exhibit: Exhibit) -> bool:
    error = exhibit.value.get("error")
    return isinstance(error, dict) and error.get("code") == _CANCELLED


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


def _type_moved(_: Exhibit, difference: Difference) -> bool:
    """Whether `@type` comes first on one side only."""
    return difference.recorded.startswith("@type") is not difference.answered.startswith("@type")


def _result_moved(_: Exhibit, difference: Difference) -> bool:
    """Whether nothing but the result stands at another place."""
    rest = ([key for key in side.split(", ") if key not in {"response", "error"}] for side in difference[1:3])
    return next(rest) == next(rest)


def _is_empty(_: Exhibit, difference: Difference) -> bool:
    return (difference.recorded or difference.answered) in _EMPTY


def _is_true(exhibit: Exhibit, difference: Difference) -> bool:
    return not _is_empty(exhibit, difference)


def _other_kind_of_id(_: Exhibit, difference: Difference) -> bool:
    return all(ID.fullmatch(side.strip('"')) for side in difference[1:3]) or difference.kind is Kind.FORM


OPERATIONS: Final = (
    Evidence("json.done-printed", "operation", (".done",), lambda each: not each.value.get("done"), SHAPE),
    Evidence(
        "operation.fields", "operation", _OPERATION_FIELDS, lambda each: _just_begun(each) and _OF_CREATE(each), SHAPE
    ),
    Evidence("json.any-type-first", "operation", (".metadata", ".response"), kinds=_ORDER, against=_type_moved),
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


def _made_here(exhibit: Exhibit) -> bool:
    return exhibit.image_id in exhibit.past.made_by and exhibit.image_id not in exhibit.past.updated


def _was_asked_for(exhibit: Exhibit, difference: Difference) -> bool:
    """Whether the request that made an image spoke of a field."""
    name = difference.field.removeprefix(f"{exhibit.path}.").partition(".")[0].partition("[")[0]
    return name in exhibit.past.made_by[exhibit.image_id]


def _made_of_file_without_os(exhibit: Exhibit) -> bool:
    request = exhibit.past.made_by.get(exhibit.image_id, {})
    return "uri" in request and "os" not in request


def _no_whole_chunks(_: Exhibit, difference: Difference) -> bool:
    sizes = (side.strip('"') for side in difference[1:3])
    return any(size.isdecimal() and int(size) % CHUNK for size in sizes)


def _is_shown(exhibit: Exhibit) -> bool:
    return "@type" not in exhibit.value


IMAGES: Final = (
    Evidence("json.any-type-first", "image", ("",), lambda each: not _is_shown(each), _ORDER, _type_moved),
    Evidence("json.order-image", "image", ("", ".os"), kinds=_ORDER),
    Evidence(
        "json.int64-out", "image", (".storageSize", ".minDiskSize"), lambda each: "minDiskSize" in each.value, _TYPE
    ),
    Evidence("json.enums-out", "image", (".status", ".os.type"), kinds=_TYPE),
    Evidence("json.resource-time", "image", (".createdAt",), kinds=_FORM),
    Evidence(
        "json.pooled-omitted", "image", (".pooled",), lambda each: each.value.get("pooled") is not True, _PRESENCE
    ),
    Evidence("json.empty-omitted", "image", (".*",), kinds=_PRESENCE, against=_is_empty),
    Evidence("id.image", "image", (".id",), kinds=_FORM),
    Evidence(
        "image.status",
        "image",
        (".status",),
        lambda each: _made_here(each) and each.value.get("status") in {"CREATING", "READY"},
    ),
    Evidence("delete.status", "image", (".status",), lambda each: each.past.running("images.delete", each.image_id)),
    Evidence(
        "image.visible-at-once",
        "image",
        ("/status",),
        lambda each: each.method == "images.get" and each.past.running("images.create", each.image_id),
    ),
    Evidence(
        "image.as-asked",
        "image",
        tuple(
            f".{name}*"
            for name in ("folderId", "name", "description", "labels", "family", "productIds", "os", "minDiskSize")
        ),
        _made_here,
        against=_was_asked_for,
    ),
    Evidence("image.os-default", "image", (".os*",), _made_of_file_without_os),
    Evidence(
        "image.storage-size-chunks",
        "image",
        (".storageSize",),
        lambda each: "storageSize" in each.value,
        frozenset({Kind.VALUE}),
        _no_whole_chunks,
    ),
    Evidence("latest.newest", "image", (".id",), lambda each: each.method == "images.latestByFamily", _IDENTITY),
    Evidence(
        "contract.hardware-default",
        "image",
        (".hardwareGeneration*",),
        lambda each: (
            "hardwareGeneration" in each.value
            and "hardwareGeneration" not in each.past.made_by.get(each.image_id, {"hardwareGeneration": 1})
        ),
    ),
)


def _listed(name: str) -> When:
    return lambda exhibit: len(exhibit.value.get(name, ())) > 1


LISTS: Final = (
    Evidence("list.empty", "list", (".*",), lambda each: not each.value, _PRESENCE, _is_empty),
    Evidence("list.page-token", "list", (".nextPageToken",), lambda each: each.method != "endpoints.list", _PRESENCE),
    Evidence(
        "list.order-by-age",
        "list",
        (".images",),
        lambda each: _listed("images")(each) and "reated" in each.query.get("orderBy", ""),
        _ORDER,
    ),
    Evidence(
        "list.order-default",
        "list",
        (".images",),
        lambda each: _listed("images")(each) and not each.query.get("orderBy"),
        _ORDER,
    ),
    Evidence(
        "list.operations",
        "list",
        (".operations", ".operations[*]"),
        lambda each: bool(each.value.get("operations")),
        _ORDER | _PRESENCE,
    ),
    Evidence(
        "filter.equal",
        "list",
        (".images", ".images[*]"),
        lambda each: "=" in each.query.get("filter", "") and "!=" not in each.query.get("filter", ""),
        _PRESENCE,
    ),
    Evidence(
        "list.one-folder", "list", (".images", ".images[*]"), lambda each: bool(each.value.get("images")), _PRESENCE
    ),
    Evidence("endpoint.address", "list", (".endpoints[*].address",), lambda each: each.method == "endpoints.list"),
    Evidence("endpoint.list", "list", (".*",), lambda each: each.method == "endpoints.list"),
)


def _after(method: str) -> When:
    return lambda exhibit: exhibit.past.ended(method, exhibit.image_id)


GONE: Final = (
    Evidence(
        "delete.gone",
        "error",
        ("/status", ".code"),
        lambda each: each.told.get("code") == 5 and _after("images.delete")(each),
    ),  # noqa: PLR2004 - a code
    Evidence(
        "operation.failed-image-gone",
        "error",
        ("/status", ".code"),
        lambda each: (
            each.method == "images.get"
            and each.told.get("code") == 5
            and _after("images.create")(each)
            and not _after("images.delete")(each)
        ),
    ),  # noqa: PLR2004 - likewise
)
"""What is refused since an image is no more; stands before other refusals of the kind."""
