"""When virtual time moves: once every thread of the client waits and no double has anything left to say.

Then the wait that ends first ends, and only that one; the next one ends when the threads have come to rest again. So
waits end in the order of their moments, on one thread after the other, however the machine runs the threads.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from pytest_ycimages.errors import VirtualTimeError
from pytest_ycimages.server import activity
from pytest_ycimages.server.activity import Phase
from pytest_ycimages.virtual.rest import Rest
from pytest_ycimages.virtual.wait import Alarm, Evicted, Outcome, Wait

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.virtual.rest import RealTime

MICROSECOND: Final = 10**6
"""Virtual time counts in microseconds: how many there are in a second."""


def microseconds(seconds: float) -> int:
    """`seconds` to the nearest microsecond, but at least one for whatever is more than nothing."""
    return max(1, round(seconds * MICROSECOND)) if seconds > 0 else 0


_LOOKS: Final = 2_000
_LOOKS_AT_A_LIMIT: Final = 100
"""How often a thread may look, waiting for no time, before that takes time; after a sum that came to nothing, less."""


class Scheduler:
    """Knows the client's threads and what they wait for.

    Args:
        move: called with the microseconds by which time moves.
        horizon: where it begins.
        real: the clock of the machine.

    Attributes:
        elapsed: microseconds that have passed.
        horizon: seconds of virtual time after which a wait fails.
        threads: the client's threads, by their identifiers.
        on_refusal: told of each connection that the client was refused.
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
        self._joins: dict[threading.Thread, list[Wait]] = {}  # every thread of the client's, and who waits for its end
        self._looks: dict[int, tuple[int, int]] = {}
        self._rest = Rest(real)
        self._evicted: set[threading.Thread] = set()
        self.is_over = False
        self.on_refusal: Callable[[], None] | None = None

    # The client's threads.

    def enlist(self, thread: threading.Thread) -> None:
        """Count a thread that is about to start as one of the client's."""
        with self._lock:
            self._running.add(thread)
            self._joins.setdefault(thread, [])

    def enter(self, thread: threading.Thread) -> None:
        """The thread has started: it is the one that calls."""
        with self._lock:
            self._running.add(thread)
            self._joins.setdefault(thread, [])
            self.threads[threading.get_ident()] = thread

    def leave(self, thread: threading.Thread) -> None:
        """The thread ends, or it never started."""
        with self._lock:
            self._running.discard(thread)
            self._rest.forget(thread)
            self._evicted.discard(thread)
            if thread.ident is not None and self.threads.pop(thread.ident, None) is not None:
                self._close_alarm(thread.ident)
            for wait in self._joins.pop(thread, ()):
                self._wake(wait, Outcome.RELEASED)
            self._settle()

    def wait_for_end(self, thread: threading.Thread, timeout: float | None) -> Wait | None:
        """Wait until a thread ends, if it is one of the client's, and give back how; None for any other."""
        __tracebackhide__ = True
        with self._lock:
            if thread not in self._joins:
                return None
            wait = self.make_wait(f"{thread.name} to end", timeout)
            self._joins[thread].append(wait)
        self.wait(wait)
        return wait

    def watch(self, thread: threading.Thread, seconds: float, patience: float) -> Wait:
        """A wait for a thread of the client's to end, which ends as well when it does not.

        Args:
            thread: the thread.
            seconds: of virtual time after which it ends.
            patience: real seconds in which nothing happens, after which it ends.
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
        """End every thread of the client's but the calling one, as soon as it waits; those that are to end.

        One that waits for nothing but to be told of something, such as an idle thread of a pool, does no harm: it goes
        on in real time. Not so `client`, the thread that runs the client itself.
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
        """Count from nothing again, with the calling thread as the only one of the client's."""
        with self._lock:
            me = self.threads[threading.get_ident()]
            for thread in [each for each in self._joins if each is not me]:
                self.leave(thread)
            self._looks.clear()
            self.elapsed = 0

    # Waiting.

    def make_wait(
        self,
        what: str,
        timeout: float | None,
        descriptors: tuple[int, ...] = (),
        foreign: Callable[[], bool] | None = None,
    ) -> Wait:
        """A wait of the calling thread that is to begin now.

        Args:
            what: what it waits for, in words.
            timeout: seconds after which it ends; None: never by itself.
            descriptors: files that end it once there is something to read.
            foreign: tells whether somebody else than a double may write to one of these.
        """
        deadline = None if timeout is None else self.elapsed + microseconds(timeout)
        thread = self.threads.get(threading.get_ident())
        connection = None if thread else activity.serving.get(threading.get_ident())
        return Wait(self, thread, connection, what, deadline, descriptors, foreign)

    def wait(self, wait: Wait) -> Outcome:
        """Wait, on the thread that made the wait.

        Raises:
            VirtualTimeError: the wait cannot end, or lies beyond the horizon.
            Evicted: the trial is over.
        """
        __tracebackhide__ = True
        if wait.thread in self._evicted:
            raise Evicted
        self._looks.pop(threading.get_ident(), None)
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
            if wait.thread is None:  # a double's thread, whose end nobody tells
                self._close_alarm(threading.get_ident())
        if wait.outcome is Outcome.EVICTED:
            raise Evicted
        if wait.outcome is Outcome.BEYOND:
            raise VirtualTimeError(self._rest.beyond(wait, self.horizon))
        return wait.outcome or Outcome.OVER

    def looked(self, seconds: float) -> float:
        """How long a wait of no time takes: none, unless the calling thread has done little else at this moment.

        Code that goes on until a limit has passed, not only come, would do so for ever if time stood still at it.
        """
        ident = threading.get_ident()
        moment, count = self._looks.get(ident, (self.elapsed, 0))
        count = count + 1 if moment == self.elapsed else 1
        self._looks[ident] = self.elapsed, count
        return 1 / MICROSECOND if count > (_LOOKS if isinstance(seconds, int) else _LOOKS_AT_A_LIMIT) else seconds

    def left(self, wait: Wait) -> float | None:
        """The seconds that a wait has left; None: it has no end of its own."""
        return None if wait.deadline is None else max(0, wait.deadline - self.elapsed) / MICROSECOND

    def _alarm(self) -> Alarm:
        """The alarm of the calling thread."""
        alarm = self._alarms.get(threading.get_ident())
        if alarm is None:
            alarm = self._alarms[threading.get_ident()] = Alarm()
        return alarm

    def _close_alarm(self, ident: int) -> None:
        if alarm := self._alarms.pop(ident, None):
            alarm.close()

    def _block(self, wait: Wait) -> None:
        """Block for real until something ends the wait."""
        __tracebackhide__ = True
        while not (wait.has_ended() or self.is_over):
            can_read = wait.block(self._rest.interval)
            with self._lock:
                if wait.has_ended() or self.is_over:
                    return
                if can_read:
                    self._wake(wait, Outcome.RELEASED)
                    return
                self._rest.look_at(self._running)
                self._settle()
                if self._rest.is_stuck(wait.patience):
                    self._wake(wait, Outcome.STUCK)
                    return
                self._rest.check(wait, list(self._waits), resting=self._resting())

    def release(self, wait: Wait) -> None:
        """End a wait from outside.

        Raises:
            RuntimeError: it has ended already, as a lock says that is released twice.
        """
        with self._lock:
            if wait.outcome is Outcome.OVER:
                wait.release_for_real()
            elif wait.outcome is None:
                self._wake(wait, Outcome.RELEASED)
            else:
                raise RuntimeError("the wait has ended already")

    def poke(self) -> None:
        """Something has come to rest: see whether time can move."""
        if self._waits:
            with self._lock:
                for wait in list(self._waits):
                    if wait.is_shut():
                        self._wake(wait, Outcome.SHUT)
                self._settle()

    def finish(self) -> None:
        """Let every wait that is left go on in real time."""
        with self._lock:
            self.is_over = True
            for wait in list(self._waits):
                self._wake(wait, Outcome.OVER)
            self._close_alarm(threading.get_ident())

    # The rest holds the lock.

    def _park(self, wait: Wait) -> None:
        self._waits[wait] = None
        self._rest.changed()
        if wait.connection is not None:
            wait.connection.phase = Phase.WAITING
        elif wait.thread is not None:
            self._running.discard(wait.thread)
        if wait.is_shut():
            self._wake(wait, Outcome.SHUT)

    def _wake(self, wait: Wait, outcome: Outcome) -> None:
        if wait.outcome is not None:
            return
        if wait in self._waits:  # else it has not begun, and now it will not
            if wait.connection is not None:
                wait.connection.phase = Phase.DECIDING
            elif wait.thread is not None:
                self._running.add(wait.thread)
            del self._waits[wait]
            self._rest.changed()
        wait.outcome = outcome
        wait.wake()

    def _resting(self) -> bool:
        """Whether every thread of the client waits, and no double nor any socket has anything left to say."""
        if not self._rest.all_rest(self._running):
            return False
        descriptors = [each for wait in list(self._waits) for each in wait.descriptors]
        return activity.is_quiet(answered=bool(descriptors)) and not (descriptors and activity.readable(descriptors))

    def _settle(self) -> None:
        """If all is at rest, move time to the first wait that ends by itself, and end it."""
        waits = list(self._waits)
        timed = [wait for wait in waits if wait.deadline is not None]
        if not timed or not self._resting() or not self._rest.is_patient_enough(waits):
            return
        first = min(timed, key=Wait.order)
        if first.deadline is None or first.deadline > self.horizon * MICROSECOND:
            # It is never a double that fails, however late it is, but who waits for it.
            blamed = first if first.connection is None else next((wait for wait in waits if wait.thread), first)
            self._wake(blamed, Outcome.BEYOND)
            return
        if first.deadline > self.elapsed:
            self._move(first.deadline - self.elapsed)
            self.elapsed = first.deadline
        self._wake(first, Outcome.DUE)
