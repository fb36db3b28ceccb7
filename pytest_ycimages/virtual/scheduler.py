"""The scheduler of virtual time, which moves the clock when every thread of the client waits and every double is idle.

Then the wait with the earliest deadline ends, and only that one. The next one ends when the threads are idle again. So
waits end in the order of their deadlines, one thread after the other, however the machine schedules the threads.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

from pytest_ycimages.errors import VirtualTimeError
from pytest_ycimages.server import activity
from pytest_ycimages.server.activity import Phase
from pytest_ycimages.virtual.wait import MICROSECOND, Alarm, Evicted, Outcome, Wait, ZeroWaits, microseconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.virtual.idle import IdleDetector

SHORT: Final = MICROSECOND // 100
"""Microseconds: a time limit that is over sooner counts as polling without a pause."""

in_force: Final[list[Scheduler]] = []
"""The scheduler of the virtual time in force, if there is one.

The functions that virtual time puts in place of others read it at each call. So one that code keeps, such as
`from time import sleep`, works in the next virtual time and in real time, too.
"""


def of_client() -> Scheduler | None:
    """Return the scheduler in force if the calling thread belongs to the client; otherwise None."""
    scheduler = next(iter(in_force), None)
    return scheduler if scheduler is not None and threading.get_ident() in scheduler.threads else None


class Scheduler:
    """Tracks the client's threads and their waits, and moves time.

    Args:
        move: called with the microseconds by which time moves.
        horizon: the initial horizon, in seconds.
        idle: detects which threads of the client are idle.
        is_real: returns whether a module, by its name, has real time on every thread.

    Attributes:
        elapsed: microseconds that have passed.
        horizon: seconds of virtual time after which a wait fails.
        threads: the client's threads, by their identifiers.
        running: the client's threads that are in no wait that the scheduler knows.
        waits: the waits that have not ended.
        steps: how often the client has progressed other than by letting time pass.
        is_suspended: whether nothing is expected of the client, as between two tests that share this virtual time.
        is_suspect: whether the client has made no progress for some time; the watchdog sets it.
        short: how many short waits each thread has made, by its identifier; the watchdog clears it.
        main: the thread that began virtual time: that of the test.
        on_refusal: called for each connection that the client was refused.
        error: what the thread that began virtual time is to raise.
    """

    def __init__(
        self, move: Callable[[int], None], horizon: float, idle: IdleDetector, is_real: Callable[[str], bool]
    ) -> None:
        self.elapsed = 0
        self.threads: dict[int, threading.Thread] = {}
        self.running: set[threading.Thread] = set()
        self.waits: dict[Wait, None] = {}
        self.steps = 0
        self.is_suspended = self.is_suspect = False
        self.short: Counter[int] = Counter()
        self.horizon = horizon
        self.lock = threading.RLock()
        self.is_real = is_real
        self.is_over = False
        self.main: threading.Thread | None = None
        self.on_refusal: Callable[[], None] | None = None
        self.error: BaseException | None = None
        self._move = move
        self._idle = idle
        self._alarms: defaultdict[int, Alarm] = defaultdict(Alarm)  # of each thread, by its identifier
        self._joins: dict[threading.Thread, list[Wait]] = {}  # each thread of the client, with the waits for its end
        self._zero_waits = ZeroWaits()
        self._evicted: set[threading.Thread] = set()

    # The client's threads.

    def enlist(self, thread: threading.Thread) -> None:
        """Register a thread of the client that is about to start."""
        with self.lock:
            self.running.add(thread)
            self._joins.setdefault(thread, [])
            self.steps += 1

    def enter(self, thread: threading.Thread) -> None:
        """Register the calling thread as `thread`, which has started."""
        with self.lock:
            self.enlist(thread)
            self.main = self.main or thread
            self.threads[threading.get_ident()] = thread

    def leave(self, thread: threading.Thread) -> None:
        """Remove a thread that ends, or that never started."""
        with self.lock:
            self.steps += 1
            self.running.discard(thread)
            self._idle.forget(thread)
            self._evicted.discard(thread)
            if thread.ident is not None and self.threads.pop(thread.ident, None) is not None:
                self._drop_alarm(thread.ident)
            for wait in self._joins.pop(thread, ()):
                self._wake(wait, Outcome.RELEASED)
            self._settle()

    def knows(self, thread: threading.Thread) -> bool:
        """Return whether a thread is one of the client that has not ended."""
        return thread in self._joins

    def watch(self, thread: threading.Thread, seconds: float | None, patience: float | None = None) -> Wait:
        """Return a wait for a thread of the client to end.

        Args:
            thread: the thread.
            seconds: seconds of virtual time after which the wait ends; None: never.
            patience: real seconds without progress after which the wait ends; None: never.
        """
        with self.lock:
            wait = self.make_wait(f"{thread.name} to end", seconds)
            wait.patience = patience
            if self.knows(thread):
                self._joins[thread].append(wait)
            else:  # it has ended already
                self._wake(wait, Outcome.RELEASED)
        return wait

    def evict(self, client: threading.Thread) -> list[threading.Thread]:
        """End each thread of the client but the calling one as soon as it waits; return those that will end.

        A thread that only waits to be notified, such as an idle thread of a pool, continues in real time. `client`, the
        thread that runs the client itself, always ends.
        """
        with self.lock:
            others = [thread for ident, thread in self.threads.items() if ident != threading.get_ident()]
            self._evicted.update(others)
            for wait in [each for each in self.waits if each.thread in self._evicted]:
                is_idle = wait.deadline is None and not wait.descriptors and wait.thread is not client
                wait.error = None if is_idle else Evicted()
                self._wake(wait, Outcome.OVER if is_idle else Outcome.EVICTED)
                if is_idle and wait.thread is not None:
                    others.remove(wait.thread)
                    self.leave(wait.thread)
            return others

    def begin_again(self) -> None:
        """Reset at zero, with the calling thread as the only thread of the client."""
        with self.lock:
            for thread in self._joins.keys() - {self.threads[threading.get_ident()]}:
                self.leave(thread)
            self._zero_waits = ZeroWaits()
            self.elapsed = 0

    # Waiting.

    def make_wait(
        self,
        what: str,
        timeout: float | None,
        descriptors: tuple[int, ...] = (),
        foreign: Callable[[], bool] | bool = False,  # noqa: FBT001, FBT002 - a value or what determines it
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
        return Wait(thread, connection, what, deadline, descriptors, foreign, self.release)

    def wait(self, wait: Wait) -> Outcome:
        """Block the thread that made the wait until it ends.

        Raises:
            VirtualTimeError: the wait cannot end, or would end beyond the horizon.
            Evicted: the trial is over.
        """
        __tracebackhide__ = True
        if wait.thread in self._evicted:
            raise Evicted
        self.raise_error()
        self._zero_waits.end(threading.get_ident())
        try:
            with self.lock:
                if wait.outcome is None and not self.is_over:
                    self._park(wait)
                    self._settle()
                    if wait.outcome is None:
                        wait.prepare(self._alarms)
            while not (wait.has_ended() or self.is_over):
                if wait.block():
                    with self.lock:
                        self._wake(wait, Outcome.RELEASED)
        finally:  # a signal's handler may raise anywhere, and a thread that runs must not count as one that waits
            with self.lock:
                self._wake(wait, Outcome.OVER)
            if wait.thread is None:  # a double's thread, whose end is not reported
                self._drop_alarm(threading.get_ident())
        if wait.error is not None:
            raise wait.error
        return wait.outcome or Outcome.OVER

    def zero_wait(self, seconds: float) -> float:
        """Return how long a zero-length wait takes; see `ZeroWaits`."""
        ident = threading.get_ident()
        self.short[ident] += 1
        return self._zero_waits.length(ident, seconds, self.elapsed)

    def release(self, wait: Wait) -> None:
        """End a wait from outside.

        Raises:
            RuntimeError: it has ended already, as for a lock that is released twice.
        """
        with self.lock:
            if wait.outcome is Outcome.OVER:
                wait.release_for_real()
            elif wait.outcome is None:
                self._wake(wait, Outcome.RELEASED)
            else:
                raise RuntimeError("the wait has ended already")

    def recheck(self) -> None:
        """Check whether time can move, after a double has become idle."""
        if self.waits:
            with self.lock:
                self._settle()

    def sample(self) -> bool:
        """Sample the threads that appear to run, and check whether time can move; return whether none progressed."""
        with self.lock:
            is_still = self._idle.sample(self.running)
            self._settle()
            for wait in list(self.waits):
                if self._idle.is_stuck(wait.patience):
                    self._wake(wait, Outcome.STUCK)
            return is_still

    def fail(self, error: BaseException) -> bool:
        """Raise `error` in the thread that began virtual time, at its present wait or else at its next one.

        Returns:
            Whether that thread is in a wait; if not, `take_error` hands the error out.
        """
        with self.lock:
            waits = [wait for wait in self.waits if wait.thread is self.main]
            if not waits and self.main not in self.running:
                waits = [wait for wait in self.waits if wait.thread is not None]
            if not waits:
                self.error = error
                return False
            waits[0].error = error
            self._wake(waits[0], Outcome.FAILED)
            return True

    def take_error(self) -> BaseException | None:
        """Return the error that the thread that began virtual time is to raise, once."""
        with self.lock:
            error, self.error = self.error, None
            return error

    def raise_error(self) -> None:
        """Raise the error that waits for the calling thread, if there is one."""
        __tracebackhide__ = True
        if self.error is not None and self.main is threading.current_thread() and (error := self.take_error()):
            raise error

    def finish(self) -> None:
        """Let all remaining waits continue in real time."""
        with self.lock:
            self.is_over = True
            for wait in list(self.waits):
                self._wake(wait, Outcome.OVER)
            self._drop_alarm(threading.get_ident())

    # Callers of these hold the lock.

    def _drop_alarm(self, ident: int) -> None:
        if alarm := self._alarms.pop(ident, None):
            alarm.close()

    def _park(self, wait: Wait) -> None:
        self.waits[wait] = None
        self._idle.changed()
        if wait.connection is not None:
            wait.connection.phase = Phase.WAITING
        elif wait.thread is not None:
            self.running.discard(wait.thread)

    def _wake(self, wait: Wait, outcome: Outcome) -> None:
        if wait.outcome is not None:
            return
        if wait in self.waits:  # else it has not begun and now never will
            if wait.connection is not None:
                wait.connection.phase = Phase.DECIDING
            elif wait.thread is not None:
                self.running.add(wait.thread)
            del self.waits[wait]
            self._idle.changed()
        if outcome is Outcome.RELEASED and not wait.descriptors:  # a double's answer alone proves no progress
            self.steps += 1
        wait.outcome = outcome
        wait.wake()

    def is_idle(self) -> bool:
        """Return whether every thread of the client waits, every double is idle, and no socket is readable."""
        if not self._idle.all_idle(self.running):
            return False
        descriptors = [each for wait in list(self.waits) for each in wait.descriptors]
        return activity.is_quiet(answered=bool(descriptors)) and not (descriptors and activity.readable(descriptors))

    def _settle(self) -> None:
        """End the waits of doubles that close; then, if all threads are idle, move time to the earliest deadline."""
        for wait in [each for each in self.waits if each.is_shut()]:
            self._wake(wait, Outcome.SHUT)
        waits = list(self.waits)
        timed = [wait for wait in waits if wait.deadline is not None]
        if not timed or not self.is_idle() or not self._idle.is_patient_enough(waits):
            return
        first = min(timed, key=Wait.order)
        if first.deadline is None or first.deadline > self.horizon * MICROSECOND:
            # A double never fails, however late it is; the thread that waits for it does.
            blamed = first if first.connection is None else next((wait for wait in waits if wait.thread), first)
            blamed.error = VirtualTimeError(blamed.beyond(self.horizon))
            self._wake(blamed, Outcome.FAILED)
            return
        if first.deadline > self.elapsed:
            if first.deadline - self.elapsed < SHORT and first.thread is not None and first.thread.ident is not None:
                self.short[first.thread.ident] += 1
            self._move(first.deadline - self.elapsed)
            self.elapsed = first.deadline
        self._wake(first, Outcome.DUE)
