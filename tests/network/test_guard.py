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
from typing import TYPE_CHECKING, Any

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
    """A look-up tells somebody what is about to be done. A function that was kept from before is no way out."""
    with network_refused((), lambda _: None):
        with pytest.raises(NetworkRefusedError, match=r"Refused to look up the (address|name) of 'nowhere\.example'"):
            look("nowhere.example")
        assert look("127.0.0.1")


def test_this_machine_and_what_is_allowed_are_reached() -> None:
    """By name and by number, also without an address. The port 9 of the allowed one has nobody who would answer."""
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
