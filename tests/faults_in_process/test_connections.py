"""Connections that are no sockets: kept, counted, refused, and told apart."""

from __future__ import annotations

import asyncio
import gc
import socket
import sys
import threading
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx
import pytest
import requests
import urllib3

from pytest_ycimages import Double, close, first, nth, refuse, reset, stale
from tests.clients.sessions import WITH_ADAPTER, Session, ask_double
from tests.faults_in_process.test_same_as_over_a_socket import CREATE, LIST

if TYPE_CHECKING:
    from collections.abc import Iterator

EVERY_CLIENT = pytest.mark.parametrize("client", WITH_ADAPTER.values(), ids=WITH_ADAPTER)


@pytest.fixture
def double() -> Double:
    """A double that was never started."""
    return Double(clock="manual")


@pytest.fixture
def session(double: Double) -> Iterator[requests.Session]:
    """A session that leads to it."""
    with requests.Session() as session:
        session.mount("http://", double.requests_adapter())
        session.mount("https://", double.requests_adapter())
        session.headers["Authorization"] = f"Bearer {double.token}"
        yield session


@EVERY_CLIENT
def test_no_socket_and_no_thread_is_made(client: Session, double: Double, monkeypatch: pytest.MonkeyPatch) -> None:
    """It works where neither is allowed; an event loop has a pair of sockets of its own."""

    def refuse_to(*_: Any, **__: Any) -> None:
        raise AssertionError("not without sockets")

    monkeypatch.setattr(socket.socket, "connect", refuse_to)
    monkeypatch.setattr(socket, "getaddrinfo", refuse_to)
    monkeypatch.setattr(threading.Thread, "start", refuse_to)
    assert [seen.status for seen in ask_double(client, double, [LIST, CREATE], in_process=True)] == [200, 200]


@EVERY_CLIENT
def test_a_connection_is_kept_and_used_again(client: Session, double: Double) -> None:
    """The second request comes over a connection that has served the first."""
    injection = double.inject(stale(), on="images.create")
    assert ask_double(client, double, [CREATE], in_process=True)[0].status == 200
    assert injection.struck == 0
    assert [seen.status for seen in ask_double(client, double, [LIST, CREATE], in_process=True)] == [200, 0]
    assert injection.struck == 1


@EVERY_CLIENT
def test_calls_are_counted_by_connection(client: Session, double: Double) -> None:
    """Each client has a connection of its own, with a number of its own."""
    injection = double.inject(close(after=350), on="images.create", when=nth(2), per="connection")
    for _ in range(2):
        assert [seen.status for seen in ask_double(client, double, [CREATE, CREATE, CREATE], in_process=True)] == [
            200,
            0,
            200,
        ]
    assert injection.struck == 2


def test_numbers_of_connections_are_no_socket_s() -> None:
    """A rule that counts by connection takes none for another when both ways are used."""
    with Double() as double, requests.Session() as over_a_socket, requests.Session() as in_process:
        in_process.mount("http://", double.requests_adapter())
        injection = double.inject(reset(), on="endpoints.list", when=first(1), per="connection")
        for session, url in ((over_a_socket, double.url), (in_process, "http://x")):
            with pytest.raises(requests.ConnectionError):
                session.get(f"{url}/endpoints")
        assert len(injection.counts) == 2


@EVERY_CLIENT
def test_nobody_is_let_in_until_the_double_s_clock_says_so(client: Session, double: Double) -> None:
    """`refuse` counts on the double's clock; other connections go on."""
    double.inject(refuse(30), on="images.create", when=first(1))
    refused = ask_double(client, double, [CREATE, CREATE], in_process=True)
    assert [seen.status for seen in refused] == [0, 0]
    double.clock.advance(29)
    assert ask_double(client, double, [LIST], in_process=True)[0].status == 0
    double.clock.advance(1)
    assert ask_double(client, double, [CREATE], in_process=True)[0].status == 200


def test_a_double_that_is_reset_lets_everybody_in(double: Double, session: requests.Session) -> None:
    """As new, and clients need not be set up again."""
    double.inject(refuse(30))
    with pytest.raises(requests.ConnectionError):
        session.get("http://x/endpoints")
    double.reset()
    assert session.get("http://x/endpoints").ok


@pytest.mark.parametrize("url", ["http://x", "https://compute.api.cloud.yandex.net", "https://[::1]:8443"])
def test_any_address_leads_to_the_double(double: Double, url: str) -> None:
    """The real ones too, with TLS taken as given: a client need not be told of the double."""

    async def asynchronously() -> list[int]:
        async with httpx.AsyncClient(transport=double.httpx_async_transport()) as client:
            statuses = [(await client.get(f"{url}/endpoints")).status_code]
        async with (
            aiohttp.ClientSession(connector=double.aiohttp_connector()) as session,
            session.get(f"{url}/endpoints") as answer,
        ):
            return [*statuses, answer.status]

    with requests.Session() as session, httpx.Client(transport=double.httpx_transport()) as client:
        session.mount(url, double.requests_adapter())
        assert session.get(f"{url}/endpoints").status_code == 200
        assert client.get(f"{url}/endpoints").status_code == 200
    with double.urllib3_pool_manager() as pools:
        assert pools.request("GET", f"{url}/endpoints").status == 200
    assert asyncio.run(asynchronously()) == [200, 200]


def test_no_proxy_of_the_environment_is_asked(
    session: requests.Session, double: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A developer's proxy plays no part."""
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.invalid:3128")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.invalid:3128")
    assert session.get("http://x/endpoints").ok
    assert session.get("https://x/endpoints").ok
    with httpx.Client(transport=double.httpx_transport()) as client:
        assert client.get("http://x/endpoints").is_success


def test_urllib3_tries_again_as_it_would(double: Double) -> None:
    """Its retries, and those that a session was given, are its own."""
    injection = double.inject(reset(), on="endpoints.list", when=first(2))
    with double.urllib3_pool_manager() as pools:
        assert pools.request("GET", "http://x/endpoints", retries=urllib3.Retry(3)).status == 200
    assert injection.struck == 2


def test_what_a_client_streams_comes_piece_by_piece(session: requests.Session, double: Double) -> None:
    """A body is sent in chunks, with `Expect`, and read in chunks."""
    body = [b'{"folderId": "b1g0000000000000000a",', b'"diskId": "epd0000000000000000a"}']
    answer = session.post(
        "http://x/compute/v1/images", data=iter(body), headers={"Expect": "100-continue"}, stream=True
    )
    assert b"".join(answer.iter_content(7)).startswith(b"{")
    assert len(double.images) == 1


def test_a_client_that_leaves_without_listening_has_asked(double: Double) -> None:
    """What it asked for has happened, as soon as it is sent."""
    connection = double.app.endpoint.connect()
    body = CREATE.body or b""
    head = (
        f"POST /compute/v1/images HTTP/1.1\r\nHost: a\r\nauthorization: Bearer a\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    connection.send(head.encode() + body)
    connection.close()
    assert len(double.images) == 1
    with pytest.raises(BrokenPipeError):
        connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")


def test_a_reset_connection_takes_nothing_more(double: Double) -> None:
    """Sending says so as well."""
    double.inject(reset())
    connection = double.app.endpoint.connect()
    connection.send(b"GET /endpoints HTTP/1.1\r\nHost: a\r\n\r\n")
    with pytest.raises(ConnectionResetError):
        connection.send(b"GET /endpoints HTTP/1.1\r\nHost: a\r\n\r\n")


def test_what_is_no_http_is_refused_and_left(double: Double) -> None:
    """As by the server."""
    connection = double.app.endpoint.connect()
    connection.send(b"nonsense\r\n\r\n")
    received = connection.recv(2**16)
    assert isinstance(received, bytes)
    assert received.startswith(b"HTTP/1.1 400 ")
    assert connection.is_readable()
    assert connection.recv(1) == b""


def test_async_requests_take_turns(double: Double) -> None:
    """Many at once, each over a connection of its own, and all are answered."""

    async def crowd() -> set[int]:
        async with httpx.AsyncClient(transport=double.httpx_async_transport()) as client:
            answers = await asyncio.gather(*[client.get("http://x/endpoints") for _ in range(50)])
        async with aiohttp.ClientSession(connector=double.aiohttp_connector()) as session:

            async def ask() -> int:
                async with session.get("http://x/endpoints") as answer:
                    return answer.status

            return {answer.status_code for answer in answers} | set(await asyncio.gather(*[ask() for _ in range(50)]))

    assert asyncio.run(crowd()) == {200}
    assert len(double.calls) == 100


@pytest.mark.costly
@EVERY_CLIENT
@pytest.mark.filterwarnings("error")
def test_nothing_is_left_over(client: Session, double: Double) -> None:
    """No warning of something unclosed, after faults either, and no thread that serves."""
    before = threading.enumerate()  # another test may have left one on purpose, as when it is stopped in its teardown
    double.inject(reset(after=350), on="images.create")
    ask_double(client, double, [LIST, CREATE, LIST], in_process=True)
    gc.collect()
    left = [thread for thread in threading.enumerate() if thread not in before]
    assert not [thread for thread in left if thread.name.startswith("ycimages")]


def test_a_client_that_is_not_installed_says_so(double: Double, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are no dependencies."""
    monkeypatch.delitem(sys.modules, "pytest_ycimages.server.in_process.aiohttp", raising=False)
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    with pytest.raises(ImportError, match="aiohttp"):
        double.aiohttp_connector()
