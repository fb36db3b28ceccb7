"""In a test with a double, the real service is refused by name, whatever the client, thread or loop."""

from __future__ import annotations

import asyncio
import http.client
import socket
import ssl
import sys
import threading
import urllib.request
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import grpc
import grpc._channel
import grpc.aio
import httpx
import pytest
import requests
import trio
import uvloop

from pytest_ycimages import Double, RealHostRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HOST: Final = "compute.api.cloud.yandex.net"
NO_CERTIFICATES: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""They take long to read."""


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "grpc_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def double() -> Iterator[Double]:
    """A double that is open; what was refused is asserted by the tests."""
    double = Double().start()
    yield double
    double.close()


def by_raw_socket(host: str) -> None:
    """Connect a socket to the name."""
    with socket.socket() as sock:
        sock.connect((host, 443))


def by_datagram(host: str) -> None:
    """Send a datagram to the name."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"x", (host, 443))


async def by_aiohttp(host: str) -> None:
    """Get it with aiohttp."""
    async with aiohttp.ClientSession() as session, session.get(f"https://{host}/endpoints"):
        pass


async def by_httpx(host: str) -> None:
    """Get it with httpx."""
    async with httpx.AsyncClient(verify=NO_CERTIFICATES) as client:
        await client.get(f"https://{host}/endpoints")


async def by_streams(host: str) -> None:
    """Open a connection of asyncio."""
    await asyncio.open_connection(host, 443)


async def by_loop(host: str) -> None:
    """Look the name up with the loop."""
    await asyncio.get_running_loop().getaddrinfo(host, 443)


async def by_loop_socket(host: str) -> None:
    """Connect a socket with the loop."""
    with socket.socket() as sock:
        sock.setblocking(False)  # noqa: FBT003 - its signature
        await asyncio.get_running_loop().sock_connect(sock, (host, 443))


async def by_loop_datagram(host: str) -> None:
    """Open an endpoint for datagrams."""
    await asyncio.get_running_loop().create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=(host, 443))


async def by_grpc_aio(host: str) -> None:
    """Open a channel of the asyncio API of gRPC."""
    async with grpc.aio.insecure_channel(f"{host}:443"):
        pass


async def by_trio(host: str) -> None:
    """Open a connection of trio."""
    await trio.open_tcp_stream(host, 443)


BLOCKING: Final[dict[str, Callable[[str], Any]]] = {
    "requests": lambda host: requests.get(f"https://{host}/endpoints", timeout=5),
    "httpx": lambda host: httpx.get(f"https://{host}/endpoints", verify=NO_CERTIFICATES),
    "urllib.request": lambda host: urllib.request.urlopen(f"http://{host}/endpoints", timeout=5),
    "http.client": lambda host: http.client.HTTPConnection(host).request("GET", "/"),
    "getaddrinfo": lambda host: socket.getaddrinfo(host, 443),
    "gethostbyname": socket.gethostbyname,
    "gethostbyname_ex": socket.gethostbyname_ex,
    "create_connection": lambda host: socket.create_connection((host, 443), 5),
    "connect": by_raw_socket,
    "sendto": by_datagram,
    "grpc": lambda host: grpc.insecure_channel(f"dns:///{host}:443").close(),
    "grpc secure": lambda host: grpc.secure_channel(f"{host}:443", grpc.ssl_channel_credentials()).close(),
    "trio": lambda host: trio.run(by_trio, host),
}
ASYNC: Final = (by_aiohttp, by_httpx, by_streams, by_loop, by_loop_socket, by_loop_datagram, by_grpc_aio)


def check_refused(go: Callable[[str], Any], double: Double) -> None:
    """Assert that a call is refused in words, and that the double knows it."""
    with pytest.raises(RealHostRefusedError) as raised:
        go(HOST)
    assert f"'{HOST}'" in str(raised.value)
    assert "ycimages_intercept" in str(raised.value)
    with pytest.raises(RealHostRefusedError, match="Refused to"):
        double.check()


@pytest.mark.parametrize("client", BLOCKING)
def test_blocking_clients_are_refused(client: str, double: Double) -> None:
    """With the error itself, and not one of the client's."""
    try:
        check_refused(BLOCKING[client], double)
    except* RealHostRefusedError:  # trio wraps it
        assert client == "trio"


@pytest.mark.parametrize("factory", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("client", ASYNC)
def test_async_clients_are_refused(
    client: Callable[[str], Any], factory: Callable[[], asyncio.AbstractEventLoop], double: Double
) -> None:
    """Uvloop looks names up in C, so its loop is patched."""
    with asyncio.Runner(loop_factory=factory) as runner:
        check_refused(lambda host: runner.run(client(host)), double)


@pytest.mark.parametrize(
    "host",
    [HOST, HOST.upper(), f"{HOST}.", "api.cloud.yandex.net", "iam.api.cloud.yandex.net", "compute.api.yandexcloud.kz"],
)
def test_every_name_of_the_service_is_refused(host: str, double: Double) -> None:
    """In any spelling, as text and as bytes."""
    for spelled in (host, host.encode()):
        with pytest.raises(RealHostRefusedError):
            socket.getaddrinfo(spelled, 443)
    assert not double.calls


def test_other_threads_are_refused(double: Double) -> None:
    """Also one that was started before the double."""
    caught: list[BaseException] = []
    begin = threading.Event()

    def go() -> None:
        begin.wait()
        try:
            socket.getaddrinfo(HOST, 443)
        except RealHostRefusedError as error:
            caught.append(error)

    threads = [threading.Thread(target=go) for _ in range(4)]
    for thread in threads:
        thread.start()
    begin.set()
    for thread in threads:
        thread.join()
    assert len(caught) == 4
    assert double.port


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names that are looked up, in place of doing so; the audit event is as it would be."""
    found: list[str] = []

    def getaddrinfo(host: str, *_: Any, **__: Any) -> Any:
        found.append(host)
        sys.audit("socket.getaddrinfo", host, 443, 0, 0, 0)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return found


@pytest.mark.parametrize(
    "settings", [{"real_hosts": "allow"}, {"allowed_hosts": [HOST]}, {"allowed_hosts": "*.cloud.yandex.net"}]
)
def test_what_is_allowed_is_looked_up(settings: dict[str, Any], looked_up: list[str]) -> None:
    """All of them, or single ones."""
    with Double(**settings), pytest.raises(socket.gaierror):
        socket.getaddrinfo(HOST, 443)
    assert looked_up == [HOST]


def test_other_hosts_are_looked_up(looked_up: list[str]) -> None:
    """The setting is about the service, and the intercepted names, only."""
    double = Double(intercept_hosts=["images.example"]).start()
    with closing(double):
        for host in ("example.com", "storage.yandexcloud.net"):
            with pytest.raises(socket.gaierror):
                socket.getaddrinfo(host, 443)
        with pytest.raises(RealHostRefusedError):
            socket.getaddrinfo("images.example", 443)
    assert looked_up == ["example.com", "storage.yandexcloud.net", "images.example"]


def test_afterwards_nothing_is_refused_and_nothing_patched(looked_up: list[str]) -> None:
    """Whichever of several doubles closes first."""
    before = vars(socket.socket).get("connect"), grpc._channel.Channel.__init__, vars(uvloop.Loop).get("getaddrinfo")  # noqa: SLF001 - what is patched
    first, second = Double().start(), Double().start()
    first.close()
    with pytest.raises(RealHostRefusedError):
        socket.getaddrinfo(HOST, 443)
    second.close()
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo(HOST, 443)
    assert looked_up == [HOST] * 2
    after = vars(socket.socket).get("connect"), grpc._channel.Channel.__init__, vars(uvloop.Loop).get("getaddrinfo")  # noqa: SLF001 - as above
    assert before == after


def test_a_patch_that_a_test_puts_back_later_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test patches while the double is open, and its patch ends after that."""
    with Double():
        monkeypatch.setattr(socket.socket, "connect", lambda *_: None)
    monkeypatch.undo()
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), 5).close()
    if "connect" in vars(socket.socket):
        del socket.socket.connect


def test_a_forgotten_interception_fails_by_name(project: pytest.Pytester) -> None:
    """Once, if the test shows it itself; also if the client swallows it; not with the setting or the fixture."""
    project.makepyfile("""
        import socket
        import pytest
        import requests

        URL = "https://compute.api.cloud.yandex.net/endpoints"

        def test_forgotten(ycimages):
            requests.get(URL, timeout=5)

        def test_swallowed(ycimages):
            try:
                requests.get(URL, timeout=5)
            except Exception:
                pass

        def test_intercepted(ycimages_intercept):
            assert requests.get(URL, timeout=5).ok

        @pytest.mark.ycimages(real_hosts="allow")
        def test_allowed(ycimages, monkeypatch):
            def nowhere(*_, **__):
                raise socket.gaierror(socket.EAI_NONAME, "none")
            monkeypatch.setattr(socket, "getaddrinfo", nowhere)
            with pytest.raises(requests.ConnectionError):
                requests.get(URL, timeout=5)
    """)
    result = project.runpytest_inprocess("-rA")
    result.assert_outcomes(passed=3, failed=1, errors=1)
    result.stdout.fnmatch_lines(["*RealHostRefusedError: Refused to look up the address of 'compute.*ycimages_inter*"])
    result.stdout.fnmatch_lines(["ERROR *::test_swallowed*"])


def test_the_ini_file_allows_it(project: pytest.Pytester) -> None:
    """As it gives other settings."""
    project.makeini("[pytest]\nycimages_real_hosts = allow")
    project.makepyfile("""
        def test_it(ycimages):
            assert ycimages.settings.real_hosts == "allow"
    """)
    project.runpytest_inprocess().assert_outcomes(passed=1)
