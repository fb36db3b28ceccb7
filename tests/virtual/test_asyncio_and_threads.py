"""Event loops and threads together: work handed over in either direction, loops on several threads."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_ycimages import VirtualTime


def _sleep(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


@pytest.fixture
def loop(ycimages_time: VirtualTime) -> Iterator[asyncio.AbstractEventLoop]:
    """A loop that runs on a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    assert ycimages_time.elapsed == 0
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_work_is_done_on_threads(ycimages_time: VirtualTime) -> None:
    """`to_thread` and `run_in_executor`, at the same time as what the loop itself waits for."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1) as pool:
            got = await asyncio.gather(
                asyncio.to_thread(_sleep, 5),
                loop.run_in_executor(None, _sleep, 3),
                loop.run_in_executor(pool, _sleep, 4),
                loop.run_in_executor(pool, _sleep, 4),
                asyncio.sleep(6, 6),
            )
        assert list(got) == [5, 3, 4, 4, 6]

    asyncio.run(main())
    assert ycimages_time.elapsed == 8


def test_a_limit_does_not_wait_for_the_thread(ycimages_time: VirtualTime) -> None:
    """The coroutine goes on, the thread sleeps on, and the loop waits for it when it is closed."""

    async def main() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.to_thread(_sleep, 10), 4)
        assert ycimages_time.elapsed == 4

    asyncio.run(main())
    assert ycimages_time.elapsed == 10


def test_coroutines_are_handed_to_a_loop_on_another_thread(
    ycimages_time: VirtualTime, loop: asyncio.AbstractEventLoop
) -> None:
    """`run_coroutine_threadsafe`, waited for with a limit and without."""
    assert asyncio.run_coroutine_threadsafe(asyncio.sleep(5, "a"), loop).result() == "a"
    late = asyncio.run_coroutine_threadsafe(asyncio.sleep(10, "b"), loop)
    with pytest.raises(TimeoutError):
        late.result(timeout=4)
    assert ycimages_time.elapsed == 9
    assert late.result(timeout=6.5) == "b"
    assert ycimages_time.elapsed == 15


def test_a_loop_without_timers_is_woken_from_outside(
    ycimages_time: VirtualTime, loop: asyncio.AbstractEventLoop
) -> None:
    """`call_soon_threadsafe`, after any time."""
    heard: list[float] = []
    for _ in range(3):
        time.sleep(100)
        loop.call_soon_threadsafe(lambda: heard.append(ycimages_time.elapsed))
    time.sleep(1)
    assert heard == [100, 200, 300]


def test_two_loops_keep_one_order(ycimages_time: VirtualTime) -> None:
    """Each on a thread of its own, sleeping at the same time."""
    woken = []

    async def live(name: str, seconds: float) -> None:
        for _ in range(4):
            await asyncio.sleep(seconds)
            woken.append((ycimages_time.elapsed, name))

    threads = [threading.Thread(target=asyncio.run, args=(live(*each),)) for each in (("a", 3), ("b", 2.5))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert woken == sorted(woken)
    assert [at for at, _ in woken] == [2.5, 3, 5, 6, 7.5, 9, 10, 12]


def test_loops_hand_a_ball_to_each_other(ycimages_time: VirtualTime, loop: asyncio.AbstractEventLoop) -> None:
    """Hundreds of times: no wake-up is lost between the file that wakes a loop and its timers."""

    async def main() -> None:
        for _ in range(300):
            future = asyncio.run_coroutine_threadsafe(asyncio.sleep(0.5), loop)
            await asyncio.wait_for(asyncio.wrap_future(future), 1)
            await asyncio.sleep(0.5)

    asyncio.run(main())
    assert ycimages_time.elapsed == 300


def test_time_does_not_pass_while_a_thread_computes(ycimages_time: VirtualTime) -> None:
    """Though the loop has a timer that could ring."""
    seen = []

    def compute() -> None:
        for _ in range(20):
            sum(range(20_000))
            seen.append(ycimages_time.elapsed)

    async def main() -> None:
        async with asyncio.timeout(1):
            await asyncio.to_thread(compute)

    asyncio.run(main())
    assert set(seen) == {0}
