"""Latency: the distributions that users give, and the delay of each call."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, Self, runtime_checkable

from pytest_ycimages.api.message import nanoseconds
from pytest_ycimages.api.methods import matching
from pytest_ycimages.cloud.ids import fraction as ids_fraction
from pytest_ycimages.errors import UsageError
from pytest_ycimages.text_values import DURATIONS, Vocabulary, is_seconds, read_text
from pytest_ycimages.words import exact

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.api.exchange import Request
    from pytest_ycimages.cloud.clock import Clock

_SMALLEST: Final = 2.0**-54
_LARGEST: Final = 1 - 2.0**-53
"""The ends of the fractions, for distributions that are infinite at 0 and 1."""

_NEVER: Final = "for a client that gives up, a minute is enough, as a double stops waiting when it closes"


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise UsageError(f"invalid over_body={value!r}: expected True or False")
    return value


@runtime_checkable  # pydantic asks what it is
class _Distribution(Protocol):
    def at(self, fraction: float) -> float:
        """Return the seconds that a `fraction` of all delays is below."""


@dataclass(frozen=True, slots=True)
class _Fixed:
    seconds: float

    def __post_init__(self) -> None:
        if not is_seconds(self.seconds):
            raise UsageError(f"invalid latency {self}: expected zero seconds or more; {_NEVER}")

    def __str__(self) -> str:
        return f"fixed({self.seconds!r})"

    def at(self, fraction: float) -> float:  # noqa: ARG002 - always the same
        return self.seconds


@dataclass(frozen=True, slots=True)
class _Uniform:
    shortest: float
    longest: float

    def __post_init__(self) -> None:
        if not (is_seconds(self.shortest) and is_seconds(self.longest) and self.shortest <= self.longest):
            raise UsageError(f"invalid latency {self}: expected two numbers of seconds, the shorter one first")

    def __str__(self) -> str:
        return f"uniform({self.shortest!r}, {self.longest!r})"

    def at(self, fraction: float) -> float:
        return min(self.shortest + (self.longest - self.shortest) * fraction, self.longest)


@dataclass(frozen=True, slots=True)
class _LogNormal:
    median: float
    sigma: float
    cap: float | None

    def __post_init__(self) -> None:
        numbers = (self.median, self.sigma, 0 if self.cap is None else self.cap)
        if not all(map(is_seconds, numbers)):
            raise UsageError(f"invalid latency {self}: expected median and cap in seconds and sigma, each 0 or more")
        if math.isinf(self.at(_LARGEST)):
            raise UsageError(f"invalid latency {self}: with so large a sigma a delay may be infinite; expected a cap")

    def __str__(self) -> str:
        cap = "" if self.cap is None else f", cap={self.cap!r}"
        return f"lognormal({self.median!r}, {self.sigma!r}{cap})"

    def at(self, fraction: float) -> float:
        try:
            seconds = self.median * math.exp(self.sigma * NormalDist().inv_cdf(max(fraction, _SMALLEST)))
        except OverflowError:
            seconds = math.inf if self.median else 0
        return seconds if self.cap is None else min(seconds, self.cap)


@exact
@dataclass(frozen=True, slots=True, repr=False)
class Latency:
    """The latency of answers: `Latency.fixed`, `Latency.uniform` or `Latency.lognormal`, all in seconds.

    `str` returns the text for an ini file or a command line.

    Attributes:
        over_body: whether the head is sent at once and the body in pieces over the time, instead of all of it late.
    """

    _distribution: _Distribution
    over_body: bool = False

    @classmethod
    def fixed(cls, seconds: float, *, over_body: bool = False) -> Self:
        """Return a latency that is always the same.

        Args:
            seconds: zero or more.
            over_body: spread the time over the body of the answer instead of waiting before it.

        Raises:
            UsageError: `seconds` is not a number, or negative or infinite.
        """
        return cls(_Fixed(seconds), _flag(over_body))

    @classmethod
    def uniform(cls, shortest: float, longest: float, *, over_body: bool = False) -> Self:
        """Return a latency that is uniformly distributed between two limits.

        Args:
            shortest: seconds, zero or more.
            longest: seconds, not less than `shortest`.
            over_body: spread the time over the body of the answer instead of waiting before it.

        Raises:
            UsageError: the limits are invalid.
        """
        return cls(_Uniform(shortest, longest), _flag(over_body))

    @classmethod
    def lognormal(cls, median: float, sigma: float, cap: float | None = None, *, over_body: bool = False) -> Self:
        """Return a latency near the median, sometimes much longer, as of real services.

        Args:
            median: seconds; half of the delays are below it.
            sigma: the standard deviation of the logarithm: 0 is always the median; with 0.5, one delay of 40 is longer
                than 2.7 medians, with 1 longer than 7.
            cap: the longest delay in seconds. None: no limit.
            over_body: spread the time over the body of the answer instead of waiting before it.

        Raises:
            UsageError: a value is not a number, or negative or infinite, or a delay could be infinite.
        """
        return cls(_LogNormal(median, sigma, cap), _flag(over_body))

    def at(self, fraction: float) -> float:
        """Return the seconds that a `fraction` of all delays, from 0 up to but not including 1, is below."""
        return self._distribution.at(fraction)

    @property
    def is_zero(self) -> bool:
        """Whether it delays nothing."""
        return self._distribution == _NO_DELAY

    def __str__(self) -> str:
        if self.over_body:
            return f"{str(self._distribution)[:-1]}, over_body=True)"
        return repr(self._distribution.seconds) if isinstance(self._distribution, _Fixed) else str(self._distribution)

    def __repr__(self) -> str:
        return f"Latency.{str(self._distribution)[:-1]}{', over_body=True' if self.over_body else ''})"


_NO_DELAY: Final = _Fixed(0)
NO_LATENCY: Final = Latency(_NO_DELAY)

_LATENCIES: Final = Vocabulary(
    what="latency",
    makers={"fixed": Latency.fixed, "uniform": Latency.uniform, "lognormal": Latency.lognormal},
    expected=(
        f"seconds or a duration {DURATIONS}, one of fixed(0.2), uniform(0.1, 0.4) and lognormal(0.2, 0.5, cap=2), "
        "or a dict from methods to these"
    ),
    examples={"fixed": "fixed(0.2)", "uniform": "uniform(0.1, 0.4)", "lognormal": "lognormal(0.2, 0.5, cap=2)"},
)


def latency_of(value: object) -> Latency | Mapping[str, Latency]:
    """Return the latency that a user gave.

    Args:
        value: a `Latency`; a number of seconds; either of them as text, such as `0.2`, `200ms` or `uniform(0.1, 0.4)`;
            or a mapping from method words or globs to any of these, itself perhaps as text. The first pattern that
            matches a method counts; a method that no pattern matches has no latency.

    Raises:
        UsageError: the value is not a latency, or a pattern matches no method.
    """
    found = _value_in(value)
    if isinstance(found, Mapping):
        for pattern in found:
            matching(str(pattern))
        return MappingProxyType(
            {str(pattern): _single(_value_in(latency), latency) for pattern, latency in found.items()}
        )
    return _single(found, value)


def per_method(latency: Latency | Mapping[str, Latency]) -> dict[str, Latency]:
    """Return the latency of every method that has one, by its word. Where two patterns match, the first counts."""
    patterns = latency.items() if isinstance(latency, Mapping) else [("*", latency)]
    found: dict[str, Latency | None] = {}
    for pattern, each in patterns:
        late = None if each.is_zero else each
        for word in matching(pattern):
            found.setdefault(word, late)
    return {word: late for word, late in found.items() if late is not None}


def _value_in(written: object) -> object:
    return read_text(written, _LATENCIES) if isinstance(written, str) else written


def _single(found: object, written: object) -> Latency:
    if isinstance(found, Latency):
        return found
    if isinstance(found, int | float) and not isinstance(found, bool):
        return Latency.fixed(found)
    raise _LATENCIES.error(written)


# Delays of calls.


class Delay(NamedTuple):
    """The time between a request and the end of its answer.

    Attributes:
        began_at: when it began, in nanoseconds since the epoch.
        length: nanoseconds.
        over_body: whether the answer's body is sent in pieces meanwhile.
        clock: the clock to wait on.
        pause: waits for so many seconds of the machine's own time.
    """

    began_at: int
    length: int
    over_body: bool
    clock: Clock
    pause: Callable[[float], object]

    def moment(self, part: float = 1) -> int:
        """Return when this part of it, from 0 to 1, is over, in nanoseconds since the epoch."""
        return self.began_at + round(self.length * part)

    def wait(self, part: float = 1) -> None:
        """Wait until this part of it is over."""
        self.clock.wait_until(self.moment(part), self.pause)


class Delays:
    """The delay of every call that has one.

    A delay is a pure function of the seed, method, identity and attempt of the call: neither the order of calls nor
    other calls change it.

    Attributes:
        by_method: the latency of each method that has one.
        pause_for_real: waits for so many seconds of the machine's own time.
    """

    def __init__(self, seed: str, clock: Clock, pause: Callable[[float], object]) -> None:
        self._seed = seed
        self._clock = clock
        self.pause_for_real = pause
        self.latency = NO_LATENCY

    @property
    def latency(self) -> Latency | Mapping[str, Latency]:
        """Return the latency in force, as it was set."""
        return self._latency

    @latency.setter
    def latency(self, latency: Latency | Mapping[str, Latency]) -> None:
        self._latency = latency
        self.by_method = per_method(latency)

    def longer(self, delay: Delay | None, seconds: float, now: int) -> Delay:
        """Return the delay with so many seconds more; without one, a delay of these."""
        if delay is None:
            return Delay(now, nanoseconds(seconds), over_body=False, clock=self._clock, pause=self.pause_for_real)
        return delay._replace(length=delay.length + nanoseconds(seconds))

    def pause(self, seconds: float) -> None:
        """Wait for so many seconds on the double's clock."""
        self._clock.wait_until(self._clock.now() + nanoseconds(seconds), self.pause_for_real)

    def of(self, request: Request, attempt: int, now: int) -> Delay | None:
        """Return the delay that begins `now`, in nanoseconds since the epoch; None for a call without latency."""
        latency = self.by_method.get(request.method)
        if latency is None:
            return None
        drawn = ids_fraction(self._seed, "latency", request.method, request.identity, attempt)
        return Delay(now, nanoseconds(latency.at(drawn)), latency.over_body, self._clock, self.pause_for_real)
