"""How a thread that waits unseen, for a lock, is told from one that runs: by looking at it for long enough."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from pytest_ycimages.virtual.idle import IdleDetector

if TYPE_CHECKING:
    from collections.abc import Iterator


class Clock:
    """Real time, as a test says it is."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


@contextmanager
def _blocked() -> Iterator[threading.Thread]:
    """A thread that waits for a lock, and has come to rest."""
    lock, ready = threading.Lock(), threading.Event()

    def run() -> None:
        ready.set()
        with lock:
            pass

    thread = threading.Thread(target=run)
    with lock:
        thread.start()
        ready.wait()
        yield thread
    thread.join()


def _looks(rest: IdleDetector, clock: Clock, thread: threading.Thread, count: int, apart: float) -> bool:
    for _ in range(count):
        clock.now += apart
        rest.sample({thread})
    return rest.all_idle({thread})


def test_a_thread_that_stands_still_for_long_enough_rests() -> None:
    """Ten looks and more; it may take it some of them to come to the lock."""
    clock = Clock()
    with _blocked() as thread:
        rest = IdleDetector(clock)
        assert not _looks(rest, clock, thread, 5, IdleDetector.interval)
        while not _looks(rest, clock, thread, 5, IdleDetector.interval):
            pass
        assert rest.all_idle(set())
        assert not rest.all_idle({thread, threading.current_thread()})


def test_a_machine_that_stood_still_proves_nothing() -> None:
    """Between two looks all threads may have been held up, and so has the one that looks."""
    clock = Clock()
    with _blocked() as thread:
        assert not _looks(IdleDetector(clock), clock, thread, 4, 3600)


@pytest.mark.costly
@pytest.mark.skipif(not hasattr(time, "pthread_getcpuclockid"), reason="this system does not tell what a thread uses")
def test_a_thread_that_runs_never_rests() -> None:
    """Though it is always at the same line: it uses the processor."""
    clock = Clock()
    stop = False

    def spin() -> None:
        while not stop:
            pass

    thread = threading.Thread(target=spin)
    thread.start()
    rest = IdleDetector(clock)
    for _ in range(50):
        seen = _spent(thread)
        while _spent(thread) == seen:
            pass  # however the machine runs it
        assert not _looks(rest, clock, thread, 1, 1)
    stop = True
    thread.join()


def _spent(thread: threading.Thread) -> int:
    assert thread.ident is not None
    return time.clock_gettime_ns(time.pthread_getcpuclockid(thread.ident))


def test_a_thread_that_goes_on_begins_anew() -> None:
    """What it stood still before does not count."""
    clock = Clock()
    rest = IdleDetector(clock)
    with _blocked() as thread:
        while not _looks(rest, clock, thread, 5, IdleDetector.interval):
            pass
    assert thread.ident is not None
    with _blocked() as other:
        assert not rest.all_idle({other})
        assert not _looks(rest, clock, other, 3, IdleDetector.interval)
