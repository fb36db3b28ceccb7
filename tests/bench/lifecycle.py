"""What a fresh server for every test costs: started, called for the first time, stopped."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pytest_ycimages import Double

from .asks import Ask, StandardClient
from .broken import needed
from .fixture_cost import fixture_cost
from .floor import Floor
from .goals import Goal, Sheet
from .peers import DOUBLE, FLOOR, HTTPSERVER, asks_of
from .stopwatch import timed, turns

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

LIMIT: Final = 1.5
"""Milliseconds that a fresh double may cost a test."""

_EACH: Final = 5
_CREATE: Final = Ask("POST", "/images", {}, b"{}")


class _Life(NamedTuple):
    """Milliseconds of one server's life; `call` includes connecting, and the connection is open at the stop."""

    start: float
    call: float
    stop: float


def measure(*, quick: bool) -> Generator[Sheet]:
    """In process, then in pytest."""
    yield _in_process(rounds=6 if quick else 24)
    yield fixture_cost(tests=100 if quick else 300, runs=1 if quick else 5, limit=LIMIT)


def _in_process(*, rounds: int) -> Sheet:
    one: dict[str, Callable[[], _Life]] = {FLOOR: _floor, DOUBLE: _double, HTTPSERVER: _httpserver}
    lives: dict[str, list[_Life]] = {name: [] for name in one}
    for number in range(rounds):
        for name in turns(list(one), number):
            one[name]()  # not counted
            lives[name] += (one[name]() for _ in range(1 if name == HTTPSERVER else _EACH))
    sheet = Sheet(
        "A fresh server for each test, milliseconds, in process",
        ("server", "start", "first call", "stop", "start + stop", "all three"),
        note="start makes the server; the first call connects, creates, and leaves the connection open for stop to end",
    )
    for name, lived in lives.items():
        bare = median(life.start + life.stop for life in lived)
        whole = median(sum(life) for life in lived)
        goals = [
            Goal("fresh double in process", "start + stop", bare, LIMIT, " ms"),
            Goal("fresh double in process", "all three", whole, LIMIT, " ms"),
        ]
        parts = (median(part) for part in zip(*lived, strict=True))
        sheet.row(name, *parts, bare, whole, goals=goals if name == DOUBLE else ())
    return sheet


def _floor() -> _Life:
    floor, start = timed(lambda: Floor(b"{}", b"{}").__enter__())
    return _life(floor.host, floor.port, _CREATE, start, lambda: floor.__exit__(None, None, None))


def _double() -> _Life:
    double, start = timed(lambda: Double(unknown_fields="ignore").start())
    create, _ = asks_of(double)
    return _life(double.host, double.port, create, start, double.close)


def _httpserver() -> _Life:
    server, start = timed(_started_httpserver)
    server.expect_request("/images").respond_with_json({})
    return _life(server.host, server.port, _CREATE, start, server.stop)


def _started_httpserver() -> Any:
    server = needed("pytest_httpserver").HTTPServer(port=0)
    server.start()
    return server


def _life(host: str, port: int, create: Ask, start: float, stop: Callable[[], object]) -> _Life:
    client = StandardClient(host, port)
    try:
        _, call = timed(lambda: client.ask(create))
        _, stopped = timed(stop)
    finally:
        client.close()
    return _Life(start / 1000, call / 1000, stopped / 1000)
