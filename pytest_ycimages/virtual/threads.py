"""The client's threads, and the ways in which they wait for each other, in virtual time."""

from __future__ import annotations

import queue
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from pytest_ycimages.virtual.frozen import replace
from pytest_ycimages.virtual.scheduler import MICROSECOND
from pytest_ycimages.virtual.wait import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from pytest_ycimages.virtual.scheduler import Scheduler
    from pytest_ycimages.virtual.wait import Wait

real_sleep: Final = time.sleep
_real_start: Final = threading.Thread.start
_real_join: Final = threading.Thread.join
_real_wait: Final = threading.Condition.wait


def virtual_sleep(scheduler: Scheduler, is_real: Callable[[str], bool]) -> Callable[[float], None]:
    """`time.sleep` for the client's threads."""

    def sleep(seconds: float, /) -> None:
        caller = sys._getframe(1).f_globals.get("__name__", "")  # noqa: SLF001 - who sleeps decides
        if threading.get_ident() not in scheduler.threads or not seconds > 0 or is_real(caller):
            real_sleep(seconds)  # which refuses what is no length of time, too
            return
        __tracebackhide__ = True
        wait = scheduler.make_wait(f"time.sleep({seconds!r})", seconds)
        if scheduler.wait(wait) is Outcome.OVER:
            real_sleep(_left(scheduler, wait) or 0)

    return sleep


def patch_threads(stack: ExitStack, scheduler: Scheduler, is_real: Callable[[str], bool]) -> None:
    """Tell `scheduler` of the threads that the client starts and of what they wait for, until `stack` unwinds."""
    replace(stack, threading.Thread, "start", _virtual_start(scheduler, is_real))
    replace(stack, threading.Thread, "join", _virtual_join(scheduler))
    replace(stack, threading.Condition, "wait", _virtual_wait(scheduler))
    replace(stack, queue, "SimpleQueue", _queue_type(scheduler))


def _virtual_start(scheduler: Scheduler, is_real: Callable[[str], bool]) -> Callable[[threading.Thread], None]:
    mine = scheduler.threads

    def start(self: threading.Thread) -> None:
        starter = threading.get_ident()
        if starter not in mine:
            _real_start(self)
        elif is_real(sys._getframe(1).f_globals.get("__name__", "")):  # noqa: SLF001 - who starts it decides
            thread = mine.pop(starter)  # until the other has started, this one waits for real
            try:
                _real_start(self)
            finally:
                mine[starter] = thread
        else:
            _start_known(scheduler, self)

    return start


def _start_known(scheduler: Scheduler, thread: threading.Thread) -> None:
    """Start a thread of the client's."""
    run = thread.run

    def run_known() -> None:
        scheduler.enter(thread)
        try:
            run()
        finally:
            scheduler.leave(thread)

    thread.run = run_known  # type: ignore[method-assign]
    scheduler.enlist(thread)
    try:
        _real_start(thread)
    except BaseException:
        scheduler.leave(thread)
        raise


def _virtual_join(scheduler: Scheduler) -> Callable[..., None]:
    mine = scheduler.threads

    def join(self: threading.Thread, timeout: float | None = None) -> None:
        if threading.get_ident() not in mine or self.ident not in mine or self is threading.current_thread():
            _real_join(self, timeout)
            return
        scheduler.wait_for_end(self, None if timeout is None else max(timeout, 0))
        if self.ident not in mine:  # else the time was up before the thread was
            _real_join(self)

    return join


def _virtual_wait(scheduler: Scheduler) -> Callable[..., bool]:
    """`Condition.wait`, on which events, semaphores, barriers, queues and futures are built."""

    def wait(self: Any, timeout: float | None = None) -> bool:
        if threading.get_ident() not in scheduler.threads or scheduler.is_over or not self._is_owned():
            return _real_wait(self, timeout)
        return _wait_in_line(scheduler, self, timeout)

    return wait


def _wait_in_line(scheduler: Scheduler, condition: Any, timeout: float | None) -> bool:
    """What the original does, with a wait of the scheduler's in the place of a lock."""
    wait = scheduler.make_wait("a condition to be notified", None if timeout is None else max(timeout, 0))
    condition._waiters.append(wait)  # noqa: SLF001 - notifying releases what is in there, lock or not
    __tracebackhide__ = True
    saved = condition._release_save()  # noqa: SLF001 - as the original does
    notified = False
    try:
        outcome = scheduler.wait(wait)
        notified = outcome is Outcome.RELEASED
        if outcome is Outcome.OVER:
            notified = wait.acquire_for_real(_left(scheduler, wait))
    finally:
        condition._acquire_restore(saved)  # noqa: SLF001 - likewise
        if not notified:
            with suppress(ValueError):
                condition._waiters.remove(wait)  # noqa: SLF001 - likewise
    return notified


def _left(scheduler: Scheduler, wait: Wait) -> float | None:
    """The seconds that a wait has left."""
    return None if wait.deadline is None else max(0, wait.deadline - scheduler.elapsed) / MICROSECOND


def _queue_type(scheduler: Scheduler) -> type[Any]:
    """`queue.SimpleQueue`, which executors have their work from; the original waits where nobody sees it."""

    class SimpleQueue(queue.SimpleQueue):  # type: ignore[type-arg] # at run time it takes no parameter
        """A queue of the client's."""

        def __init__(self) -> None:
            self._waits: list[Wait] = []

        def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:  # noqa: FBT001, FBT002 - as the original
            super().put(item, block, timeout)
            while self._waits:  # all of them: whoever finds nothing waits again
                with suppress(RuntimeError, IndexError):  # it had ended already, or another thread was quicker
                    self._waits.pop().release()

        def get(self, block: bool = True, timeout: float | None = None) -> Any:  # noqa: FBT001, FBT002 - as the original
            if not block or threading.get_ident() not in scheduler.threads:
                return super().get(block, timeout)
            ends_at = None if timeout is None else scheduler.elapsed + round(timeout * MICROSECOND)
            while True:
                left = None if ends_at is None else (ends_at - scheduler.elapsed) / MICROSECOND
                wait = scheduler.make_wait("a queue to have something", left)
                self._waits.append(wait)
                with suppress(queue.Empty):
                    return super().get(block=False)
                outcome = scheduler.wait(wait)
                if outcome is not Outcome.RELEASED:
                    return super().get(block=outcome is Outcome.OVER, timeout=_left(scheduler, wait))

    return SimpleQueue
