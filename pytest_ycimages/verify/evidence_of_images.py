"""Evidence in images and lists, whichever call shows them, and in refusals of what is no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_ycimages.api.code import Code
from pytest_ycimages.cloud.sources import CHUNK
from pytest_ycimages.verify.diff import Difference, Kind
from pytest_ycimages.verify.evidence_of_answers import type_moved
from pytest_ycimages.verify.evidence_rows import Evidence

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.verify.evidence import Exhibit

_FORM: Final = frozenset({Kind.FORM})
_ORDER: Final = frozenset({Kind.ORDER})
_IDENTITY: Final = frozenset({Kind.IDENTITY})
_PRESENCE: Final = frozenset({Kind.MISSING, Kind.EXTRA})
_TYPE: Final = frozenset({Kind.TYPE})
_EMPTY: Final = frozenset({'""', "[]", "{}", "null", "false", "0", '"0"'})


def _is_empty(_: Exhibit, difference: Difference) -> bool:
    return (difference.recorded or difference.answered) in _EMPTY


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
    Evidence("json.any-type-first", "image", ("",), lambda each: not _is_shown(each), _ORDER, type_moved),
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


def _listed(name: str) -> Callable[[Exhibit], bool]:
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


def _is_gone(exhibit: Exhibit) -> bool:
    return exhibit.told.get("code") == Code.NOT_FOUND and exhibit.past.began("images.delete", exhibit.image_id)


def _is_undone(exhibit: Exhibit) -> bool:
    is_it = exhibit.method == "images.get" and exhibit.told.get("code") == Code.NOT_FOUND
    return is_it and exhibit.past.failed("images.create", exhibit.image_id)


GONE: Final = (
    Evidence("delete.gone", "error", ("/status", ".code"), _is_gone),
    Evidence("operation.failed-image-gone", "error", ("/status", ".code"), _is_undone),
)
"""What is refused since an image is no more; stands before other refusals of the kind."""
