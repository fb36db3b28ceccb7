"""Queues between the client's threads, of every kind, with and without a time limit."""

from __future__ import annotations

import logging
import logging.handlers
import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages import VirtualTime


@pytest.fixture(params=["Queue", "LifoQueue", "PriorityQueue", "SimpleQueue"])
def make(request: pytest.FixtureRequest, ycimages_time: VirtualTime) -> Callable[[], Any]:
    """Makes a queue, of one kind in each test, as code does that says `queue.Queue()`."""
    assert ycimages_time.elapsed == 0
    made: Callable[[], Any] = getattr(queue, request.param)
    return made


def test_getting_waits_until_something_is_put(make: Callable[[], Any], ycimages_time: VirtualTime) -> None:
    """Or until the time limit, whichever is first."""
    numbers = make()

    def put() -> None:
        for number in range(3):
            time.sleep(5)
            numbers.put(number)

    thread = threading.Thread(target=put)
    thread.start()
    with pytest.raises(queue.Empty):
        numbers.get(timeout=3)
    assert ycimages_time.elapsed == 3
    assert numbers.get(timeout=3) == 0
    assert ycimages_time.elapsed == 5
    assert numbers.get() == 1
    assert numbers.get(timeout=100) == 2
    assert ycimages_time.elapsed == 15
    thread.join()


def test_a_look_into_a_queue_takes_no_time(make: Callable[[], Any], ycimages_time: VirtualTime) -> None:
    """Whether something is in there or not, whoever else runs."""
    numbers, stop = make(), threading.Event()

    def spin() -> None:
        while not stop.is_set():
            pass

    thread = threading.Thread(target=spin)
    thread.start()
    for look in (numbers.get_nowait, lambda: numbers.get(block=False), lambda: numbers.get(timeout=0)):
        with pytest.raises(queue.Empty):
            look()
        numbers.put(1)
        assert look() == 1
    with pytest.raises(ValueError, match="non-negative"):
        numbers.get(timeout=-1)
    stop.set()
    thread.join()
    assert ycimages_time.elapsed == 0


@pytest.mark.parametrize("word", ["put", "put_nowait"])
def test_many_take_what_many_put(make: Callable[[], Any], word: str, ycimages_time: VirtualTime) -> None:
    """Everything arrives exactly once, with every way of putting."""
    numbers = make()

    def put(first: int) -> None:
        for number in range(first, first + 50):
            getattr(numbers, word)(number)
            if number % 3 == 0:
                time.sleep(1)

    def take() -> list[int]:
        return list(iter(numbers.get, 1000))

    with ThreadPoolExecutor(7) as pool:
        takers = [pool.submit(take) for _ in range(4)]
        wait([pool.submit(put, first) for first in (0, 50, 100)])
        time.sleep(1)
        for _ in takers:
            numbers.put(1000)
        assert sorted(number for taker in takers for number in taker.result()) == list(range(150))
    assert ycimages_time.elapsed == 18


def test_a_full_queue_waits_until_something_is_taken(ycimages_time: VirtualTime) -> None:
    """`put` with a limit and without, and `join`."""
    numbers: queue.Queue[int] = queue.Queue(maxsize=1)
    numbers.put(1)
    with pytest.raises(queue.Full):
        numbers.put(2, timeout=4)

    def take() -> None:
        for _ in range(3):
            time.sleep(6)
            numbers.get()
            numbers.task_done()

    thread = threading.Thread(target=take)
    thread.start()
    numbers.put(2, timeout=7)
    assert ycimages_time.elapsed == 10
    numbers.put(3)
    assert ycimages_time.elapsed == 16
    numbers.join()
    assert ycimages_time.elapsed == 22
    thread.join()


def test_records_are_logged_on_another_thread(ycimages_time: VirtualTime) -> None:
    """`QueueHandler` puts without blocking, `QueueListener` takes on a thread of its own."""
    records: queue.SimpleQueue[Any] = queue.SimpleQueue()
    seen: list[float] = []

    class Seeing(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record.created)

    listener = logging.handlers.QueueListener(records, Seeing())
    listener.start()
    logger = logging.getLogger("of a test of queues")
    logger.addHandler(logging.handlers.QueueHandler(records))
    began = time.time()
    for _ in range(3):
        time.sleep(60)
        logger.warning("late")
    listener.stop()
    assert [at - began for at in seen] == [60, 120, 180]
    assert ycimages_time.elapsed == 180
