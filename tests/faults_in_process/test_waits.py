"""Waits and time-outs in process: on the double's clock, whichever that is, and never for ever."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import freezegun
import httpx
import pytest
import requests

from pytest_ycimages import Double, Latency, UsageError, VirtualTime, hang, stall
from tests.clients.sessions import TIMEOUT, WITH_ADAPTER, Session, ask_double
from tests.faults_in_process.test_same_as_over_a_socket import CREATE, LIST

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

EVERY_CLIENT = pytest.mark.parametrize("client", WITH_ADAPTER.values(), ids=WITH_ADAPTER)
NEVER_ENDS: Final = "The answer hangs and the client has no time-out"


def elapsed(double: Double) -> float:
    """The seconds that have passed for a double."""
    return (double.clock.now() - double.clock.began_at) / 10**9


@EVERY_CLIENT
@pytest.mark.parametrize("order", ["effect_first", "latency_first"])
def test_a_client_gives_up_on_an_answer_that_is_too_late(client: Session, order: str) -> None:
    """At its time-out, on the double's clock; and the cloud has done what it was asked all the same."""
    double = Double(clock="manual", latency={"images.create": 60}, latency_order=order)
    assert "imeout" in ask_double(client, double, [CREATE], in_process=True)[0].error
    assert elapsed(double) == TIMEOUT
    assert len(double.images) == 1


@EVERY_CLIENT
@pytest.mark.parametrize("over_body", [False, True])
def test_a_client_waits_for_an_answer_that_is_late(client: Session, over_body: bool) -> None:  # noqa: FBT001 - a case
    """No longer than the latency, whether before the answer or over its body."""
    double = Double(clock="manual", latency=Latency.fixed(4, over_body=over_body))
    assert ask_double(client, double, [LIST], in_process=True)[0].status == 200
    assert elapsed(double) == 4


def _requests(double: Double) -> None:
    with requests.Session() as session:
        session.mount("http://", double.requests_adapter())
        session.get("http://x/endpoints")


def _urllib3(double: Double) -> None:
    double.urllib3_pool_manager().request("GET", "http://x/endpoints")


def _httpx(double: Double) -> None:
    with httpx.Client(transport=double.httpx_transport(), timeout=None) as client:  # noqa: S113 - the point
        client.get("http://x/endpoints")


async def _async_httpx(double: Double) -> None:
    async with httpx.AsyncClient(transport=double.httpx_async_transport(), timeout=None) as client:  # noqa: S113 - likewise
        await client.get("http://x/endpoints")


async def _aiohttp(double: Double) -> None:
    timeout = aiohttp.ClientTimeout()
    async with (
        aiohttp.ClientSession(connector=double.aiohttp_connector(), timeout=timeout) as session,
        session.get("http://x/endpoints") as answer,
    ):
        await answer.read()


@pytest.mark.parametrize("ask", [_requests, _urllib3, _httpx])
def test_a_hang_without_a_time_out_is_refused(ask: Callable[[Double], None]) -> None:
    """Over a socket it would hang; here somebody can tell."""
    double = Double()
    double.inject(hang())
    with pytest.raises(UsageError, match=NEVER_ENDS):
        ask(double)


@pytest.mark.parametrize("ask", [_async_httpx, _aiohttp])
@pytest.mark.parametrize("fault", [hang(), stall(after=40)], ids=str)
def test_an_async_hang_is_refused_where_no_clock_moves(ask: Callable[[Double], Awaitable[Any]], fault: Any) -> None:
    """On a clock that stands still, nothing else would ever happen."""
    double = Double(clock="manual")
    double.inject(fault)
    with pytest.raises(UsageError, match=NEVER_ENDS):
        asyncio.run(_awaited(ask(double)))


@pytest.mark.parametrize("ask", [_async_httpx, _aiohttp])
def test_an_async_hang_lasts_until_somebody_ends_it(ask: Callable[[Double], Awaitable[Any]]) -> None:
    """A loop has other ways to end a wait than the client's own time-outs."""
    with VirtualTime() as time:
        double = Double()
        double.inject(hang())
        with pytest.raises(TimeoutError):
            asyncio.run(asyncio.wait_for(_awaited(ask(double)), 30))
        assert time.elapsed == 30


async def _awaited(asking: Awaitable[Any]) -> None:
    await asking


@pytest.mark.parametrize("ask", [_async_httpx, _aiohttp])
def test_async_waits_stand_in_nobody_s_way(ask: Callable[[Double], Awaitable[Any]]) -> None:
    """Ten answers that are late by a second each take one second together."""

    async def crowd(double: Double) -> None:
        await asyncio.gather(*[ask(double) for _ in range(10)])

    with VirtualTime() as time:
        asyncio.run(crowd(Double(latency=1)))
        assert time.elapsed == 1


@EVERY_CLIENT
@pytest.mark.real_clock
def test_the_real_clock_is_waited_for(client: Session) -> None:
    """A few milliseconds, for real."""
    double = Double(latency=0.02)
    assert ask_double(client, double, [LIST], in_process=True)[0].status == 200
    assert elapsed(double) >= 0.02


@EVERY_CLIENT
def test_frozen_time_is_moved(client: Session) -> None:
    """As a latency moves it."""
    with freezegun.freeze_time("2026-03-01"):
        double = Double(latency=3)
        assert ask_double(client, double, [LIST], in_process=True)[0].status == 200
        double.inject(hang())
        assert "imeout" in ask_double(client, double, [LIST], in_process=True)[0].error
        assert elapsed(double) == 3 + TIMEOUT


@pytest.mark.parametrize("name", ["requests", "urllib3", "httpx"])
def test_a_double_that_is_closed_lets_nobody_wait(name: str) -> None:
    """It answers on, at once."""
    with Double(latency=3) as double:
        pass
    assert ask_double(WITH_ADAPTER[name], double, [LIST], in_process=True)[0].status == 200
    assert elapsed(double) < 3
