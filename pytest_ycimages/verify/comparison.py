"""A recorded answer beside the one that is given today: what of it differs, field by field.

What must differ between two runs is compared by its form: ids, times, the ids of calls, tokens of pages. Everything
else is compared by its value. Nothing here knows who answers; what is learned on the way is in the `Correspondence`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pytest_ycimages.api.code import Code
from pytest_ycimages.cassette.requests import json_value, normalize
from pytest_ycimages.verify.diff import Sides, differences_of
from pytest_ycimages.verify.difference import Difference, Kind, shown_value
from pytest_ycimages.verify.forms import UUID, layouts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_ycimages.cassette.model import Interaction, RecordedResponse
    from pytest_ycimages.verify.normalize import Correspondence

BY_VALUE: Final = ("content-type", "allow", "retry-after", "x-operation-poll-interval")
"""The headers whose values an answer must repeat."""
REQUEST_ID: Final = "x-request-id"
BY_PRESENCE: Final = ("x-server-trace-id",)
"""The headers that are there or not, and say something else each time."""

_REFUSED: Final = 400
_NUMBER: Final = re.compile(r"\d+(\.\d+)?")


def compare(
    interaction: Interaction, answered: RecordedResponse, known: Correspondence, *, whole: bool = True
) -> tuple[Difference, ...]:
    """What differs between the recorded answer and the one that is given today, in the order of the answer.

    Args:
        interaction: what was asked, and how it was answered when it was recorded.
        answered: the answer to the same request today.
        known: which ids stand for which. It learns those that are new.
        whole: whether the recording has everything that was sent: every header, and the white space of the body.
    """
    recorded = interaction.response
    if (recorded.status < _REFUSED) is not (answered.status < _REFUSED):
        return (Difference("status", _outcome(recorded), _outcome(answered), Kind.VALUE),)
    return (
        *_status(recorded, answered),
        *_headers(recorded, answered, whole=whole),
        *_body(interaction, answered, known, whole=whole),
    )


def _status(recorded: RecordedResponse, answered: RecordedResponse) -> Iterator[Difference]:
    if recorded.status != answered.status:
        yield Difference("status", _outcome(recorded), _outcome(answered), Kind.VALUE)


def _outcome(response: RecordedResponse) -> str:
    """An answer in a few words: its status, and what a refusal says."""
    body = json_value(response.body)
    if not isinstance(body, dict) or response.status < _REFUSED:
        return str(response.status)
    code = body.get("code")
    name = f" {Code(code).name}" if isinstance(code, int) and code in set(Code) else ""
    return f"{response.status}{name} {body.get('message', '')}".rstrip()


def _headers(recorded: RecordedResponse, answered: RecordedResponse, *, whole: bool) -> Iterator[Difference]:
    if not recorded.headers:
        return  # nobody wrote them down
    was, now = dict(recorded.headers), dict(answered.headers)
    for name in (*BY_VALUE, REQUEST_ID, *BY_PRESENCE):
        field, before, after = f"headers.{name}", was.get(name), now.get(name)
        if before is None and (after is None or not whole):
            continue
        if before is None or after is None:
            yield Difference(field, before or "", after or "", Kind.MISSING if after is None else Kind.EXTRA)
        elif name == REQUEST_ID:
            if UUID.fullmatch(before) and not UUID.fullmatch(after):
                yield Difference(field, before, after, Kind.FORM)
        elif name in BY_VALUE and not _same_value(name, before, after):
            yield Difference(field, before, after, Kind.VALUE)


def _same_value(name: str, before: str, after: str) -> bool:
    """Whether a header says the same; one that names a moment says another one each time."""
    dates = name == "retry-after" and not _NUMBER.fullmatch(before) and not _NUMBER.fullmatch(after)
    return before == after or dates


def _body(
    interaction: Interaction, answered: RecordedResponse, known: Correspondence, *, whole: bool
) -> Iterator[Difference]:
    recorded = interaction.response
    before, after = json_value(recorded.body), json_value(answered.body)
    if isinstance(before, bytes) and isinstance(after, bytes):
        was, now = before.decode("utf-8", "replace"), after.decode("utf-8", "replace")
        if not known.same_text(was, now):
            yield Difference("body", was, now, Kind.VALUE)
        return
    if isinstance(before, bytes) or isinstance(after, bytes):
        yield Difference("body", _shown_body(before), _shown_body(after), Kind.TYPE)
        return
    yield from differences_of(before, after, _sides(interaction, answered, before, after), known)
    if whole and isinstance(before, dict | list):
        was_laid, now_laid = layouts_of(recorded.body, before), layouts_of(answered.body, after)
        if not {*was_laid} & {*now_laid}:
            yield Difference("body", was_laid[0], now_laid[0], Kind.WHITESPACE)


def _sides(interaction: Interaction, answered: RecordedResponse, before: Any, after: Any) -> Sides:
    asked = dict(normalize(interaction.request).query)
    tokens = [body.get("nextPageToken") for body in (before, after) if isinstance(body, dict)]
    return Sides(
        request_ids=tuple(dict(each.headers).get(REQUEST_ID, "") for each in (interaction.response, answered)),
        order=asked.get("orderBy", "").partition(" ")[0].replace("created_at", "createdAt") or "id",
        is_page=any((*tokens, asked.get("pageToken"))),
    )


def _shown_body(body: Any) -> str:
    return body.decode("utf-8", "replace") if isinstance(body, bytes) else shown_value(body)
