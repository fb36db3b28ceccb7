"""The client's threads: starting, ending, joining, nesting, failing, and locks that virtual time knows nothing of."""

from __future__ import annotations

import gc
import sched
import threading
import time
import weakref
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_ycimages import VirtualTime


def test_joining_takes_as_long_as_the_thread(ycimages_time: VirtualTime) -> None:
    """Not a microsecond more, and the thread has ended then."""
    thread = threading.Thread(target=time.sleep, args=(7.5,))
    thread.start()
    thread.join()
    assert ycimages_time.elapsed == 7.5
    assert not thread.is_alive()


def test_joining_ends_with_its_time_limit(ycimages_time: VirtualTime) -> None:
    """Whichever is first: the limit or the thread."""
    thread = threading.Thread(target=time.sleep, args=(7,))
    thread.start()
    thread.join(timeout=3)
    assert thread.is_alive()
    assert ycimages_time.elapsed == 3
    thread.join(timeout=100)
    assert not thread.is_alive()
    assert ycimages_time.elapsed == 7
    thread.join(timeout=100)
    thread.join()
    assert ycimages_time.elapsed == 7


@pytest.mark.costly
def test_a_thread_may_end_at_the_very_limit(ycimages_time: VirtualTime) -> None:
    """Which of both was first does not matter: nothing hangs, and no time is lost."""
    thread = threading.Thread(target=time.sleep, args=(5,))
    thread.start()
    time.sleep(1)
    thread.join(4)
    assert ycimages_time.elapsed == 5
    thread.join()
    assert not thread.is_alive()


def test_a_look_at_a_thread_takes_no_time(ycimages_time: VirtualTime) -> None:
    """`join(0)` does not wait until everybody rests: here somebody never does until it has come back."""
    stop = False

    def spin() -> None:
        while not stop:
            pass

    thread = threading.Thread(target=spin)
    thread.start()
    thread.join(0)
    thread.join(-1)
    assert thread.is_alive()
    stop = True
    thread.join()
    assert ycimages_time.elapsed == 0


def test_identifiers_that_are_used_again_confuse_nobody(ycimages_time: VirtualTime) -> None:
    """A thread that has ended is not waited for because another one has got its identifier."""
    ended = threading.Thread(target=lambda: None)
    ended.start()
    ended.join()
    sleeper = threading.Thread(target=time.sleep, args=(1000,))
    sleeper.start()
    ended._ident = sleeper.ident  # type: ignore[attr-defined] # noqa: SLF001 - as many a system gives it out again
    ended.join()
    assert ycimages_time.elapsed == 0
    sleeper.join()
    assert ycimages_time.elapsed == 1000


def test_a_thread_cannot_be_started_twice(ycimages_time: VirtualTime) -> None:
    """The refusal is Python's own, and the thread still counts."""
    thread = threading.Thread(target=time.sleep, args=(4,))
    thread.start()
    with pytest.raises(RuntimeError, match=r"^threads can only be started once$"):
        thread.start()
    thread.join()
    assert ycimages_time.elapsed == 4
    with pytest.raises(RuntimeError, match=r"^threads can only be started once$"):
        thread.start()


def test_a_thread_that_was_never_made_cannot_be_started(ycimages_time: VirtualTime) -> None:
    """Likewise."""

    class Unmade(threading.Thread):
        def __init__(self) -> None:
            pass

    with pytest.raises(RuntimeError, match=r"^thread\.__init__\(\) not called$"):
        Unmade().start()
    assert ycimages_time.elapsed == 0


def test_a_thread_that_the_system_refuses_does_not_count(
    ycimages_time: VirtualTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for it, and time passes without it."""

    def refuse(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError("can't start new thread")

    for name in ("_start_new_thread", "_start_joinable_thread"):
        if hasattr(threading, name):
            monkeypatch.setattr(threading, name, refuse)
    thread = threading.Thread(target=time.sleep, args=(100,))
    with pytest.raises(RuntimeError, match="can't start new thread"):
        thread.start()
    assert "run" not in vars(thread)
    time.sleep(5)
    assert ycimages_time.elapsed == 5


def test_what_cannot_be_joined_is_refused(ycimages_time: VirtualTime) -> None:
    """A thread that has not started, and the one that asks."""
    with pytest.raises(RuntimeError, match="cannot join thread before it is started"):
        threading.Thread(target=print).join()
    with pytest.raises(RuntimeError, match="cannot join current thread"):
        threading.current_thread().join()
    assert ycimages_time.elapsed == 0


def test_a_thread_is_left_as_it_was(ycimages_time: VirtualTime) -> None:
    """Nothing is put on it that keeps it alive, and a `run` of its own comes back."""
    ran: list[int] = []
    thread = threading.Thread(target=ran.append, args=(1,))
    thread.start()
    thread.join()
    assert "run" not in vars(thread)
    own = threading.Thread()
    own.run = run = lambda: ran.append(2)  # type: ignore[method-assign]
    own.start()
    own.join()
    assert own.run is run
    assert ran == [1, 2]
    gc.disable()
    try:
        gone = weakref.ref(thread)
        with ycimages_time.scheduler.lock:  # the watchdog holds threads while it looks at them
            del thread
            assert gone() is None
    finally:
        gc.enable()
    assert ycimages_time.elapsed == 0


def test_threads_start_threads(ycimages_time: VirtualTime) -> None:
    """Down to the great-grandchildren, all are the client's."""
    ends = []

    def live(depth: int) -> None:
        time.sleep(1)
        if depth:
            children = [threading.Thread(target=live, args=(depth - 1,)) for _ in range(2)]
            for child in children:
                child.start()
            for child in children:
                child.join()
        ends.append((depth, ycimages_time.elapsed))

    live(3)
    assert sorted(ends) == [*[(0, 4)] * 8, *[(1, 4)] * 4, *[(2, 4)] * 2, (3, 4)]


def test_a_thread_that_fails_has_ended(ycimages_time: VirtualTime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its error goes where it always goes, and nobody waits for it any more."""
    errors = []
    monkeypatch.setattr(threading, "excepthook", lambda args: errors.append(args.exc_value))

    def fail() -> None:
        time.sleep(2)
        raise ValueError("no")

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    time.sleep(3)
    assert ycimages_time.elapsed == 5
    assert [str(error) for error in errors] == ["no"]


def test_an_error_of_the_scheduler_ends_only_the_thread_that_meets_it(
    ycimages_time: VirtualTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wait beyond the horizon, on a thread; the main thread goes on."""
    errors = []
    monkeypatch.setattr(threading, "excepthook", lambda args: errors.append(type(args.exc_value).__name__))
    ycimages_time.horizon = 50
    thread = threading.Thread(target=time.sleep, args=(100,))
    thread.start()
    time.sleep(40)
    thread.join()
    assert errors == ["VirtualTimeError"]
    assert ycimages_time.elapsed == 40


def test_a_timer_rings_and_can_be_cancelled(ycimages_time: VirtualTime) -> None:
    """`threading.Timer` waits for an event with a time limit."""
    rung = []
    timer = threading.Timer(30, lambda: rung.append(ycimages_time.elapsed))
    other = threading.Timer(20, lambda: rung.append(ycimages_time.elapsed))
    timer.start()
    other.start()
    time.sleep(10)
    other.cancel()
    timer.join()
    other.join()
    assert rung == [30]


def test_the_standard_library_schedules(ycimages_time: VirtualTime) -> None:
    """`sched` has both clock and sleep as defaults of its own."""
    rung = []
    scheduler = sched.scheduler()
    scheduler.enter(20, 1, lambda: rung.append(("late", ycimages_time.elapsed)))
    scheduler.enter(10, 1, lambda: rung.append(("early", ycimages_time.elapsed)))
    scheduler.run()
    assert rung == [("early", 10), ("late", 20)]


def test_a_lock_may_be_held_while_its_holder_sleeps(
    ycimages_time: VirtualTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waits for a lock looks as if it ran; that it does not is seen by its standing still for a while."""
    monkeypatch.setattr("pytest_ycimages.virtual.idle.IdleDetector.interval", 0.004)
    monkeypatch.setattr("pytest_ycimages.virtual.idle.IdleDetector.still", 0.02)
    lock = threading.Lock()
    order = []

    def hold(name: str) -> None:
        with lock:
            time.sleep(10)
            order.append((name, ycimages_time.elapsed))

    threads = [threading.Thread(target=hold, args=(name,)) for name in "ab"]
    threads[0].start()
    time.sleep(1)
    threads[1].start()
    for thread in threads:
        thread.join()
    assert order == [("a", 10), ("b", 20)]


def test_a_daemon_may_sleep_on_when_virtual_time_ends(ycimages_time: VirtualTime) -> None:
    """Nobody waits for it, then or at the end of the test."""
    threading.Thread(target=time.sleep, args=(3600,), daemon=True, name="left over").start()
    time.sleep(1)
    assert ycimages_time.elapsed == 1
