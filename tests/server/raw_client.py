"""A client that sends exactly the bytes it is told to, and reads one answer after another from the same connection."""

from __future__ import annotations

import json
import socket
import ssl
import struct
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

if TYPE_CHECKING:
    from pytest_ycimages import Double
    from pytest_ycimages.server.listener import Listener

PATIENCE: Final = 20.0
"""Seconds after which a test that hangs fails. Nothing waits so long when all is well."""

_NO_LINGER: Final = struct.pack("ii", 1, 0)


class Answer(NamedTuple):
    """An answer as it came.

    Attributes:
        status: the HTTP status.
        headers: names in lower case.
        body: the whole body.
    """

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as a JSON value."""
        return json.loads(self.body)


class Client:
    """One connection to a double, or to a listener without one. Leaving the `with` block closes it."""

    def __init__(self, server: Double | Listener) -> None:
        self._socket = socket.create_connection((server.host, server.port), timeout=PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._socket.close()

    def send(self, data: bytes) -> None:
        """Send `data`, and nothing else."""
        self._socket.sendall(data)

    def answer(self, *, bodiless: bool = False) -> Answer:
        """Read the next answer; `bodiless` says that it has no body, whatever its content-length says."""
        first_line = self._file.readline()
        assert first_line, "the connection ended without an answer"
        status = int(first_line.split()[1])
        headers = {}
        while line := self._file.readline().strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        length = 0 if bodiless else int(headers.get("content-length", 0))
        return Answer(status, headers, self._file.read(length))

    def ask(self, data: bytes) -> Answer:
        """Send a request and read its answer."""
        self.send(data)
        return self.answer(bodiless=data.startswith(b"HEAD "))

    def is_left(self) -> bool:
        """Whether the other side ends the connection without another byte. Waits for either."""
        return self._file.read(1) == b""

    def finish(self) -> None:
        """Say that nothing more will be sent, and go on reading."""
        self._socket.shutdown(socket.SHUT_WR)

    def speak_tls(self) -> None:
        """Shake hands for TLS."""
        ssl.create_default_context().wrap_socket(self._socket.dup(), server_hostname="double").close()

    def give_up_after(self, seconds: float) -> None:
        """Wait for no answer longer than this."""
        self._socket.settimeout(seconds)

    def vanish(self) -> None:
        """Reset the connection, as a client does that was killed."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.__exit__()


def request(
    verb: str,
    target: str,
    *headers: str,
    body: bytes = b"",
    version: str = "1.1",
    authorization: str = "Bearer t1.a.b",
) -> bytes:
    """A request as a well-behaved client writes it."""
    lines = [f"{verb} {target} HTTP/{version}", "Host: localhost", f"Authorization: {authorization}", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def endpoint(id_: str, *headers: str, version: str = "1.1") -> bytes:
    """A request for one of the endpoints: its answer tells which one it was."""
    return request("GET", f"/endpoints/{id_}", *headers, version=version)


def chunked(*pieces: bytes) -> bytes:
    """A body in chunks."""
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (*pieces, b""))


ENDPOINTS: Final = ("compute", "endpoint", "iam", "operation", "resource-manager", "storage")
CREATE_BODY: Final = b'{"folderId": "b1g00000000000000000", "diskId": "epd0000000000000000a"}'
CREATE: Final = request("POST", "/compute/v1/images", body=CREATE_BODY)
HEAD_OF_CREATE_IN_CHUNKS: Final = request("POST", "/compute/v1/images", "Transfer-Encoding: chunked")
