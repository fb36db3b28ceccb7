"""Executors and futures: work that sleeps on threads of a pool, whoever made the pool and when."""

from __future__ import annotations

import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, as_completed, wait
from typing import TYPE_CHECKING

import pytest

from pytest_ycimages import VirtualTime

if TYPE_CHECKING:
    from collections.abc import Callable


def _sleep(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def test_a_pool_takes_as_long_as_its_longest_work(ycimages_time: VirtualTime) -> None:
    """When there is a thread for each."""
    with ThreadPoolExecutor(5) as pool:
        assert list(pool.map(_sleep, (5, 3, 8, 1, 2))) == [5, 3, 8, 1, 2]
    assert ycimages_time.elapsed == 8


def test_a_pool_of_one_works_in_turn(ycimages_time: VirtualTime) -> None:
    """Submitting takes no time, though the pool is busy."""
    with ThreadPoolExecutor(1) as pool:
        futures = [pool.submit(_sleep, seconds) for seconds in (5, 3, 8)]
        assert ycimages_time.elapsed == 0
        assert [future.result() for future in futures] == [5, 3, 8]
    assert ycimages_time.elapsed == 16


def test_work_comes_back_in_the_order_of_its_ends(ycimages_time: VirtualTime) -> None:
    """`as_completed`, each at its moment."""
    with ThreadPoolExecutor() as pool:
        futures = [pool.submit(_sleep, seconds) for seconds in (4, 1, 3)]
        assert [(future.result(), ycimages_time.elapsed) for future in as_completed(futures)] == [
            (1, 1),
            (3, 3),
            (4, 4),
        ]


def test_waiting_for_futures_has_limits(ycimages_time: VirtualTime) -> None:
    """`result`, `exception`, `as_completed` and `wait`, with a time limit that is too short, and one that is not."""
    with ThreadPoolExecutor(2) as pool:
        future = pool.submit(_sleep, 10)
        for limited in (future.result, future.exception):
            with pytest.raises(TimeoutError):
                limited(timeout=2)
        with pytest.raises(TimeoutError):
            next(as_completed([future], timeout=2))
        assert ycimages_time.elapsed == 6.000001  # `as_completed` goes on until its limit has passed
        assert wait([future], timeout=1).not_done == {future}
        with pytest.raises(TimeoutError):
            future.result(timeout=0)
        other = pool.submit(_sleep, 1)
        assert wait([future, other], return_when=FIRST_COMPLETED).done == {other}
        assert ycimages_time.elapsed == 8.000001
        assert future.result(timeout=2.5) == 10
    assert ycimages_time.elapsed == 10


def test_a_future_may_be_set_by_hand(ycimages_time: VirtualTime) -> None:
    """On whatever thread, callbacks included."""
    future: Future[int] = Future()
    heard: list[float] = []
    future.add_done_callback(lambda _: heard.append(ycimages_time.elapsed))

    def set_late() -> None:
        time.sleep(3)
        future.set_result(7)

    with ThreadPoolExecutor() as pool:
        pool.submit(set_late)
        assert future.result(timeout=100) == 7
    assert heard == [3]


def test_work_makes_work(ycimages_time: VirtualTime) -> None:
    """A task that waits for another of the same pool."""
    with ThreadPoolExecutor(2) as pool:
        outer = pool.submit(lambda: pool.submit(_sleep, 5).result() + 1)
        assert outer.result() == 6
    assert ycimages_time.elapsed == 5


def test_work_that_fails_fails_at_its_moment(ycimages_time: VirtualTime) -> None:
    """The error is the future's."""

    def fail() -> None:
        time.sleep(2)
        raise ValueError("no")

    with ThreadPoolExecutor() as pool, pytest.raises(ValueError, match="no"):
        pool.submit(fail).result()
    assert ycimages_time.elapsed == 2


@pytest.fixture
def old_pool() -> Callable[[], ThreadPoolExecutor]:
    """A pool that was made before virtual time, and has not started a thread yet."""
    pool = ThreadPoolExecutor(1)
    return lambda: pool


def test_a_pool_may_be_older_than_virtual_time(
    old_pool: Callable[[], ThreadPoolExecutor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its queue is of the kind that nobody sees waiting; its threads are the client's if the client started them."""
    monkeypatch.setattr("pytest_ycimages.virtual.idle.IdleDetector.interval", 0.004)
    monkeypatch.setattr("pytest_ycimages.virtual.idle.IdleDetector.still", 0.02)
    with old_pool() as pool, VirtualTime() as virtual_time:
        assert pool.submit(_sleep, 5).result() == 5
        assert virtual_time.elapsed == 5
        time.sleep(20)  # while the pool's thread waits for work
        assert pool.submit(_sleep, 3).result() == 3
        assert virtual_time.elapsed == 28


def test_threads_of_an_old_pool_keep_real_time() -> None:
    """They were started before; what they do is no reason for time to stand still, nor do they see it."""
    with ThreadPoolExecutor(1) as pool:
        before = pool.submit(time.time).result()
        with VirtualTime() as virtual_time:
            now = pool.submit(lambda: time.time()).result()  # noqa: PLW0108 - looked up when it is called
            assert now - before < 600
            assert time.time() == virtual_time.now() / 10**9
            assert pool.submit(_sleep, 0.001).result() == 0.001
            assert virtual_time.elapsed == 0
            time.sleep(100)
            assert pool.submit(lambda: time.time()).result() - before < 600  # noqa: PLW0108 - likewise


def test_a_pool_lives_on_after_virtual_time() -> None:
    """Its threads wait for work for real then, and get it."""
    with VirtualTime() as virtual_time:
        pool = ThreadPoolExecutor(2)
        assert pool.submit(_sleep, 5).result() == 5
    assert virtual_time.elapsed == 5
    before = time.monotonic()
    assert [pool.submit(_sleep, 0.001).result(timeout=20) for _ in range(3)] == [0.001] * 3
    assert time.monotonic() - before >= 0.003
    with VirtualTime() as virtual_time:
        assert pool.submit(lambda: 7).result() == 7
        assert virtual_time.elapsed == 0
    pool.shutdown()
