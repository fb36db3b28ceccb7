"""Events, conditions, semaphores and barriers between the client's threads, with and without a time limit."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_ycimages import VirtualTime


@contextmanager
def after(seconds: float, act: Callable[[], object]) -> Iterator[None]:
    """Do something on another thread, after some seconds of virtual time; wait for that at the end."""

    def run() -> None:
        time.sleep(seconds)
        act()

    thread = threading.Thread(target=run)
    thread.start()
    yield
    thread.join()


def test_an_event_ends_waits_with_and_without_a_limit(ycimages_time: VirtualTime) -> None:
    """By being set, or by the limit, whichever is first."""
    event = threading.Event()
    with after(5, event.set):
        assert not event.wait(3)
        assert ycimages_time.elapsed == 3
        assert event.wait(10)
        assert event.wait()
        assert ycimages_time.elapsed == 5


def test_an_event_wakes_all_who_wait_at_that_moment(ycimages_time: VirtualTime) -> None:
    """Those with a limit and those without."""
    event = threading.Event()
    woken = []
    limits = [None, 10, 4, None]

    def wait(limit: float | None) -> None:
        woken.append((limit, event.wait(limit), ycimages_time.elapsed))

    threads = [threading.Thread(target=wait, args=(limit,)) for limit in limits]
    for thread in threads:
        thread.start()
    time.sleep(5)
    event.set()
    for thread in threads:
        thread.join()
    assert woken[0] == (4, False, 4)
    assert sorted(woken[1:], key=str) == [(10, True, 5), (None, True, 5), (None, True, 5)]


def test_a_look_at_an_event_waits_for_nobody(ycimages_time: VirtualTime) -> None:
    """`wait(0)` comes back while another thread still runs, and lets go of the lock meanwhile, as it should."""
    event, seen = threading.Event(), threading.Event()

    def spin() -> None:
        while not seen.is_set():
            pass

    thread = threading.Thread(target=spin)
    thread.start()
    assert not event.wait(0)
    assert not event.wait(-1)
    with pytest.raises(RuntimeError, match="cannot wait on un-acquired lock"):
        threading.Condition().wait(5)
    seen.set()
    thread.join()
    assert ycimages_time.elapsed == 0


def test_notifying_wakes_as_many_as_it_says_in_the_order_in_which_they_came(ycimages_time: VirtualTime) -> None:
    """`Condition.notify(n)`."""
    condition = threading.Condition()
    woken = []

    def wait(number: int) -> None:
        time.sleep(number)
        with condition:
            condition.wait()
            woken.append((number, ycimages_time.elapsed))

    threads = [threading.Thread(target=wait, args=(number,)) for number in range(1, 6)]
    for thread in threads:
        thread.start()
    time.sleep(10)
    with condition:
        condition.notify(2)
    time.sleep(10)
    with condition:
        condition.notify()
    time.sleep(10)
    with condition:
        condition.notify_all()
    for thread in threads:
        thread.join()
    assert sorted(woken[:2]) == [(1, 10), (2, 10)]
    assert woken[2] == (3, 20)
    assert sorted(woken[3:]) == [(4, 30), (5, 30)]


def test_whoever_gave_up_is_not_notified_in_the_place_of_another(ycimages_time: VirtualTime) -> None:
    """Its limit passed at the very moment at which somebody notified one."""
    condition = threading.Condition()
    notified = []

    def wait(limit: float | None) -> None:
        with condition:
            notified.append((limit, condition.wait(limit)))

    impatient = threading.Thread(target=wait, args=(5,))
    impatient.start()
    time.sleep(1)
    patient = threading.Thread(target=wait, args=(None,))
    patient.start()
    time.sleep(4)
    with condition:
        condition.notify()
    impatient.join()
    patient.join()
    assert sorted(map(str, notified)) == ["(5, False)", "(None, True)"]
    assert ycimages_time.elapsed == 5


@pytest.mark.parametrize("word", ["Lock", "RLock"])
def test_a_condition_waits_for_what_it_is_told(ycimages_time: VirtualTime, word: str) -> None:
    """`wait_for`, with a limit and without, on either kind of lock, held more than once where that can be."""
    condition = threading.Condition(getattr(threading, word)())
    count = 0

    def add() -> None:
        nonlocal count
        for _ in range(10):
            time.sleep(1)
            with condition:
                count += 1
                condition.notify_all()

    thread = threading.Thread(target=add)
    thread.start()
    with condition:
        assert not condition.wait_for(lambda: count >= 5, timeout=2.5)
        assert ycimages_time.elapsed == 2.5
        assert condition.wait_for(lambda: count >= 5, timeout=100)
        assert ycimages_time.elapsed == 5
        assert condition.wait_for(lambda: count >= 10)
        if word == "RLock":
            with condition:
                assert not condition.wait(1)
    assert ycimages_time.elapsed == (11 if word == "RLock" else 10)
    thread.join()


def test_a_semaphore_lets_in_as_many_as_it_says(ycimages_time: VirtualTime) -> None:
    """Two at a time, ten seconds each."""
    semaphore = threading.BoundedSemaphore(2)
    ends = []

    def work() -> None:
        with semaphore:
            time.sleep(10)
            ends.append(ycimages_time.elapsed)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    assert not semaphore.acquire(timeout=5)
    assert not semaphore.acquire(blocking=False)
    assert ycimages_time.elapsed == 6
    for thread in threads:
        thread.join()
    assert ends == [10, 10, 20, 20, 30, 30]


def test_a_barrier_gathers_and_breaks(ycimages_time: VirtualTime) -> None:
    """All go on when the last has come; one that waits too long breaks it for all."""
    barrier = threading.Barrier(3)
    ends = []

    def meet(number: int, timeout: float | None) -> None:
        time.sleep(number)
        try:
            barrier.wait(timeout)
            ends.append(("met", ycimages_time.elapsed))
        except threading.BrokenBarrierError:
            ends.append(("broken", ycimages_time.elapsed))

    def meeting(*numbers: int, timeout: float | None) -> None:
        threads = [threading.Thread(target=meet, args=(number, timeout)) for number in numbers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    meeting(1, 5, 3, timeout=None)
    assert ends == [("met", 5)] * 3
    ends.clear()
    meeting(1, 9, 3, timeout=4)
    assert ends == [("broken", 10), ("broken", 10), ("broken", 14)]


def test_threads_hand_a_ball_to_each_other(ycimages_time: VirtualTime) -> None:
    """A thousand times, with a pause in between: no notification is lost, and each takes its second."""
    condition = threading.Condition()
    turn = 0

    def play(me: int) -> None:
        nonlocal turn

        def is_mine() -> bool:
            return turn % 2 == me

        for _ in range(500):
            with condition:
                assert condition.wait_for(is_mine, timeout=3)
            time.sleep(1)
            with condition:
                turn += 1
                condition.notify()

    threads = [threading.Thread(target=play, args=(me,)) for me in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert turn == ycimages_time.elapsed == 1000


@pytest.mark.costly
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no such signal")
def test_a_signal_that_raises_leaves_no_wait_behind(ycimages_time: VirtualTime) -> None:
    """The thread that was waiting runs again, and time does not pass while it does."""

    def ring(_number: int, _frame: object) -> None:
        raise InterruptedError("rung")

    before = signal.signal(signal.SIGALRM, ring)
    try:
        with pytest.raises(InterruptedError, match="rung"):  # noqa: PT012 - it may ring before the wait begins
            signal.setitimer(signal.ITIMER_REAL, 0.005)
            threading.Event().wait()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    sleeper = threading.Thread(target=time.sleep, args=(100,))
    sleeper.start()
    assert sum(range(10**5))
    assert ycimages_time.elapsed == 0
    sleeper.join()
    assert ycimages_time.elapsed == 100


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no such signal")
def test_a_signal_may_set_what_is_waited_for(ycimages_time: VirtualTime) -> None:
    """Its handler runs on the thread that waits, in the middle of that."""
    event = threading.Event()
    before = signal.signal(signal.SIGALRM, lambda *_: event.set())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.005)
        assert event.wait()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert ycimages_time.elapsed == 0
