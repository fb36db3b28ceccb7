"""Bodies as text, whatever their Content-Encoding and their characters, and text as bodies again.

What cannot be decoded cannot be looked through, so it is refused rather than stored.
"""

from __future__ import annotations

import gzip
import importlib
import zlib
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_ycimages.errors import SecretFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_ycimages.cassette.interaction import Headers


class UnreadableBodyError(SecretFoundError):
    """A body that cannot be decoded.

    Attributes:
        what: what is wrong with it, in a sentence, without what to do.
    """

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} It was not saved. Let the client send Accept-Encoding: identity while it records.")
        self.what = what


class Text(NamedTuple):
    """A body as text, and the name of the encoding of its characters."""

    text: str
    charset: str

    def encoded(self, text: str) -> bytes:
        """Another text in the same encoding."""
        return text.encode(self.charset, "surrogatepass")


def text_of(body: bytes) -> Text:
    """A body as text: of UTF-8, or UTF-16 if it says so, or else one character for each byte."""
    for mark, charset in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"", "utf-8")):
        if body.startswith(mark):
            try:
                return Text(body.decode(charset), charset)
            except UnicodeDecodeError:
                continue
    return Text(body.decode("latin-1"), "latin-1")


def decoded(body: bytes, headers: Headers) -> tuple[bytes, Headers]:
    """The body without its Content-Encoding, and the headers without that header.

    Raises:
        UnreadableBodyError: the body cannot be decoded.
    """
    encodings = [
        part.strip().lower() for name, value in headers if name == "content-encoding" for part in value.split(",")
    ]
    if body:
        for encoding in reversed(encodings):
            body = _decoded(body, encoding)
    return body, tuple(header for header in headers if header[0] != "content-encoding") if encodings else headers


def _decoded(body: bytes, encoding: str) -> bytes:
    decode = _DECODERS.get(encoding)
    if decode is None:
        raise _refused(encoding, f"only {', '.join(sorted(_DECODERS))} can be decoded")
    try:
        return decode(body)
    except ModuleNotFoundError:
        raise _refused(encoding, "the package brotli is not installed") from None
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise _refused(encoding, f"it is damaged: {error}") from None


def _refused(encoding: str, why: str) -> UnreadableBodyError:
    return UnreadableBodyError(
        f"A body with Content-Encoding {encoding!r} cannot be looked through for secrets: {why}."
    )


def _inflated(body: bytes) -> bytes:
    """What `deflate` means: with the header of zlib, as it should be, or without, as some servers send it."""
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
