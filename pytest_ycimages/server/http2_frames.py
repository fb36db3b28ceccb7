"""The frames of one HTTP/2 connection, by h2: its settings and limits, what comes in, what goes out, and header fields.

h2 can also say which header fields are malformed, and compress them. It looks at each character of each field of each
request, and compresses each field anew: half of what a call costs. Fields repeat from call to call, so here each is
judged and encoded once, and HPACK depends on nothing that was sent before.
"""

from __future__ import annotations

import re
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

import hpack
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.exceptions import DenialOfServiceError, H2Error, ProtocolError
from h2.settings import SettingCodes, Settings
from hpack.hpack import encode_integer
from hyperframe.frame import GoAwayFrame, SettingsFrame

from pytest_ycimages.server.http import HttpRequest
from pytest_ycimages.server.http1 import WHOLE_PREFACE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from h2.events import DataReceived, Event

    from pytest_ycimages.server.http import HttpReply

    Fields = Iterable[tuple[bytes, bytes]]

# Header fields.

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


FRAME: Final = 9
"""Bytes of the head of a frame."""


class Head:
    """The headers of an answer, or its trailers.

    Attributes:
        block: the fields, as a frame carries them.
    """

    def __init__(self, headers: Iterable[tuple[str, str]]) -> None:
        self.block = encoded(headers)

    def size(self) -> int:
        """Return the bytes of its frame."""
        return FRAME + len(self.block)


def head_of(reply: HttpReply) -> Head:
    """Return the headers of an answer, with its status."""
    headers = [(":status", str(reply.status))]
    headers += ((name.lower(), value) for name, value in reply.headers if name.lower() not in OF_THE_CONNECTION)
    is_grpc = bool(reply.trailers) or any(name == "grpc-status" for name, _ in reply.headers)
    if not is_grpc and not reply.is_head:
        headers.append(("content-length", str(len(reply.body))))
    return Head(headers)


# Frames.

MAX_STREAMS: Final = 1024
"""The streams that a client may have open at once."""
MAX_HEADERS: Final = 64 * 2**10
"""Bytes of the headers of a request."""
MAX_HELD: Final = 64 * 2**20
"""Bytes of requests that a connection holds before it answers them."""
_WINDOW: Final = 2**20
"""Bytes that a stream may send before the double has read them."""
_ACKNOWLEDGES: Final = 1
"""The flag of SETTINGS that acknowledge those of the other side."""
_CODE: Final = 4
"""Bytes of the error code at the end of GOAWAY."""


class Frames:
    """The server's side of a connection, in frames."""

    def __init__(self) -> None:
        config = H2Configuration(  # what the double sends is in order, and what it receives is judged in http2_headers
            client_side=False,
            header_encoding=None,
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
            validate_inbound_headers=False,
            normalize_inbound_headers=False,
        )
        self._opening: bytes | None = b""
        self._read = 0
        self._conn = H2Connection(config)
        self._conn.encoder, self._conn.decoder = Encoder(), Decoder(MAX_HEADERS)
        self._conn.local_settings = Settings(
            client=False,
            initial_values={
                SettingCodes.MAX_CONCURRENT_STREAMS: MAX_STREAMS,
                SettingCodes.MAX_HEADER_LIST_SIZE: MAX_HEADERS,
                SettingCodes.INITIAL_WINDOW_SIZE: _WINDOW,
            },
        )
        self._conn.initiate_connection()
        self._conn.increment_flow_control_window(MAX_HELD)
        self.taken = self._conn.data_to_send
        """Return the bytes to send, since the last time."""

    def events(self, data: bytes) -> list[Event]:
        """Return what the client says.

        Raises:
            ProtocolError: it has broken the protocol.
        """
        return self._conn.receive_data(data if self._opening is None else self._opened(data))

    def _opened(self, data: bytes) -> bytes:
        """Hold back the first bytes until they show that the client begins with its settings, which h2 does not check.

        Raises:
            ProtocolError: it does not.
        """
        opening, length = (self._opening or b"") + data, len(WHOLE_PREFACE)
        kind, flags = opening[length + 3 : length + 4], opening[length + 4 : length + 5]
        if WHOLE_PREFACE.startswith(opening[:length]) and not flags:
            self._opening = opening
            return b""
        self._opening = None
        if opening.startswith(WHOLE_PREFACE) and (kind[0] != SettingsFrame.type or flags[0] & _ACKNOWLEDGES):
            self._conn.close_connection(ErrorCodes.PROTOCOL_ERROR)
            raise ProtocolError("the first frame of a client is SETTINGS")
        return opening

    def acknowledge(self, event: DataReceived) -> None:
        """Let the client send as many bytes again: behind the end of a stream, other streams, and not each time."""
        length = event.flow_controlled_length or 0
        with suppress(H2Error):  # it has reset the stream, or ended the connection
            if event.stream_ended is None:
                self._conn.acknowledge_received_data(length, event.stream_id or 0)
                return
            self._read += length
            if self._read >= _WINDOW:
                self._conn.increment_flow_control_window(self._read)
                self._read = 0

    def room(self, number: int) -> int:
        """Return how many bytes of a body the client takes in the next frame of a stream.

        Raises:
            H2Error: the client has reset the stream.
        """
        return min(self._conn.local_flow_control_window(number), self._conn.max_outbound_frame_size)

    def send(self, number: int, part: Head | bytes, *, is_last: bool) -> None:
        """Send headers, or a part of a body, in one frame of a stream.

        Raises:
            H2Error: the client has reset the stream.
        """
        if isinstance(part, Head):
            self._conn.send_headers(number, ((b"", part.block),), end_stream=is_last)
        else:
            self._conn.send_data(number, part, end_stream=is_last)

    def reset(self, number: int, code: int = ErrorCodes.NO_ERROR) -> None:
        """End a stream with RST_STREAM."""
        with suppress(H2Error):  # the client has reset it
            self._conn.reset_stream(number, code)

    def close(self, code: ErrorCodes) -> None:
        """End the connection with GOAWAY."""
        with suppress(H2Error):  # it is closed already
            self._conn.close_connection(code)

    def refusal(self, error: ProtocolError) -> bytes:
        """Return the GOAWAY that h2 has written for an error, with the code that HPACK's errors have."""
        sent = self.taken()
        if isinstance(error.__cause__, hpack.HPACKError) and not isinstance(error, DenialOfServiceError):
            sent = sent[:-_CODE] + ErrorCodes.COMPRESSION_ERROR.to_bytes(_CODE, "big")
        return sent


def goaway(code: int, last: int) -> bytes:
    """Return a GOAWAY beside h2, which sends nothing after one: the streams up to `last` go on."""
    return GoAwayFrame(0, last_stream_id=last, error_code=code).serialize()
