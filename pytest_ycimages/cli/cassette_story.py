"""The text of `ycimages cassette show`: a cassette as lines for people, redacted."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from rich.text import Text

from pytest_ycimages.api.methods import NoRouteError, route
from pytest_ycimages.call import shown
from pytest_ycimages.cassette.exchange import reply_of
from pytest_ycimages.cassette.model import CUT_OFF, UNKNOWN_METADATA
from pytest_ycimages.cassette.requests import json_object, normalize
from pytest_ycimages.errors import printable
from pytest_ycimages.redaction.printing import Printing, printed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_ycimages.cassette.model import (
        CassetteData,
        CassetteMetadata,
        Interaction,
        RecordedRequest,
    )

_REFUSED: Final = 400
_FAILED: Final = 500
_MARGIN: Final = " " * 11
"""As wide as a moment."""


def story(recorded: CassetteData, *, bodies: bool = False) -> Iterator[Text]:
    """Yield the lines that show a cassette; with `bodies`, the bodies of requests and responses, too."""
    yield from _of_metadata(recorded.metadata)
    count = len(recorded.interactions)
    end = "complete" if recorded.is_complete else f"not complete: {CUT_OFF}"
    yield Text(f"  {count} interaction{'' if count == 1 else 's'}, {end}")
    for interaction in recorded.interactions:
        if interaction.skipped_polls:
            polls = "1 equal poll" if interaction.skipped_polls == 1 else f"{interaction.skipped_polls} equal polls"
            yield Text(f"{_MARGIN}({polls} before)", style="dim")
        yield line(interaction)
        if bodies:
            yield from _of_body(">", interaction.request.body)
            yield from _of_body("<", interaction.response.body)


def line(interaction: Interaction) -> Text:
    """Return an interaction as a line: time, method word, verb and address, status, and what the response shows."""
    request, response, at, took, _ = interaction
    moment = "" if at is None else f"+{shown(at)}"
    late = f"  took {shown(took)}" if took else ""
    reply = reply_of(response)
    ids = "".join(
        f"  {word} {id_}"
        for word, id_ in (("operation", reply.operation_id), ("image", reply.image_id))
        if id_ and id_ not in request.uri
    )
    text = Text(f"{moment:<10} {method_word(request) or '-':<19} {_spelled(request)}  ")
    text.append(printable(f"{response.status} {printed(response.reason)}".rstrip()), style=_colour(response.status))
    text.append(printable(f"  {printed(reply.note)}" if reply.note else ""), style="bold")
    text.append(printable(f"{_counted(response.body)}{ids}"))
    text.append(late, style="dim")
    return text


def method_word(request: RecordedRequest) -> str:
    """Return the word of the API method that a request calls, or an empty string."""
    asked = normalize(request)
    if asked.host:
        return ""
    try:
        return route(asked.path, asked.method)[0]
    except NoRouteError:
        return ""


def _of_metadata(metadata: CassetteMetadata) -> Iterator[Text]:
    if metadata == UNKNOWN_METADATA:
        yield Text("  has no metadata: the origin of its answers is unknown", style="yellow")
        return
    tool = f"pytest-ycimages {metadata.tool}" if metadata.tool else ""
    contract = metadata.contract and f"contract {metadata.contract}"
    recorded = ", ".join(filter(None, (metadata.recorded_at, tool, contract)))
    lines = {
        "origin": f"{metadata.origin}, at {metadata.upstream}" if metadata.upstream else str(metadata.origin),
        "recorded": recorded,
        "folder": metadata.folder_id,
        "note": metadata.note,
    }
    for name, value in lines.items():
        if value:
            yield Text(printable(f"  {name:<9} {printed(value)}"))


def _spelled(request: RecordedRequest) -> str:
    """Return the verb and the address, without the host if it is one of the API's."""
    address = urlsplit(request.uri)
    query = f"?{address.query}" if address.query else ""
    host = f"{address.scheme}://{address.netloc}" if normalize(request).host else ""
    return printable(Printing(dict(request.headers)).line(f"{request.method} {host}{address.path or '/'}{query}"))


def _counted(body: bytes) -> str:
    """Return the length of a list response, as text."""
    for name in ("images", "operations", "endpoints"):
        found = json_object(body).get(name)
        if isinstance(found, list):
            return f"  {len(found)} {name if len(found) != 1 else name[:-1]}"
    return ""


def _of_body(mark: str, body: bytes) -> Iterator[Text]:
    if not body:
        return
    text = printed(body.decode(errors="backslashreplace"))
    with suppress(ValueError):
        text = json.dumps(json.loads(text), indent=1, ensure_ascii=False)
    for part in text.split("\n"):
        yield Text(f"{_MARGIN}{mark} {printable(part)}", style="dim")


def _colour(status: int) -> str:
    return "green" if status < _REFUSED else "yellow" if status < _FAILED else "red"
