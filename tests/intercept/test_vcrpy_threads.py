"""Clients with thread pools under vcrpy: every request is answered by the double, however many threads there are."""

from __future__ import annotations

import http.client
import socket
import ssl
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
import requests
import urllib3
import vcr.patch

from pytest_ycimages import Double
from tests.intercept.conftest import REAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

URL: Final = f"{REAL}/endpoints"
NO_CERTIFICATES: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""They take long to read."""


@pytest.fixture(autouse=True)
def _often() -> Iterator[None]:
    """Threads change places as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


def by_http_client(url: str) -> int:
    """Get it with a connection of http.client."""
    host, _, path = url.partition("://")[2].partition("/")
    connection = http.client.HTTPConnection(host, timeout=10)
    if url.startswith("https"):
        connection = http.client.HTTPSConnection(host, timeout=10, context=NO_CERTIFICATES)
    with closing(connection):
        connection.request("GET", f"/{path}")
        return connection.getresponse().status


def by_urllib(url: str) -> int:
    """Get it with urllib.request."""
    with urllib.request.urlopen(url, timeout=10, context=NO_CERTIFICATES) as answer:  # noqa: S310 - of this test
        status: int = answer.status
    return status


CLIENTS: Final[dict[str, Callable[[str], int]]] = {
    "requests": lambda url: requests.get(url, timeout=10).status_code,
    "urllib3": lambda url: urllib3.PoolManager().request("GET", url, timeout=10).status,
    "httpx": lambda url: httpx.get(url, verify=NO_CERTIFICATES).status_code,
    "http.client": by_http_client,
    "urllib.request": by_urllib,
}


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("threads", [2, 3, 8, 32])
@pytest.mark.parametrize("client", CLIENTS)
def test_no_request_of_a_pool_escapes(client: str, threads: int) -> None:
    """No name is looked up meanwhile, and the patches are gone afterwards."""
    double, get, own = Double(), CLIENTS[client], http.client.HTTPSConnection
    with double.through_vcrpy(), ThreadPoolExecutor(threads) as pool:
        assert set(pool.map(get, [URL] * (2 * threads))) == {200}
    assert len(double.calls) == 2 * threads
    assert http.client.HTTPSConnection is own


@pytest.mark.parametrize("client", ["requests", "urllib3", "http.client", "urllib.request"])
def test_no_request_escapes_while_others_go_to_this_machine(client: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those are sent over real connections, for which vcrpy takes its patches off for longer."""
    looked_up: list[Any] = []
    getaddrinfo = socket.getaddrinfo

    def only_here(host: Any, *more: Any, **options: Any) -> Any:
        if host != "127.0.0.1":
            looked_up.append(host)
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return getaddrinfo(host, *more, **options)

    monkeypatch.setattr(socket, "getaddrinfo", only_here)
    get = CLIENTS[client]
    with Double() as server, Double() as double, double.through_vcrpy(), ThreadPoolExecutor(8) as pool:
        assert set(pool.map(get, [URL, f"{server.url}/endpoints"] * 16)) == {200}
        assert (len(double.calls), len(server.calls), looked_up) == (16, 16, [])


def test_vcrpy_is_as_before_afterwards() -> None:
    """For cassettes of the user's own."""
    reset = vcr.patch.force_reset
    with Double().through_vcrpy():
        assert vcr.patch.force_reset is not reset
    assert vcr.patch.force_reset is reset
