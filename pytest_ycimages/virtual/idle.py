"""Detection of idle threads, and the error for waits that nothing can end.

A thread that waits in a way that virtual time knows is registered. A thread that waits in another way, such as for a
lock or a process, appears to run. It counts as idle when it has used no processor time for long enough in real time.
"""

from __future__ import annotations

import gc
import os
import sys
import sysconfig
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_ycimages.errors import VirtualTimeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from types import FrameType

    from pytest_ycimages.virtual.wait import Wait

    RealTime = Callable[[], float]

_NOT_THE_CLIENT: Final = (
    *(f"{sysconfig.get_path(name)}{os.sep}" for name in ("stdlib", "purelib", "platlib")),
    str(Path(__file__).parent),
    "<",
)
"""Prefixes of files that never count as the place where a client waits."""


class _Progress(NamedTuple):
    """The position of a thread, and the real seconds for which it has been there."""

    mark: tuple[int, int, int]
    seconds: float


_UNSEEN: Final = _Progress((-1, -1, -1), 0)


class IdleDetector:
    """Detects which threads of the client are idle.

    Attributes:
        interval: real seconds between two samples of threads that appear to run.
        still: real seconds without progress after which a thread counts as waiting.
        foreign: real seconds for which time stops while a peer other than a double may write to a socket.
        patience: real seconds without progress after which waits that cannot end fail.
    """

    interval = 0.025
    still = 0.25
    foreign = 0.05
    patience = 2.0

    def __init__(self, real: RealTime) -> None:
        self._real = real
        self._changed_at = self._looked_at = real()
        self._progress: dict[threading.Thread, _Progress] = {}
        self._still: set[threading.Thread] = set()
        self._main = threading.current_thread()

    def changed(self) -> None:
        """Record that a wait has begun or ended."""
        self._changed_at = self._real()

    def is_stuck(self, patience: float | None) -> bool:
        """Return whether nothing has happened for `patience` real seconds; None means never."""
        return patience is not None and self._real() - self._changed_at >= patience

    def sample(self, running: Iterable[threading.Thread]) -> None:
        """Sample the positions of the threads that appear to run."""
        now = self._real()
        seconds = min(now - self._looked_at, 2 * self.interval)  # a suspended machine proves nothing about a thread
        self._looked_at = now
        frames = _current_frames()
        marks = {thread: _mark(thread, frames) for thread in running}
        before = {thread: self._progress.get(thread, _UNSEEN) for thread in marks}
        one_progresses = any(before[thread].mark != mark for thread, mark in marks.items())
        seen = {  # while one progresses, the others may only be waiting for the interpreter
            thread: _Progress(mark, 0 if one_progresses else before[thread].seconds + seconds)
            for thread, mark in marks.items()
        }
        self._progress = seen
        self._still = {thread for thread, progress in seen.items() if progress.seconds >= self.still}

    def forget(self, thread: threading.Thread) -> None:
        """Remove a thread that has ended."""
        self._progress.pop(thread, None)
        self._still.discard(thread)

    def all_idle(self, running: set[threading.Thread]) -> bool:
        """Return whether none of the threads that appear to run makes progress."""
        if not running:
            return True
        if not running <= self._still:
            return False
        self.sample(running)  # an idle thread may have continued meanwhile
        return running <= self._still

    def is_patient_enough(self, waits: Iterable[Wait]) -> bool:
        """Return whether sockets with foreign peers have been given enough real time."""
        return not any(wait.is_foreign() for wait in waits) or self._real() - self._changed_at >= self.foreign

    def check(self, wait: Wait, waits: Sequence[Wait], *, idle: bool) -> None:
        """Raise when nothing can end `wait` or any other wait.

        Raises:
            VirtualTimeError: nothing has happened for long enough, and this is the wait that reports it.
        """
        __tracebackhide__ = True
        if not idle or any(each.deadline is not None or each.is_foreign() for each in waits) or self._still:
            return
        if self._real() - self._changed_at < self.patience:
            return
        of_main = [each for each in waits if each.thread is self._main]
        if wait is (of_main or list(waits))[0]:
            raise VirtualTimeError(_dead(waits))

    @staticmethod
    def beyond(wait: Wait, horizon: float) -> str:
        """Return the error text for a wait that would end beyond the horizon."""
        return (
            f"The client still waits after {horizon:.0f} virtual seconds: {wait.what}. A wait without an end of its "
            "own would last for ever. Give the client a deadline, or raise the limit: "
            f"ycimages_time.horizon = {horizon * 10:.0f}."
        )


def _current_frames() -> Mapping[int, FrameType]:
    """Return the current frame of each thread.

    The garbage collector is off meanwhile. If it ran a finalizer that lets other threads run, one of them could wait
    for ever to start a thread (a defect of CPython, gh-106883).
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        return sys._current_frames()  # noqa: SLF001 - documented, in spite of its name
    finally:
        if was_on:
            gc.enable()


def _mark(thread: threading.Thread, frames: Mapping[int, FrameType]) -> tuple[int, int, int]:
    if thread.ident is None:
        return 0, 0, 0
    frame = frames.get(thread.ident)
    used = 0
    if hasattr(time, "pthread_getcpuclockid"):
        used = time.clock_gettime_ns(time.pthread_getcpuclockid(thread.ident))
    return used, id(frame), getattr(frame, "f_lasti", 0)


def _dead(waits: Sequence[Wait]) -> str:
    frames = _current_frames()
    lines = (f"  {_name(wait)} waits for {wait.what}{_place(wait, frames)}" for wait in waits)
    return (
        "Every thread waits, and nothing can end these waits:\n"
        + "\n".join(lines)
        + "\nThe client has no running thread, the doubles have no answer to send, and the waits have no time limit. "
        "Give the wait a time limit, or start the thread that should end it after `ycimages_time` has begun: "
        "older threads keep real time."
    )


def _name(wait: Wait) -> str:
    return wait.thread.name if wait.thread is not None else "a double"


def _place(wait: Wait, frames: Mapping[int, FrameType]) -> str:
    """Return where in the client's own code the thread waits."""
    frame = frames.get(wait.thread.ident or 0) if wait.thread is not None else None
    stack = traceback.extract_stack(frame) if frame is not None else []
    own = [line for line in stack if not line.filename.startswith(_NOT_THE_CLIENT)]
    return f", at {own[-1].filename}:{own[-1].lineno}" if own else ""
