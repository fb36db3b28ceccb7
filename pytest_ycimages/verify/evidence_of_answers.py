"""Evidence in answers as wholes: headers, layout, what the gateway refuses by itself, and the limits of a create."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_ycimages.api.methods import UNROUTED
from pytest_ycimages.verify.diff import Kind
from pytest_ycimages.verify.evidence_rows import Evidence

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.verify.diff import Difference
    from pytest_ycimages.verify.evidence import Exhibit

SOURCES: Final = frozenset({"imageId", "diskId", "snapshotId", "uri"})
SHAPE: Final = frozenset({Kind.MISSING, Kind.EXTRA, Kind.TYPE})
_GATEWAY: Final = ("/status", "/body", "/headers.content-type")


def type_moved(_: Exhibit, difference: Difference) -> bool:
    """Whether `@type` comes first on one side only."""
    return difference.recorded.startswith("@type") is not difference.answered.startswith("@type")


def is_routed(exhibit: Exhibit) -> bool:
    """Whether a method was asked."""
    return exhibit.method != UNROUTED


def _by_gateway(exhibit: Exhibit) -> bool:
    """Whether the gateway refused by itself, in plain text."""
    return exhibit.recorded_status == 400 and isinstance(exhibit.step.told.body, bytes)  # noqa: PLR2004 - a status


def _two_sources(exhibit: Exhibit) -> bool:
    return exhibit.method == "images.create" and len(SOURCES & exhibit.asked.keys()) > 1


def _is_malformed(exhibit: Exhibit) -> bool:
    return _by_gateway(exhibit) and isinstance(exhibit.step.asked.body, bytes)


def _is_no_object(exhibit: Exhibit) -> bool:
    return _by_gateway(exhibit) and not isinstance(exhibit.step.asked.body, bytes | dict)


def _tells(exhibit: Exhibit, header: str) -> bool:
    """Whether the recording tells if an answer had a header."""
    return header in exhibit.headers or (exhibit.whole and bool(exhibit.headers))


def _has_layout(exhibit: Exhibit) -> bool:
    return exhibit.whole and bool(exhibit.told)


def rule(behaviour: str, field: str, when: Callable[[Exhibit], bool] | None = None) -> Evidence:
    """Evidence for a limit of a field of a create: one of the two answers refuses the field."""

    def shows(exhibit: Exhibit) -> bool:
        is_it = exhibit.method == "images.create" and field in exhibit.violations
        return is_it and (when is None or when(exhibit))

    return Evidence(behaviour, "answer", ("/status",), shows)


ANSWERS: Final = (
    Evidence("create.two-sources", "answer", _GATEWAY, lambda each: _two_sources(each) and _by_gateway(each)),
    Evidence("json.malformed", "answer", _GATEWAY, _is_malformed),
    Evidence("json.no-object", "answer", _GATEWAY, _is_no_object),
    Evidence(
        "json.wrong-type",
        "answer",
        _GATEWAY,
        lambda each: _by_gateway(each) and b"invalid value" in each.step.interaction.response.body,
    ),
    Evidence(
        "json.content-type",
        "answer",
        ("/headers.content-type",),
        lambda each: bool(each.headers) and isinstance(each.step.told.body, dict),
    ),
    Evidence("json.whitespace", "answer", ("",), _has_layout, frozenset({Kind.WHITESPACE})),
    Evidence(
        "error.request-id",
        "answer",
        ("/headers.x-request-id",),
        lambda each: _tells(each, "x-request-id") and is_routed(each) and isinstance(each.step.told.body, dict),
    ),
    Evidence(
        "route.poll-interval",
        "answer",
        ("/headers.x-operation-poll-interval",),
        lambda each: (
            _tells(each, "x-operation-poll-interval") and each.method == "operations.get" and not each.was_refused
        ),
    ),
    Evidence(
        "route.unknown-path",
        "answer",
        ("/status", ".code"),
        lambda each: not is_routed(each) and each.recorded_status == 404,  # noqa: PLR2004 - a status
    ),
    Evidence(
        "route.wrong-verb",
        "answer",
        ("/status", "/headers.allow", ".code"),
        lambda each: not is_routed(each) and each.recorded_status == 405,  # noqa: PLR2004 - a status
    ),
    rule("create.folder-required", "folderId", lambda each: not each.asked.get("folderId")),
    rule("create.folder-length", "folderId", lambda each: bool(each.asked.get("folderId"))),
    rule("create.name-pattern", "name"),
    rule("create.description-length", "description"),
    rule("create.family-pattern", "family"),
    rule("create.min-disk-size-limits", "minDiskSize"),
    rule("create.product-id-length", "productIds"),
    *(rule("create.source-id-length", field) for field in ("imageId", "diskId", "snapshotId")),
)
