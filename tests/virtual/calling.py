"""How the tests of virtual time talk to a double: one operation that is never done, and five clients that poll it."""

from __future__ import annotations

import asyncio
import http.client
import json
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import httpx
import requests

from pytest_ycimages import Never

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_ycimages import Double

HEADERS: Final = {"Authorization": "Bearer t1.a.b"}


def create(double: Double) -> str:
    """Create an image, and give back the operation's id. In process, so that no connection is left behind."""
    transport = httpx.WSGITransport(app=double.app)
    with httpx.Client(base_url="http://double", headers=HEADERS, transport=transport) as client:
        body = {"folderId": double.folder_id, "diskId": "epd0000000000000000a"}
        id_: str = client.post("/compute/v1/images", json=body).json()["id"]
        return id_


def unending(double: Double) -> str:
    """The path of an operation that is never done."""
    double.timing = Never()
    return f"/operations/{create(double)}"


def _poll(get: Callable[[], Mapping[str, Any]], seconds: float, every: float) -> None:
    """Ask, sleep, ask, until the operation is done.

    Raises:
        TimeoutError: it was not, in time.
    """
    deadline = time.monotonic() + seconds
    while not get().get("done"):
        if time.monotonic() >= deadline:
            raise TimeoutError
        time.sleep(every)


def with_http_client(double: Double, path: str, seconds: float, every: float = 1) -> None:
    """Poll with the standard library."""
    with closing(http.client.HTTPConnection(double.host, double.port, timeout=30)) as connection:

        def get() -> Any:
            connection.request("GET", path, headers=HEADERS)
            return json.loads(connection.getresponse().read())

        _poll(get, seconds, every)


def with_requests(double: Double, path: str, seconds: float, every: float = 1) -> None:
    """Poll with requests."""
    with requests.Session() as session:
        session.trust_env = False  # looking for proxies takes longer than the polls
        _poll(lambda: session.get(double.url + path, headers=HEADERS, timeout=30).json(), seconds, every)


def with_httpx(double: Double, path: str, seconds: float, every: float = 1) -> None:
    """Poll with httpx."""
    with httpx.Client(base_url=double.url, headers=HEADERS) as client:
        _poll(lambda: client.get(path).json(), seconds, every)


def with_async_httpx(double: Double, path: str, seconds: float, every: float = 1) -> None:
    """Poll with httpx under asyncio."""

    async def poll() -> None:
        async with httpx.AsyncClient(base_url=double.url, headers=HEADERS) as client, asyncio.timeout(seconds):
            while not (await client.get(path)).json().get("done"):
                await asyncio.sleep(every)

    asyncio.run(poll())


def with_aiohttp(double: Double, path: str, seconds: float, every: float = 1) -> None:
    """Poll with aiohttp."""

    async def poll() -> None:
        async with aiohttp.ClientSession(double.url, headers=HEADERS) as session, asyncio.timeout(seconds):
            done = False
            while not done:
                async with session.get(path) as answer:
                    done = (await answer.json()).get("done", False)
                await asyncio.sleep(every)

    asyncio.run(poll())


CLIENTS: Final = (with_http_client, with_requests, with_httpx, with_async_httpx, with_aiohttp)
