"""Virtual time as users control it, and real time in its place for services in another process."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Final, Self

from pytest_ycimages.api.message import SECOND
from pytest_ycimages.cloud import clock
from pytest_ycimages.cloud.clock import checked_step, machine_time
from pytest_ycimages.errors import UsageError
from pytest_ycimages.network.patching import replace
from pytest_ycimages.server import activity
from pytest_ycimages.virtual.captured import loaded_modules, put_back, replace_captured
from pytest_ycimages.virtual.frozen import CALENDAR, CLOCKS, REAL_ONES, FrozenTime, is_frozen, real_monotonic
from pytest_ycimages.virtual.idle import IdleDetector
from pytest_ycimages.virtual.patch_libraries import patch_libraries
from pytest_ycimages.virtual.patch_sockets import patch_loops, patch_sockets
from pytest_ycimages.virtual.patch_threads import SimpleQueue, patch_threads, real_queue, real_sleep, sleep
from pytest_ycimages.virtual.scheduler import Scheduler, in_force
from pytest_ycimages.virtual.wait import MICROSECOND, Outcome
from pytest_ycimages.virtual.watchdog import Watchdog
from pytest_ycimages.words import sealed

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

REAL: Final = (
    "_hypothesis_pytestplugin", "_pydevd_bundle", "_pytest", "debugpy", "execnet", "grpc", "hypothesis",
    "multiprocessing", "pluggy", "pydevd", "pytest_timeout", "pytest_ycimages.server", "subprocess", "xdist",
)  # fmt: skip
"""The modules that have real time on every thread: test runners, debuggers, process handling, and grpcio."""

DAY: Final = 24 * 60 * 60


@sealed
class VirtualTime:
    """Time that passes only when every thread of the client waits, and then at once.

    Waits of the client's threads take no real time. They move one clock, which the client reads with `time.time`,
    `time.monotonic`, `datetime.now` and similar functions, and which every double follows. The client's threads are the
    one that enters the context and those started from it. All other threads have real time.

    Args:
        start: the first moment, in UTC unless it has a zone; None: the moment that the test has frozen or travelled to,
            or else 2026-01-01T00:00:00Z.
        real: names of more modules that have real time, such as those of pytest plugins.
        patience: real seconds without progress after which it fails with a VirtualTimeError in the thread that began
            it; None: two.

    Attributes:
        scheduler: knows the client's threads and waits; experiments use it.

    Raises:
        UsageError: virtual time is in force already, or has ended; or an argument is invalid.
    """

    def __init__(
        self, start: datetime | None = None, *, real: Iterable[str] = (), patience: float | None = None
    ) -> None:
        moment = None if start is None else _nanoseconds("start", start)
        names = tuple(f"{each}." for each in (*REAL, *real))
        self._is_real = cache(lambda module: f"{module}.".startswith(names))
        self._frozen = FrozenTime(moment, self._is_client, self._is_real)
        self._idle = IdleDetector(real_monotonic, patience if patience is None else _positive("patience", patience, 2))
        self.scheduler = Scheduler(self._frozen.move, DAY, self._idle, self._is_real)
        self._watchdog = Watchdog(self.scheduler, self._idle, self._frozen.reads, real_monotonic)
        self._stack = ExitStack()

    def __repr__(self) -> str:
        """Show the elapsed seconds."""
        return f"<VirtualTime: {self.elapsed} seconds have passed>"

    def __enter__(self) -> Self:
        """Start virtual time."""
        if clock.shared is not None:
            raise UsageError(
                "Virtual time is in force already, and a process has only one. Use the fixture `ycimages_time` in the "
                "test, or one `with VirtualTime()`, but not both."
            )
        if clock.sending:
            raise UsageError(
                "A double of this process sends requests to a service, which runs on real time: a client that skips "
                "its waits would send it thousands of requests. Use the fixture `ycimages_time`, which is real time "
                "in a test that records or verifies."
            )
        if self.scheduler.is_over:
            raise UsageError(
                "This virtual time has ended and cannot start again. Create another: `with VirtualTime():`."
            )
        self.scheduler.enter(threading.current_thread())
        with ExitStack() as stack:
            stack.callback(self.scheduler.finish)
            self._watchdog.start()  # before threads are patched, so that its thread has real time
            stack.callback(self._watchdog.stop)
            stack.callback(self._put_back, loaded_modules())
            self._frozen.freeze(stack)
            functions = {id(real_sleep): sleep, id(real_queue): SimpleQueue}
            replace_captured(stack, {**CLOCKS, **functions}, CALENDAR, self._is_real)
            in_force.append(self.scheduler)
            stack.callback(in_force.remove, self.scheduler)
            patch_threads(stack)
            patch_sockets(stack)
            patch_loops(stack, self._frozen.monotonic)
            patch_libraries(stack, self._frozen.monotonic)
            replace(stack, activity, "observer", self.scheduler.recheck)
            replace(stack, clock, "shared", self)
            stack.callback(self.scheduler.finish)  # before anything is restored, so that time does not move meanwhile
            self._stack = stack.pop_all()
        return self

    @staticmethod
    def _put_back(known: dict[str, int]) -> None:
        if not is_frozen():  # else what was loaded meanwhile reads the frozen time of the test
            put_back(REAL_ONES, known)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End virtual time: remaining waits continue in real time."""
        self._stack.close()

    def _is_client(self) -> bool:
        return threading.get_ident() in self.scheduler.threads

    # What time it is.

    @property
    def elapsed(self) -> float:
        """The seconds that have passed since the start."""
        return self.scheduler.elapsed / MICROSECOND

    def now(self) -> int:
        """Return the time of client and doubles, in nanoseconds since the epoch."""
        return self._frozen.now()

    def __str__(self) -> str:
        """Return the moment in RFC 3339 form."""
        return (datetime.fromtimestamp(0, UTC) + timedelta(microseconds=self.now() // 1000)).isoformat()

    @property
    def horizon(self) -> float:
        """The seconds that may pass; a wait beyond them fails. A day by default; `advance` extends it."""
        return self.scheduler.horizon

    @horizon.setter
    def horizon(self, seconds: float) -> None:
        self.scheduler.horizon = _positive("horizon", seconds, 86400)

    @property
    def patience(self) -> float:
        """The real seconds without progress after which virtual time fails. Two by default."""
        return self._idle.patience

    @patience.setter
    def patience(self, seconds: float) -> None:
        self._idle.patience = _positive("patience", seconds, 20)

    # What moves it.

    def advance(self, seconds: float) -> None:
        """Let time pass, as if the calling thread slept: waits that end meanwhile end in their order.

        Raises:
            UsageError: `seconds` is negative, infinite or not a number.
        """
        step = checked_step(seconds) / SECOND
        self.scheduler.horizon += step
        self._pass(step)

    def travel(self, destination: datetime | timedelta) -> None:
        """Let time pass until a moment, or for a duration, as `advance` does.

        Raises:
            UsageError: the moment has passed already, or `destination` is neither a datetime nor a timedelta.
        """
        if isinstance(destination, timedelta):
            self.advance(destination.total_seconds())
            return
        seconds = (_nanoseconds("destination", destination) - self.now()) / SECOND
        if seconds < 0:
            raise UsageError(
                f"invalid destination {destination}: it is {self} already, and time cannot go back. Begin earlier: "
                "VirtualTime(datetime(2026, 5, 1, tzinfo=UTC)), or freeze_time around the test."
            )
        self.advance(seconds)

    def wait_until(self, moment: int, descriptors: tuple[int, ...] = ()) -> None:
        """Wait until `moment`, in nanoseconds since the epoch, on any thread.

        Args:
            moment: when it ends.
            descriptors: file descriptors that end it before, once one is readable.

        Raises:
            ConnectionAbortedError: the double that owns this thread was closed meanwhile.
        """
        if self._pass((moment - self.now()) / SECOND, descriptors) is Outcome.SHUT:
            raise ConnectionAbortedError("The double was closed while this call was waiting for its latency")

    def begin_again(self) -> None:
        """Reset to the start. All threads of the client but the calling one have real time from now on."""
        self.scheduler.begin_again()
        self._frozen.begin_again()

    def _pass(self, seconds: float, descriptors: tuple[int, ...] = ()) -> Outcome | None:
        __tracebackhide__ = True
        if seconds <= 0:
            return None
        return self.scheduler.wait(self.scheduler.make_wait(f"{seconds} seconds to pass", seconds, descriptors))


def _nanoseconds(name: str, moment: datetime) -> int:
    """Return a moment in nanoseconds since the epoch. Without a zone it means UTC, as in freezegun."""
    if not isinstance(moment, datetime):
        raise UsageError(f"invalid {name} {moment!r}: expected a datetime, such as datetime(2026, 1, 1, tzinfo=UTC).")
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1) * 1000


def _positive(name: str, seconds: float, example: int) -> float:
    if not (isinstance(seconds, int | float) and seconds > 0):  # type: ignore[redundant-expr] # mypy believes callers
        raise UsageError(f"invalid {name} {seconds!r}: expected a positive number of seconds, such as {example}.")
    return seconds


class RealTime(VirtualTime):
    """Time that passes by itself, with the methods of virtual time: waits wait, and `advance` sleeps."""

    def __init__(self) -> None:
        super().__init__()
        self._began = real_monotonic()

    def __enter__(self) -> Self:
        """Start."""
        self._began = real_monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Change nothing: time goes on."""

    @property
    def elapsed(self) -> float:
        """The seconds that have passed since the start."""
        return real_monotonic() - self._began

    def now(self) -> int:
        """Return the machine's time, in nanoseconds since the epoch."""
        return machine_time()

    def advance(self, seconds: float) -> None:
        """Wait for so many real seconds.

        Raises:
            UsageError: `seconds` is negative, infinite or not a number.
        """
        time.sleep(checked_step(seconds) / SECOND)

    def wait_until(self, moment: int, descriptors: tuple[int, ...] = ()) -> None:
        """Wait until `moment`, in nanoseconds since the epoch, or until a file descriptor is readable."""
        left = max(0, moment - machine_time()) / SECOND
        if descriptors:
            activity.readable(descriptors, left)
        else:
            time.sleep(left)
