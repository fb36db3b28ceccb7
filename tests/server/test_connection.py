"""One connection, byte by byte: what arrives in which pieces, and in how many pieces it leaves."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final

import pytest

from pytest_ycimages.server.connection import Connection
from pytest_ycimages.server.http import HttpReply
from tests.server.raw_client import HEAD_OF_CREATE_IN_CHUNKS, chunked, endpoint, request

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed import ReadableBuffer

    from pytest_ycimages.server.http import HttpRequest


class ScriptedSocket(socket.socket):
    """A socket that receives given pieces and keeps what is sent, one entry for each write."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        super().__init__()
        self._pieces = iter(pieces)
        self.writes: list[bytes] = []

    def recv(self, _size: int, flags: int = 0, /) -> bytes:
        """The next piece; only a look at it takes none."""
        return b"" if flags & socket.MSG_PEEK else next(self._pieces, b"")

    def sendall(self, data: ReadableBuffer, _flags: int = 0, /) -> None:
        """Keep what is sent."""
        self.writes.append(bytes(data))

    def send(self, data: ReadableBuffer, _flags: int = 0, /) -> int:
        """Keep what is sent."""
        self.sendall(data)
        return len(bytes(data))


def _echo(http: HttpRequest) -> HttpReply:
    return HttpReply(200, (("content-type", "text/plain"),), repr(http).encode())


def _writes(pieces: Iterable[bytes]) -> list[bytes]:
    sock = ScriptedSocket(pieces)
    Connection(sock, _echo).serve()
    return sock.writes


CONVERSATION: Final = (
    request("POST", "/a?b=c", "X-Repeated: 1", "X-Repeated: 2", body=b"GET / HTTP/1.1\r\n\r\n")
    + HEAD_OF_CREATE_IN_CHUNKS
    + chunked(b"one", b"two")
    + endpoint("iam", "Connection: close")
)


def test_each_reply_leaves_in_one_write() -> None:
    """Two writes without an acknowledgement between them cost 40 ms on many a machine."""
    writes = _writes([CONVERSATION])
    assert len(writes) == 3
    for write in writes:
        head, _, body = write.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert f"content-length: {len(body)}".encode() in head.split(b"\r\n")


def test_a_conversation_may_be_split_anywhere() -> None:
    """Requests are read the same, and answered the same, wherever a packet ends."""
    whole = _writes([CONVERSATION])
    for at in range(1, len(CONVERSATION)):
        assert _writes([CONVERSATION[:at], CONVERSATION[at:]]) == whole


def test_a_conversation_may_come_byte_by_byte() -> None:
    """The extreme of it."""
    assert _writes(bytes([byte]) for byte in CONVERSATION) == _writes([CONVERSATION])


def test_a_request_is_read_as_it_was_sent() -> None:
    """Path decoded, query as it came, header names in lower case, repeated headers joined, the body whole."""
    seen = []

    def answer(http: HttpRequest) -> HttpReply:
        seen.append(http)
        return HttpReply(200, (), b"")

    data = request("POST", "/a%20b?c=%20d", "X-Repeated: 1", "x-repeated: 2", body=b"{}")
    Connection(ScriptedSocket([data]), answer).serve()
    assert [(each.method, each.path, each.query, each.body) for each in seen] == [("POST", "/a b", "c=%20d", b"{}")]
    assert seen[0].headers == {
        "host": "localhost",
        "authorization": "Bearer t1.a.b",
        "x-repeated": "1, 2",
        "content-length": "2",
    }


@pytest.mark.parametrize(("status", "line"), [(499, "499 Client Closed Request"), (599, "599 Unknown")])
def test_every_status_has_a_reason(status: int, line: str) -> None:
    """Old clients fail on a status line without one."""
    sock = ScriptedSocket([endpoint("iam")])
    Connection(sock, lambda _: HttpReply(status, (), b"")).serve()
    assert sock.writes[0].startswith(f"HTTP/1.1 {line}\r\n".encode())
