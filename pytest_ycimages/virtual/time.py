"""What users hold: virtual time, from when it begins to when it ends."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Self

from pytest_ycimages.api.message import SECOND
from pytest_ycimages.cloud import clock
from pytest_ycimages.cloud.clock import checked_step
from pytest_ycimages.errors import UsageError
from pytest_ycimages.server import activity
from pytest_ycimages.virtual.captured import replace_captured
from pytest_ycimages.virtual.files import patch_loops, patch_sockets
from pytest_ycimages.virtual.frozen import FAKES, FrozenTime, real_monotonic, replace
from pytest_ycimages.virtual.queues import SimpleQueue, real_queue
from pytest_ycimages.virtual.scheduler import MICROSECOND, Scheduler
from pytest_ycimages.virtual.threads import patch_threads, real_sleep, sleep
from pytest_ycimages.virtual.wait import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from pytest_ycimages.virtual.wait import Wait

REAL: Final = (
    "_hypothesis_pytestplugin", "_pytest", "execnet", "hypothesis", "multiprocessing", "pluggy",
    "pytest_timeout", "pytest_ycimages.server", "subprocess", "trio", "xdist",
)  # fmt: skip
"""The modules that have real time whichever thread calls them: who measures a test, who deals with processes, and trio.

trio waits in a way that virtual time does not know; with a clock that stood still meanwhile it would wait for ever.
"""

DAY: Final = 24 * 60 * 60


class VirtualTime:
    """Time that passes only when everybody waits, and then at once.

    While it lasts, what the client's threads wait for takes no real time and moves one clock, which the client reads
    with `time.time`, `time.monotonic`, `datetime.now` and their like, and which every double follows. The client's
    threads are the one that enters the context, and those that come from it. All other threads have real time.

    Args:
        start: when it begins, in UTC unless it says otherwise; None: the moment at which the test has frozen time, or
            else 2026-01-01T00:00:00Z.
        real: the names of more modules that have real time, such as those of pytest plugins.

    Raises:
        UsageError: virtual time lasts already, or is over; or `start` is no moment.
    """

    def __init__(self, start: datetime | None = None, *, real: Iterable[str] = ()) -> None:
        moment = None if start is None else _nanoseconds(start)
        self._real = (*REAL, *real)
        self._known: dict[str, bool] = {}
        self._frozen = FrozenTime(moment, self._is_client, self._is_real)
        self._scheduler = Scheduler(self._frozen.move, DAY, real_monotonic)
        self._stack = ExitStack()

    def __repr__(self) -> str:
        """How far it has come."""
        return f"<VirtualTime: {self.elapsed} seconds have passed>"

    def __enter__(self) -> Self:
        """Begin."""
        if clock.shared is not None:
            raise UsageError(
                "Virtual time lasts already, and there is one for the whole process. Use the fixture `ycimages_time` "
                "in the test, or one `with VirtualTime()`, but not both."
            )
        if self._scheduler.is_over:
            raise UsageError("This virtual time is over and does not begin again. Make another: `with VirtualTime():`.")
        self._scheduler.enter(threading.current_thread())
        with ExitStack() as stack:
            stack.callback(self._scheduler.finish)
            self._frozen.freeze(stack)
            replace_captured(stack, {id(real_sleep): sleep, id(real_queue): SimpleQueue}, FAKES, self._is_real)
            patch_threads(stack, self._scheduler, self._is_real)
            patch_sockets(stack, self._scheduler)
            patch_loops(stack, self._scheduler, self._frozen.monotonic)
            replace(stack, activity, "observer", self._scheduler.poke)
            replace(stack, clock, "shared", self)
            stack.callback(self._scheduler.finish)  # before anything is put back, so that nothing moves meanwhile
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End: what still waits goes on in real time."""
        self._stack.close()

    def _is_client(self) -> bool:
        return threading.get_ident() in self._scheduler.threads

    def _is_real(self, module: str) -> bool:
        known = self._known.get(module)
        if known is None:
            known = any(module == each or module.startswith(f"{each}.") for each in self._real)
            self._known[module] = known
        return known

    # What time it is.

    @property
    def elapsed(self) -> float:
        """The seconds that have passed since it began."""
        return self._scheduler.elapsed / MICROSECOND

    def now(self) -> int:
        """What time it is for client and doubles: nanoseconds since the epoch."""
        return self._frozen.now()

    def __str__(self) -> str:
        """The moment, as RFC 3339 writes it."""
        return (datetime.fromtimestamp(0, UTC) + timedelta(microseconds=self.now() // 1000)).isoformat()

    @property
    def horizon(self) -> float:
        """The seconds that may pass; whoever waits beyond them fails. A day, unless set; `advance` moves it along."""
        return self._scheduler.horizon

    @horizon.setter
    def horizon(self, seconds: float) -> None:
        if not (isinstance(seconds, int | float) and seconds > 0):  # type: ignore[redundant-expr] # mypy believes callers
            raise UsageError(f"horizon = {seconds!r} cannot be: it is a number of seconds, more than none.")
        self._scheduler.horizon = seconds

    # What moves it.

    def advance(self, seconds: float) -> None:
        """Let time pass, as if the calling thread had slept: all that ends on the way ends in its order.

        Raises:
            UsageError: `seconds` is negative, infinite or no number.
        """
        step = checked_step(seconds) / SECOND
        self._scheduler.horizon += step
        self._pass(step)

    def wait_until(self, moment: int) -> None:
        """Come back at `moment`, in nanoseconds since the epoch, on whatever thread this is.

        Raises:
            ConnectionAbortedError: the double whose thread this is has been closed meanwhile.
        """
        if self._pass((moment - self.now()) / SECOND) is Outcome.SHUT:
            raise ConnectionAbortedError("The double was closed while this call was waiting for its latency")

    # Trials: one client after the other, each as if it were the first.

    def watch(self, thread: threading.Thread, seconds: float, patience: float) -> Wait:
        """A wait for a thread that the calling one has started: until it ends, for so many seconds at most.

        It ends early as stuck when nothing has happened for `patience` real seconds. Begin it with `wait_for`.
        """
        return self._scheduler.watch(thread, seconds, patience)

    def tell_of_refusals(self, on_refusal: Callable[[], None] | None) -> None:
        """Call `on_refusal` for each connection that the client is refused from now on; None: nobody is told."""
        self._scheduler.on_refusal = on_refusal

    def wait_for(self, wait: Wait) -> Outcome:
        """Wait, on the thread that made the wait; how that ended."""
        return self._scheduler.wait(wait)

    def evict(self, client: threading.Thread) -> list[threading.Thread]:
        """End `client` and what threads it has left behind, as soon as they wait; those that are to end."""
        return self._scheduler.evict(client)

    def begin_again(self) -> None:
        """Go back to where it began. The client's threads but the calling one have real time from here on."""
        self._scheduler.begin_again()
        self._frozen.begin_again()

    def _pass(self, seconds: float) -> Outcome | None:
        __tracebackhide__ = True
        if seconds <= 0:
            return None
        return self._scheduler.wait(self._scheduler.make_wait(f"{seconds} seconds to pass", seconds))


def _nanoseconds(moment: datetime) -> int:
    """A moment since the epoch. One without a zone is taken to be in UTC, as freezegun does."""
    if not isinstance(moment, datetime):
        raise UsageError(f"start = {moment!r} cannot be: it is a datetime, such as datetime(2026, 1, 1, tzinfo=UTC).")
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1) * 1000
