"""What is no HTTP/1.1 request gets an answer in words, and then the connection ends."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final

import pytest

from pytest_ycimages import Code
from tests.server.raw_client import CREATE, CREATE_BODY, HEAD_OF_CREATE_IN_CHUNKS, Client, chunked, endpoint, request

if TYPE_CHECKING:
    from pytest_ycimages import Double

MAX_HEAD: Final = 64 * 2**10
"""Bytes that a request line and its headers may have together."""


def _client_hello() -> bytes:
    """What a TLS client says first."""
    context = ssl.create_default_context()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="compute.api.cloud.yandex.net")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"hello\r\n\r\n", id="no request line"),
        pytest.param(b"\x00\x01\x02\x03", id="binary"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", id="another protocol"),
        pytest.param(b"GET /end points HTTP/1.1\r\n\r\n", id="space in the target"),
        pytest.param(b"GET /\xd0\xb9 HTTP/1.1\r\n\r\n", id="raw UTF-8 in the target"),
        pytest.param(b"GET http://[::1/endpoints HTTP/1.1\r\n\r\n", id="broken address in the target"),
        pytest.param(b"GET /endpoints HTTP/1.1\r\nHost double\r\n\r\n", id="header without colon"),
        pytest.param(b"GET /endpoints HTTP/1.1\r\nHo st: double\r\n\r\n", id="space in a header's name"),
        pytest.param(b"GET /endpoints HTTP/1.1\r\nHost: dou\x00ble\r\n\r\n", id="NUL in a header"),
        pytest.param(request("POST", "/iam/v1/tokens", "Content-Length: x"), id="length that is no number"),
        pytest.param(request("POST", "/iam/v1/tokens", "Content-Length: -1"), id="negative length"),
        pytest.param(request("POST", "/iam/v1/tokens", "Content-Length: 9", body=b"{}"), id="two lengths"),
        pytest.param(request("POST", "/iam/v1/tokens", f"Content-Length: {10**30}"), id="length beyond all bounds"),
        pytest.param(
            request("POST", "/iam/v1/tokens", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"), id="smuggling"
        ),
        pytest.param(request("POST", "/iam/v1/tokens", "Transfer-Encoding: gzip") + b"x", id="unknown coding"),
        pytest.param(request("POST", "/iam/v1/tokens", "Transfer-Encoding: chunked") + b"xyz\r\n", id="bad chunk size"),
        pytest.param(request("POST", "/iam/v1/tokens", "Transfer-Encoding: chunked") + b"1\r\n{}\r\n", id="bad chunk"),
    ],
)
def test_what_is_no_http_is_refused_in_words(client: Client, ycimages: Double, data: bytes) -> None:
    """In the service's own form, so that a client can show it; the journal has it too."""
    answer = client.ask(data)
    assert (answer.status, answer.headers["content-type"], answer.headers["connection"]) == (
        400,
        "application/json",
        "close",
    )
    assert answer.json["code"] == Code.INVALID_ARGUMENT.number
    assert answer.json["message"].startswith("Invalid HTTP/1.1 request: ")
    assert client.is_left()
    assert [(call.method, call.status) for call in ycimages.calls] == [("unrouted", Code.INVALID_ARGUMENT)]


def _with_hosts(*hosts: str, version: str = "1.1") -> bytes:
    """A request with these Host headers."""
    return "\r\n".join([f"GET /endpoints HTTP/{version}", *(f"Host: {host}" for host in hosts), "", ""]).encode()


VERSION: Final = "The request line names a version other than HTTP/1.1 and HTTP/1.0"
NO_VERSION: Final = "The request line names no version, as in HTTP/0.9"


@pytest.mark.parametrize(
    ("data", "status", "problem"),
    [
        pytest.param(_with_hosts("localhost", version="2.0"), 505, VERSION, id="HTTP/2.0 in words"),
        pytest.param(_with_hosts("localhost", version="3.0"), 505, VERSION, id="HTTP/3.0 in words"),
        pytest.param(_with_hosts("localhost", version="9.9"), 505, VERSION, id="a version that is not there"),
        pytest.param(b"GET /endpoints\r\n", 400, NO_VERSION, id="HTTP/0.9, which is one line"),
        pytest.param(b"GET /endpoints\r\nHost: localhost\r\n\r\n", 400, NO_VERSION, id="no version"),
        pytest.param(_with_hosts("localhost", version="0.9"), 400, NO_VERSION, id="HTTP/0.9 in words"),
        pytest.param(_with_hosts(), 400, "The request has no Host header", id="no Host"),
        pytest.param(_with_hosts("localhost", "localhost"), 400, "The request has 2 Host headers", id="twice the same"),
        pytest.param(_with_hosts("localhost", "b", "c"), 400, "The request has 3 Host headers", id="three Hosts"),
        pytest.param(_with_hosts("a", "b", version="1.0"), 400, "The request has 2 Host headers", id="HTTP/1.0, two"),
        *(
            pytest.param(_with_hosts(host), 400, f"Invalid Host header {host!r}", id=host)
            for host in ("a b", "a, b", "user@localhost", "localhost:8o", "::1", "[::1", "a/b", "http://a", "a:1:2")
        ),
    ],
)  # fmt: skip
def test_a_head_that_http_forbids_is_refused(client: Client, data: bytes, status: int, problem: str) -> None:
    """With what to send instead, and at once, although such clients wait for an answer; then the connection ends."""
    answer = client.ask(data)
    assert (answer.status, answer.headers["connection"]) == (status, "close")
    assert answer.json["message"].startswith(problem)
    client.finish()
    assert client.is_left()


@pytest.mark.parametrize("data", [_with_hosts(version="1.0"), _with_hosts("localhost", version="1.0")])
def test_http_1_0_needs_no_host(client: Client, data: bytes) -> None:
    """That header is younger."""
    assert client.ask(data).status == 200


def test_what_comes_after_the_body_is_no_header(client: Client, ycimages: Double) -> None:
    """A trailer changes neither host nor credentials."""
    body = chunked(CREATE_BODY).removesuffix(b"\r\n") + b"Host: b\r\nAuthorization: Bearer x\r\n\r\n"
    assert client.ask(HEAD_OF_CREATE_IN_CHUNKS + body).status == 200
    assert ycimages.calls[0].metadata["host"] == "localhost"
    assert ycimages.calls[0].metadata["authorization"] == "Bearer t1.a.b"


def test_requests_before_the_malformed_one_are_answered(client: Client) -> None:
    """Only what cannot be read is refused."""
    client.send(endpoint("iam") + endpoint("compute") + b"hello\r\n\r\n" + endpoint("storage"))
    assert [client.answer().json.get("id") for _ in range(3)] == ["iam", "compute", None]
    assert client.is_left()


def test_a_refusal_reaches_a_client_that_is_still_sending(client: Client) -> None:
    """To close with bytes unread would reset the connection, and the answer could be lost with it."""
    answer = client.ask(b"hello\r\n\r\n" + bytes(2**20))
    assert answer.status == 400
    client.finish()
    assert client.is_left()


def _with_head_of(size: int) -> bytes:
    bare = endpoint("iam", "X-Filler: ")
    return endpoint("iam", "X-Filler: " + "x" * (size - len(bare)))


def test_a_head_at_the_limit_is_taken(client: Client) -> None:
    """To the byte, time and again."""
    for _ in range(3):
        assert client.ask(_with_head_of(MAX_HEAD)).status == 200


@pytest.mark.parametrize("size", [MAX_HEAD + 1, 2 * MAX_HEAD, 16 * MAX_HEAD])
def test_a_larger_head_is_refused(client: Client, size: int) -> None:
    """The answer names the limit, and then the connection ends."""
    answer = client.ask(_with_head_of(size))
    assert (answer.status, answer.headers["content-type"], answer.headers["connection"]) == (
        431,
        "application/json",
        "close",
    )
    message = "The request's head is larger than 65536 bytes"
    assert answer.json == {"code": Code.RESOURCE_EXHAUSTED.number, "message": message}
    client.finish()
    assert client.is_left()


def test_a_head_without_end_is_refused(client: Client) -> None:
    """Nobody fills the memory with a request that never completes."""
    client.send(b"GET /endpoints HTTP/1.1\r\n" + b"X-Filler: x\r\n" * (4 * MAX_HEAD // 13))
    assert client.answer().status == 431


def test_many_requests_at_once_are_no_large_head(client: Client) -> None:
    """The limit holds for each request, not for what is sent at once, and not for bodies."""
    requests = [
        *[CREATE] * 400,
        _with_head_of(MAX_HEAD - 1),
        request("POST", "/nothing", body=CREATE_BODY.ljust(2**20)),
    ]
    client.send(b"".join(requests))
    assert [client.answer().status for _ in requests] == [*[200] * 401, 404]
