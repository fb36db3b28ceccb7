"""An interaction as a mapping of vcrpy's shape. What vcrpy does not look at stands under `ycimages`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_ycimages.cassette.model import Headers, Interaction

VcrForm = dict[str, Any]
"""Texts, numbers, lists and mappings; a body that is no UTF-8 is bytes."""


def as_vcr(interaction: Interaction) -> VcrForm:
    """The mapping. Headers of one name come to stand together, at the place of the first; nothing else is lost."""
    request, response, at, duration, skipped_polls = interaction
    form: VcrForm = {
        "request": {
            "method": request.method,
            "uri": request.uri,
            "body": _text(request.body) if request.body else None,
            "headers": _by_name(request.headers),
        },
        "response": {
            "status": {"code": response.status, "message": response.reason},
            "headers": _by_name(response.headers),
            "body": {"string": _text(response.body)},
        },
    }
    if at is not None:
        form["ycimages"] = {"at": float(at), "duration": float(duration), "skipped_polls": skipped_polls}
    elif duration or skipped_polls:
        form["ycimages"] = {"duration": float(duration), "skipped_polls": skipped_polls}
    return form


def _text(body: bytes) -> str | bytes:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body


def _by_name(headers: Headers) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name, []).append(value)
    return values
