"""Threads that sleep at the same time wake in the order of their moments, as a plain simulation says."""

from __future__ import annotations

import heapq
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ycimages import VirtualTime

if TYPE_CHECKING:
    from collections.abc import Sequence

MILLISECONDS = st.integers(1, 20)  # few, so that many are equal
SCHEDULES = st.lists(st.lists(MILLISECONDS, max_size=5), min_size=1, max_size=6)


class Waking(NamedTuple):
    """When a thread woke, in milliseconds, and which one."""

    at: int
    thread: int


def _simulated(schedules: Sequence[Sequence[int]]) -> list[Waking]:
    """Who wakes when. Of those that wake at one moment, the one that went to sleep first comes first."""
    asleep = [(schedule[0], number, number, 0) for number, schedule in enumerate(schedules) if schedule]
    heapq.heapify(asleep)
    wakings, count = [], len(schedules)
    while asleep:
        now, _, thread, step = heapq.heappop(asleep)
        wakings.append(Waking(now, thread))
        if step + 1 < len(schedules[thread]):
            heapq.heappush(asleep, (now + schedules[thread][step + 1], count, thread, step + 1))
            count += 1
    return wakings


def _lived(schedules: Sequence[Sequence[int]]) -> list[Waking]:
    wakings = []
    with VirtualTime() as virtual_time:
        begin = [threading.Event() for _ in schedules]

        def live(thread: int) -> None:
            begin[thread].wait()
            for number, step in enumerate(schedules[thread]):
                if number == 0 and thread + 1 < len(begin):
                    begin[thread + 1].set()  # it wakes when this one sleeps, at the latest
                time.sleep(step / 1000)
                wakings.append(Waking(round(virtual_time.elapsed * 1000), thread))

        threads = [threading.Thread(target=live, args=(number,)) for number in range(len(schedules))]
        for thread in threads:
            thread.start()
        begin[0].set()
        for thread in threads:
            thread.join()
    return wakings


@pytest.mark.costly
@settings(max_examples=30, deadline=None)
@given(SCHEDULES)
def test_threads_wake_as_in_a_simulation(schedules: list[list[int]]) -> None:
    """In the same order, at the same moments; equal moments in the order in which the threads went to sleep."""
    schedules = [schedule for schedule in schedules if schedule]
    if schedules:
        lived = _lived(schedules)
        simulated = _simulated(schedules)
        assert [each.at for each in lived] == [each.at for each in simulated]
        assert sorted(lived) == sorted(simulated)


def test_equal_moments_come_in_the_order_in_which_they_were_waited_for(ycimages_time: VirtualTime) -> None:
    """However the machine runs the threads: one after the other goes to sleep, and each wakes before the next."""
    order: list[int] = []
    numbers = range(20)

    def live(number: int) -> None:
        time.sleep(number)
        time.sleep(100 - number)
        order.append(number)
        time.sleep(1)
        order.append(number)

    threads = [threading.Thread(target=live, args=(number,)) for number in numbers]
    for thread in threads[1:]:
        thread.start()
    time.sleep(0.5)
    threads[0].start()
    for thread in threads:
        thread.join()
    assert order == [*numbers[1:], 0, *numbers[1:], 0]
    assert ycimages_time.elapsed == 101.5


def test_only_one_thread_runs_after_a_wait_at_a_time(ycimages_time: VirtualTime) -> None:
    """What sleeping threads do to a counter without a lock is safe: each waits until all others rest."""
    count = 0

    def add() -> None:
        nonlocal count
        for _ in range(50):
            time.sleep(1)
            read = count
            sum(range(200))
            count = read + 1

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count == 400
    assert ycimages_time.elapsed == 50


def test_a_hundred_threads_that_sleep_at_random_take_as_long_as_the_longest(ycimages_time: VirtualTime) -> None:
    """Many threads, many moments."""
    ends: list[float] = []

    def live(number: int) -> None:
        for step in range(5):
            time.sleep((number * 37 + step * 11) % 17 + 1)
        ends.append(ycimages_time.elapsed)

    threads = [threading.Thread(target=live, args=(number,)) for number in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ends == sorted(ends)
    expected = sorted(sum((number * 37 + step * 11) % 17 + 1 for step in range(5)) for number in range(100))
    assert ends == expected
