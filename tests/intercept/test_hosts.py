"""Which host names lead to the double, and that nothing else is asked for them."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import threading
import urllib.request
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import aiohttp
import httpcore
import httpx
import pytest
import requests
import urllib3

from pytest_ycimages import Double, Settings, UsageError
from tests.clients.sessions import SESSIONS, Session, ask_all
from tests.faults_in_process.test_same_as_over_a_socket import CREATE, LIST
from tests.intercept.conftest import REAL

if TYPE_CHECKING:
    from collections.abc import Callable

EVERY_CLIENT = pytest.mark.parametrize("session", SESSIONS.values(), ids=SESSIONS)


@EVERY_CLIENT
@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("scheme", ["https", "http"])
@pytest.mark.parametrize(
    "host",
    ["compute.api.cloud.yandex.net", "operation.api.cloud.yandex.net", "iam.api.cloud.yandex.net",
     "api.cloud.yandex.net", "compute.api.yandexcloud.kz", "api.yandexcloud.kz", "COMPUTE.api.cloud.yandex.net:8443"],
)  # fmt: skip
def test_a_real_host_is_answered_without_a_network(
    session: Session, intercepted: Double, scheme: str, host: str
) -> None:
    """No name is looked up, and TLS is taken as given."""
    assert [seen.status for seen in ask_all(session, f"{scheme}://{host}", [LIST, CREATE])] == [200, 200]
    assert len(intercepted.images) == 1


@EVERY_CLIENT
@pytest.mark.usefixtures("offline")
def test_no_certificate_is_looked_at(session: Session, intercepted: Double, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no TLS."""

    def refuse_to(*_: Any, **__: Any) -> None:
        raise AssertionError("not without sockets")

    monkeypatch.setattr(ssl.SSLContext, "wrap_socket", refuse_to)
    monkeypatch.setattr(ssl.SSLContext, "wrap_bio", refuse_to)
    assert ask_all(session, REAL, [LIST])[0].status == 200
    assert len(intercepted.calls) == 1


@EVERY_CLIENT
def test_no_thread_is_made(session: Session, intercepted: Double, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks is answered where it asks."""

    def refuse_to(*_: Any, **__: Any) -> None:
        raise AssertionError("not without a thread")

    monkeypatch.setattr(threading.Thread, "start", refuse_to)
    assert ask_all(session, REAL, [LIST])[0].status == 200
    assert len(intercepted.calls) == 1


@EVERY_CLIENT
def test_all_other_hosts_are_left_alone(session: Session, intercepted: Double) -> None:
    """A client that talks to somebody else meanwhile does so over a socket, and connections are not mixed up."""
    with Double() as other:
        assert ask_all(session, other.url, [CREATE, CREATE])[0].status == 200
        assert ask_all(session, REAL, [CREATE])[0].status == 200
        assert ask_all(session, other.url, [CREATE])[0].status == 200
        assert (len(other.images), len(intercepted.images)) == (3, 1)


@EVERY_CLIENT
@pytest.mark.parametrize("host", ["cloud.yandex.net", "xapi.cloud.yandex.net", "api.cloud.yandex.net.example"])
@pytest.mark.usefixtures("intercepted")
def test_a_name_that_only_looks_alike_is_left_alone(
    session: Session, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is looked up, as ever."""
    asked = []

    def nowhere(name: str | bytes, *_: Any, **__: Any) -> None:
        asked.append(name if isinstance(name, str) else name.decode())
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    assert ask_all(session, f"http://{host}", [LIST])[0].status == 0
    assert set(asked) == {host}


@EVERY_CLIENT
@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("host", ["images.example", "a.Internal.Example", "b.internal.example"])
def test_more_hosts_may_be_named(session: Session, host: str) -> None:
    """When the interception begins, and as a setting; names and globs, in whichever case."""
    double = Double(intercept_hosts=["*.INTERNAL.example."])
    with double.intercept(hosts=["images.example"]):
        assert ask_all(session, f"https://{host}", [LIST])[0].status == 200
        assert ask_all(session, REAL, [LIST])[0].status == 200


@pytest.mark.parametrize("host", ["https://images.example", "images.example:443", "images.example/compute", "", 5])
def test_what_is_no_host_name_is_refused(host: Any) -> None:
    """At once, and with what would do."""
    with pytest.raises(UsageError, match=r"invalid host name .*: expected a name or a glob without scheme"):
        Settings(intercept_hosts=[host])
    with pytest.raises(UsageError, match="invalid host name"), Double().intercept(hosts=[host]):
        pass
    with Double().intercept():  # what was refused has left nothing behind
        pass


def test_the_double_sees_the_host_that_was_addressed(intercepted: Double) -> None:
    """So the addresses of the services lead to where the client asked for them."""
    with urllib.request.urlopen("https://api.cloud.yandex.net/endpoints") as answer:
        assert {each["address"] for each in json.load(answer)["endpoints"]} == {"api.cloud.yandex.net"}
    requests.get("https://iam.api.yandexcloud.kz:8443/endpoints", timeout=5)
    hosts = [call.metadata["host"] for call in intercepted.calls]
    assert hosts == ["api.cloud.yandex.net", "iam.api.yandexcloud.kz:8443"]


def _urllib_request(url: str, proxy: str) -> int:
    handler = urllib.request.ProxyHandler({"http": proxy, "https": proxy})
    with urllib.request.build_opener(handler).open(url) as answer:
        return int(answer.status)


def _urllib3(url: str, proxy: str) -> int:
    with urllib3.ProxyManager(proxy) as pools:
        return [pools.request("GET", url).status for _ in range(2)][-1]


def _requests(url: str, proxy: str) -> int:
    with requests.Session() as session:
        session.proxies = {"http": proxy, "https": proxy}
        return [session.get(url).status_code for _ in range(2)][-1]


def _httpx(url: str, proxy: str) -> int:
    with httpx.Client(proxy=proxy) as client:
        return [client.get(url).status_code for _ in range(2)][-1]


def _async_httpx(url: str, proxy: str) -> int:
    async def story() -> int:
        async with httpx.AsyncClient(proxy=proxy) as client:
            return [(await client.get(url)).status_code for _ in range(2)][-1]

    return asyncio.run(story())


def _aiohttp(url: str, proxy: str) -> int:
    async def story() -> int:
        statuses = []
        async with aiohttp.ClientSession() as session:
            for _ in range(2):
                async with session.get(url, proxy=proxy) as answer:
                    statuses.append(answer.status)
        return statuses[-1]

    return asyncio.run(story())


BY_PROXY = [_urllib_request, _urllib3, _requests, _httpx, _async_httpx, _aiohttp]


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("ask", BY_PROXY)
def test_no_proxy_is_asked(ask: Callable[[str, str], int], scheme: str, intercepted: Double) -> None:
    """A developer's proxy plays no part: neither one that is asked for a tunnel nor one that is asked to forward."""
    assert ask(f"{scheme}://compute.api.cloud.yandex.net/endpoints", "http://proxy.example:3128") == 200
    assert {call.method for call in intercepted.calls} == {"endpoints.list"}


@pytest.mark.parametrize("ask", BY_PROXY)
@pytest.mark.usefixtures("intercepted")
def test_a_proxy_to_other_hosts_is_asked(ask: Callable[[str, str], int]) -> None:
    """It is some other host."""
    with Double(served_hosts=["other.example"]) as proxy:
        assert ask("http://other.example/endpoints", proxy.url) == 200
        assert {call.metadata["host"] for call in proxy.calls} == {"other.example"}


def test_one_kept_connection_to_a_proxy_serves_no_two_sides(intercepted: Double) -> None:
    """urllib3 keeps connections by proxy, whatever the host behind it."""
    with Double(served_hosts=["other.example"]) as proxy, requests.Session() as session:
        session.proxies = {"http": proxy.url}
        for _ in range(2):
            assert session.get("http://other.example/endpoints").ok
            assert session.get("http://compute.api.cloud.yandex.net/endpoints").ok
        assert {call.metadata["host"] for call in proxy.calls} == {"other.example"}
        assert {call.metadata["host"] for call in intercepted.calls} == {"compute.api.cloud.yandex.net"}


def test_a_way_in_process_that_a_test_has_asked_for_is_left_alone(intercepted: Double) -> None:
    """A client that was given another double stays with it, whatever the host."""
    other = Double()

    async def asynchronously(url: str) -> None:
        async with httpx.AsyncClient(transport=other.httpx_async_transport()) as client:
            await client.get(url)
        async with aiohttp.ClientSession(connector=other.aiohttp_connector()) as session, session.get(url) as answer:
            await answer.read()

    for url in (f"{REAL}/endpoints", f"{REAL.replace('https', 'http')}/endpoints"):
        with requests.Session() as session, httpx.Client(transport=other.httpx_transport()) as client:
            session.mount(url, other.requests_adapter())
            assert session.get(url).ok
            assert session.get(url).ok
            assert client.get(url).is_success
        asyncio.run(asynchronously(url))
    assert (len(other.calls), len(intercepted.calls)) == (10, 0)


class _OwnWay(aiohttp.TCPConnector):
    """Connects to one address, whatever it is asked for."""

    def __init__(self, double: Double) -> None:
        super().__init__()
        self._double = double

    async def _create_connection(self, *_: Any) -> Any:
        where = self._double.host, self._double.port
        return (await self._loop.create_connection(self._factory, *where))[1]


def test_a_connector_with_a_way_of_its_own_is_left_alone(intercepted: Double) -> None:
    """It asks no host by its name, so it is not asked to do otherwise."""

    async def story(other: Double) -> None:
        async with aiohttp.ClientSession(connector=_OwnWay(other)) as session:
            for _ in range(2):
                async with session.get("http://compute.api.cloud.yandex.net/endpoints") as answer:
                    assert answer.status == 200

    with Double() as other:
        asyncio.run(story(other))
        assert (len(other.calls), len(intercepted.calls)) == (2, 0)


@pytest.mark.usefixtures("offline")
def test_a_client_that_would_speak_http_2_falls_back(intercepted: Double) -> None:
    """The double speaks HTTP/1.1, and there is no TLS in which another could be agreed on."""
    with httpcore.ConnectionPool(http2=True, http1=False) as pool:
        answer = pool.request("GET", f"{REAL}/endpoints")
    assert (answer.status, answer.extensions["http_version"]) == (200, b"HTTP/1.1")
    assert len(intercepted.calls) == 1


@pytest.mark.usefixtures("offline")
def test_a_pool_is_as_large_as_it_was_made(intercepted: Double) -> None:
    """A second request at a time has to wait for a pool of one, and gives up as it would."""
    limits = httpx.Limits(max_connections=1)
    with httpx.Client(limits=limits, timeout=httpx.Timeout(5, pool=0), trust_env=False) as client:
        with client.stream("GET", f"{REAL}/endpoints"), pytest.raises(httpx.PoolTimeout):
            client.get(f"{REAL}/endpoints")
        assert client.get(f"{REAL}/endpoints").is_success
    assert len(intercepted.calls) == 2


@EVERY_CLIENT
@pytest.mark.usefixtures("offline", "intercepted")
def test_a_second_double_is_told_who_answers(session: Session) -> None:
    """There is one at a time, and the first goes on."""
    with (
        pytest.raises(UsageError, match=r"<Double second: .*> cannot answer the real host names: <Double unnamed: "),
        Double(name="second").intercept(),
    ):
        pass
    assert ask_all(session, REAL, [LIST])[0].status == 200


def test_nothing_of_an_interception_is_left() -> None:
    """The libraries' classes have their own methods again, those that were inherited included."""
    from http.client import HTTPConnection  # noqa: PLC0415 - read as it is

    from urllib3.connection import HTTPSConnection  # noqa: PLC0415 - likewise

    kinds = (
        HTTPConnection,
        HTTPSConnection,
        httpcore.ConnectionPool,
        httpcore.AsyncConnectionPool,
        aiohttp.TCPConnector,
    )
    before = [dict(vars(kind)) for kind in kinds]
    with suppress(ZeroDivisionError), Double().intercept():
        assert all(dict(vars(kind)) != own for kind, own in zip(kinds, before, strict=True))
        raise ZeroDivisionError
    assert [dict(vars(kind)) for kind in kinds] == before
