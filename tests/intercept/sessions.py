"""One session of each client that keeps connections, as a function to ask with: it outlives what a test does around."""

from __future__ import annotations

import asyncio
import http.client
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import aiohttp
import httpx
import requests
import urllib3

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager

    Ask = Callable[[], int]
    Session = Callable[[str], AbstractContextManager[Ask]]

PATH: Final = "/iam/v1/tokens"
BODY: Final = b'{"yandexPassportOauthToken": "y0_a"}'
"""A POST: nobody tries it again when a connection that was kept turns out to be dead."""


@contextmanager
def of_http_client(url: str) -> Generator[Ask]:
    """http.client: a connection."""
    address = urlsplit(url)
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = kind(address.netloc, timeout=5)

    def ask() -> int:
        connection.request("POST", PATH, BODY)
        answer = connection.getresponse()
        answer.read()
        return answer.status

    yield ask
    connection.close()


@contextmanager
def of_urllib3(url: str) -> Generator[Ask]:
    """urllib3: a pool manager."""
    with urllib3.PoolManager() as pools:
        yield lambda: pools.request("POST", url + PATH, body=BODY, retries=False, timeout=5).status


@contextmanager
def of_requests(url: str) -> Generator[Ask]:
    """requests: a session."""
    with requests.Session() as session:
        session.trust_env = False
        yield lambda: session.post(url + PATH, BODY, timeout=5).status_code


@contextmanager
def of_httpx(url: str) -> Generator[Ask]:
    """httpx: a client."""
    with httpx.Client(trust_env=False) as client:
        yield lambda: client.post(url + PATH, content=BODY).status_code


@contextmanager
def of_async_httpx(url: str) -> Generator[Ask]:
    """httpx: an async client, and a loop of its own."""

    async def ask() -> int:
        return (await client.post(url + PATH, content=BODY)).status_code

    with asyncio.Runner() as runner:
        client = httpx.AsyncClient(trust_env=False)
        yield lambda: runner.run(ask())
        runner.run(client.aclose())


@contextmanager
def of_aiohttp(url: str) -> Generator[Ask]:
    """aiohttp: a session, and a loop of its own."""

    async def begin() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5))

    async def ask() -> int:
        async with session.post(url + PATH, data=BODY) as answer:
            await answer.read()
            return answer.status

    with asyncio.Runner() as runner:
        session = runner.run(begin())
        yield lambda: runner.run(ask())
        runner.run(session.close())


SESSIONS: Final[dict[str, Session]] = {
    "http.client": of_http_client,
    "urllib3": of_urllib3,
    "requests": of_requests,
    "httpx": of_httpx,
    "httpx async": of_async_httpx,
    "aiohttp": of_aiohttp,
}
"""Every kind of session, by client."""
