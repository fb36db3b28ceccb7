"""The one module that reads the clock. Time is an integer: nanoseconds since the epoch, so that sums are exact."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime
from typing import Final, Protocol

from pytest_ycimages.api.message import SECOND
from pytest_ycimages.errors import UsageError

MANUAL_START: Final = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * SECOND
"""Where a manual clock begins unless told otherwise: 2026-01-01T00:00:00Z."""


class Clock(Protocol):
    """What time it is for the double."""

    def now(self) -> int:
        """Nanoseconds since the epoch."""

    def advance(self, seconds: float) -> None:
        """Move time forward.

        Raises:
            UsageError: this clock cannot be moved, or `seconds` is negative.
        """


class RealClock:
    """The time of the machine."""

    def now(self) -> int:
        """Nanoseconds since the epoch."""
        return time.time_ns()

    def advance(self, seconds: float) -> None:
        """Refuse: nobody moves real time."""
        raise UsageError(
            f"Cannot advance the clock by {seconds} seconds: this double runs on the real clock. "
            'Give it a clock of its own: Double(clock="manual"), or @pytest.mark.ycimages(clock="manual").'
        )


class ManualClock:
    """Time that stands still until `advance` moves it."""

    def __init__(self, start: int = MANUAL_START) -> None:
        self._now = start

    def now(self) -> int:
        """Nanoseconds since the epoch."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move time forward by `seconds`, rounded to the nanosecond.

        Raises:
            UsageError: `seconds` is negative, infinite or no number.
        """
        if seconds < 0:
            raise UsageError(f"Cannot advance the clock by {seconds} seconds: time does not go back.")
        if not math.isfinite(seconds):
            raise UsageError(f"Cannot advance the clock by {seconds} seconds: a step has an end.")
        self._now += round(seconds * SECOND)
