"""Seconds as users write them, and the moments that they lead to."""

from __future__ import annotations

import math
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeGuard

from pytest_ycimages.api.message import SECOND
from pytest_ycimages.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST: Final = 10**11
"""Seconds, some three thousand years: what takes longer is over then, so that every moment can be printed."""


def is_number(value: object) -> TypeGuard[float]:
    """Whether `value` is a number; a bool is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_seconds(value: object) -> TypeGuard[float]:
    """Whether `value` is a number of seconds that something can take: zero or more, and not for ever."""
    return is_number(value) and 0 <= value < math.inf


def seconds_of(name: str, value: object) -> float:
    """Read seconds as users may write them: a number, or one as text.

    Raises:
        UsageError: `value` is none; the text calls it `name`.
    """
    seconds = value
    if isinstance(value, str):
        try:
            seconds = float(value)
        except ValueError:
            seconds = None
    if not is_seconds(seconds):
        raise UsageError(f"{name}={value!r} cannot be: give seconds, zero or more, such as 2.5.")
    return seconds


def nanoseconds(seconds: float) -> int:
    """`seconds` as whole nanoseconds."""
    return round(min(seconds, LONGEST) * SECOND)


MANUAL_START: Final = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * SECOND
"""Where a manual clock and virtual time begin unless told otherwise: 2026-01-01T00:00:00Z."""

_MICROSECOND: Final = timedelta(microseconds=1)
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - frozen time is told without a zone, in UTC
_read_real: Final = time.time_ns
_moving: Final = threading.Lock()


def machine_time() -> int:
    """What the machine's own clock tells, whatever a test has made of time: nanoseconds since the epoch.

    For what has nothing to do with a test's time, such as how old a file is.
    """
    return time.clock_gettime_ns(time.CLOCK_REALTIME) if hasattr(time, "clock_gettime_ns") else _read_real()


class SharedTime(Protocol):
    """Time that the test rules over and that client and double share, while it lasts."""

    def now(self) -> int:
        """Nanoseconds since the epoch."""

    def advance(self, seconds: float) -> None:
        """Move time forward, past everything that happens on the way."""

    def wait_until(self, moment: int) -> None:
        """Come back at `moment`, in nanoseconds since the epoch."""


shared: SharedTime | None = None
"""The time that all doubles follow at present; only virtual time sets it."""


class Clock(Protocol):
    """What time it is for the double."""

    @property
    def began_at(self) -> int:
        """When the present time began to count for this double, in nanoseconds since the epoch."""

    @property
    def is_moved_by_waits(self) -> bool:
        """Whether a wait takes no time, but moves this clock to its end."""

    def now(self) -> int:
        """Nanoseconds since the epoch."""

    def advance(self, seconds: float) -> None:
        """Move time forward.

        Raises:
            UsageError: this clock cannot be moved, or `seconds` is negative.
        """

    def wait_until(self, moment: int, pause: Callable[[float], object]) -> None:
        """Come back at `moment`, in nanoseconds since the epoch.

        A clock that can be moved is moved there; only one that cannot calls `pause`, with the seconds to wait.
        """


class RealClock:
    """The time of the machine, or what the test has made of it: virtual, frozen by freezegun, or time-machine's.

    A machine whose clock is set back does not take the double with it: its time goes on from where it was.

    Attributes:
        last_kind: what told the time when it was asked last.
    """

    def __init__(self) -> None:
        self._set_back = 0
        self._latest = 0
        self._source: object = None
        self.last_kind: ClockKind = "real"
        self.began_at = self.now()

    @property
    def is_moved_by_waits(self) -> bool:
        """Whether the test has frozen time: no real time passes, and virtual time passes by itself."""
        return shared is None and _frozen() is not None

    def now(self) -> int:
        """Nanoseconds since the epoch."""
        if shared is not None:
            return self._from(_frozen() or shared, shared.now())  # a test may freeze time within virtual time
        frozen = _frozen()
        if frozen is not None:
            return self._from(frozen, (frozen_moment(frozen) - _EPOCH) // _MICROSECOND * 1000)
        travel = _travel()
        if travel is not None:
            return self._from(travel, _read_real())
        now = _read_real() + self._set_back
        if self._source is not None or not self._latest:
            self._from(None, now)
        elif now < self._latest:
            self._set_back += self._latest - now
            now = self._latest
        self._latest = now
        return now

    def _from(self, source: object, now: int) -> int:
        """`now`, as `source` tells it; a source that is new begins to count at this moment."""
        if source is not self._source or not self._latest:
            self._source, self._latest, self.began_at = source, now, now
            self.last_kind = kind_of(self)
        return now

    def advance(self, seconds: float) -> None:
        """Move time that is virtual or frozen.

        Raises:
            UsageError: nobody moves real time; or `seconds` is negative, infinite or no number.
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
        """Come back at `moment`, in nanoseconds since the epoch."""
        if shared is not None:
            shared.wait_until(moment)
        elif (frozen := _frozen()) is not None:
            with _moving:  # two calls that are late may wait for the same moment
                move_frozen(frozen, timedelta(microseconds=max(0, moment - self.now()) / 1000))
        elif (left := moment - self.now()) > 0:
            pause(left / SECOND)


class ManualClock:
    """Time that stands still until `advance` moves it, or a latency does."""

    is_moved_by_waits = True

    def __init__(self, start: int = MANUAL_START) -> None:
        self.began_at = start
        self._now = start
        self._lock = threading.Lock()

    def now(self) -> int:
        """Nanoseconds since the epoch."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move time forward by `seconds`, rounded to the nanosecond.

        Raises:
            UsageError: `seconds` is negative, infinite or no number.
        """
        step = checked_step(seconds)
        with self._lock:
            self._now += step

    def wait_until(self, moment: int, pause: Callable[[float], object]) -> None:  # noqa: ARG002 - moved, not waited for
        """Move time forward to `moment`, unless it is past that."""
        with self._lock:
            self._now = max(self._now, moment)


def checked_step(seconds: float) -> int:
    """`seconds` in nanoseconds.

    Raises:
        UsageError: `seconds` is negative, infinite or no number.
    """
    if seconds < 0:
        raise UsageError(f"Cannot advance the clock by {seconds} seconds: time does not go back.")
    if not math.isfinite(seconds):
        raise UsageError(f"Cannot advance the clock by {seconds} seconds: a step has an end.")
    return round(seconds * SECOND)


ClockKind = Literal["real", "manual", "frozen", "virtual"]


def kind_of(clock: Clock) -> ClockKind:
    """What tells a double's time: the machine, the double itself, freezegun, or virtual time."""
    if isinstance(clock, ManualClock):
        return "manual"
    return "virtual" if shared is not None else "real" if _frozen() is None else "frozen"


def last_kind_of(clock: Clock) -> ClockKind:
    """What has told a double's time: once a test is over, its virtual time may be, too."""
    kind = kind_of(clock)
    return clock.last_kind if kind == "real" and isinstance(clock, RealClock) else kind


def _frozen() -> Any:
    """What freezegun tells the time with while a test has frozen it, else None. Does not import freezegun."""
    freezegun = sys.modules.get("freezegun.api")
    factories = getattr(freezegun, "freeze_factories", None)
    return factories[-1] if factories else None


def frozen_moment(frozen: Any) -> datetime:
    """What time it is, without a zone, in UTC. To look moves no time, though the test asked for that with auto_tick."""
    moment: datetime = frozen.time_to_freeze if hasattr(frozen, "step_width") else frozen()
    return moment


def move_frozen(frozen: Any, step: timedelta) -> None:
    """Move frozen time forward. `tick` would take time that runs back to where it was frozen first."""
    if step:
        frozen.move_to(frozen_moment(frozen) + step)


def _travel() -> object:
    """time-machine, while a test travels with it, else None. It changes what the machine's own clock tells."""
    machine = sys.modules.get("time_machine")
    return machine if machine is not None and machine.escape_hatch.is_travelling() else None
