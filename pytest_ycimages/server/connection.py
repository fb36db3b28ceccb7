"""One kept-alive HTTP/1.1 connection: bytes in, requests answered in order, bytes out. Parsing is llhttp's.

Bodies are read to their end before anything is answered, so a refused request never spoils the next one on the
same connection. Each reply leaves in one write.
"""

from __future__ import annotations

import socket
from collections import deque
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit, urlunsplit

import httptools

from pytest_ycimages.server.http import HttpReply, HttpRequest, status_line

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_BODY: Final = 4 * 2**20
"""Bytes of a request's body; gRPC's own limit, and so the gateway's."""

MAX_HEAD: Final = 64 * 2**10
"""Bytes of a request line and its headers."""

_RECEIVE: Final = 64 * 2**10
_TLS_HANDSHAKE: Final = 0x16
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection:
    """Serves one client until either side is done.

    The methods named `on_…` are the parser's: it calls them while it is fed.
    """

    def __init__(self, sock: socket.socket, answer: Callable[[HttpRequest], HttpReply]) -> None:
        self.sock = sock
        self._answer = answer
        self._parser = httptools.HttpRequestParser(self)
        self._ready: deque[tuple[HttpRequest, bool, bool]] = deque()
        self._in_head = True
        self._head_size = 0
        self._begin()

    def serve(self) -> None:
        """Answer requests until the client leaves, asks to be left, or sends what is no HTTP."""
        try:
            while data := self.sock.recv(_RECEIVE):
                if not self._take(data):
                    return
        except OSError:
            return  # the client has gone, or the server is closing: nobody is left to tell
        finally:
            self.sock.close()

    def shut(self) -> None:
        """Wake whoever waits on the socket: from here on it reads as closed."""
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # closed already

    def _take(self, data: bytes) -> bool:
        """Feed the parser and answer what is complete; tell whether the connection goes on."""
        problem = ""
        self._head_size += len(data) if self._in_head else 0
        while data:
            try:
                self._parser.feed_data(data)
                data = b""
            except httptools.HttpParserUpgrade as upgrade:
                # The client offers another protocol; declining is to go on in this one.
                data = data[upgrade.args[0] :]
                self._parser = httptools.HttpRequestParser(self)
            except httptools.HttpParserError as error:
                problem, data = _not_http(data, error), b""
        while self._ready:
            request, keep_alive, old = self._ready.popleft()
            if not self._reply(request, keep_alive=keep_alive, old=old):
                return False
        if problem or (self._in_head and self._head_size > MAX_HEAD):
            self._refuse(problem)
            return False
        return True

    def _reply(self, request: HttpRequest, *, keep_alive: bool, old: bool) -> bool:
        reply = self._answer(request)
        length = len(reply.body)
        lines = [
            f"HTTP/1.1 {status_line(reply.status)}",
            *(f"{name}: {value}" for name, value in reply.headers),
        ]
        lines.append(f"content-length: {length}")
        if old or not keep_alive:
            lines.append("connection: keep-alive" if keep_alive else "connection: close")
        head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
        self.sock.sendall(head if request.method == "HEAD" else head + reply.body)
        return keep_alive

    def _refuse(self, problem: str) -> None:
        """Answer what cannot be read as a request, and let the client read the answer before it is left."""
        status = 400 if problem else 431
        problem = problem or f"The request's head is larger than {MAX_HEAD} bytes"
        request = HttpRequest("?", "", "", {}, b"", problem, status)
        self._reply(request, keep_alive=False, old=False)
        self.sock.shutdown(socket.SHUT_WR)
        while self.sock.recv(_RECEIVE):
            pass

    def _begin(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._body_size = 0

    # What the parser calls.

    def on_message_begin(self) -> None:
        """A request begins."""
        self._begin()

    def on_url(self, url: bytes) -> None:
        """A piece of the request's target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header."""
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        self._headers[key] = f"{self._headers[key]}, {text}" if key in self._headers else text

    def on_headers_complete(self) -> None:
        """The head is complete: tell a client that waits for it to send the body, unless it is too large."""
        self._in_head = False
        if self._headers.get("expect", "").lower() == "100-continue":
            self.sock.sendall(_CONTINUE)

    def on_body(self, body: bytes) -> None:
        """A piece of the body; what is beyond the limit is counted and dropped."""
        self._body_size += len(body)
        if self._body_size <= MAX_BODY:
            self._body.append(body)

    def on_message_complete(self) -> None:
        """The request is complete."""
        self._in_head, self._head_size = True, 0
        target = self._url.decode("latin-1")
        if not target.startswith("/"):
            target = urlunsplit(("", "", *urlsplit(target)[2:4], "")) or target
        path, _, query = target.partition("?")
        method = self._parser.get_method().decode("latin-1")
        problem = ""
        if self._body_size > MAX_BODY:
            problem = f"The request's body has {self._body_size} bytes; the limit is {MAX_BODY} bytes (4 MiB)"
        body = b"".join(self._body)
        request = HttpRequest(method, unquote(path), query, self._headers, body, problem, 413 if problem else 0)
        self._ready.append((request, self._parser.should_keep_alive(), self._parser.get_http_version() == "1.0"))


def _not_http(data: bytes, error: httptools.HttpParserError) -> str:
    if data[0] == _TLS_HANDSHAKE:
        return "This looks like TLS, and the double speaks plain HTTP: use http:// in the URL, not https://"
    return f"This is no HTTP/1.1 request: {error}"
