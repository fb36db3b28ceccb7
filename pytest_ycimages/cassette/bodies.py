"""Bodies of messages: content encodings, character sets, and the form in which a cassette holds them.

A body that cannot be decoded cannot be searched for secrets, so it is refused rather than stored. vcrpy stores what a
client was given: from requests a decoded body beside its Content-Encoding, from httpx the bytes that were sent.
`stored_decoded` reads both, so that a cassette in memory always holds bodies that can be played, compared and shown.
"""

from __future__ import annotations

import gzip
import importlib
import re
import zlib
from typing import TYPE_CHECKING, Final

from pytest_ycimages.cassette.model import with_body
from pytest_ycimages.errors import SecretFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_ycimages.cassette.model import Headers, Interaction, RecordedResponse

ENCODING: Final = "content-encoding"
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


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
