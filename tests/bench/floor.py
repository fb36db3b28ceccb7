"""The floor: the least that a threaded HTTP server in Python can do. It finds where a request ends, nothing more.

A thread for each connection, which it keeps; constant answers, each in one write; TCP_NODELAY.
"""

from __future__ import annotations

import re
import socket
import threading
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from types import TracebackType

_LENGTH: Final = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Floor:
    """Answers every POST with one constant and every GET with another.

    Attributes:
        host: the address it listens on.
        port: the port that it was given.
    """

    def __init__(self, post: bytes, get: bytes) -> None:
        self._answers = {True: _answer(post), False: _answer(get)}
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.host: str
        self.port: int
        self.host, self.port = self._socket.getsockname()
        self._clients: dict[socket.socket, threading.Thread] = {}
        self._thread = threading.Thread(target=self._accept, name="floor", daemon=True)

    def __enter__(self) -> Self:
        """Start."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop, and wait for every thread."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()
        for client, thread in self._clients.items():
            _shut(client)
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return  # shut down
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
            self._clients[client] = thread
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        waiting = b""
        with client:
            while data := _received(client):
                waiting += data
                if _complete(waiting):
                    client.sendall(self._answers[waiting.startswith(b"POST")])
                    waiting = b""


def _answer(body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _complete(data: bytes) -> bool:
    head, blank, body = data.partition(b"\r\n\r\n")
    if not blank:
        return False
    length = _LENGTH.search(head)
    return length is None or len(body) >= int(length[1])


def _received(client: socket.socket) -> bytes:
    try:
        return client.recv(65536)
    except OSError:
        return b""  # the other side has gone


def _shut(client: socket.socket) -> None:
    try:
        client.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # closed already
