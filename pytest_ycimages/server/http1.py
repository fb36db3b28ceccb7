"""HTTP/1.1 as bytes: a request from bytes with llhttp, and a reply to bytes.

Bodies are read to their end even when they are too large, so that a refused request does not spoil the next one.
An Upgrade offer is declined by parsing the request again without the offer.
"""

from __future__ import annotations

import re
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit, urlunsplit

import httptools

from pytest_ycimages.api.gateway import MAX_BODY
from pytest_ycimages.server.http import HttpRequest, too_large

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_ycimages.server.http import HttpReply

TLS_HANDSHAKE: Final = 0x16
PREFACE: Final = b"PRI * HTTP/2.0"
WHOLE_PREFACE: Final = PREFACE + b"\r\n\r\nSM\r\n\r\n"
"""The first bytes of a client that speaks HTTP/2 with prior knowledge (RFC 9113, section 3.4)."""
TUNNEL: Final = b"CONNECT "
"""The first bytes of a client that asks for a tunnel, as of a proxy (RFC 9110, section 9.3.6)."""
FIRST_BYTES: Final = frozenset({TLS_HANDSHAKE, PREFACE[0], TUNNEL[0]})
"""The first bytes of connections that may not be HTTP/1.1 in the clear."""
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
CONNECT: Final = b"CONNECT"
MAX_HEAD: Final = 64 * 2**10
"""Bytes of a request line, its headers and the empty line after them."""

_NO_VERSION: Final = "The request line names no version, as in HTTP/0.9: end it with HTTP/1.1."
_OTHER_VERSION: Final = (
    "The request line names a version other than HTTP/1.1 and HTTP/1.0: configure the client for HTTP/1.1."
)
_READABLE: Final = frozenset({0, 413})
"""Statuses of requests after which another can be read: 0 means that the request is valid."""
_HOST: Final = re.compile(r"(?:\[[\w:.%~-]+\]|[\w.~!$&'()*+,;=%-]*)(?::[0-9]*)?", re.ASCII)
"""A valid Host header (RFC 9110, section 7.2)."""
_SIMPLE_REQUEST: Final = re.compile(rb"[A-Z]+ [^ \r\n]+\r?\n")
"""A request of HTTP/0.9."""
_LINE_WITHOUT_TARGET: Final = len("GET  HTTP/1.1\r\n\r\n")
_AROUND_A_HEADER: Final = len(": \r\n")


class RequestReader:
    """Reads the requests of one connection. The parser calls the methods named `on_…`.

    Attributes:
        expects_continue: whether the client waits for `100 Continue` before it sends the body.
        is_broken: whether invalid HTTP arrived; nothing after it can be read.
        tunnelled: the bytes that came after a CONNECT, which are not HTTP to read here; None: no CONNECT came.
    """

    def __init__(self, connection: int = 0) -> None:
        self.is_broken = False
        self.tunnelled: bytes | None = None
        self._connection = connection
        self._served = 0
        self._complete: list[HttpRequest] = []
        self._parser = httptools.HttpRequestParser(self)
        self._head_so_far = 0
        self.on_message_begin()

    def feed(self, data: bytes) -> list[HttpRequest]:
        """Return the requests that `data` completes, in order. Invalid HTTP is a last request with a problem."""
        self._complete, line = [], data
        self._head_so_far += len(data) if self._in_head else 0
        while data:
            try:
                self._parser.feed_data(data)
                data = b""
            except httptools.HttpParserUpgrade as upgrade:
                if self._parser.get_method() == CONNECT:
                    self.tunnelled, data = data[upgrade.args[0] :], b""
                    continue
                data = self._without_offer() + data[upgrade.args[0] :]
                self._parser = httptools.HttpRequestParser(self)
            except httptools.HttpParserError as error:
                self._break("" if isinstance(error.__context__, _HeadTooLargeError) else _not_http(data, error))
                data = b""
        if self._in_head and not self.is_broken:
            if self._head_so_far > MAX_HEAD:
                self._break("")
            elif self._head_so_far == len(line) and _SIMPLE_REQUEST.fullmatch(line):
                self._break(_NO_VERSION)  # its client sends no more, and waits
        return self._complete

    def _break(self, problem: str) -> None:
        """End the reading with a refused request; an empty problem means a head that is too large."""
        self.is_broken = True
        status = _status_of(problem) if problem else 431
        problem = problem or f"The request's head is larger than {MAX_HEAD} bytes"
        self._complete.append(HttpRequest("?", "", "", {}, b"", problem, status, keep_alive=False))

    def _without_offer(self) -> bytes:
        """Return the head without its Upgrade offer; empty for a request that was read whole."""
        if not self._is_offer():
            return b""
        line = b"%b %b HTTP/%b" % (self._parser.get_method(), self._url, self._parser.get_http_version().encode())
        kept = (b"%b: %b" % field for field in self._fields if _key(field[0]) != "upgrade")
        return b"\r\n".join((line, *kept, b"", b""))

    def _is_offer(self) -> bool:
        """Return whether the request offers another protocol, in which case the parser leaves its body unread."""
        return "upgrade" in self._headers and self._parser.should_upgrade() and self._parser.get_method() != CONNECT

    def on_message_begin(self) -> None:
        """Start a request."""
        self.expects_continue = False
        self._in_head = True
        self._url = b""
        self._fields: list[tuple[bytes, bytes]] = []
        self._headers: dict[str, str] = {}
        self._version = ""
        self._problem = ""
        self._body: list[bytes] = []
        self._body_size = 0

    def on_url(self, url: bytes) -> None:
        """Add a piece of the request's target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header."""
        self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        """End the head. What comes after the body is not among the headers.

        Raises:
            _HeadTooLargeError: this stops the parser.
        """
        fields, headers = self._fields, self._headers
        size = _LINE_WITHOUT_TARGET + len(self._url)
        for name, value in fields:
            size += len(name) + len(value) + _AROUND_A_HEADER
            key, text = _key(name), value.decode("latin-1")
            headers[key] = f"{headers[key]}, {text}" if key in headers else text
        if size > MAX_HEAD:
            raise _HeadTooLargeError
        self._in_head = False
        self._version = self._parser.get_http_version()
        if self._version != "1.1" or len(headers) != len(fields) or not _HOST.fullmatch(headers.get("host", "?")):
            self._problem = _problem_of(self._version, [key for key, _ in self._fields], headers)
        if "expect" in headers:
            self.expects_continue = headers["expect"].lower() == "100-continue" and self._version != "1.0"

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
            self._complete.append(self._request())

    def _request(self) -> HttpRequest:
        method, problem = self._parser.get_method().decode(), self._problem
        status = _status_of(problem) if problem else 0
        target, overridden = self._url.decode("latin-1"), ""
        is_tunnel = method == "CONNECT"  # whose target is an authority
        if not target.startswith("/") and not is_tunnel:
            try:
                parts = urlsplit(target)
                target = urlunsplit(("", "", *parts[2:4], "")) or target
                if parts.netloc:  # the absolute form overrides Host (RFC 9112, section 3.2.2)
                    overridden = self._headers.get("host", "")
                    self._headers["host"] = parts.netloc
            except ValueError as error:
                problem, status = f"Invalid HTTP/1.1 request: its target is not a URL: {error}", 400
        path, _, query = target.partition("?")
        path = unquote(path) if "%" in path else path
        if self._body_size > MAX_BODY and not problem:
            problem, status = too_large(self._body_size), 413
        keep_alive = status in _READABLE and not is_tunnel and self._parser.should_keep_alive()
        body = b"" if problem else b"".join(self._body)
        served, is_old, number = self._served, self._version == "1.0", self._connection
        self._served += not problem
        return HttpRequest(
            method, path, query, self._headers, body, problem, status, number, served, keep_alive, is_old, overridden
        )


class _HeadTooLargeError(Exception):
    """Raised inside the parser for a head that is too large."""


@lru_cache(maxsize=1024)
def _key(name: bytes) -> str:
    """Return the name of a header as headers are looked up by it."""
    return name.decode("latin-1").lower()


def _problem_of(version: str, names: Sequence[bytes], headers: Mapping[str, str]) -> str:
    """Return what is wrong with a head that llhttp accepts (RFC 9112, sections 2.3 and 3.2); empty: nothing."""
    hosts = [name for name in names if _key(name) == "host"]
    if version == "0.9":
        return _NO_VERSION
    if version not in {"1.0", "1.1"}:
        return _OTHER_VERSION
    if len(hosts) > 1:
        return f"The request has {len(hosts)} Host headers: send one (RFC 9112, section 3.2)."
    if not hosts:
        return "The request has no Host header, which HTTP/1.1 requires: send one." if version == "1.1" else ""
    if not _HOST.fullmatch(headers["host"]):
        return f"Invalid Host header {headers['host']!r}: expected a host and maybe a port, such as 'localhost:8080'."
    return ""


def _status_of(problem: str) -> int:
    """Return the HTTP status that answers invalid HTTP."""
    return 505 if problem == _OTHER_VERSION else 400


def _not_http(data: bytes, error: httptools.HttpParserError) -> str:
    if data[0] == TLS_HANDSHAKE:
        return (
            "This looks like TLS, which needs an extra of the double: pip install 'pytest-ycimages[grpc]'. Without it, "
            "use http:// in the URL, not https://"
        )
    if str(error) in {"Invalid HTTP version", "Pause on PRI/Upgrade"}:
        return _OTHER_VERSION
    return f"Invalid HTTP/1.1 request: {error}"


_REASONS: Final = {status.value: status.phrase for status in HTTPStatus} | {499: "Client Closed Request"}


def encoded(reply: HttpReply, request: HttpRequest, *, in_chunks: bool = False) -> tuple[bytes, bytes]:
    """Return the head and the body as they answer `request`; the answer to HEAD has no body.

    Args:
        reply: the reply.
        request: the request.
        in_chunks: whether the head says that the body comes in chunks, rather than how long it is.
    """
    status, headers, body, *_, is_head, _, _ = reply
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Unknown')}", *map(": ".join, headers)]
    if not request.keep_alive:
        lines.append("connection: close")
    elif request.is_old:
        lines.append("connection: keep-alive")
    if not is_head:
        lines.append("transfer-encoding: chunked" if in_chunks else f"content-length: {len(body)}")
    head = "\r\n".join((*lines, "\r\n")).encode("latin-1")
    return head, b"" if request.method == "HEAD" else body
