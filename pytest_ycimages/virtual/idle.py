"""Detection of idle threads.

A thread that waits in a way that virtual time knows is registered. A thread that waits in another way, such as for a
lock or a process, appears to run. It counts as idle when it has used no processor time for long enough in real time.
"""

from __future__ import annotations

import _thread
import gc
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Mapping
    from types import FrameType

    from pytest_ycimages.virtual.wait import Wait

    RealTime = Callable[[], float]
    _Mark = tuple[int, int, int]


class IdleDetector:
    """Detects which threads of the client are idle.

    Args:
        real: reads the clock of the machine, in seconds.
        patience: real seconds without progress after which virtual time fails; None: the default.

    Attributes:
        interval: real seconds between two samples of threads that appear to run.
        still: real seconds without progress after which a thread counts as waiting.
        foreign: real seconds for which time stops while a peer other than a double may write to a socket.
        patience: real seconds without progress after which virtual time fails.
    """

    interval = 0.025
    still = 0.25
    foreign = 0.05
    patience = 2.0

    def __init__(self, real: RealTime, patience: float | None = None) -> None:
        if patience is not None:
            self.patience = patience
            self.interval = min(self.interval, patience / 20)
        self._real = real
        self._changed_at = self._looked_at = real()
        self._marks: dict[threading.Thread, _Mark] = {}
        self._seconds = 0.0  # for which no thread has progressed

    def changed(self) -> None:
        """Record that a wait has begun or ended."""
        self._changed_at = self._real()

    def is_stuck(self, patience: float | None) -> bool:
        """Return whether nothing has happened for `patience` real seconds; None means never."""
        return patience is not None and self._real() - self._changed_at >= patience

    def sample(self, running: Iterable[threading.Thread]) -> bool:
        """Sample the positions of the threads that appear to run; return whether none has progressed."""
        now = self._real()
        seconds = min(now - self._looked_at, 2 * self.interval)  # a suspended machine proves nothing about a thread
        self._looked_at = now
        frames = current_frames()
        marks = {thread: _mark(thread, frames) for thread in running}
        is_still = all(self._marks.get(thread) == mark for thread, mark in marks.items())
        # While one thread progresses, the others may only be waiting for the interpreter.
        self._seconds = self._seconds + seconds if is_still else 0
        self._marks = marks
        return is_still

    def forget(self, thread: threading.Thread) -> None:
        """Remove a thread that has ended."""
        self._marks.pop(thread, None)

    def all_idle(self, running: set[threading.Thread]) -> bool:
        """Return whether none of the threads that appear to run makes progress."""
        if not running:
            return True
        if not self._is_still(running):
            return False
        self.sample(running)  # an idle thread may have continued meanwhile
        return self._is_still(running)

    def _is_still(self, running: set[threading.Thread]) -> bool:
        return self._seconds >= self.still and running <= self._marks.keys()

    def is_patient_enough(self, waits: Iterable[Wait]) -> bool:
        """Return whether sockets with foreign peers have been given enough real time."""
        return not any(wait.is_foreign() for wait in waits) or self._real() - self._changed_at >= self.foreign


def current_frames() -> Mapping[int, FrameType]:
    """Return the current frame of each other thread: its own would be in a cycle that keeps all of them alive.

    The garbage collector is off meanwhile. If it ran a finalizer that lets other threads run, one of them could wait
    for ever to start a thread (a defect of CPython, gh-106883).
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        frames = sys._current_frames()  # noqa: SLF001 - documented, in spite of its name
        frames.pop(_thread.get_ident(), None)
        return frames
    finally:
        if was_on:
            gc.enable()


def _mark(thread: threading.Thread, frames: Mapping[int, FrameType]) -> _Mark:
    """Return the position of a thread: the processor time that it has used, its frame and its instruction."""
    frame = frames.get(thread.ident or 0)
    if thread.ident is None or frame is None:  # it has not begun, or has ended
        return 0, 0, 0
    used = 0
    if hasattr(time, "pthread_getcpuclockid"):
        with suppress(ProcessLookupError):  # it ends at this moment
            used = time.clock_gettime_ns(time.pthread_getcpuclockid(thread.ident))
    return used, id(frame), frame.f_lasti
