"""Contents of a cassette as frozen values: metadata, and each request with its response.

These values know no file, clock or client. Their texts are redacted already, or about to be.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_ycimages.call import shown
from pytest_ycimages.words import Word, exact

if TYPE_CHECKING:
    from collections.abc import Sequence

Headers = tuple[tuple[str, str], ...]
"""Pairs of lower-case name and value; a repeated header is a repeated pair."""

HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""The names that HTTP allows (RFC 9110, section 5.6.2). A cassette has no header with another name."""
HEADER_BREAK: Final = re.compile(r"[\r\n\0]+[ \t]*")
"""A break within the value of a header, which HTTP has always read as a space."""

CUT_OFF: Final = "the recording was stopped before its end, or the file was cut off"
"""The description of a cassette without an end mark."""

_LONGEST: Final = 80


class Origin(Word):
    """The source of the answers in a cassette."""

    SERVICE = "service"
    FAKE = "fake"
    DOCUMENTATION = "documentation"
    UNKNOWN = "unknown"


@exact
class RecordedRequest(NamedTuple):
    """A request, with the service's own host name in `uri` whatever address the client used."""

    method: str
    uri: str
    headers: Headers = ()
    body: bytes = b""

    def __repr__(self) -> str:
        """Show nothing that may be secret: reports of tests print the variables of frames."""
        return f"<RecordedRequest {self.method}, {len(self.body)} bytes>"


@exact
class RecordedResponse(NamedTuple):
    """A response."""

    status: int
    reason: str = ""
    headers: Headers = ()
    body: bytes = b""

    def __repr__(self) -> str:
        """Show nothing that may be secret: reports of tests print the variables of frames."""
        return f"<RecordedResponse {self.status}, {len(self.body)} bytes>"


def with_body(response: RecordedResponse, body: bytes) -> RecordedResponse:
    """Return `response` with another body, and with its length if there is such a header."""
    headers = tuple((name, str(len(body)) if name == "content-length" else value) for name, value in response.headers)
    return response._replace(body=body, headers=headers)


@exact
class Interaction(NamedTuple):
    """A request and its response.

    Attributes:
        at: when the request came, in seconds since the recording began; None: not known, as with plain vcrpy.
        duration: seconds until the response.
        skipped_polls: how many polls before this one got the answer of the one before them, and were left out.
    """

    request: RecordedRequest
    response: RecordedResponse
    at: float | None = None
    duration: float = 0
    skipped_polls: int = 0

    @property
    def moment(self) -> str:
        """The time of the request, such as ` at +1.000s`; empty if it is not known."""
        return "" if self.at is None else f" at +{shown(self.at)}"


@exact
class CassetteMetadata(NamedTuple):
    """The description of a cassette. An empty text: not known.

    Attributes:
        origin: the source of the answers.
        upstream: the address that was recorded.
        recorded_at: when the recording began, as RFC 3339 writes it.
        contract: the revision of the contract in force.
        tool: the version of this package that recorded it.
        folder_id: the folder that the recorded client worked in.
        note: a remark for readers.
    """

    origin: Origin = Origin.UNKNOWN
    upstream: str = ""
    recorded_at: str = ""
    contract: str = ""
    tool: str = ""
    folder_id: str = ""
    note: str = ""


class CassetteData(NamedTuple):
    """The contents of a cassette. Compared by value, hashed by identity: a key of caches that costs nothing.

    Attributes:
        interactions: in the order of the responses.
        is_complete: whether the recording came to its end; that of a killed process did not.
    """

    metadata: CassetteMetadata
    interactions: Sequence[Interaction]
    is_complete: bool = True

    def __hash__(self) -> int:
        return id(self)


UNKNOWN_METADATA: Final = CassetteMetadata()
"""The metadata of a cassette without any, such as one of plain vcrpy."""


def summary_line(index: int, interaction: Interaction) -> str:
    """Return an interaction in one line, counted from 1."""
    request, status = interaction.request, interaction.response.status
    return f"interaction {index + 1}: {request.method} {request.uri} -> {status}{interaction.moment}"


def shortened(text: str) -> str:
    """Return `text`, cut to a readable length."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
