"""The scheduler of virtual time, which moves the clock when every thread of the client waits and every double is idle.

Then the wait with the earliest deadline ends, and only that one. The next one ends when the threads are idle again. So
waits end in the order of their deadlines, one thread after the other, however the machine schedules the threads.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from pytest_ycimages.errors import VirtualTimeError
from pytest_ycimages.server import activity
from pytest_ycimages.server.activity import Phase
from pytest_ycimages.virtual.idle import IdleDetector
from pytest_ycimages.virtual.wait import Alarm, Evicted, Outcome, Wait

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.virtual.idle import RealTime

MICROSECOND: Final = 10**6
"""Virtual time counts in microseconds: their number in a second."""


def microseconds(seconds: float) -> int:
    """Round seconds to the nearest microsecond, and to at least one when there are any."""
    return max(1, round(seconds * MICROSECOND)) if seconds > 0 else 0


_ZERO_WAITS: Final = 2_000
_COMPUTED_ZERO_WAITS: Final = 100
"""The zero-length waits of a thread at one moment before one takes time; fewer where the zero was computed."""


class Scheduler:
    """Tracks the client's threads and their waits, and moves time.

    Args:
        move: called with the microseconds by which time moves.
        horizon: the initial horizon, in seconds.
        real: reads the clock of the machine, in seconds.

    Attributes:
        elapsed: microseconds that have passed.
        horizon: seconds of virtual time after which a wait fails.
        threads: the client's threads, by their identifiers.
        on_refusal: called for each connection that the client was refused.
    """

    def __init__(self, move: Callable[[int], None], horizon: float, real: RealTime) -> None:
        self.elapsed = 0
        self.threads: dict[int, threading.Thread] = {}
        self._move = move
        self.horizon = horizon
        self._lock = threading.RLock()
        self._running: set[threading.Thread] = set()
        self._waits: dict[Wait, None] = {}
        self._alarms: dict[int, Alarm] = {}
        self._joins: dict[threading.Thread, list[Wait]] = {}  # each thread of the client, with the waits for its end
        self._zero_waits: dict[int, tuple[int, int]] = {}
        self._idle = IdleDetector(real)
        self._evicted: set[threading.Thread] = set()
        self.is_over = False
        self.on_refusal: Callable[[], None] | None = None

    # The client's threads.

    def enlist(self, thread: threading.Thread) -> None:
        """Register a thread of the client that is about to start."""
        with self._lock:
            self._running.add(thread)
            self._joins.setdefault(thread, [])

    def enter(self, thread: threading.Thread) -> None:
        """Register the calling thread as `thread`, which has started."""
        with self._lock:
            self._running.add(thread)
            self._joins.setdefault(thread, [])
            self.threads[threading.get_ident()] = thread

    def leave(self, thread: threading.Thread) -> None:
        """Remove a thread that ends, or that never started."""
        with self._lock:
            self._running.discard(thread)
            self._idle.forget(thread)
            self._evicted.discard(thread)
            if thread.ident is not None and self.threads.pop(thread.ident, None) is not None:
                self._close_alarm(thread.ident)
            for wait in self._joins.pop(thread, ()):
                self._wake(wait, Outcome.RELEASED)
            self._settle()

    def wait_for_end(self, thread: threading.Thread, timeout: float | None) -> Wait | None:
        """Wait until a thread of the client ends and return the wait; return None for any other thread."""
        __tracebackhide__ = True
        with self._lock:
            if thread not in self._joins:
                return None
            wait = self.make_wait(f"{thread.name} to end", timeout)
            self._joins[thread].append(wait)
        self.wait(wait)
        return wait

    def watch(self, thread: threading.Thread, seconds: float, patience: float) -> Wait:
        """Return a wait for a thread of the client to end, with two limits.

        Args:
            thread: the thread.
            seconds: seconds of virtual time after which the wait ends.
            patience: real seconds without progress after which the wait ends.
        """
        with self._lock:
            wait = self.make_wait(f"{thread.name} to end", seconds)
            wait.patience = patience
            if thread in self._joins:
                self._joins[thread].append(wait)
            else:  # it has ended already
                self._wake(wait, Outcome.RELEASED)
        return wait

    def evict(self, client: threading.Thread) -> list[threading.Thread]:
        """End each thread of the client but the calling one as soon as it waits; return those that will end.

        A thread that only waits to be notified, such as an idle thread of a pool, continues in real time. `client`, the
        thread that runs the client itself, always ends.
        """
        with self._lock:
            others = [thread for ident, thread in self.threads.items() if ident != threading.get_ident()]
            self._evicted.update(others)
            for wait in [each for each in self._waits if each.thread in self._evicted]:
                is_idle = wait.deadline is None and not wait.descriptors and wait.thread is not client
                self._wake(wait, Outcome.OVER if is_idle else Outcome.EVICTED)
                if is_idle and wait.thread is not None:
                    others.remove(wait.thread)
                    self.leave(wait.thread)
            return others

    def begin_again(self) -> None:
        """Reset at zero, with the calling thread as the only thread of the client."""
        with self._lock:
            me = self.threads[threading.get_ident()]
            for thread in [each for each in self._joins if each is not me]:
                self.leave(thread)
            self._zero_waits.clear()
            self.elapsed = 0

    # Waiting.

    def make_wait(
        self,
        what: str,
        timeout: float | None,
        descriptors: tuple[int, ...] = (),
        foreign: Callable[[], bool] | None = None,
    ) -> Wait:
        """Return a wait of the calling thread that begins now.

        Args:
            what: what it waits for, in words.
            timeout: seconds after which it ends; None: never by itself.
            descriptors: file descriptors that end it once one is readable.
            foreign: returns whether a peer other than a double may write to one of these.
        """
        deadline = None if timeout is None else self.elapsed + microseconds(timeout)
        thread = self.threads.get(threading.get_ident())
        connection = None if thread else activity.serving.get(threading.get_ident())
        return Wait(self, thread, connection, what, deadline, descriptors, foreign)

    def wait(self, wait: Wait) -> Outcome:
        """Block the thread that made the wait until it ends.

        Raises:
            VirtualTimeError: the wait cannot end, or would end beyond the horizon.
            Evicted: the trial is over.
        """
        __tracebackhide__ = True
        if wait.thread in self._evicted:
            raise Evicted
        self._zero_waits.pop(threading.get_ident(), None)
        try:
            with self._lock:
                if wait.outcome is None and not self.is_over:
                    self._park(wait)
                    self._settle()
                    if wait.outcome is None:
                        wait.prepare(self._alarm)
            if wait.outcome is None and not self.is_over:
                self._block(wait)
        finally:  # a signal's handler may raise anywhere, and a thread that runs must not count as one that waits
            with self._lock:
                self._wake(wait, Outcome.OVER)
            if wait.thread is None:  # a double's thread, whose end is not reported
                self._close_alarm(threading.get_ident())
        if wait.outcome is Outcome.EVICTED:
            raise Evicted
        if wait.outcome is Outcome.BEYOND:
            raise VirtualTimeError(self._idle.beyond(wait, self.horizon))
        return wait.outcome or Outcome.OVER

    def zero_wait(self, seconds: float) -> float:
        """Return how long a zero-length wait takes: no time, unless the thread has made many of them at this moment.

        Code that loops until a limit has passed would loop for ever if time stopped exactly at the limit.
        """
        ident = threading.get_ident()
        moment, count = self._zero_waits.get(ident, (self.elapsed, 0))
        count = count + 1 if moment == self.elapsed else 1
        self._zero_waits[ident] = self.elapsed, count
        return (
            1 / MICROSECOND if count > (_ZERO_WAITS if isinstance(seconds, int) else _COMPUTED_ZERO_WAITS) else seconds
        )

    def left(self, wait: Wait) -> float | None:
        """Return the seconds that a wait has left, or None when it has no deadline."""
        return None if wait.deadline is None else max(0, wait.deadline - self.elapsed) / MICROSECOND

    def _alarm(self) -> Alarm:
        alarm = self._alarms.get(threading.get_ident())
        if alarm is None:
            alarm = self._alarms[threading.get_ident()] = Alarm()
        return alarm

    def _close_alarm(self, ident: int) -> None:
        if alarm := self._alarms.pop(ident, None):
            alarm.close()

    def _block(self, wait: Wait) -> None:
        __tracebackhide__ = True
        while not (wait.has_ended() or self.is_over):
            can_read = wait.block(self._idle.interval)
            with self._lock:
                if wait.has_ended() or self.is_over:
                    return
                if can_read:
                    self._wake(wait, Outcome.RELEASED)
                    return
                self._idle.sample(self._running)
                self._settle()
                if self._idle.is_stuck(wait.patience):
                    self._wake(wait, Outcome.STUCK)
                    return
                self._idle.check(wait, list(self._waits), idle=self._all_idle())

    def release(self, wait: Wait) -> None:
        """End a wait from outside.

        Raises:
            RuntimeError: it has ended already, as for a lock that is released twice.
        """
        with self._lock:
            if wait.outcome is Outcome.OVER:
                wait.release_for_real()
            elif wait.outcome is None:
                self._wake(wait, Outcome.RELEASED)
            else:
                raise RuntimeError("the wait has ended already")

    def recheck(self) -> None:
        """Check whether time can move, after a double has become idle."""
        if self._waits:
            with self._lock:
                for wait in list(self._waits):
                    if wait.is_shut():
                        self._wake(wait, Outcome.SHUT)
                self._settle()

    def finish(self) -> None:
        """Let all remaining waits continue in real time."""
        with self._lock:
            self.is_over = True
            for wait in list(self._waits):
                self._wake(wait, Outcome.OVER)
            self._close_alarm(threading.get_ident())

    # Callers of these hold the lock.

    def _park(self, wait: Wait) -> None:
        self._waits[wait] = None
        self._idle.changed()
        if wait.connection is not None:
            wait.connection.phase = Phase.WAITING
        elif wait.thread is not None:
            self._running.discard(wait.thread)
        if wait.is_shut():
            self._wake(wait, Outcome.SHUT)

    def _wake(self, wait: Wait, outcome: Outcome) -> None:
        if wait.outcome is not None:
            return
        if wait in self._waits:  # else it has not begun and now never will
            if wait.connection is not None:
                wait.connection.phase = Phase.DECIDING
            elif wait.thread is not None:
                self._running.add(wait.thread)
            del self._waits[wait]
            self._idle.changed()
        wait.outcome = outcome
        wait.wake()

    def _all_idle(self) -> bool:
        """Return whether every thread of the client waits, every double is idle, and no socket is readable."""
        if not self._idle.all_idle(self._running):
            return False
        descriptors = [each for wait in list(self._waits) for each in wait.descriptors]
        return activity.is_quiet(answered=bool(descriptors)) and not (descriptors and activity.readable(descriptors))

    def _settle(self) -> None:
        """If all threads are idle, move time to the earliest deadline and end that wait."""
        waits = list(self._waits)
        timed = [wait for wait in waits if wait.deadline is not None]
        if not timed or not self._all_idle() or not self._idle.is_patient_enough(waits):
            return
        first = min(timed, key=Wait.order)
        if first.deadline is None or first.deadline > self.horizon * MICROSECOND:
            # A double never fails, however late it is; the thread that waits for it does.
            blamed = first if first.connection is None else next((wait for wait in waits if wait.thread), first)
            self._wake(blamed, Outcome.BEYOND)
            return
        if first.deadline > self.elapsed:
            self._move(first.deadline - self.elapsed)
            self.elapsed = first.deadline
        self._wake(first, Outcome.DUE)
