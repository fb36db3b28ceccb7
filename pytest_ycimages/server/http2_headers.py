"""Header fields of HTTP/2: which requests are malformed, and HPACK that depends on nothing sent before.

h2 can do both. It looks at each character of each field of each request, and compresses each field anew: half of what a
call costs. Fields repeat from call to call, so here each is judged and encoded once.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

import hpack
from hpack.hpack import encode_integer

from pytest_ycimages.server.http import HttpRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

    Fields = Iterable[tuple[bytes, bytes]]

_CACHED: Final = 256
"""Bytes of the longest field that is worth its memory in a cache."""
_REMEMBERED: Final = 64
"""How many blocks a connection remembers."""
_INDEXED: Final = re.compile(rb"[\x80-\xfe]{1,64}")
_NAME: Final = re.compile(rb":?[!-9;-@\[-~]+")
_VALUE: Final = re.compile(rb"(?![ \t])[^\0\r\n]*(?<![ \t])")
_PSEUDO: Final = frozenset({b":method", b":scheme", b":path", b":authority"})
OF_THE_CONNECTION: Final = frozenset({"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"})
"""The fields of HTTP/1.1 that HTTP/2 has no use for: a request with one is malformed."""


def request_of(fields: Fields, connection: int, served: int) -> HttpRequest | None:
    """Return a request without its body; None for a malformed one (RFC 9113, sections 8.2 and 8.3).

    Args:
        fields: its pseudo-header fields and fields, in the order of their arrival.
        connection: tells its connection from others in the journal.
        served: how many requests came before it on the connection.
    """
    http = _read(tuple(fields))
    return http and http._replace(connection=connection, served=served)


@lru_cache(maxsize=64)
def _read(fields: tuple[tuple[bytes, bytes], ...]) -> HttpRequest | None:
    """Return the request with these fields: most that a client sends are the same."""
    found: dict[str, str] = {}
    is_after_pseudo = False
    for name, value in fields:
        field = _field(name, value)
        if field is None:
            return None
        key, text = field
        if key[0] == ":":
            if is_after_pseudo or key in found:
                return None
        else:
            is_after_pseudo = True
            if key in found:
                if key == "host":
                    return None
                text = f"{found[key]}{'; ' if key == 'cookie' else ','}{text}"
        found[key] = text
    method, scheme, target = found.pop(":method", ""), found.pop(":scheme", None), found.pop(":path", "")
    authority = found.pop(":authority", None)
    has_target = scheme is None and not target if method == "CONNECT" else scheme is not None and target
    host = found.setdefault("host", authority or "") if authority is not None else found.get("host")
    if not method or not has_target or host is None or (authority is not None and authority != host):
        return None
    path, _, query = target.partition("?")
    return HttpRequest(method, unquote(path), query, found, b"", overridden_host=authority or "")


def are_trailers(fields: Fields) -> bool:
    """Return whether a request may end with these fields."""
    return all(not name.startswith(b":") and _field(name, value) for name, value in fields)


def _field(name: bytes, value: bytes) -> tuple[str, str] | None:
    if len(name) + len(value) > _CACHED:
        return _judged.__wrapped__(name, value)
    return _judged(name, value)


@lru_cache(maxsize=1024)
def _judged(name: bytes, value: bytes) -> tuple[str, str] | None:
    """Return a field as text; None for one that no request may have."""
    if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value) or (name[0] == _COLON and name not in _PSEUDO):
        return None
    key, text = name.decode("ascii"), value.decode("latin-1")
    return None if key in OF_THE_CONNECTION or (key == "te" and text.lower() != "trailers") else (key, text)


_COLON: Final = ord(":")


class Decoder(hpack.Decoder):
    """Remembers what blocks meant that only name fields by their index, while the table of fields stays as it is.

    Clients send most requests so, all but the first few of a connection.
    """

    def __init__(self, max_header_list_size: int) -> None:
        super().__init__(max_header_list_size)
        self._known: dict[bytes, Iterable[hpack.HeaderTuple]] = {}

    def decode(self, data: bytes, raw: bool = False) -> Iterable[hpack.HeaderTuple]:  # noqa: FBT001, FBT002 - of hpack
        """Return the fields of a block."""
        if (known := self._known.get(data)) is not None:
            return known
        fields = super().decode(data, raw)
        if not _INDEXED.fullmatch(data) or len(self._known) >= _REMEMBERED:
            self._known.clear()
        else:
            self._known[data] = fields
        return fields


class Encoder(hpack.Encoder):
    """Takes fields that are encoded already: the values of what h2 is given are blocks of `encoded`."""

    def encode(  # type: ignore[override] # h2 gives pairs of bytes
        self,
        headers: Fields,
        huffman: bool = True,  # noqa: ARG002, FBT001, FBT002 - the interface of hpack
    ) -> bytes:
        """Return the block of some fields."""
        resized = super().encode(()) if self.header_table.resized else b""
        return resized + b"".join([block for _, block in headers])


def encoded(headers: Iterable[tuple[str, str]]) -> bytes:
    """Return the block of some fields.

    Each is encoded by itself, without the table of fields that were sent before. So the bytes of a frame are the same
    whatever came before it on the connection.
    """
    return b"".join([_literal(name, value) for name, value in headers])


_HPACK: Final = hpack.Encoder()
_SHORT: Final = 127
"""Bytes of a value whose length takes one byte."""


def _literal(name: str, value: str) -> bytes:
    if name.startswith(":"):
        return _status(name, value)
    text = value.encode()
    length = len(text)
    return _prefix(name) + (bytes((length,)) if length < _SHORT else bytes(encode_integer(length, 7))) + text


@lru_cache(maxsize=64)
def _status(name: str, value: str) -> bytes:
    return _HPACK.add((name.encode(), value.encode()), sensitive=True)  # which leaves its table as it is


@lru_cache(maxsize=256)
def _prefix(name: str) -> bytes:
    """Return what comes before the value of a field that is never indexed."""
    return _HPACK.add((name.encode(), b"\0"), sensitive=True)[:-2]
