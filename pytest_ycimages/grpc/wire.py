"""Wire rules of gRPC over HTTP/2: messages with their length, time-outs, metadata, and the status of a call."""

from __future__ import annotations

import base64
import re
import zlib
from typing import Final
from urllib.parse import quote

from pytest_ycimages.api.gateway import MAX_BODY
from pytest_ycimages.api.message import SECOND
from pytest_ycimages.api.status import Code

CONTENT_TYPE: Final = "application/grpc"
PREFIX: Final = 5
"""Bytes before each message: a flag of compression and four bytes of length."""

_TIMEOUT: Final = re.compile(r"([0-9]{1,8})([HMSmun])")
_UNITS: Final = {"H": 3600 * SECOND, "M": 60 * SECOND, "S": SECOND, "m": 10**6, "u": 10**3, "n": 1}
_PLAIN: Final = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")
"""The characters of a status message that need no percent-encoding."""

_WINDOWS: Final = {"deflate": zlib.MAX_WBITS, "gzip": zlib.MAX_WBITS | 16}
"""The compressions of requests, and how zlib is told of them."""
COMPRESSION: Final = (("grpc-accept-encoding", f"identity,{','.join(_WINDOWS)}"),)


class CallError(ValueError):
    """A call that ends with a status before the service sees it.

    Args:
        code: the status.
        message: its text.
    """

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code

    @property
    def trailers(self) -> tuple[tuple[str, str], ...]:
        """The trailers that end the call."""
        return status_headers(self.code, str(self))


def framed(message: bytes) -> bytes:
    """Return a message with its length, not compressed."""
    return b"\0" + len(message).to_bytes(4, "big") + message


def messages_in(data: bytes | bytearray, encoding: str) -> tuple[list[bytes], int]:
    """Return the complete messages at the start of `data`, and how many bytes they take.

    Args:
        data: the bytes of the request so far.
        encoding: the call's `grpc-encoding`; empty: none.

    Raises:
        CallError: a message is too large, or compressed in a way that is not served.
    """
    found: list[bytes] = []
    start = 0
    while len(data) - start >= PREFIX:
        length = int.from_bytes(data[start + 1 : start + PREFIX], "big")
        if length > MAX_BODY:
            raise _too_large(length)
        end = start + PREFIX + length
        if len(data) < end:
            break
        found.append(_decompressed(data[start], bytes(data[start + PREFIX : end]), encoding))
        start = end
    return found, start


def _too_large(length: int) -> CallError:
    return CallError(
        Code.RESOURCE_EXHAUSTED, f"Received message larger than max ({length} vs. {MAX_BODY}): the limit is 4 MiB"
    )


def _decompressed(flag: int, message: bytes, encoding: str) -> bytes:
    if flag == 0:
        return message
    if flag != 1:
        raise CallError(Code.INTERNAL, f"invalid compression flag {flag}: expected 0 or 1")
    if encoding not in _WINDOWS:
        text = f"Compression {encoding or 'identity'!r} is not served; served: identity, {', '.join(_WINDOWS)}"
        raise CallError(Code.INTERNAL if encoding in {"", "identity"} else Code.UNIMPLEMENTED, text)
    unpacking = zlib.decompressobj(_WINDOWS[encoding])
    try:
        plain = unpacking.decompress(message, MAX_BODY + 1)
    except zlib.error as error:
        raise CallError(Code.INTERNAL, f"The message is not valid {encoding}: {error}") from None
    if len(plain) > MAX_BODY:
        raise _too_large(len(plain))
    if not unpacking.eof:
        raise CallError(Code.INTERNAL, f"The message is not valid {encoding}: it ends too early")
    return plain


def timeout_in(text: str) -> int | None:
    """Return the nanoseconds of a `grpc-timeout`, such as `1500m`; None for an invalid one.

    The units are H, M, S, and m, u, n for milliseconds, microseconds and nanoseconds.
    """
    found = _TIMEOUT.fullmatch(text)
    return int(found[1]) * _UNITS[found[2]] if found else None


def percent_encoded(message: str) -> str:
    """Return the text of a status as `grpc-message` carries it: UTF-8, with all but printable ASCII as `%XX`."""
    return quote(message.encode(errors="replace"), safe=_PLAIN)


def binary_header(data: bytes) -> str:
    """Return the value of a header whose name ends in `-bin`: base64 without padding."""
    return base64.b64encode(data).decode().rstrip("=")


def status_headers(code: Code, message: str, details: bytes = b"") -> tuple[tuple[str, str], ...]:
    """Return the headers or trailers that end a call.

    Args:
        code: the status.
        message: its text.
        details: a `google.rpc.Status` in bytes; empty: none.
    """
    headers = [("grpc-status", str(code.number))]
    if message:
        headers.append(("grpc-message", percent_encoded(message)))
    if details:
        headers.append(("grpc-status-details-bin", binary_header(details)))
    return tuple(headers)
