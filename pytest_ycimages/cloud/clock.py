"""Clocks and durations. The only module that reads the clock.

Times are integers, nanoseconds since the epoch, so that sums are exact.
"""

from __future__ import annotations

import datetime as dt
import sys
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol
from weakref import WeakSet

from pytest_ycimages.api.message import LAST_SECOND, SECOND
from pytest_ycimages.errors import UsageError
from pytest_ycimages.words import sealed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def moment_of(name: str, value: object) -> int:
    """Read a moment, an aware datetime or RFC 3339, as nanoseconds since the epoch.

    Raises:
        UsageError: `value` is neither, names no time zone, or is outside the years 1970 to 9999.
    """
    moment = value
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            moment = None
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        why = "it names no time zone; " if isinstance(value, datetime) else ""
        raise UsageError(
            f"invalid {name}={value!r}: {why}expected an aware datetime, such as datetime(2026, 1, 1, tzinfo=UTC), "
            "or RFC 3339, such as 2026-01-01T00:00:00Z."
        )
    since = (moment - _EPOCH.replace(tzinfo=UTC)) // _MICROSECOND * 1000
    if not 0 <= since <= LAST_SECOND * SECOND:
        raise UsageError(f"invalid {name}={value!r}: expected a moment in the years 1970 to 9999 of UTC.")
    return since


MANUAL_START: Final = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * SECOND
"""The default start of a manual clock and of virtual time: 2026-01-01T00:00:00Z."""

_MOVERS: Final = ("freezegun.api", "time_machine")
"""The modules with which a test may move time."""
_MICROSECOND: Final = timedelta(microseconds=1)
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - frozen time has no zone and means UTC
_read_real: Final = time.time_ns
_moving: Final = threading.Lock()


def machine_time() -> int:
    """Return the machine's own time in nanoseconds since the epoch, whatever a test has frozen.

    Use it for values that are independent of a test's time, such as the age of a file.
    """
    travel = _travel()
    if travel is not None:
        return int(travel.escape_hatch.time.time_ns())
    return time.clock_gettime_ns(time.CLOCK_REALTIME) if hasattr(time, "clock_gettime_ns") else _read_real()


class SharedTime(Protocol):
    """Time that a test controls and that client and double share."""

    def now(self) -> int:
        """Return nanoseconds since the epoch."""

    def advance(self, seconds: float) -> None:
        """Move time forward, through all events on the way."""

    def wait_until(self, moment: int, descriptors: tuple[int, ...] = ()) -> None:
        """Wait until `moment`, in nanoseconds since the epoch, or until a file descriptor is readable."""


shared: SharedTime | None = None
"""The time that all doubles follow, or None; only virtual time sets it."""

sending: Final = WeakSet["MachineClock"]()
"""The clocks of doubles that send requests to a service in another process; meanwhile virtual time must not start."""


class Clock(Protocol):
    """The time of a double."""

    @property
    def began_at(self) -> int:
        """When this source of time began to count for the double, in nanoseconds since the epoch."""

    @property
    def is_moved_by_waits(self) -> bool:
        """Whether a wait moves this clock to its end instead of taking time."""

    @property
    def last_kind(self) -> ClockKind:
        """The source of time at the last reading."""

    def now(self) -> int:
        """Return nanoseconds since the epoch."""

    def advance(self, seconds: float) -> None:
        """Move time forward.

        Raises:
            UsageError: this clock cannot be moved, or `seconds` is negative.
        """

    def wait_until(self, moment: int, pause: Callable[[float], object]) -> None:
        """Wait until `moment`, in nanoseconds since the epoch.

        A clock that can be moved is moved there. One that cannot calls `pause` with the seconds to wait.
        """


class _Reading:
    """The last reading of a clock: a plain object, whose attributes cost less to set than those of a sealed one."""

    __slots__ = ("latest", "set_back", "source")

    def __init__(self) -> None:
        self.latest = 0
        self.set_back = 0
        self.source: object = None


@sealed
class RealClock:
    """The time of the machine, or of the test's virtual time, freezegun or time-machine.

    When the machine's clock is set back, or virtual time ends that was ahead of it, the double's time continues from
    where it was.

    Attributes:
        last_kind: the source of time at the last reading.
    """

    def __init__(self) -> None:
        self._reading = _Reading()
        self.last_kind: ClockKind = "real"
        self.began_at = self.now()

    @property
    def is_moved_by_waits(self) -> bool:
        """Whether freezegun has frozen time, which only waits then move."""
        return shared is None and _frozen() is not None

    def now(self) -> int:
        """Return nanoseconds since the epoch."""
        if shared is not None:
            return self._from(_frozen() or shared, shared.now())  # a test may freeze time within virtual time
        if not sys.modules.keys().isdisjoint(_MOVERS):
            frozen = _frozen()
            if frozen is not None:
                return self._from(frozen, (frozen_moment(frozen) - _EPOCH) // _MICROSECOND * 1000)
            travel = _travel()
            if travel is not None:
                return self._from(travel, _read_real())
        reading = self._reading
        now = _read_real() + reading.set_back
        if now < reading.latest and (reading.source is None or self.last_kind == "virtual"):
            reading.set_back += reading.latest - now
            now = reading.latest
        if reading.source is not None or not reading.latest:
            return self._from(None, now)
        reading.latest = now
        return now

    def _from(self, source: object, now: int) -> int:
        """Return `now` of a source; a new source begins to count at this moment."""
        reading = self._reading
        if source is not reading.source or not reading.latest:
            reading.source, self.began_at = source, now
            self.last_kind = kind_of(self)
        reading.latest = now
        return now

    def advance(self, seconds: float) -> None:
        """Move virtual or frozen time.

        Raises:
            UsageError: the clock is real; or `seconds` is negative, infinite or not a number.
        """
        step = checked_step(seconds)
        if shared is not None:
            shared.advance(seconds)
        elif (frozen := _frozen()) is not None:
            with _moving:
                move_frozen(frozen, timedelta(microseconds=step / 1000))
        else:
            raise UsageError(
                f"Cannot advance the clock by {seconds} seconds: this double runs on the real clock. "
                "Ask for the fixture `ycimages_time`, which the client's clock follows as well; or give the double "
                'a clock of its own: Double(clock="manual"), or @pytest.mark.ycimages(clock="manual").'
            )

    def wait_until(self, moment: int, pause: Callable[[float], object]) -> None:
        """Wait until `moment`, in nanoseconds since the epoch."""
        if shared is not None:
            shared.wait_until(moment)
        elif (frozen := _frozen()) is not None:
            with _moving:  # two late calls may wait for the same moment
                move_frozen(frozen, timedelta(microseconds=max(0, moment - self.now()) / 1000))
        elif (left := moment - self.now()) > 0:
            pause(left / SECOND)


@sealed
class MachineClock:
    """The machine's own time, whatever a test has frozen: that of a service in another process."""

    is_moved_by_waits = False
    last_kind: Final = "real"

    def __init__(self) -> None:
        self.began_at = machine_time()

    def now(self) -> int:
        """Return nanoseconds since the epoch."""
        return machine_time()

    def advance(self, seconds: float) -> None:
        """Refuse.

        Raises:
            UsageError: always.
        """
        raise UsageError(
            f"Cannot advance the clock by {seconds} seconds: this double runs on the real clock, as the service does "
            "that it sends requests to."
        )

    def wait_until(self, moment: int, pause: Callable[[float], object]) -> None:
        """Wait until `moment`, in nanoseconds since the epoch."""
        if (left := moment - self.now()) > 0:
            pause(left / SECOND)


@sealed
class ManualClock:
    """Time that stands still until `advance` or a latency moves it, at most to the end of the year 9999."""

    is_moved_by_waits = True
    last_kind: Final = "manual"

    def __init__(self, start: int = MANUAL_START) -> None:
        self.began_at = start
        self._now = start
        self._lock = threading.Lock()

    def now(self) -> int:
        """Return nanoseconds since the epoch."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move time forward by `seconds`, rounded to the nanosecond.

        Raises:
            UsageError: `seconds` is negative, infinite or not a number.
        """
        step = checked_step(seconds)
        with self._lock:
            self._now = min(self._now + step, LAST_SECOND * SECOND)

    def wait_until(self, moment: int, pause: Callable[[float], object]) -> None:  # noqa: ARG002 - moved, not waited for
        """Move time forward to `moment`, unless it is past it already."""
        with self._lock:
            self._now = max(self._now, min(moment, LAST_SECOND * SECOND))


def checked_step(seconds: float) -> int:
    """Return `seconds` in nanoseconds.

    Raises:
        UsageError: `seconds` is negative, infinite or not a number.
    """
    if seconds < 0:
        raise UsageError(f"Cannot advance the clock by {seconds} seconds: time cannot go back.")
    if not seconds <= LAST_SECOND:
        raise UsageError(f"Cannot advance the clock by {seconds!s:.40} seconds: its time ends with the year 9999.")
    return round(seconds * SECOND)


ClockKind = Literal["real", "manual", "frozen", "virtual"]


def kind_of(clock: Clock) -> ClockKind:
    """Return the source of a double's time: the machine, the double, freezegun or virtual time."""
    if isinstance(clock, ManualClock):
        return "manual"
    if isinstance(clock, MachineClock):
        return "real"
    return "virtual" if shared is not None else "real" if _frozen() is None else "frozen"


def last_kind_of(clock: Clock) -> ClockKind:
    """Return the last source of a double's time, since virtual time may have ended before a report is made."""
    kind = kind_of(clock)
    return clock.last_kind if kind == "real" else kind


def _frozen() -> Any:
    """Return the active factory of freezegun, or None, without importing freezegun."""
    freezegun = sys.modules.get("freezegun.api")
    factories = getattr(freezegun, "freeze_factories", None)
    return factories[-1] if factories else None


@contextmanager
def unfrozen_datetimes() -> Iterator[None]:
    """Give `datetime.datetime` back its own type meanwhile: compiled code accepts no replacement of it."""
    kept = dt.datetime, dt.date
    api: Any = sys.modules.get("freezegun.api")
    if api is not None:
        dt.datetime, dt.date = api.real_datetime, api.real_date  # type: ignore[misc]
    try:
        yield
    finally:
        dt.datetime, dt.date = kept  # type: ignore[misc]


def frozen_moment(frozen: Any) -> datetime:
    """Return the frozen moment in UTC, without a zone. Reading it does not tick, even with auto_tick."""
    moment: datetime = frozen.time_to_freeze if hasattr(frozen, "step_width") else frozen()
    return moment


def move_frozen(frozen: Any, step: timedelta) -> None:
    """Move frozen time forward. freezegun's own `tick` would reset running time to where it was frozen."""
    if step:
        frozen.move_to(frozen_moment(frozen) + step)


def travelled_moment() -> int | None:
    """Return the nanoseconds since the epoch to which a test has travelled with time-machine, or None."""
    return None if _travel() is None else _read_real()


def _travel() -> Any:
    """Return time-machine while a test travels with it, or None. It changes the machine's own clock."""
    machine = sys.modules.get("time_machine")
    return machine if type(machine) is ModuleType and machine.escape_hatch.is_travelling() else None
