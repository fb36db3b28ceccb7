"""The libraries that clients retry with: their pauses take no real time, and are exactly as long as they should be."""

from __future__ import annotations

import asyncio
import http.client
import socket
from contextlib import closing
from typing import TYPE_CHECKING, Any

import backoff
import pytest
import requests
import stamina
import tenacity
import urllib3
from requests.adapters import HTTPAdapter

from pytest_ycimages import After
from tests.virtual.calling import HEADERS, create

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages import Double, VirtualTime


class NotDoneError(Exception):
    """The operation is not done yet."""


@pytest.fixture
def look(ycimages_time: VirtualTime, ycimages: Double) -> Callable[[], str]:
    """Asks for an operation that takes 100 seconds, and fails if it is not done."""
    assert ycimages_time.elapsed == 0
    ycimages.timing = After(seconds=100)
    id_ = create(ycimages)

    def look() -> str:
        with closing(http.client.HTTPConnection(ycimages.host, ycimages.port, timeout=5)) as connection:
            connection.request("GET", f"/operations/{id_}", headers=HEADERS)
            if b'"done":true' not in connection.getresponse().read().replace(b" ", b""):
                raise NotDoneError
        return id_

    return look


def _moments(double: Double) -> list[float]:
    return [call.at for call in double.calls.of("operations.get")]


def test_tenacity(look: Callable[[], str], ycimages: Double) -> None:
    """Exponential, and with a limit."""
    wait = tenacity.wait_exponential(multiplier=1, max=40)
    assert tenacity.Retrying(wait=wait, stop=tenacity.stop_after_delay(200))(look)
    assert _moments(ycimages) == [0, 1, 3, 7, 15, 31, 63, 103]


def test_tenacity_gives_up(look: Callable[[], str], ycimages_time: VirtualTime) -> None:
    """At its limit."""
    retrying = tenacity.Retrying(wait=tenacity.wait_fixed(10), stop=tenacity.stop_after_delay(50))
    with pytest.raises(tenacity.RetryError):
        retrying(look)
    assert ycimages_time.elapsed == 50


def test_tenacity_under_asyncio(look: Callable[[], str], ycimages: Double) -> None:
    """With coroutines it sleeps as asyncio does."""

    async def main() -> None:
        async for attempt in tenacity.AsyncRetrying(wait=tenacity.wait_fixed(30)):
            with attempt:
                await asyncio.to_thread(look)

    asyncio.run(main())
    assert _moments(ycimages) == [0, 30, 60, 90, 120]


def test_stamina(look: Callable[[], str], ycimages: Double) -> None:
    """Without jitter, its pauses double."""
    retry = stamina.retry(on=NotDoneError, attempts=None, timeout=None, wait_initial=1, wait_max=1000, wait_jitter=0)
    assert retry(look)()
    assert _moments(ycimages) == [0, 1, 3, 7, 15, 31, 63, 127]


def test_stamina_gives_up(look: Callable[[], str], ycimages: Double) -> None:
    """By its own limit of time."""
    retry = stamina.retry(on=NotDoneError, attempts=None, timeout=20, wait_initial=5, wait_max=5, wait_jitter=0)
    with pytest.raises(NotDoneError):
        retry(look)()
    assert _moments(ycimages) == [0, 5, 10, 15, 20]


def test_stamina_under_asyncio(look: Callable[[], str], ycimages: Double) -> None:
    """The same decorator, on a coroutine function."""

    @stamina.retry(on=NotDoneError, attempts=None, timeout=None, wait_initial=60, wait_max=60, wait_jitter=0)
    async def ask() -> str:
        return await asyncio.to_thread(look)

    assert asyncio.run(ask())
    assert _moments(ycimages) == [0, 60, 120]


def test_backoff(look: Callable[[], str], ycimages: Double) -> None:
    """Its decorator, without jitter."""
    assert backoff.on_exception(backoff.expo, NotDoneError, jitter=None, max_time=500)(look)()
    assert _moments(ycimages) == [0, 1, 3, 7, 15, 31, 63, 127]


def test_backoff_gives_up(look: Callable[[], str], ycimages: Double) -> None:
    """It cuts the last pause short, so that it gives up at exactly its limit."""
    with pytest.raises(NotDoneError):
        backoff.on_exception(backoff.constant, NotDoneError, jitter=None, interval=15, max_time=50)(look)()
    assert _moments(ycimages) == [0, 15, 30, 45, 50]


def test_backoff_under_asyncio(look: Callable[[], str], ycimages: Double) -> None:
    """The same decorator, on a coroutine function."""

    @backoff.on_exception(backoff.constant, NotDoneError, jitter=None, interval=40)
    async def ask() -> Any:
        return await asyncio.to_thread(look)

    assert asyncio.run(ask())
    assert _moments(ycimages) == [0, 40, 80, 120]


@pytest.fixture
def nobody() -> str:
    """An address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"http://127.0.0.1:{taken.getsockname()[1]}/"


def test_urllib3_retries_what_was_refused(ycimages_time: VirtualTime, nobody: str) -> None:
    """0, 2, 4, 8 and 16 times the factor."""
    retries = urllib3.Retry(5, backoff_factor=1)
    with urllib3.PoolManager(retries=retries) as pool, pytest.raises(urllib3.exceptions.MaxRetryError):
        pool.request("GET", nobody)
    assert ycimages_time.elapsed == 2 + 4 + 8 + 16


def test_requests_retries_what_was_refused(ycimages_time: VirtualTime, nobody: str) -> None:
    """By the adapter that has the retries."""
    with requests.Session() as session:
        session.trust_env = False
        session.mount("http://", HTTPAdapter(max_retries=urllib3.Retry(3, backoff_factor=0.5)))
        with pytest.raises(requests.ConnectionError):
            session.get(nobody)
    assert ycimages_time.elapsed == 1 + 2


def test_requests_retries_what_came_too_late(ycimages_time: VirtualTime, ycimages: Double) -> None:
    """Time limits of reading and pauses add up, and the double sees when each attempt was made."""
    ycimages.latency = 60
    with requests.Session() as session:
        session.trust_env = False
        session.mount("http://", HTTPAdapter(max_retries=urllib3.Retry(2, backoff_factor=5)))
        with pytest.raises(requests.ConnectionError):
            session.get(f"{ycimages.url}/endpoints", timeout=3)
    assert [call.at for call in ycimages.calls] == [0, 3, 16]
    assert ycimages_time.elapsed == 19
