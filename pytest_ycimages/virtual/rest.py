"""Whether the client's threads rest, and what to say when nothing is left that could end their waits.

A thread that waits in a way that virtual time knows has said so. One that waits in another way, for a lock or for a
process, looks as if it ran; what tells it apart is that it uses no processor time, for long enough by the real clock.
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
"""Where files begin that are never the place at which a client waits."""


class _Progress(NamedTuple):
    """How far a thread has come, and for how many real seconds it has been seen there."""

    mark: tuple[int, int, int]
    seconds: float


_UNSEEN: Final = _Progress((-1, -1, -1), 0)


class Rest:
    """Watches threads.

    Attributes:
        interval: real seconds between two looks at threads that seem to run.
        still: real seconds without any progress after which a thread counts as waiting.
        foreign: real seconds that time stands still for sockets on which somebody else than a double may write.
        patience: real seconds in which nothing happens, after which waits that cannot end fail.
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
        """Something has happened."""
        self._changed_at = self._real()

    def is_stuck(self, patience: float | None) -> bool:
        """Whether nothing has happened for so many real seconds; None is never."""
        return patience is not None and self._real() - self._changed_at >= patience

    def look_at(self, running: Iterable[threading.Thread]) -> None:
        """See how far the threads that seem to run have come."""
        now = self._real()
        seconds = min(now - self._looked_at, 2 * self.interval)  # a machine that stood still proves nothing of a thread
        self._looked_at = now
        frames = _current_frames()
        marks = {thread: _mark(thread, frames) for thread in running}
        before = {thread: self._progress.get(thread, _UNSEEN) for thread in marks}
        one_goes_on = any(before[thread].mark != mark for thread, mark in marks.items())
        seen = {  # while one goes on, the others may only be waiting for their turn
            thread: _Progress(mark, 0 if one_goes_on else before[thread].seconds + seconds)
            for thread, mark in marks.items()
        }
        self._progress = seen
        self._still = {thread for thread, progress in seen.items() if progress.seconds >= self.still}

    def forget(self, thread: threading.Thread) -> None:
        """The thread has ended."""
        self._progress.pop(thread, None)
        self._still.discard(thread)

    def all_rest(self, running: set[threading.Thread]) -> bool:
        """Whether none of the threads that seem to run really does."""
        if not running:
            return True
        if not running <= self._still:
            return False
        self.look_at(running)  # one that was still may have gone on meanwhile
        return running <= self._still

    def is_patient_enough(self, waits: Iterable[Wait]) -> bool:
        """Whether sockets on which somebody else may write have had their time."""
        return not any(wait.is_foreign() for wait in waits) or self._real() - self._changed_at >= self.foreign

    def check(self, wait: Wait, waits: Sequence[Wait], *, resting: bool) -> None:
        """Fail when nothing is left that could end `wait` or any other.

        Raises:
            VirtualTimeError: nothing has happened for long enough, and this is the wait to say so.
        """
        __tracebackhide__ = True
        if not resting or any(each.deadline is not None or each.is_foreign() for each in waits) or self._still:
            return
        if self._real() - self._changed_at < self.patience:
            return
        of_main = [each for each in waits if each.thread is self._main]
        if wait is (of_main or list(waits))[0]:
            raise VirtualTimeError(_dead(waits))

    @staticmethod
    def beyond(wait: Wait, horizon: float) -> str:
        """What to say of a wait that would end beyond the horizon."""
        return (
            f"The client still waits after {horizon:.0f} virtual seconds: {wait.what}. A wait that has no end of its "
            "own would go on for ever: give the client a deadline, or move the end: "
            f"ycimages_time.horizon = {horizon * 10:.0f}."
        )


def _current_frames() -> Mapping[int, FrameType]:
    """Where each thread is.

    The garbage collector is off meanwhile: if it ran a finalizer that lets other threads run, one of them could wait
    for ever to start a thread, with nobody left to run (a defect of CPython, gh-106883).
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        return sys._current_frames()  # noqa: SLF001 - documented, in spite of its name
    finally:
        if was_on:
            gc.enable()


def _mark(thread: threading.Thread, frames: Mapping[int, FrameType]) -> tuple[int, int, int]:
    """What changes as soon as a thread does something."""
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
        "Everything waits, and nothing is left that could end it:\n"
        + "\n".join(lines)
        + "\nNo thread of the client runs, no double has anything to answer, and no wait has a time limit. "
        "Give the wait a time limit, or let the thread that should end it start after `ycimages_time` has begun: "
        "older threads keep real time."
    )


def _name(wait: Wait) -> str:
    return wait.thread.name if wait.thread is not None else "a double"


def _place(wait: Wait, frames: Mapping[int, FrameType]) -> str:
    """Where in the client's own code the thread waits."""
    frame = frames.get(wait.thread.ident or 0) if wait.thread is not None else None
    stack = traceback.extract_stack(frame) if frame is not None else []
    own = [line for line in stack if not line.filename.startswith(_NOT_THE_CLIENT)]
    return f", at {own[-1].filename}:{own[-1].lineno}" if own else ""
