"""Code that looks again and again without waiting: time does not pass for a look, but nobody looks for ever."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages import VirtualTime


def _get(seconds: float) -> None:
    try:
        queue.SimpleQueue[int]().get(timeout=seconds)
    except queue.Empty:
        return


@pytest.mark.parametrize("zero", [0, 0.0])
@pytest.mark.parametrize(
    "wait",
    [lambda seconds: time.sleep(seconds), lambda seconds: threading.Event().wait(seconds), _get],  # noqa: PLW0108 - looked up late
    ids=["sleep", "event", "queue"],
)
def test_a_loop_that_goes_on_until_its_limit_has_passed_ends(
    ycimages_time: VirtualTime, wait: Callable[[float], object], zero: float
) -> None:
    """At its limit there is nothing left to wait for, but it wants to be past it. That takes the shortest step."""
    deadline = time.monotonic() + 5
    while time.monotonic() <= deadline:
        wait(max(zero, deadline - time.monotonic()))
    assert ycimages_time.elapsed == 5.000001


def test_such_a_loop_ends_in_a_coroutine(ycimages_time: VirtualTime) -> None:
    """Likewise."""

    async def main() -> None:
        deadline = time.monotonic() + 5
        while time.monotonic() <= deadline:
            await asyncio.sleep(max(0, deadline - time.monotonic()))

    asyncio.run(main())
    assert ycimages_time.elapsed == 5.000001


def test_many_looks_take_no_time(ycimages_time: VirtualTime) -> None:
    """Whoever yields to others some thousand times is still at the same moment."""
    for _ in range(1500):
        time.sleep(0)
    time.sleep(1)
    for _ in range(1500):
        time.sleep(0)
    assert ycimages_time.elapsed == 1
