"""Evidence in refusals: their codes, their details, and the words of errors."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pytest_ycimages.verify.diff import Kind
from pytest_ycimages.verify.evidence import json_text
from pytest_ycimages.verify.evidence_of_answers import SHAPE, SOURCES, is_routed
from pytest_ycimages.verify.evidence_rows import Evidence

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.verify.diff import Difference
    from pytest_ycimages.verify.evidence import Exhibit

_VALIDATION: Final = "Request validation error"
_REFUSAL: Final = ("/status", ".code", ".message")
_UPDATABLE: Final = frozenset({"name", "description", "labels", "minDiskSize", "min_disk_size"})


def refusal(
    behaviour: str,
    methods: str | tuple[str, ...],
    code: int,
    when: Callable[[Exhibit], object] | None = None,
    fields: tuple[str, ...] = _REFUSAL,
) -> Evidence:
    """Evidence in a refusal of one of these methods with this code."""
    words = (methods,) if isinstance(methods, str) else methods

    def shows(exhibit: Exhibit) -> bool:
        is_it = exhibit.method in words and exhibit.told.get("code") == code
        return is_it and (when is None or bool(when(exhibit)))

    return Evidence(behaviour, "error", fields, shows)


def text(behaviour: str, methods: str | tuple[str, ...], code: int, when: Any = None) -> Evidence:
    """Evidence in the words of such a refusal."""
    return refusal(behaviour, methods, code, when, (".message",))


def _says(words: str) -> Callable[[Exhibit], bool]:
    return lambda exhibit: words in str(exhibit.told.get("message", ""))


def _has_detail(name: str) -> Callable[[Exhibit], bool]:
    return lambda exhibit: f"{name}" in json_text(exhibit.told.get("details", ()))


def _about_detail(name: str, field: str) -> Callable[[Exhibit, Difference], bool]:
    """Whether a difference is about a detail: the whole of it, or a field that only it has."""
    return lambda _, difference: field in difference.field or name in difference.recorded + difference.answered


def _same_head(_: Exhibit, difference: Difference) -> bool:
    return all(_VALIDATION in each for each in (difference.recorded, difference.answered))


def _same_code(exhibit: Exhibit, _: Difference) -> bool:
    return exhibit.is_refused and exhibit.told.get("code") == exhibit.now.get("code")


def _metric(name: str) -> Callable[[Exhibit], bool]:
    return lambda exhibit: name in json_text(exhibit.told.get("details", ()))


def _no_source(exhibit: Exhibit) -> bool:
    return not SOURCES & exhibit.asked.keys()


def _elsewhere(exhibit: Exhibit) -> bool:
    return re.match(r"https?://storage\.yandexcloud\.net/", str(exhibit.asked.get("uri", "http:"))) is None


def _mask(exhibit: Exhibit) -> set[str]:
    return set(str(exhibit.asked.get("updateMask", "")).split(",")) - {""}


def _is_large_page(exhibit: Exhibit) -> bool:
    size = exhibit.query.get("pageSize", "")
    return size.isdecimal() and int(size) > 1000  # noqa: PLR2004 - the documented limit


def _without_credential(exhibit: Exhibit) -> bool:
    return "authorization" not in dict(exhibit.step.interaction.request.headers)


def _with_credential(exhibit: Exhibit) -> bool:
    return not _without_credential(exhibit)


_UNAUTHENTICATED: Final = Evidence(
    "token.missing",
    "error",
    ("/status", ".code"),
    lambda each: each.told.get("code") == 16 and _without_credential(each),  # noqa: PLR2004 - a code
)


def _source(exhibit: Exhibit) -> str:
    return str(exhibit.asked.get("imageId", ""))


def _changed_while(method: str, exhibit: Exhibit) -> bool:
    return exhibit.past.running(method, exhibit.image_id)


REFUSALS: Final = (
    # What holds for all of them.
    Evidence("json.order-error", "error", ("", ".details*"), kinds=frozenset({Kind.ORDER})),
    Evidence("error.http-status", "error", ("/status",), lambda each: "code" in each.told, against=_same_code),
    Evidence(
        "error.request-info",
        "error",
        (".details*",),
        is_routed,
        against=_about_detail("RequestInfo", "requestId"),
    ),
    Evidence("error.quota-failure", "error", (".details*",), _has_detail("QuotaFailure")),
    Evidence(
        "text.violation-paths", "error", (".details*.field",), _has_detail("fieldViolations"), frozenset({Kind.VALUE})
    ),
    Evidence(
        "text.validation", "error", (".details*.description",), _has_detail("fieldViolations"), frozenset({Kind.VALUE})
    ),
    Evidence(
        "error.bad-request",
        "error",
        (".details*",),
        _has_detail("fieldViolations"),
        SHAPE,
        _about_detail("BadRequest", "fieldViolations"),
    ),
    Evidence(
        "text.validation",
        "error",
        (".message",),
        _has_detail("fieldViolations"),
        frozenset({Kind.VALUE}),
        _same_head,
    ),
    Evidence("error.validation-text", "error", (".message",), _has_detail("fieldViolations"), frozenset({Kind.VALUE})),
    Evidence("error.body", "error", ("", ".code", ".message", ".details"), kinds=SHAPE),
    # The words that nobody has recorded.
    text("text.name-taken", ("images.create", "images.update"), 6),
    text("text.invalid-state", ("images.create", "images.update", "images.delete"), 9, _says("invalid state")),
    text(
        "text.no-token",
        tuple({"images.create", "images.get", "images.list", "operations.get"}),
        16,
        _without_credential,
    ),
    text("text.family", "images.latestByFamily", 5),
    text("text.endpoint", "endpoints.get", 5),
    text("text.cancel-refused", "operations.cancel", 9),
    text("text.min-disk-size", ("images.create", "images.update"), 3, _says("min_disk_size")),
    text("text.quotas", "images.create", 8, lambda each: not _says("active operations")(each)),
    Evidence("quota.running-operations-text", "error", (".message",), _says("active operations")),
    # Which refusal it is.
    _UNAUTHENTICATED,
    Evidence(
        "token.strict",
        "error",
        _REFUSAL,
        lambda each: each.told.get("code") == 16 and _with_credential(each),  # noqa: PLR2004 - a code
    ),
    refusal("route.get-image", "images.get", 5),
    refusal("source.image-not-found", "images.create", 5, _says('Image "')),
    refusal("source.disk-not-found", "images.create", 5, _says('Disk "')),
    refusal("source.snapshot-not-found", "images.create", 5, _says('Snapshot "')),
    refusal("source.folder-not-found", ("images.create", "images.list", "images.latestByFamily"), 9, _says("Folder ")),
    refusal(
        "source.image-creating", "images.create", 9, lambda each: each.past.running("images.create", _source(each))
    ),
    refusal(
        "source.image-deleting", "images.create", 9, lambda each: each.past.running("images.delete", _source(each))
    ),
    refusal("source.uri-host", "images.create", 3, _elsewhere),
    refusal("create.source-missing", "images.create", 3, _no_source, ("/status", ".code")),
    refusal("name.unique", "images.create", 6),
    refusal("quota.images", "images.create", 8, _metric("compute.images.count")),
    refusal("quota.size", "images.create", 8, _metric("compute.images.size")),
    refusal("quota.pooled", "images.create", 8, _metric("compute.diskPools.count")),
    refusal(
        "quota.running-operations", ("images.create", "images.update", "images.delete"), 8, _says("active operations")
    ),
    refusal("operation.not-found", "operations.get", 5),
    refusal("operation.id-malformed", "operations.get", 3),
    refusal("cancel.unknown", "operations.cancel", 5),
    refusal("cancel.refused", "operations.cancel", 9),
    refusal("update.nothing", "images.update", 3, lambda each: not each.asked),
    refusal("update.not-updatable", "images.update", 3, lambda each: _mask(each) - _UPDATABLE),
    refusal("update.min-disk-size", "images.update", 3, _says("min_disk_size")),
    refusal("update.name-taken", "images.update", 6),
    refusal("update.not-found", "images.update", 5),
    refusal("update.while-creating", "images.update", 9, lambda each: _changed_while("images.create", each)),
    refusal("update.while-deleting", "images.update", 9, lambda each: _changed_while("images.delete", each)),
    refusal("delete.not-found", "images.delete", 5),
    refusal("delete.while-creating", "images.delete", 9, lambda each: _changed_while("images.create", each)),
    refusal("delete.twice", "images.delete", 9, lambda each: _changed_while("images.delete", each)),
    refusal("latest.nothing", "images.latestByFamily", 5),
    refusal("latest.folder-required", "images.latestByFamily", 3, lambda each: not each.query.get("folderId")),
    refusal("list.folder-required", "images.list", 3, lambda each: not each.query.get("folderId")),
    refusal("list.page-size-limit", "images.list", 3, _is_large_page),
    refusal("list.order-unknown", "images.list", 3, lambda each: each.query.get("orderBy")),
    refusal("filter.garbage", "images.list", 3, lambda each: each.query.get("filter")),
    refusal(
        "list.page-token-garbage", ("images.list", "images.listOperations"), 3, lambda each: each.query.get("pageToken")
    ),
    refusal("endpoint.get", "endpoints.get", 5),
)
