"""Parsing of requests from bytes, with llhttp.

Bodies are read to their end even when they are too large, so that a refused request does not spoil the next one.
An Upgrade offer is declined by parsing the request again without the offer.
"""

from __future__ import annotations

from functools import lru_cache
from http import HTTPStatus
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit

import httptools

from pytest_ycimages.server.http import MAX_BODY, HttpRequest, too_large

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
MAX_HEAD: Final = 64 * 2**10
"""Bytes of a request line, its headers and the empty line after them."""

_TLS_HANDSHAKE: Final = 0x16
_LINE_WITHOUT_TARGET: Final = len("GET  HTTP/1.1\r\n\r\n")


class Incoming(NamedTuple):
    """A complete request, and what its client expects of the connection.

    Attributes:
        request: the request; it has a `problem` if it is invalid HTTP.
        keep_alive: whether the connection goes on after the answer.
        old: whether the client speaks HTTP/1.0, which needs `connection: keep-alive`.
    """

    request: HttpRequest
    keep_alive: bool
    old: bool


class RequestReader:
    """Reads the requests of one connection. The parser calls the methods named `on_…`.

    Attributes:
        expects_continue: whether the client waits for `100 Continue` before it sends the body.
        is_broken: whether invalid HTTP arrived; nothing after it can be read.
    """

    def __init__(self, connection: int = 0) -> None:
        self.is_broken = False
        self._connection = connection
        self._served = 0
        self._complete: list[Incoming] = []
        self._parser = httptools.HttpRequestParser(self)
        self._head_so_far = 0
        self.on_message_begin()

    def feed(self, data: bytes) -> list[Incoming]:
        """Return the requests that `data` completes, in order. Invalid HTTP is a last request with a problem."""
        self._complete = []
        self._head_so_far += len(data) if self._in_head else 0
        while data:
            try:
                self._parser.feed_data(data)
                data = b""
            except httptools.HttpParserUpgrade as upgrade:
                data = self._without_offer() + data[upgrade.args[0] :]
                self._parser = httptools.HttpRequestParser(self)
            except httptools.HttpParserError as error:
                self._break("" if self._head_size > MAX_HEAD else _not_http(data, error))
                data = b""
        if self._in_head and self._head_so_far > MAX_HEAD and not self.is_broken:
            self._break("")
        return self._complete

    def _break(self, problem: str) -> None:
        """End the reading with a refused request; an empty problem means a head that is too large."""
        self.is_broken = True
        status = 400 if problem else 431
        problem = problem or f"The request's head is larger than {MAX_HEAD} bytes"
        refused = HttpRequest("?", "", "", {}, b"", problem, status)
        self._complete.append(Incoming(refused, keep_alive=False, old=False))

    def _without_offer(self) -> bytes:
        """Return the head without its Upgrade offer; empty for a request that was read whole."""
        if not self._is_offer():
            return b""
        method, version = self._parser.get_method().decode("latin-1"), self._parser.get_http_version()
        headers = (f"{name}: {value}" for name, value in self._headers.items() if name != "upgrade")
        lines = (f"{method} {self._url.decode('latin-1')} HTTP/{version}", *headers, "", "")
        return "\r\n".join(lines).encode("latin-1")

    def _is_offer(self) -> bool:
        """Return whether the request offers another protocol, in which case the parser leaves its body unread."""
        return "upgrade" in self._headers and self._parser.should_upgrade() and self._parser.get_method() != b"CONNECT"

    def on_message_begin(self) -> None:
        """Start a request."""
        self.expects_continue = False
        self._in_head = True
        self._head_size = _LINE_WITHOUT_TARGET
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._body_size = 0

    def on_url(self, url: bytes) -> None:
        """Add a piece of the request's target."""
        self._url += url
        self._head_size += len(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header."""
        self._head_size += len(name) + len(value) + len(": \r\n")
        key, text = _key(name), value.decode("latin-1")
        headers = self._headers
        headers[key] = f"{headers[key]}, {text}" if key in headers else text

    def on_headers_complete(self) -> None:
        """End the head.

        Raises:
            ValueError: it is too large; this stops the parser.
        """
        if self._head_size > MAX_HEAD:
            raise ValueError("head")
        self._in_head = False
        if "expect" in self._headers:
            expects = self._headers["expect"].lower() == "100-continue"
            self.expects_continue = expects and self._parser.get_http_version() != "1.0"

    def on_body(self, body: bytes) -> None:
        """Add a piece of the body; bytes beyond the limit are counted and dropped."""
        self._body_size += len(body)
        if self._body_size <= MAX_BODY:
            self._body.append(body)

    def on_message_complete(self) -> None:
        """End the request, unless it must be parsed again without its offer."""
        self.expects_continue = False
        self._in_head, self._head_so_far = True, 0
        if not self._is_offer():
            request = self._request()
            keep_alive = self._parser.should_keep_alive() and request.problem_status != HTTPStatus.BAD_REQUEST
            self._complete.append(Incoming(request, keep_alive, old=self._parser.get_http_version() == "1.0"))

    def _request(self) -> HttpRequest:
        method = self._parser.get_method().decode()
        target = self._url.decode("latin-1")
        if not target.startswith("/"):
            try:
                target = urlunsplit(("", "", *urlsplit(target)[2:4], "")) or target
            except ValueError as error:
                problem = f"Invalid HTTP/1.1 request: its target is not a URL: {error}"
                return HttpRequest(method, target, "", self._headers, b"", problem, 400)
        path, _, query = target.partition("?")
        path = unquote(path) if "%" in path else path
        if self._body_size > MAX_BODY:
            return HttpRequest(method, path, query, self._headers, b"", too_large(self._body_size), 413)
        served, self._served = self._served, self._served + 1
        return HttpRequest(method, path, query, self._headers, b"".join(self._body), "", 0, self._connection, served)


@lru_cache(maxsize=1024)
def _key(name: bytes) -> str:
    """Return the name of a header as headers are looked up by it."""
    return name.decode("latin-1").lower()


def _not_http(data: bytes, error: httptools.HttpParserError) -> str:
    if data[0] == _TLS_HANDSHAKE:
        return "This looks like TLS, and the double speaks plain HTTP: use http:// in the URL, not https://"
    return f"Invalid HTTP/1.1 request: {error}"
