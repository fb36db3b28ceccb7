"""Patches for threads, conditions, queues and sleeping, so that the scheduler knows every wait of the client."""

from __future__ import annotations

import queue
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from pytest_ycimages.virtual import frozen
from pytest_ycimages.virtual.frozen import replace
from pytest_ycimages.virtual.scheduler import MICROSECOND
from pytest_ycimages.virtual.wait import Evicted, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from pytest_ycimages.virtual.scheduler import Scheduler
    from pytest_ycimages.virtual.wait import Wait

real_queue: Final = queue.SimpleQueue


class SimpleQueue(real_queue):  # type: ignore[misc, valid-type] # at run time it takes no parameter
    """A queue made in virtual time, whose `get` the scheduler knows. Outside virtual time it acts as the original."""

    def __init__(self) -> None:
        self._waits: list[Wait] = []

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:  # noqa: FBT001, FBT002 - as the original
        """Put an item; never block."""
        super().put(item, block, timeout)
        while self._waits:  # all of them: a thread that finds nothing waits again
            with suppress(RuntimeError, IndexError):  # it had ended already, or another thread was faster
                self._waits.pop().release()

    def put_nowait(self, item: Any) -> None:
        """Put an item."""
        self.put(item)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:  # noqa: FBT001, FBT002 - as the original
        """Remove and return the oldest item, once there is one.

        Raises:
            queue.Empty: the queue stayed empty for `timeout` seconds.
        """
        now = frozen.active
        if now is None or threading.get_ident() not in now.scheduler.threads:
            return super().get(block, timeout)
        if not block or (timeout is not None and timeout < 0):
            return super().get(block, timeout)
        if timeout == 0 and (timeout := now.scheduler.zero_wait(timeout)) == 0:
            return super().get(block, timeout)
        return self._get_in_line(now.scheduler, timeout)

    def _get_in_line(self, scheduler: Scheduler, timeout: float | None) -> Any:
        __tracebackhide__ = True
        with suppress(queue.Empty):
            return super().get(block=False)
        ends_at = None if timeout is None else scheduler.elapsed + round(timeout * MICROSECOND)
        while True:
            left = None if ends_at is None else (ends_at - scheduler.elapsed) / MICROSECOND
            wait = scheduler.make_wait("a queue to have something", left)
            self._waits.append(wait)  # before the check, so that no later item is missed
            with suppress(queue.Empty):
                return super().get(block=False)
            outcome = scheduler.wait(wait)
            if outcome is not Outcome.RELEASED:
                return super().get(block=outcome is Outcome.OVER, timeout=scheduler.left(wait))


real_sleep: Final = time.sleep
_real_start: Final = threading.Thread.start
real_join: Final = threading.Thread.join
_real_wait: Final = threading.Condition.wait


class _Sleep:
    """`time.sleep` in virtual time for the client's threads, and the original for all others.

    Like the original, it does not become a method when it is an attribute of a class.
    """

    __name__ = "sleep"

    def __call__(self, seconds: float, /) -> None:
        now = frozen.active
        if now is None or threading.get_ident() not in now.scheduler.threads:
            real_sleep(seconds)
            return
        if seconds == 0:
            seconds = now.scheduler.zero_wait(seconds)
        if not seconds > 0:
            real_sleep(seconds)  # which also refuses invalid values
            return
        if now.is_real(sys._getframe(1).f_globals.get("__name__", "")):  # noqa: SLF001 - the calling module decides
            real_sleep(seconds)
            return
        __tracebackhide__ = True
        wait = now.scheduler.make_wait(f"time.sleep({seconds!r})", seconds)
        if now.scheduler.wait(wait) is Outcome.OVER:
            real_sleep(now.scheduler.left(wait) or 0)


sleep: Final = _Sleep()


def patch_threads(stack: ExitStack, scheduler: Scheduler, is_real: Callable[[str], bool]) -> None:
    """Report the client's threads and their waits to `scheduler` until `stack` unwinds."""
    replace(stack, frozen, "active", frozen.ActiveTime(scheduler, is_real))
    replace(stack, time, "sleep", sleep)
    replace(stack, threading.Thread, "start", _virtual_start(scheduler, is_real))
    replace(stack, threading.Thread, "join", _virtual_join(scheduler))
    replace(stack, threading.Condition, "wait", _virtual_wait(scheduler))
    replace(stack, queue, "SimpleQueue", SimpleQueue)


def _virtual_start(scheduler: Scheduler, is_real: Callable[[str], bool]) -> Callable[[threading.Thread], None]:
    mine = scheduler.threads

    def start(self: threading.Thread) -> None:
        starter = threading.get_ident()
        if starter not in mine or getattr(self, "_ident", 0) is not None:
            _real_start(self)  # which also refuses a thread that was started, or never initialised
        elif is_real(sys._getframe(1).f_globals.get("__name__", "")):  # noqa: SLF001 - the calling module decides
            thread = mine.pop(starter)  # until the other has started, this one waits in real time
            try:
                _real_start(self)
            finally:
                mine[starter] = thread
        else:
            _start_known(scheduler, self)

    return start


def _start_known(scheduler: Scheduler, thread: threading.Thread) -> None:
    run, own = thread.run, vars(thread).get("run")

    def put_back() -> None:
        if own is None:
            vars(thread).pop("run", None)
        else:
            vars(thread)["run"] = own

    def run_known() -> None:
        put_back()
        scheduler.enter(thread)
        try:
            run()
        except Evicted:
            return  # its trial is over
        finally:
            scheduler.leave(thread)

    thread.run = run_known  # type: ignore[method-assign]
    scheduler.enlist(thread)
    try:
        _real_start(thread)
    except BaseException:
        put_back()
        scheduler.leave(thread)
        raise


def _virtual_join(scheduler: Scheduler) -> Callable[..., None]:
    mine = scheduler.threads

    def join(self: threading.Thread, timeout: float | None = None) -> None:
        if threading.get_ident() not in mine:
            real_join(self, timeout)
            return
        if timeout is not None and timeout <= 0 and (timeout := scheduler.zero_wait(timeout)) <= 0:
            real_join(self, timeout)
            return
        __tracebackhide__ = True
        wait = scheduler.wait_for_end(self, timeout) if self is not threading.current_thread() else None
        if wait is None:
            real_join(self, timeout)
        elif wait.outcome is Outcome.RELEASED:
            real_join(self)  # it has ended except for its last steps
        elif wait.outcome is Outcome.OVER:
            real_join(self, scheduler.left(wait))

    return join


def _virtual_wait(scheduler: Scheduler) -> Callable[..., bool]:
    """`Condition.wait`, on which events, semaphores, barriers, queues and futures are built."""

    def wait(self: Any, timeout: float | None = None) -> bool:
        if threading.get_ident() not in scheduler.threads or scheduler.is_over or not self._is_owned():
            return _real_wait(self, timeout)
        if timeout is not None and timeout <= 0 and (timeout := scheduler.zero_wait(timeout)) <= 0:
            return _real_wait(self, timeout)  # a check of the present state, which waits for no other thread
        __tracebackhide__ = True
        return _wait_in_line(scheduler, self, timeout)

    return wait


def _wait_in_line(scheduler: Scheduler, condition: Any, timeout: float | None) -> bool:
    """Do what the original does, with a wait of the scheduler in place of a lock."""
    wait = scheduler.make_wait("a condition to be notified", timeout)
    condition._waiters.append(wait)  # noqa: SLF001 - notifying releases the entries, locks or not
    __tracebackhide__ = True
    saved = condition._release_save()  # noqa: SLF001 - as the original does
    notified = False
    try:
        outcome = scheduler.wait(wait)
        notified = outcome is Outcome.RELEASED
        if outcome is Outcome.OVER:
            notified = wait.acquire_for_real(scheduler.left(wait))
    finally:
        condition._acquire_restore(saved)  # noqa: SLF001 - as the original does
        if not notified:
            with suppress(ValueError):
                condition._waiters.remove(wait)  # noqa: SLF001 - as the original does
    return notified
