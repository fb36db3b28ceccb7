"""A cassette as a story to read: what it says of itself, and each call with what its answer says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from rich.text import Text

from pytest_ycimages.api.methods import NoRouteError, route
from pytest_ycimages.call import printable, shown
from pytest_ycimages.cassette.exchange import reply_of
from pytest_ycimages.cassette.model import CUT_OFF, UNKNOWN_METADATA
from pytest_ycimages.cassette.requests import json_object, normalize

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_ycimages.cassette.model import CassetteData, CassetteMetadata, Interaction, RecordedRequest

_REFUSED: Final = 400
_FAILED: Final = 500
_MARGIN: Final = " " * 11
"""As wide as a moment."""


def story(tape: CassetteData, *, bodies: bool = False) -> Iterator[Text]:
    """The story, line by line.

    Args:
        tape: the cassette.
        bodies: tell what was sent and answered, too.
    """
    yield from _of_label(tape.metadata)
    count = len(tape.interactions)
    end = "complete" if tape.is_complete else f"not complete: {CUT_OFF}"
    yield Text(f"  {count} interaction{'' if count == 1 else 's'}, {end}")
    for interaction in tape.interactions:
        if interaction.skipped_polls:
            polls = "1 equal poll" if interaction.skipped_polls == 1 else f"{interaction.skipped_polls} equal polls"
            yield Text(f"{_MARGIN}({polls} before)", style="dim")
        yield line(interaction)
        if bodies:
            yield from _of_body(">", interaction.request.body)
            yield from _of_body("<", interaction.response.body)


def line(interaction: Interaction) -> Text:
    """An interaction in a line: when, the method's word, how it was spelled, the status, and what the answer says."""
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
    text.append(printable(f"{response.status} {response.reason}".rstrip()), style=_colour(response.status))
    text.append(printable(f"  {reply.note}" if reply.note else ""), style="bold")
    text.append(printable(f"{_counted(response.body)}{ids}"))
    text.append(late, style="dim")
    return text


def method_word(request: RecordedRequest) -> str:
    """The word for the method of the API that a request calls; empty for none."""
    asked = normalize(request)
    if asked.host:
        return ""
    try:
        return route(asked.path, asked.method)[0]
    except NoRouteError:
        return ""


def _of_label(label: CassetteMetadata) -> Iterator[Text]:
    """What it says of itself, and that it says nothing."""
    if label == UNKNOWN_METADATA:
        yield Text("  says nothing of its origin: nobody knows whose answers these are", style="yellow")
        return
    tool = f"pytest-ycimages {label.tool}" if label.tool else ""
    recorded = ", ".join(filter(None, (label.recorded_at, tool, label.contract and f"contract {label.contract}")))
    told = {
        "origin": f"{label.origin}, at {label.upstream}" if label.upstream else str(label.origin),
        "recorded": recorded,
        "folder": label.folder_id,
        "note": label.note,
    }
    for name, value in told.items():
        if value:
            yield Text(printable(f"  {name:<9} {value}"))


def _spelled(request: RecordedRequest) -> str:
    """The verb and the address; hosts of the API are left out, as its paths are told apart without them."""
    address = urlsplit(request.uri)
    query = f"?{address.query}" if address.query else ""
    host = f"{address.scheme}://{address.netloc}" if normalize(request).host else ""
    return printable(f"{request.method} {host}{address.path or '/'}{query}")


def _counted(body: bytes) -> str:
    """How long a list is that was answered."""
    for name in ("images", "operations", "endpoints"):
        found = json_object(body).get(name)
        if isinstance(found, list):
            return f"  {len(found)} {name if len(found) != 1 else name[:-1]}"
    return ""


def _of_body(mark: str, body: bytes) -> Iterator[Text]:
    if not body:
        return
    try:
        text = json.dumps(json.loads(body), indent=1, ensure_ascii=False)
    except ValueError:
        text = body.decode(errors="backslashreplace")
    for part in text.split("\n"):
        yield Text(f"{_MARGIN}{mark} {printable(part)}", style="dim")


def _colour(status: int) -> str:
    return "green" if status < _REFUSED else "yellow" if status < _FAILED else "red"
