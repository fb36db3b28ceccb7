"""While a cassette is replayed, nothing leaves this machine, whatever a client does and swallows."""

from __future__ import annotations

import asyncio
import http.client
import os
import socket
import subprocess
import sys
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import grpc
import httpx
import pytest
import requests
import uvloop

from pytest_ycimages import Double, NetworkRefusedError
from pytest_ycimages.network.guard import network_refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

AWAY = "http://192.0.2.1:9/x"
NAME = "http://nowhere.example/x"


async def by_aiohttp(url: str) -> None:
    """Get it with aiohttp."""
    async with aiohttp.ClientSession() as session, session.get(url):
        pass


async def by_httpx(url: str) -> None:
    """Get it with httpx and asyncio."""
    async with httpx.AsyncClient() as client:
        await client.get(url)


def by_http_client(url: str) -> None:
    """Get it with http.client."""
    host = url.removeprefix("http://").partition("/")[0]
    http.client.HTTPConnection(host).request("GET", "/x")


def by_udp(url: str) -> None:
    """Send a datagram there."""
    host = url.removeprefix("http://").partition("/")[0].partition(":")[0]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"x", (host, 9))


@pytest.mark.parametrize("url", [AWAY, NAME])
@pytest.mark.parametrize(
    "go",
    [
        lambda url: requests.get(url, timeout=1),
        lambda url: httpx.get(url, timeout=1),
        lambda url: asyncio.run(by_aiohttp(url)),
        lambda url: asyncio.run(by_httpx(url)),
        by_http_client,
        by_udp,
    ],
    ids=["requests", "httpx", "aiohttp", "httpx-async", "http.client", "udp"],
)
def test_neither_an_address_nor_a_name_is_reached(go: Callable[[str], Any], url: str) -> None:
    """The refusal is told, though a client may make another error of it, or none."""
    refusals: list[NetworkRefusedError] = []
    with network_refused((), refusals.append), suppress(Exception):
        go(url)
    assert refusals
    assert "192.0.2.1" in str(refusals[0]) or "nowhere.example" in str(refusals[0])
    assert "allow it: allowed_hosts=[" in str(refusals[0])


@pytest.mark.parametrize(
    "look", [socket.gethostbyname, socket.gethostbyname_ex, socket.gethostbyaddr, partial(socket.getaddrinfo, port=80)]
)
def test_no_name_is_looked_up(look: Callable[[str], Any]) -> None:
    """Look-ups are refused as well, also by a function that was captured before."""
    with network_refused((), lambda _: None):
        with pytest.raises(NetworkRefusedError, match=r"Refused to look up the (address|name) of 'nowhere\.example'"):
            look("nowhere.example")
        assert look("127.0.0.1")


def test_this_machine_and_what_is_allowed_are_reached() -> None:
    """By name and by number, also without an address. Nothing listens on port 9 of the allowed one."""
    left, right = socket.socketpair()
    with Double() as double, network_refused(["*.invalid", "192.0.2.1"], lambda _: None), left, right:
        assert requests.get(f"{double.url}/endpoints", timeout=10).status_code == 200
        assert requests.get(f"http://localhost:{double.port}/endpoints", timeout=10).status_code == 200
        with pytest.raises(socket.gaierror):
            socket.getaddrinfo("a.invalid", 80)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect(("192.0.2.1", 9))  # which sends nothing
        left.sendmsg([b"x"])
        assert right.recv(1) == b"x"
        socket.getaddrinfo(None, 80)


def test_afterwards_nothing_is_refused() -> None:
    """Nor while another one lasts that allows it."""
    refusals: list[NetworkRefusedError] = []
    with network_refused((), refusals.append):
        pass
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("192.0.2.1", 9))
    assert not refusals


def test_an_unconnected_socket_of_a_file_is_no_way_out(tmp_path: Path) -> None:
    """Sockets with a name in the file system lead to this machine."""
    with network_refused((), lambda _: None), socket.socket(socket.AF_UNIX) as sock, pytest.raises(FileNotFoundError):
        sock.connect(str(tmp_path / "nobody"))


@pytest.fixture
def foreign_port() -> Iterator[int]:
    """A port of this machine on which another process listens."""
    code = "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); input()"
    with subprocess.Popen(  # noqa: S603 - this Python
        [sys.executable, "-S", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.communicate("\n")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2", "::ffff:127.0.0.1"])
def test_servers_of_other_processes_are_refused(host: str, foreign_port: int) -> None:
    """One may be a proxy, through which requests leave the machine, until its host is allowed."""
    refusals: list[NetworkRefusedError] = []
    with network_refused((), refusals.append), pytest.raises(NetworkRefusedError, match=f"port {foreign_port} of"):
        socket.create_connection((host, foreign_port), 5)
    assert len(refusals) == 1
    assert "no server of this process listens there" in str(refusals[0])
    with network_refused(["127.0.0.*", "localhost", "::*"], refusals.append), suppress(ConnectionRefusedError):
        socket.create_connection((host, foreign_port), 5).close()
    assert len(refusals) == 1


@pytest.mark.parametrize("timeout", [None, 0.5])
def test_servers_of_this_process_are_reached(timeout: float | None) -> None:
    """Whoever made them, and before or after the replay began; looking for them does not change them."""
    here = ("127.0.0.1", 0)
    with (
        socket.create_server(here) as early,
        network_refused((), lambda _: None),
        socket.create_server(here) as late,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mailbox,
    ):
        mailbox.bind(here)
        before = [os.get_blocking(each.fileno()) for each in (early, late, mailbox)]
        socket.setdefaulttimeout(timeout)
        try:
            for server in (early, late):
                socket.create_connection(server.getsockname(), 5).close()
            mailbox.sendto(b"x", mailbox.getsockname())
        finally:
            socket.setdefaulttimeout(None)
        assert mailbox.recv(1) == b"x"
        assert [os.get_blocking(each.fileno()) for each in (early, late, mailbox)] == before


@pytest.mark.parametrize("go", [by_aiohttp, by_httpx])
@pytest.mark.parametrize("url", [AWAY, NAME])
def test_uvloop_is_no_way_out(go: Callable[[str], Any], url: str) -> None:
    """It looks names up and connects in C."""
    refusals: list[NetworkRefusedError] = []
    with (
        network_refused((), refusals.append),
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        suppress(Exception),
    ):
        runner.run(go(url))
    assert refusals


def test_a_channel_of_grpc_is_no_way_out(foreign_port: int) -> None:
    """It looks names up and connects in C."""
    with network_refused((), lambda _: None):
        for target in ("nowhere.example:443", "dns:///nowhere.example:443", "192.0.2.1:9", f"localhost:{foreign_port}"):
            with pytest.raises(NetworkRefusedError, match="open a gRPC channel to"):
                grpc.insecure_channel(target)
        with Double() as double:
            grpc.insecure_channel(double.grpc_endpoint).close()
            grpc.insecure_channel(f"localhost:{double.port}").close()
        grpc.insecure_channel("unix:/tmp/nobody").close()


CHILD: Final = """
import sys, urllib.request
try:
    print(urllib.request.urlopen(sys.argv[1], timeout=10).status)
except OSError as error:
    import os
    print(type(error).__name__, os.environ["http_proxy"])
"""


@pytest.mark.parametrize("env", [None, {}, {"http_proxy": "http://192.0.2.1:9", "no_proxy": "nowhere.example"}])
def test_processes_that_heed_proxies_do_not_leave(env: dict[str, str] | None) -> None:
    """Their proxy refuses, whatever environment they are given; doubles are reached."""
    with Double() as double, network_refused(["*.corp.example"], lambda _: None):
        for url, text in (
            (NAME, "URLError http://nothing-leaves-while-a-cassette-is-replayed.localhost:9"),
            (f"{double.url}/endpoints", "200"),
        ):
            command = [sys.executable, "-S", "-c", CHILD, url]
            said = subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout  # noqa: S603 - ours
            assert said.strip() == text


def test_curl_names_what_refuses() -> None:
    """It prints the name of the proxy; asyncio starts processes in the same way."""

    async def get() -> bytes:
        process = await asyncio.create_subprocess_exec("curl", "-sS", "-m", "10", NAME, stderr=subprocess.PIPE)
        _, said = await process.communicate()
        return said

    with network_refused((), lambda _: None):
        assert b"nothing-leaves-while-a-cassette-is-replayed" in asyncio.run(get())


def test_what_is_allowed_is_no_matter_of_proxies() -> None:
    """Names as they are, and globs as the variable has them; nothing is changed afterwards."""
    code = "import os; print(os.environ['no_proxy'])"
    with network_refused(["db.example", "*.corp.example"], lambda _: None):
        inside = subprocess.run([sys.executable, "-S", "-c", code], check=True, capture_output=True, text=True).stdout  # noqa: S603 - ours
    assert inside.strip() == "127.0.0.1,localhost,::1,db.example,.corp.example"
    assert subprocess.Popen.__init__.__module__ == "subprocess"
