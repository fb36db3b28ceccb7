"""The watchdog of virtual time: a thread that moves time for waits that it cannot see, and ends what makes no progress.

Progress is a hundredth of a second of virtual time, a wait that another thread of the client ends, a thread that starts
or ends, or a call to a double that is not the repetition of an earlier one. Without progress for `patience` real
seconds, the client either is busy (it polls, reads the clock or yields, over and over), or blocks unseen.

A slow machine must look like neither. Real time counts only as far as the watchdog itself is scheduled on time. A busy
client must also have used processor time. A blocked one must have stayed in the same system call, not runnable.
"""

from __future__ import annotations

import gc
import signal
import sys
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from pytest_ycimages.api.status import Code
from pytest_ycimages.errors import VirtualTimeError
from pytest_ycimages.journal import journals
from pytest_ycimages.server import activity
from pytest_ycimages.virtual.diagnosis import (
    blocked,
    blocked_text,
    busy_text,
    dead_text,
    is_circling,
    is_real_wait,
    unanswered_text,
    waits_text,
)
from pytest_ycimages.virtual.idle import current_frames
from pytest_ycimages.virtual.patch_threads import real_join
from pytest_ycimages.virtual.scheduler import SHORT
from pytest_ycimages.virtual.wait import MICROSECOND, GivenUp, interrupt

if TYPE_CHECKING:
    from types import FrameType

    from pytest_ycimages.call import Call
    from pytest_ycimages.journal import Journal
    from pytest_ycimages.virtual.diagnosis import Blocked
    from pytest_ycimages.virtual.idle import IdleDetector, RealTime
    from pytest_ycimages.virtual.scheduler import Scheduler

_READS: Final = 1_000
"""Readings of the clock without progress, from which on a thread is busy with reading it."""
_SHORT_WAITS: Final = 1_000
_POLLS: Final = 3
"""Repeated calls without progress, from which on the client polls."""
_CALLS: Final = 10_000
"""Calls without progress, from which on even new ones are none."""
_LONG: Final = 15
"""The multiple of the patience after which a loop that changes nothing is not taken for a computation any more."""
_TRIES: Final = 4
"""How many errors come without any progress, until one comes that the client cannot catch."""
_COURTESY: Final = 40
"""How often the watchdog tries to raise an error between two events of an asyncio loop, which swallows others."""
_OF_THE_TEST: Final = ("pytest_ycimages.experiment", "pytest_ycimages.plugin", "pytest_ycimages.strategies")
"""The modules of this package that call the client."""


_CALLED_BACK: Final = frozenset({"_weakrefset", "weakref"})
"""Modules whose functions run as finalizers."""


class Watchdog:
    """Watches one virtual time.

    Args:
        scheduler: the scheduler to watch.
        idle: its detector, which has the limits.
        reads: how often each thread has read the clock, by its identifier; cleared at each progress.
        real: reads the clock of the machine, in seconds.
    """

    def __init__(self, scheduler: Scheduler, idle: IdleDetector, reads: Counter[int], real: RealTime) -> None:
        self._scheduler = scheduler
        self._idle = idle
        self._reads = reads
        self._real = real
        self._stop = threading.Lock()
        self._thread = threading.Thread(target=self._watch, name="virtual time", daemon=True)
        self._previous: Any = None
        self._progress = -1, 0
        self._known: WeakKeyDictionary[Journal, int] = WeakKeyDictionary()
        self._failures = 0
        self._attempts = 0
        self._is_forced = False
        self._begin()

    def start(self) -> None:
        """Start watching."""
        self._stop.acquire()
        if hasattr(signal, "pthread_kill") and threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGURG, self._raise_in_main)
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._stop.release()
        real_join(self._thread)
        if self._previous is not None:
            signal.signal(signal.SIGURG, self._previous)

    def _watch(self) -> None:
        last, used = self._real(), time.process_time()
        while not self._stop.acquire(timeout=self._idle.interval):
            now, processed = self._real(), time.process_time()
            try:
                if self._scheduler.is_suspended:
                    self._begin()
                else:
                    self._look(min(now - last, 2 * self._idle.interval), processed - used)
            except Exception as error:  # noqa: BLE001 - the test gets any error, and does not hang
                self._scheduler.fail(error)
            last, used = now, processed

    def _look(self, seconds: float, used: float) -> None:
        """Look at the client after some real seconds, in which the process has used some seconds of a processor."""
        scheduler, patience = self._scheduler, self._idle.patience
        if scheduler.is_over:
            return
        is_watched = any(wait.patience for wait in list(scheduler.waits))  # which the sample may end
        is_still = scheduler.sample()
        steps, elapsed = self._progress
        if scheduler.steps != steps or not 0 <= scheduler.elapsed - elapsed < SHORT:
            self._failures = 0
            self._begin()
            scheduler.take_error()
            return
        self._quiet += seconds
        self._used += used
        if self._quiet >= patience / 10:
            self._count_calls()
        scheduler.is_suspect = self._quiet >= patience / 4
        if scheduler.is_suspect and is_still:
            self._look_at_waits(seconds)
        if scheduler.error is not None:
            self._interrupt()
        if self._quiet >= patience and not is_watched:
            text = self._busy() or self._dead()
            if text:
                self._fail(text)

    def _begin(self) -> None:
        """Begin to wait for progress anew."""
        self._progress = self._scheduler.steps, self._scheduler.elapsed
        self._quiet = self._used = 0.0
        self._unseen: list[Blocked] = []
        self._blocked = self._real_waits = self._in_flight = 0.0
        self._polls: Counter[str] = Counter()
        self._is_counting = False
        self._new_calls = 0
        self._reads.clear()
        activity.unconnected.clear()
        self._scheduler.is_suspect = False
        self._scheduler.short.clear()
        for journal in journals():
            self._known[journal] = journal.written

    def _count_calls(self) -> None:
        """Count repeated calls as polls, but for those of the first moment; a new call is progress."""
        new = 0
        for journal in journals():
            calls = [call for _, call in journal.calls.numbered(after=self._known.get(journal, 0))]
            self._known[journal] = journal.written
            polls = [call for call in calls if _is_repeated(call)]
            new += len(calls) - len(polls)
            if self._is_counting:
                self._polls.update(call.line for call in polls)
        self._is_counting = True
        self._new_calls += new
        if new and self._new_calls < _CALLS:
            self._begin()

    def _look_at_waits(self, seconds: float) -> None:
        """Count for how long the client has been in waits that virtual time does not see, or that cannot end."""
        with self._scheduler.lock:
            running, waits = list(self._scheduler.running), list(self._scheduler.waits)
            frames = current_frames()
            unseen = [blocked(thread, frames.get(thread.ident or 0)) for thread in running]
            if any(each.primitive == "running" for each in unseen):
                return  # it could run, and only lacks a processor
            is_real = self._scheduler.is_real
            if any(is_real_wait(frames.get(each.thread.ident or 0), each.primitive, is_real) for each in unseen):
                self._real_waits += seconds
            elif activity.is_in_flight():
                self._in_flight += seconds
                activity.unconnected.update(activity.in_flight)
            elif not any(wait.deadline is not None or wait.is_foreign() for wait in waits) and (
                activity.is_quiet(answered=False) if running else self._scheduler.is_idle()
            ):
                self._blocked += seconds
                self._unseen = unseen

    # What the client does instead of waiting.

    def _busy(self) -> str | None:
        """Return the error for a client that looks again and again without waiting; None if it does something else."""
        patience = self._idle.patience
        is_working = self._used >= patience / 2
        if not is_working and self._blocked + self._real_waits < patience / 2:
            return None
        reads, short = dict(self._reads), dict(self._scheduler.short)
        polls = self._polls.total() or (self._new_calls if self._new_calls >= _CALLS else 0)
        ident = max({**reads, **short}, key=lambda each: reads.get(each, 0) + short.get(each, 0), default=0)
        if polls >= _POLLS and (is_working or self._real_waits > self._blocked):
            line = f", most often {self._polls.most_common(1)[0][0]}" if self._polls else ""
            return self._busy_text(ident, f"it has made {polls} calls that repeat earlier ones{line}")
        if not is_working:
            return None
        deed = ""
        if short.get(ident, 0) >= _SHORT_WAITS:
            deed = f"it has made {short[ident]} waits of no time, or next to none"
        elif reads.get(ident, 0) >= _READS:
            deed = f"it has read the clock {reads[ident]} times"
        elif (circling := self._circling()) is not None:
            ident, deed = circling.ident or 0, "it has gone round one loop while other threads wait"
        return self._busy_text(ident, deed) if deed else None

    def _busy_text(self, ident: int, deed: str) -> str:
        thread = self._scheduler.threads.get(ident) or self._scheduler.main or threading.main_thread()
        return busy_text(thread, current_frames().get(thread.ident or 0), deed, self._idle.patience)

    def _circling(self) -> threading.Thread | None:
        """Return a thread that goes round a loop while others wait for a moment that cannot come."""
        with self._scheduler.lock:
            is_awaited = any(wait.deadline is not None for wait in self._scheduler.waits)
            running = list(self._scheduler.running) if is_awaited else []
        surely = self._quiet < _LONG * self._idle.patience
        return next((thread for thread in running if is_circling(thread, surely=surely)), None)

    def _dead(self) -> str | None:
        """Return the error for a client all of whose threads wait for what cannot come; None if it does not."""
        patience = self._idle.patience
        is_busy = self._used >= self._quiet / 2 and self._quiet < 5 * patience  # another thread may still end a wait
        if max(self._blocked, self._in_flight) < patience / 2 or is_busy:
            return None
        waits = waits_text(list(self._scheduler.waits), current_frames())
        if self._in_flight >= patience / 2:
            return unanswered_text(waits, patience)
        if not self._unseen:
            return dead_text(waits) if waits else None
        return blocked_text(self._unseen, waits, patience)

    # How it is told.

    def _fail(self, text: str) -> None:
        self._failures += 1
        error = VirtualTimeError(text) if self._failures < _TRIES else GivenUp(text)
        is_lost = self._scheduler.error is not None
        self._is_forced = bool(self._unseen)
        self._attempts = 0
        if is_lost:  # it blocks in a way that nothing interrupts
            sys.__stderr__ and sys.__stderr__.write(f"\n{text}\n")
        elif not self._scheduler.fail(error):
            self._interrupt()
        self._begin()

    def _interrupt(self) -> None:
        """Raise the error in the thread of the test, which is in no wait that the scheduler knows."""
        main = self._scheduler.main
        if main is None or main.ident is None:
            return
        if self._previous is not None:
            signal.pthread_kill(main.ident, signal.SIGURG)
        elif self._is_forced or not _is_inside(current_frames().get(main.ident)):
            error = self._scheduler.take_error()
            if error is not None:
                text = str(error)
                raised = type(type(error).__name__, (type(error),), {"__str__": lambda _: text})
                interrupt(main.ident, raised)

    def _raise_in_main(self, _number: int, frame: FrameType | None) -> None:
        """Raise the error, as the handler of a signal; not where it would leave a double half-way."""
        __tracebackhide__ = True
        self._attempts += 1
        if self._scheduler.error is None or (not self._is_forced and _is_inside(frame)):
            return
        if not self._is_forced and self._attempts <= _COURTESY and _is_in_loop(frame):
            return
        error = self._scheduler.take_error()
        if error is not None:
            raise error


def _is_repeated(call: Call) -> bool:
    """Return whether a call repeats an earlier one at once, and has neither changed nor ended anything."""
    if call.gap is None or call.gap * MICROSECOND >= SHORT or call.done:
        return False
    return call.status is not Code.OK or call.method.rpartition(".")[2].startswith(("get", "list"))


def _is_in_loop(frame: FrameType | None) -> bool:
    """Return whether a thread runs an event loop of asyncio."""
    while frame is not None and frame.f_globals.get("__name__") != "asyncio.base_events":
        frame = frame.f_back
    return frame is not None


def _is_inside(frame: FrameType | None) -> bool:
    """Return whether a thread is in code of this package, other than what calls the client, or in a finalizer.

    What is raised in a finalizer, or in a callback of the garbage collector, is ignored.
    """
    ignored = {getattr(each, "__code__", None) for each in gc.callbacks}
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        is_ours = name.startswith("pytest_ycimages.") and not name.startswith(_OF_THE_TEST)
        if is_ours or name in _CALLED_BACK or frame.f_code.co_name == "__del__" or frame.f_code in ignored:
            return True
        frame = frame.f_back
    return False
