"""`queue.SimpleQueue` in virtual time: executors take work from it, and the original waits where nobody sees it."""

from __future__ import annotations

import queue
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from pytest_ycimages.virtual import rule
from pytest_ycimages.virtual.scheduler import MICROSECOND
from pytest_ycimages.virtual.wait import Outcome

if TYPE_CHECKING:
    from pytest_ycimages.virtual.scheduler import Scheduler
    from pytest_ycimages.virtual.wait import Wait

real_queue: Final = queue.SimpleQueue


class SimpleQueue(real_queue):  # type: ignore[misc, valid-type] # at run time it takes no parameter
    """A queue that was made in virtual time. Before and afterwards it is as any other."""

    def __init__(self) -> None:
        self._waits: list[Wait] = []

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:  # noqa: FBT001, FBT002 - as the original
        """Put an item in; never blocks."""
        super().put(item, block, timeout)
        while self._waits:  # all of them: whoever finds nothing waits again
            with suppress(RuntimeError, IndexError):  # it had ended already, or another thread was quicker
                self._waits.pop().release()

    def put_nowait(self, item: Any) -> None:
        """Put an item in."""
        self.put(item)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:  # noqa: FBT001, FBT002 - as the original
        """Take the oldest item out, once there is one.

        Raises:
            queue.Empty: there was none, for `timeout` seconds.
        """
        now = rule.at_present
        if now is None or threading.get_ident() not in now.scheduler.threads:
            return super().get(block, timeout)
        if not block or (timeout is not None and timeout < 0):
            return super().get(block, timeout)
        if timeout == 0 and (timeout := now.scheduler.looked(timeout)) == 0:
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
            self._waits.append(wait)  # before the look, so that nothing that comes after it is missed
            with suppress(queue.Empty):
                return super().get(block=False)
            outcome = scheduler.wait(wait)
            if outcome is not Outcome.RELEASED:
                return super().get(block=outcome is Outcome.OVER, timeout=scheduler.left(wait))
