"""Timings that differ from one operation to the next: the seed decides how long each one takes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

from pytest_ycimages.cloud.clock import is_seconds, nanoseconds
from pytest_ycimages.cloud.timing import Schedule, Start
from pytest_ycimages.errors import UsageError

_NORMAL: Final = NormalDist()
_LEAST: Final = 2.0**-54
"""What stands for a draw of zero: half a step of what is drawn."""


@dataclass(frozen=True, slots=True)
class Uniform:
    """Done after a time between two bounds, each of which is as likely as the other.

    Attributes:
        shortest: seconds, zero or more.
        longest: seconds, not less than `shortest`.

    Raises:
        UsageError: a bound is negative, infinite or no number, or the bounds are the wrong way round.
    """

    shortest: float
    longest: float

    def __post_init__(self) -> None:
        if not (is_seconds(self.shortest) and is_seconds(self.longest)):
            raise UsageError(f"{self!r} cannot be: an operation takes zero seconds or more, and ends some day.")
        if self.shortest > self.longest:
            raise UsageError(
                f"{self!r} cannot be: the first bound is the lower one. Write Uniform({self.longest}, {self.shortest})."
            )

    def schedule(self, start: Start) -> Schedule:
        """End after a time that is drawn."""
        seconds = self.shortest + start.draw() * (self.longest - self.shortest)
        return Schedule(ends_at=start.at + nanoseconds(seconds))


@dataclass(frozen=True, slots=True)
class LogNormal:
    """Done after a time that is mostly near the median and sometimes much longer, as waits for a service are.

    Attributes:
        median: seconds that half of the operations stay under, more than zero.
        sigma: how far they spread, zero or more: the standard deviation of the logarithm. With 0.4, two of three take
            between 0.67 and 1.49 times the median, and one in a hundred takes more than 2.5 times that.
        cap: seconds that none takes more than, not less than the median; None for no such limit.

    Raises:
        UsageError: a value that cannot be; the text says what can.
    """

    median: float
    sigma: float
    cap: float | None = None

    def __post_init__(self) -> None:
        if not is_seconds(self.median) or not self.median:
            raise UsageError(f"{self!r} cannot be: the median is more than zero seconds, such as LogNormal(12, 0.4).")
        if not is_seconds(self.sigma):
            raise UsageError(f"{self!r} cannot be: sigma is zero or more, such as LogNormal({self.median}, 0.4).")
        if self.cap is not None and not (is_seconds(self.cap) and self.cap >= self.median):
            raise UsageError(
                f"{self!r} cannot be: the cap is in seconds, and not less than the median of {self.median}; "
                "without a limit, leave it out."
            )

    def schedule(self, start: Start) -> Schedule:
        """End after a time that is drawn."""
        deviation = _NORMAL.inv_cdf(start.draw() or _LEAST)
        seconds = self.median * math.exp(min(self.sigma * deviation, 700))  # e^700: near the largest float
        return Schedule(ends_at=start.at + nanoseconds(seconds if self.cap is None else min(seconds, self.cap)))
