"""What virtual time costs a test and each wait, beside freezegun and time-machine, which make nothing wait less."""

from __future__ import annotations

import asyncio
import http.client
import importlib
import json
import sys
import time
from contextlib import AbstractContextManager, closing
from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import freezegun
import time_machine

from pytest_ycimages import Double, Never, VirtualTime

from .goals import Goal, Sheet
from .stopwatch import timed, turns

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

_STOPWATCH: Final = "tests.bench.stopwatch"
"""The module that keeps real time whatever is frozen."""
_START: Final = datetime(2026, 1, 1, tzinfo=UTC)
_MODULES: Final = 500
_MORE: Final = ("schemathesis", "moto.ec2", "hypothesis", "openapi_spec_validator", "aiohttp", "httpx", "requests")
"""What is imported until there are enough modules; each of them brings a crowd."""
_POLLS: Final = 1200
_LIMIT: Final = 100.0
"""Milliseconds that 1200 waits may take beyond the calls between them."""


def measure(*, quick: bool) -> Generator[Sheet]:
    """Three sheets: the cost of having it, of a wait, and of twenty minutes of polling."""
    for name in _MORE:
        if len(sys.modules) < _MODULES:
            importlib.import_module(name)
    yield _having(5 if quick else 25)
    yield _waiting(2_000 if quick else 20_000)
    yield _polling(3 if quick else 9)


def _having(rounds: int) -> Sheet:
    makers: dict[str, Callable[[], AbstractContextManager[Any]]] = {
        "VirtualTime": VirtualTime,
        "freezegun": lambda: freezegun.freeze_time(_START),
        "time-machine": lambda: time_machine.travel(_START, tick=False),
    }
    spent: dict[str, list[float]] = {name: [] for name in makers}
    for number in range(rounds):
        for name, maker in turns(list(makers.items()), number):
            spent[name].append(timed(lambda maker=maker: _enter_and_leave(maker()))[1] / 1000)  # type: ignore[misc]
    sheet = Sheet(
        f"To begin and to end, milliseconds, with {len(sys.modules):,} modules loaded",
        ("what", "first time", "each later time"),
    )
    for name, each in spent.items():
        sheet.row(name, each[0], median(each[1:]))
    return sheet


def _enter_and_leave(context: AbstractContextManager[Any]) -> None:
    with context:
        pass


def _waiting(waits: int) -> Sheet:
    sheet = Sheet(
        "A wait of a second, microseconds of real time", ("what", "each"), note=f"the mean of {waits:,} in a row"
    )
    with VirtualTime(real=[_STOPWATCH]):
        sheet.row("VirtualTime: time.sleep(1)", timed(lambda: _sleep(waits))[1] / waits)
        sheet.row("VirtualTime: await asyncio.sleep(1)", timed(lambda: asyncio.run(_sleep_async(waits)))[1] / waits)
    with freezegun.freeze_time(_START, ignore=[_STOPWATCH]) as frozen:
        sheet.row("freezegun: frozen.tick(1)", timed(lambda: [frozen.tick(1) for _ in range(waits)])[1] / waits)
    with time_machine.travel(_START, tick=False) as traveller:
        sheet.row("time-machine: traveller.shift(1)", timed(lambda: _shift(traveller, waits))[1] / waits)
    return sheet


def _shift(traveller: time_machine.Traveller, waits: int) -> None:
    for _ in range(waits):
        traveller.shift(1)


def _sleep(waits: int) -> None:
    for _ in range(waits):
        time.sleep(1)  # noqa: TID251 - this is what is measured


async def _sleep_async(waits: int) -> None:
    for _ in range(waits):
        await asyncio.sleep(1)  # noqa: TID251 - likewise


def _polling(rounds: int) -> Sheet:
    clients: dict[str, Callable[[Double, str, int], None]] = {"http.client": _poll, "aiohttp": _poll_with_aiohttp}
    sheet = Sheet(
        f"Twenty minutes of polling every second: {_POLLS:,} polls, milliseconds of real time",
        ("client", "polls alone", "with their waits", "the waits"),
        note="the median of the differences within each round",
    )
    for name, client in clients.items():
        bare, waiting = [], []
        for _ in range(rounds):
            bare.append(_twenty_minutes(client, 0))
            waiting.append(_twenty_minutes(client, 1))
        waits = median(with_waits - alone for with_waits, alone in zip(waiting, bare, strict=True))
        goals = [Goal(f"1200 virtual waits, {name}", "the waits", waits, _LIMIT, " ms")]
        sheet.row(name, median(bare), median(waiting), waits, goals=goals)
    return sheet


def _twenty_minutes(client: Callable[[Double, str, int], None], pause: int) -> float:
    """Milliseconds that the polls take, with a pause of so many virtual seconds after each."""
    with VirtualTime(real=[_STOPWATCH]), Double(timing=Never(), unknown_fields="ignore") as double:
        body = json.dumps({"folderId": double.folder_id, "diskId": "epd0000000000000000a"})
        with closing(http.client.HTTPConnection(double.host, double.port)) as connection:
            connection.request("POST", "/compute/v1/images", body, {"authorization": f"Bearer {double.token}"})
            operation = json.loads(connection.getresponse().read())["id"]
        return timed(lambda: client(double, operation, pause))[1] / 1000


def _poll(double: Double, operation: str, pause: int) -> None:
    headers = {"authorization": f"Bearer {double.token}"}
    with closing(http.client.HTTPConnection(double.host, double.port)) as connection:
        for _ in range(_POLLS):
            connection.request("GET", f"/operations/{operation}", headers=headers)
            json.loads(connection.getresponse().read())
            if pause:
                time.sleep(pause)  # noqa: TID251 - this is what is measured


def _poll_with_aiohttp(double: Double, operation: str, pause: int) -> None:
    async def poll() -> None:
        async with aiohttp.ClientSession(headers={"authorization": f"Bearer {double.token}"}) as session:
            for _ in range(_POLLS):
                async with session.get(f"{double.url}/operations/{operation}") as answer:
                    await answer.json()
                if pause:
                    await asyncio.sleep(pause)  # noqa: TID251 - likewise

    asyncio.run(poll())
