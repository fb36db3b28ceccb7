"""Hundreds of thousands of operations in flight: the memory of each, and whether a poll costs more than with none."""

from __future__ import annotations

import gc
import tracemalloc
from statistics import median
from typing import TYPE_CHECKING, Final

from pytest_ycimages import Double, Never
from pytest_ycimages.server.http import HttpRequest

from .broken import BrokenError
from .goals import Goal, Sheet
from .growth import LIMIT
from .peers import asks_of
from .stopwatch import timed

if TYPE_CHECKING:
    from collections.abc import Generator

    from .asks import Ask

_POLLS: Final = 5_000
_SAMPLE: Final = 5_000
"""Operations over which memory is measured: counting each byte makes everything several times slower."""
_OK: Final = 200


def measure(*, quick: bool) -> Generator[Sheet]:
    """One sheet: memory for each operation, and the time of a poll."""
    present = 20_000 if quick else 200_000
    double = Double(timing=Never(), unknown_fields="ignore")
    create, poll = asks_of(double)
    memory = _memory(double, create)
    first = _answer(double, create)
    few = median(timed(lambda: _answer(double, poll(first)))[1] for _ in range(_POLLS))
    every = max(1, present // _POLLS)
    spread = [answer for number in range(present) if (answer := _answer(double, create)) and not number % every]
    polls = [poll(answer) for answer in spread]
    many = median(timed(lambda ask=ask: _answer(double, ask))[1] for ask in polls)  # type: ignore[misc]
    sheet = Sheet(
        f"{present:,} operations in flight, in process by double.app.answer",
        ("what", "figure"),
        note="memory: operation, image, indexes, and the journal's record of the call that created them",
    )
    sheet.row("memory of each operation, bytes", memory)
    sheet.row("operations.get with few in flight, microseconds", few)
    goal = Goal(f"operations.get, {present:,} in flight", "many / few", many / few, LIMIT, "x")
    sheet.row("operations.get with all of them, microseconds", many, goals=[goal])
    yield sheet


def _memory(double: Double, create: Ask) -> float:
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(_SAMPLE):
        _answer(double, create)
    gc.collect()
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return used / _SAMPLE


def _answer(double: Double, ask: Ask) -> bytes:
    headers = {name.lower(): value for name, value in ask.headers.items()}
    reply = double.app.answer(HttpRequest(ask.verb, ask.path, "", headers, ask.body or b""))
    if reply.status != _OK:
        raise BrokenError(f"{ask.verb} {ask.path} was answered {reply.status}: {reply.body!r}")
    return reply.body
