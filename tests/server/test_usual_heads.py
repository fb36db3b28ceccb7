"""Requests with headers that have been read before are read without the parser, with the same result."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ycimages.server import http1
from pytest_ycimages.server.http1 import RequestReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HOST: Final = b"Host: localhost:8080\r\n"
BLOCKS: Final = (
    *(HOST, b"HOST:localhost\r\nAccept: */*\r\n", HOST + b"Connection: keep-alive\r\n", b"", HOST + b"hOST: b\r\n"),
    *(HOST + b"Content-Length: 3\r\n", HOST + b"content-length: 0\r\n", HOST + b"Content-Length: 9000\r\n"),
    *(HOST + b"Content-Length: 3\r\nContent-Length: 3\r\n", HOST + b"Content-Length: x\r\n"),
    *(HOST + b"Connection: close\r\n", HOST + b"Expect: 100-continue\r\nContent-Length: 3\r\n"),
    *(HOST + b"Transfer-Encoding: chunked\r\n", HOST + b"Connection: upgrade\r\nUpgrade: h2c\r\n"),
    *(HOST + b"A: b\r\n c\r\n", HOST + b"A b\r\n", HOST + b"A: b\n\nPOST / HTTP/1.1\r\n", b"Host: a b\r\n"),
    *(HOST + b"Content-Length: 3\n\nabc", HOST + b"A: \xe4\r\nA: c\r\n", HOST + b"A: " + b"x" * 9000 + b"\r\n"),
)
LINES: Final = (
    *(b"GET / HTTP/1.1", b"POST /a/b%20c?d=e%2f&d HTTP/1.1", b"HEAD /a:b HTTP/1.1", b"GET /a HTTP/1.0", b"GET /a"),
    *(b"DELETE * HTTP/1.1", b"GET http://other/a HTTP/1.1", b"CONNECT a:443 HTTP/1.1", b"GET /a#b HTTP/1.1", b"x"),
    *(b"GET /a  HTTP/1.1", b"POST /\xe4 HTTP/1.1", b"PUT / HTTP/1.1", b"GET // HTTP/1.1", b"GET /? HTTP/2.0"),
)
BODIES: Final = (b"", b"abc", b"a", b"3\r\nabc\r\n0\r\n\r\n", b"x" * 9000, b"\r\n")
REQUESTS: Final = st.builds(
    lambda line, block, body: line + b"\r\n" + block + b"\r\n" + body,
    st.sampled_from(LINES[:3]) | st.sampled_from(LINES),
    st.sampled_from(BLOCKS),
    st.sampled_from(BODIES),
)


def read(chunks: Iterable[bytes]) -> list[Any]:
    """Everything that a reader says of some chunks, until it says that the connection ends."""
    reader, said = RequestReader(7), []
    for chunk in chunks:
        requests = reader.feed(chunk)
        said.append((list(map(tuple, requests)), reader.expects_continue, reader.is_broken, reader.tunnelled))
        if not all(request.keep_alive for request in requests):
            break
    return said


def chunks_of(data: bytes, ends: Sequence[int]) -> list[bytes]:
    """Cut data at some places."""
    places = sorted({0, len(data), *(end % (len(data) + 1) for end in ends)})
    return [data[start:end] for start, end in pairwise(places)]


@given(st.lists(REQUESTS, min_size=1, max_size=4), st.lists(st.integers(0, 2**16), max_size=4))
def test_a_reader_says_what_the_parser_says(requests: list[bytes], ends: list[int]) -> None:
    """Whatever the requests, and wherever the bytes are cut."""
    chunks = chunks_of(b"".join(requests), ends)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(http1, "_usual_head", lambda _: None)
        by_parser = read(chunks)
    assert read(chunks) == read(chunks) == by_parser


def test_known_headers_take_no_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call with headers that have been read before costs no parsing, with its body apart or not."""
    head = b"POST /compute/v1/images HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n"
    first = read([head, b"{}"])
    monkeypatch.setattr(httptools, "HttpRequestParser", lambda _: None)
    assert read([head, b"{}"]) == first
    assert read([head + b"{", b"}" + head + b"{}"])[1][0][0] == first[1][0][0]
