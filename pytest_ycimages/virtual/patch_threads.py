"""Patches for threads, conditions, queues, signals and sleeping, so that the scheduler knows every wait of the client.

Each function in the place of another asks at each call which virtual time is in force. So one that code has captured
works in the next virtual time and in real time, too.
"""

from __future__ import annotations

import functools
import queue
import signal
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from pytest_ycimages.network.patching import replace
from pytest_ycimages.virtual.scheduler import of_client
from pytest_ycimages.virtual.wait import MICROSECOND, Evicted, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from pytest_ycimages.virtual.scheduler import Scheduler
    from pytest_ycimages.virtual.wait import Wait

real_queue: Final = queue.SimpleQueue
real_sleep: Final = time.sleep
real_join: Final = threading.Thread.join


def patch(stack: ExitStack, owner: Any, name: str, virtual: Callable[..., Any]) -> None:
    """Replace a function for the client's threads until `stack` unwinds.

    Args:
        stack: restores it.
        owner: the module or class that has it.
        name: its name there.
        virtual: called in its place with the scheduler, the original, and the arguments.
    """
    original = getattr(owner, name)

    @functools.wraps(original)
    def replacement(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        scheduler = of_client()
        return original(*args, **kwargs) if scheduler is None else virtual(scheduler, original, *args, **kwargs)

    replace(stack, owner, name, replacement)


def patch_threads(stack: ExitStack) -> None:
    """Report the client's threads and their waits to the scheduler in force until `stack` unwinds."""
    replace(stack, time, "sleep", sleep)
    patch(stack, threading.Thread, "start", _start)
    patch(stack, threading.Thread, "join", _join)
    patch(stack, threading.Condition, "wait", _wait)
    replace(stack, queue, "SimpleQueue", SimpleQueue)
    if hasattr(signal, "sigwaitinfo"):
        patch(stack, signal, "sigwait", _sigwait)


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
        scheduler = of_client()
        if scheduler is None or not block or (timeout is not None and timeout < 0):
            return super().get(block, timeout)
        if timeout == 0 and (timeout := scheduler.zero_wait(timeout)) == 0:
            return super().get(block, timeout)
        return self._get_in_line(scheduler, timeout)

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
                return super().get(block=outcome is Outcome.OVER, timeout=wait.left(scheduler.elapsed))


class _Sleep:
    """`time.sleep` in virtual time for the client's threads, and the original for all others.

    Like the original, it does not become a method when it is an attribute of a class.
    """

    __name__ = "sleep"

    def __call__(self, seconds: float, /) -> None:
        scheduler = of_client()
        if scheduler is not None and seconds == 0:
            seconds = scheduler.zero_wait(seconds)
        caller = sys._getframe(1).f_globals.get("__name__", "")  # noqa: SLF001 - the calling module decides
        if scheduler is None or not seconds > 0 or scheduler.is_real(caller):
            real_sleep(seconds)  # which also refuses invalid values
            return
        __tracebackhide__ = True
        wait = scheduler.make_wait(f"time.sleep({seconds!r})", seconds)
        if scheduler.wait(wait) is Outcome.OVER:
            real_sleep(wait.left(scheduler.elapsed) or 0)


sleep: Final = _Sleep()


def _start(scheduler: Scheduler, start: Callable[[threading.Thread], None], thread: threading.Thread) -> None:
    if getattr(thread, "_ident", 0) is not None:
        start(thread)  # which refuses a thread that was started, or never initialised
        return
    if not scheduler.is_real(sys._getframe(2).f_globals.get("__name__", "")):  # noqa: SLF001 - the calling module decides
        _start_known(scheduler, start, thread)
        return
    starter = threading.get_ident()
    me = scheduler.threads.pop(starter)  # until the other has started, this one waits in real time
    try:
        start(thread)
    finally:
        scheduler.threads[starter] = me


def _start_known(scheduler: Scheduler, start: Callable[[threading.Thread], None], thread: threading.Thread) -> None:
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
        start(thread)
    except BaseException:
        put_back()
        scheduler.leave(thread)
        raise


def _join(
    scheduler: Scheduler, join: Callable[..., None], thread: threading.Thread, timeout: float | None = None
) -> None:
    if timeout is not None and timeout <= 0 and (timeout := scheduler.zero_wait(timeout)) <= 0:
        join(thread, timeout)
        return
    __tracebackhide__ = True
    if thread is threading.current_thread() or not scheduler.knows(thread):
        join(thread, timeout)
        return
    wait = scheduler.watch(thread, timeout)
    outcome = scheduler.wait(wait)
    if outcome is Outcome.RELEASED:
        join(thread)  # it has ended except for its last steps
    elif outcome is Outcome.OVER:
        join(thread, wait.left(scheduler.elapsed))


def _wait(scheduler: Scheduler, wait: Callable[..., bool], condition: Any, timeout: float | None = None) -> bool:
    """`Condition.wait`, on which events, semaphores, barriers, queues and futures are built."""
    if scheduler.is_over or not condition._is_owned():  # noqa: SLF001 - as the original does
        return wait(condition, timeout)
    if timeout is not None and timeout <= 0 and (timeout := scheduler.zero_wait(timeout)) <= 0:
        return wait(condition, timeout)  # a check of the present state, which waits for no other thread
    __tracebackhide__ = True
    return _wait_in_line(scheduler, condition, timeout)


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
            notified = wait.acquire_for_real(wait.left(scheduler.elapsed))
    finally:
        condition._acquire_restore(saved)  # noqa: SLF001 - as the original does
        if not notified:
            with suppress(ValueError):
                condition._waiters.remove(wait)  # noqa: SLF001 - as the original does
    return notified


def _sigwait(_scheduler: Scheduler, _sigwait: Callable[..., int], signals: Any) -> int:
    """`signal.sigwait` that the watchdog can end, as the C library's own cannot be interrupted."""
    return signal.sigwaitinfo(signals).si_signo
