"""asyncio in virtual time: sleeps, timers, time limits, cancelling, and events without end, on one loop."""

from __future__ import annotations

import asyncio
import selectors
import sys
import time
from typing import TYPE_CHECKING, Any

import anyio
import pytest

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from pytest_ycimages import VirtualTime


def test_sleepers_wake_in_their_order(ycimages_time: VirtualTime) -> None:
    """Each at its moment, though they were started in another order."""
    woken = []

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds)
        woken.append((seconds, ycimages_time.elapsed))

    async def main() -> None:
        await asyncio.gather(*map(sleep, (5, 0.5, 3, 0.25, 4)))

    asyncio.run(main())
    assert woken == [(0.25, 0.25), (0.5, 0.5), (3, 3), (4, 4), (5, 5)]


def test_time_limits_strike_at_their_moment(ycimages_time: VirtualTime) -> None:
    """`wait_for`, `timeout`, `timeout_at` and `wait`; what ends before them is not disturbed."""

    async def main() -> None:
        assert await asyncio.wait_for(asyncio.sleep(2, "done"), 3) == "done"
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.sleep(10), 3)
        assert ycimages_time.elapsed == 5
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1200):
                await asyncio.Event().wait()
        assert ycimages_time.elapsed == 1205
        with pytest.raises(TimeoutError):
            async with asyncio.timeout_at(asyncio.get_running_loop().time() + 5):
                await asyncio.Future()
        task = asyncio.create_task(asyncio.sleep(7))
        assert await asyncio.wait([task], timeout=3) == (set(), {task})
        await task
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 0)

    asyncio.run(main())
    assert ycimages_time.elapsed == 1217


def test_timers_ring_and_can_be_cancelled(ycimages_time: VirtualTime) -> None:
    """`call_later` and `call_at`; asyncio itself promises no order of timers that are due at the same moment."""
    rung: list[tuple[str, float]] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()

        def ring(name: str) -> None:
            rung.append((name, ycimages_time.elapsed))

        now = loop.time()
        loop.call_later(30, ring, "c")
        loop.call_at(now + 10, ring, "a")
        loop.call_later(10, ring, "b")
        loop.call_later(5, ring, "never").cancel()
        loop.call_soon(ring, "now")
        await asyncio.sleep(40)

    asyncio.run(main())
    assert sorted(rung, key=str) == [("a", 10), ("b", 10), ("c", 30), ("now", 0)]
    assert (rung[0], rung[3]) == (("now", 0), ("c", 30))


def test_no_timer_is_missed_by_a_float(ycimages_time: VirtualTime) -> None:
    """A thousand steps of which no float is exact: none takes another microsecond to come true."""

    async def main() -> None:
        for number in range(1000):
            await asyncio.sleep(0.1)
            assert round(ycimages_time.elapsed * 10) == number + 1

    asyncio.run(main())
    assert ycimages_time.elapsed == 100


def test_tasks_are_cancelled_while_they_sleep(ycimages_time: VirtualTime) -> None:
    """At once, and what they clean up takes its time."""

    async def work() -> None:
        try:
            await asyncio.sleep(100)
        finally:
            await asyncio.sleep(1)

    async def main() -> None:
        task = asyncio.create_task(work())
        await asyncio.sleep(5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(3))
            group.create_task(asyncio.sleep(2))

    asyncio.run(main())
    assert ycimages_time.elapsed == 9


def test_what_asyncio_waits_with_is_heard(ycimages_time: VirtualTime) -> None:
    """Events, conditions, semaphores and queues between tasks."""

    async def main() -> None:
        numbers: asyncio.Queue[int] = asyncio.Queue(1)
        event, semaphore = asyncio.Event(), asyncio.Semaphore(1)

        async def put() -> None:
            for number in range(3):
                async with semaphore:
                    await asyncio.sleep(2)
                    await numbers.put(number)
            event.set()

        task = asyncio.create_task(put())
        assert [await numbers.get() for _ in range(3)] == [0, 1, 2]
        await event.wait()
        await task

    asyncio.run(main())
    assert ycimages_time.elapsed == 6


def test_a_coroutine_that_blocks_moves_time_for_all(ycimages_time: VirtualTime) -> None:
    """As it does for real: the timers that were due meanwhile ring late."""
    rung = []

    async def main() -> None:
        asyncio.get_running_loop().call_later(1, lambda: rung.append(ycimages_time.elapsed))
        await asyncio.sleep(0)
        time.sleep(10)  # noqa: ASYNC251 - which is the point
        ycimages_time.advance(5)
        await asyncio.sleep(1)

    asyncio.run(main())
    assert rung == [15]
    assert ycimages_time.elapsed == 16


def test_anyio_waits_virtually(ycimages_time: VirtualTime) -> None:
    """On its backend asyncio."""

    async def main() -> None:
        await anyio.sleep(3)
        with anyio.move_on_after(4) as scope:
            await anyio.sleep_forever()
        assert scope.cancelled_caught
        with pytest.raises(TimeoutError), anyio.fail_after(5):
            await anyio.Event().wait()
        await anyio.to_thread.run_sync(time.sleep, 6)
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.sleep, 1)
            group.start_soon(anyio.sleep, 2)

    anyio.run(main)
    assert ycimages_time.elapsed == 20


@pytest.mark.parametrize("name", ["SelectSelector", "PollSelector", "EpollSelector", "KqueueSelector"])
def test_a_loop_may_have_any_selector(ycimages_time: VirtualTime, name: str) -> None:
    """With one that has a file of its own, and with one that has not."""
    if not hasattr(selectors, name):
        pytest.skip("this system has no such selector")

    async def main() -> str:
        await asyncio.sleep(5)
        await asyncio.to_thread(time.sleep, 5)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await asyncio.Event().wait()
        return "slept"

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(getattr(selectors, name)())) as runner:
        assert runner.run(main()) == "slept"
    assert ycimages_time.elapsed == 15


def test_a_loop_may_be_older_than_virtual_time_and_outlive_it(request: pytest.FixtureRequest) -> None:
    """Before, during and after, it tells the time that there is; nothing of virtual time stays on it."""
    with asyncio.Runner() as runner:

        def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
            return runner.run(coroutine)

        run(asyncio.sleep(0.001))
        ycimages_time = request.getfixturevalue("ycimages_time")
        run(asyncio.sleep(1000))
        assert run(asyncio.to_thread(time.monotonic)) == time.monotonic()
        assert ycimages_time.elapsed == 1000


def test_debug_mode_calls_nothing_slow(ycimages_time: VirtualTime, caplog: pytest.LogCaptureFixture) -> None:
    """The loop's own measurements are virtual: a callback takes no time unless it waits."""

    async def main() -> None:
        await asyncio.sleep(60)

    asyncio.run(main(), debug=True)
    assert ycimages_time.elapsed == 60
    assert not [record for record in caplog.records if "took" in record.getMessage()]


def test_a_process_is_waited_for(ycimages_time: VirtualTime) -> None:
    """A subprocess of asyncio: what they write is read, however long they take for it."""

    async def main() -> bytes:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-S", "-c", "print('hello')", stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
        assert process.returncode == 0
        return output

    assert asyncio.run(main()).strip() == b"hello"
    assert ycimages_time.elapsed == 0
