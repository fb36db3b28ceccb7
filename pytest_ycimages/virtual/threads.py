"""The client's threads, and the ways in which they wait for each other, in virtual time."""

from __future__ import annotations

import queue
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from pytest_ycimages.virtual import rule
from pytest_ycimages.virtual.frozen import replace
from pytest_ycimages.virtual.queues import SimpleQueue
from pytest_ycimages.virtual.wait import Evicted, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from pytest_ycimages.virtual.scheduler import Scheduler

real_sleep: Final = time.sleep
_real_start: Final = threading.Thread.start
real_join: Final = threading.Thread.join
_real_wait: Final = threading.Condition.wait


class _Sleep:
    """`time.sleep` for the client's threads while virtual time lasts, and as it always was for all others.

    As the original does, it stays what it is as an attribute of a class, where a function would become a method.
    """

    __name__ = "sleep"

    def __call__(self, seconds: float, /) -> None:
        now = rule.at_present
        if now is None or threading.get_ident() not in now.scheduler.threads:
            real_sleep(seconds)
            return
        if seconds == 0:
            seconds = now.scheduler.looked(seconds)
        if not seconds > 0:
            real_sleep(seconds)  # which refuses what is no length of time, too
            return
        if now.is_real(sys._getframe(1).f_globals.get("__name__", "")):  # noqa: SLF001 - who sleeps decides
            real_sleep(seconds)
            return
        __tracebackhide__ = True
        wait = now.scheduler.make_wait(f"time.sleep({seconds!r})", seconds)
        if now.scheduler.wait(wait) is Outcome.OVER:
            real_sleep(now.scheduler.left(wait) or 0)


sleep: Final = _Sleep()


def patch_threads(stack: ExitStack, scheduler: Scheduler, is_real: Callable[[str], bool]) -> None:
    """Tell `scheduler` of the threads that the client starts and of what they wait for, until `stack` unwinds."""
    replace(stack, rule, "at_present", rule.Rule(scheduler, is_real))
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
            _real_start(self)  # which refuses a thread that has been started, or never was initialised, too
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
            return  # nobody is left to whom it could matter
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
        if timeout is not None and timeout <= 0 and (timeout := scheduler.looked(timeout)) <= 0:
            real_join(self, timeout)
            return
        __tracebackhide__ = True
        wait = scheduler.wait_for_end(self, timeout) if self is not threading.current_thread() else None
        if wait is None:
            real_join(self, timeout)
        elif wait.outcome is Outcome.RELEASED:
            real_join(self)  # it has ended but for its last steps
        elif wait.outcome is Outcome.OVER:
            real_join(self, scheduler.left(wait))

    return join


def _virtual_wait(scheduler: Scheduler) -> Callable[..., bool]:
    """`Condition.wait`, on which events, semaphores, barriers, queues and futures are built."""

    def wait(self: Any, timeout: float | None = None) -> bool:
        if threading.get_ident() not in scheduler.threads or scheduler.is_over or not self._is_owned():
            return _real_wait(self, timeout)
        if timeout is not None and timeout <= 0 and (timeout := scheduler.looked(timeout)) <= 0:
            return _real_wait(self, timeout)  # a look at how things are, for which nobody has to come to rest
        __tracebackhide__ = True
        return _wait_in_line(scheduler, self, timeout)

    return wait


def _wait_in_line(scheduler: Scheduler, condition: Any, timeout: float | None) -> bool:
    """What the original does, with a wait of the scheduler's in the place of a lock."""
    wait = scheduler.make_wait("a condition to be notified", timeout)
    condition._waiters.append(wait)  # noqa: SLF001 - notifying releases what is in there, lock or not
    __tracebackhide__ = True
    saved = condition._release_save()  # noqa: SLF001 - as the original does
    notified = False
    try:
        outcome = scheduler.wait(wait)
        notified = outcome is Outcome.RELEASED
        if outcome is Outcome.OVER:
            notified = wait.acquire_for_real(scheduler.left(wait))
    finally:
        condition._acquire_restore(saved)  # noqa: SLF001 - likewise
        if not notified:
            with suppress(ValueError):
                condition._waiters.remove(wait)  # noqa: SLF001 - likewise
    return notified
