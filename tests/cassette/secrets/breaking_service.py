"""A service that breaks at a step of each exchange, and says back the credential wherever it can."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import struct
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

STATE: Final = "GET /_ycimages/state"
"""What a recorder asks first, to find out whether a double is there."""

TLS_HELLO: Final = b"\x16\x03"


class Request:
    """A request that has arrived, with the connection to answer it."""

    def __init__(self, connection: socket.socket, head: str) -> None:
        self.connection = connection
        self.head = head
        self.credential = "".join(
            line.partition(":")[2].strip() for line in head.split("\r\n") if line.lower().startswith("authorization:")
        )

    def answer(self, head: str, body: bytes = b"", length: int | None = None) -> None:
        """Send an answer, with the length of its body or another one."""
        size = len(body) if length is None else length
        self.connection.sendall(f"HTTP/1.1 {head}\r\ncontent-length: {size}\r\n\r\n".encode() + body)

    def reset(self) -> None:
        """Close so that the client gets a reset."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _json(request: Request) -> bytes:
    return f'{{"code": 16, "message": "bad {request.credential}", "iamToken": "{request.credential}"}}'.encode()


def _said_back(request: Request) -> None:
    request.answer(f"401 no {request.credential}\r\nwww-authenticate: {request.credential}", _json(request))


def _half(request: Request) -> None:
    request.answer("200 OK\r\ncontent-type: application/json", _json(request), 10_000)


def _half_of_head(request: Request) -> None:
    request.connection.sendall(f"HTTP/1.1 200 {request.credential}\r\nx-a: {request.credential}".encode())


def _no_http(request: Request) -> None:
    request.connection.sendall(f"{request.credential} {request.credential}\r\n\r\n".encode())


def _unreadable(encoding: str) -> Callable[[Request], None]:
    return lambda request: request.answer(f"200 OK\r\ncontent-encoding: {encoding}", _json(request))


def _wrong_length(request: Request) -> None:
    request.connection.sendall(f"HTTP/1.1 200 OK\r\ncontent-length: {request.credential}\r\n\r\n".encode())


def _moved(request: Request) -> None:
    request.answer(f"302 Found\r\nlocation: http://127.0.0.1:1/?token={request.credential}")


def _interrupt(request: Request) -> None:
    pid = next(line for line in request.head.split("\r\n") if line.startswith("x-pid:")).partition(":")[2]
    os.kill(int(pid), signal.SIGINT)
    request.connection.recv(1)


STEPS: Final[dict[str, Callable[[Request], None]]] = {
    "reset": Request.reset,
    "closed": lambda _: None,
    "half a head": _half_of_head,
    "half an answer": _half,
    "no HTTP": _no_http,
    "wrong length": _wrong_length,
    "said back": _said_back,
    "moved": _moved,
    "damaged gzip": _unreadable("gzip"),
    "unknown encoding": _unreadable("zstd"),
}
"""What becomes of a request that has been sent."""
INTERRUPT: Final = _interrupt


class Service:
    """A server on loopback, which does one thing with each request but the first question of a recorder."""

    def __init__(self, work: Callable[[Request], None]) -> None:
        self._work = work
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, suppress(OSError, ssl.SSLError):
                connection.settimeout(60)
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more or more.startswith(TLS_HELLO):
                return
            data += more
        head = data.decode("latin-1")
        if head.startswith(STATE):
            Request(connection, head).answer("404 Not Found\r\nconnection: close")
        else:
            self._work(Request(connection, head))
