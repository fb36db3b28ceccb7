"""Contents of a cassette as frozen values: metadata, and each request with its response; and their bodies, decoded.

These values know no file, clock or client. Their texts are redacted already, or about to be.

A body that cannot be decoded cannot be searched for secrets, so it is refused rather than stored. vcrpy stores what a
client was given: from requests a decoded body beside its Content-Encoding, from httpx the bytes that were sent.
`stored_decoded` reads both, so that a cassette in memory always holds bodies that can be played, compared and shown.
"""

from __future__ import annotations

import gzip
import importlib
import re
import zlib
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_ycimages.call import shown
from pytest_ycimages.errors import SecretFoundError
from pytest_ycimages.words import Word, exact

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Headers = tuple[tuple[str, str], ...]
"""Pairs of lower-case name and value; a repeated header is a repeated pair."""

HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""The names that HTTP allows (RFC 9110, section 5.6.2). A cassette has no header with another name."""
HEADER_BREAK: Final = re.compile(r"[\r\n\0]+[ \t]*")
"""A break within the value of a header, which HTTP has always read as a space."""

ENCODING: Final = "content-encoding"
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

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


def shortened(text: str) -> str:
    """Return `text`, cut to a readable length."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


# Bodies.


class UnreadableBodyError(SecretFoundError):
    """Raised for a body that cannot be decoded.

    Attributes:
        what: the problem in one sentence, without the advice.
    """

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} It was not saved. Let the client send Accept-Encoding: identity while it records.")
        self.what = what


def text_of(body: bytes) -> tuple[str, str]:
    """Return a body as text, with its character set: UTF-16 with its mark, else UTF-8, else one character per byte."""
    for mark, charset in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"", "utf-8")):
        if body.startswith(mark):
            try:
                return body.decode(charset), charset
            except UnicodeDecodeError:
                continue
    return body.decode("latin-1"), "latin-1"


def decoded(body: bytes, headers: Headers) -> tuple[bytes, Headers]:
    """Return the body without its Content-Encoding, and the headers without that header.

    Raises:
        UnreadableBodyError: the body cannot be decoded.
    """
    encodings = [part.strip().lower() for name, value in headers if name == ENCODING for part in value.split(",")]
    if body:
        for encoding in reversed(encodings):
            body = _decoded(body, encoding)
    return body, tuple(header for header in headers if header[0] != ENCODING) if encodings else headers


def stored_decoded(interaction: Interaction) -> Interaction:
    """Return a stored interaction with the response body decoded and its Content-Encoding removed.

    Return it unchanged if the body is empty, or can be neither read nor decoded.
    """
    response = interaction.response
    if not response.body or ENCODING not in dict(response.headers):
        return interaction
    try:
        body, headers = decoded(response.body, response.headers)
    except UnreadableBodyError:
        if not _was_decoded(response):
            return interaction
        body, headers = response.body, tuple(header for header in response.headers if header[0] != ENCODING)
    return interaction._replace(response=with_body(response._replace(headers=headers), body))


def _was_decoded(response: RecordedResponse) -> bool:
    """Return whether the recorder decoded the body: compressed data is never text, and gzip has a signature."""
    encodings = [value.strip().lower() for name, value in response.headers if name == ENCODING]
    try:
        if not _CONTROL.search(response.body.decode()):
            return True
    except UnicodeDecodeError:
        pass
    return encodings[-1].endswith("gzip") and not response.body.startswith(b"\x1f\x8b")


def _decoded(body: bytes, encoding: str) -> bytes:
    if encoding not in _DECODERS:
        why = f"only {', '.join(sorted(_DECODERS))} can be decoded"
    else:
        try:
            return _DECODERS[encoding](body)
        except ModuleNotFoundError:
            why = "the package brotli is not installed"
        except (OSError, EOFError, zlib.error, ValueError) as error:
            why = f"it is damaged: {error}"
    raise UnreadableBodyError(
        f"A body with Content-Encoding {encoding!r} cannot be looked through for secrets: {why}."
    ) from None


def _inflated(body: bytes) -> bytes:
    """Inflate with the zlib header, or without it as some servers send it."""
    try:
        return zlib.decompress(body)
    except zlib.error:
        return zlib.decompress(body, -zlib.MAX_WBITS)


def _from_brotli(body: bytes) -> bytes:
    brotli = importlib.import_module("brotli")
    try:
        return bytes(brotli.decompress(body))
    except brotli.error as error:
        raise ValueError(error) from None


_DECODERS: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "br": _from_brotli,
    "deflate": _inflated,
    "gzip": gzip.decompress,
    "identity": bytes,
    "x-gzip": gzip.decompress,
}
