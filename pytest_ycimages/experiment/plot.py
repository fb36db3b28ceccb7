"""The geometry of the plots: seconds on an axis that has room for one second and for an hour. Knows no markup."""

from __future__ import annotations

from collections import Counter
from math import log, sqrt
from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_STEPS: Final = (
    (0.1, "0.1 s"),
    (1, "1 s"),
    (10, "10 s"),
    (60, "1 min"),
    (600, "10 min"),
    (3600, "1 h"),
    (36000, "10 h"),
)
"""Where an axis may begin and end, and what is written there."""
_SMALLEST: Final = 3.0
"""The radius of a dot that is one trial."""
_GROWTH: Final = 1.0
"""How much larger a dot gets; it shall be seen to be larger, and not to be twice as large."""


class Tick(NamedTuple):
    """A mark on an axis: where, from 0 to 1, and what is written there."""

    at: float
    words: str


class Dot(NamedTuple):
    """Trials that took the same time: where, from 0 to 1, how large, how many, and how many seconds."""

    at: float
    radius: float
    trials: int
    seconds: float


class Strip(NamedTuple):
    """The distribution of some times: a dot for each, and where the least, the median and the most of them are."""

    dots: tuple[Dot, ...]
    least: float
    median: float
    most: float


class Axis(NamedTuple):
    """A logarithmic axis of seconds.

    Attributes:
        steps: the marks on it, the ends included.
    """

    steps: tuple[tuple[float, str], ...]

    @property
    def ticks(self) -> list[Tick]:
        """The marks, from left to right."""
        return [Tick(self.at(seconds), words) for seconds, words in self.steps]

    def at(self, seconds: float) -> float:
        """Where a number of seconds is, from 0 to 1; what is beyond an end is at that end."""
        start, end = self.steps[0][0], self.steps[-1][0]
        return log(min(max(seconds, start), end) / start) / log(end / start)

    def strip(self, seconds: Sequence[float]) -> Strip | None:
        """The distribution of some times; None if there are none."""
        if not seconds:
            return None
        dots = (
            Dot(self.at(value), _SMALLEST + _GROWTH * sqrt(count - 1), count, value)
            for value, count in sorted(Counter(seconds).items())
        )
        return Strip(tuple(dots), *(self.at(value) for value in (min(seconds), median(seconds), max(seconds))))


def axis_of(seconds: Iterable[float]) -> Axis:
    """The shortest axis that has room for all of these, and for two marks."""
    values = [*seconds] or [1.0]
    start = max((place for place, (at, _) in enumerate(_STEPS) if at <= min(values)), default=0)
    end = min((place for place, (at, _) in enumerate(_STEPS) if at >= max(values)), default=len(_STEPS) - 1)
    start = min(start, len(_STEPS) - 2)
    return Axis(_STEPS[start : max(end, start + 1) + 1])
