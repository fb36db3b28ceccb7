"""How late the double answers: the values that users write. Each gives seconds for a number from 0 to 1.

Nothing here waits or draws: `delay` does both.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from types import MappingProxyType
from typing import Final, Protocol, Self, runtime_checkable

from pytest_ycimages.api.methods import matching
from pytest_ycimages.errors import UsageError
from pytest_ycimages.text_values import Vocabulary, duration_in, read_text

_SMALLEST: Final = 2.0**-54
_LARGEST: Final = 1 - 2.0**-53
"""The nearest to 0 and to 1 that a draw comes, for laws whose ends are infinitely far away."""


_NEVER: Final = "For a client that gives up, take a minute: a double that is closed waits no longer."


def _is_length(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise UsageError(f"over_body={value!r} cannot be: it is True or False.")
    return value


@runtime_checkable  # pydantic asks what it is
class _Law(Protocol):
    def at(self, fraction: float) -> float:
        """Seconds, such that a `fraction` of all draws takes less."""


@dataclass(frozen=True, slots=True)
class _Fixed:
    seconds: float

    def __post_init__(self) -> None:
        if not _is_length(self.seconds):
            raise UsageError(f"{self} cannot be: a latency is zero seconds or more. {_NEVER}")

    def __str__(self) -> str:
        return f"fixed({self.seconds!r})"

    def at(self, fraction: float) -> float:  # noqa: ARG002 - always the same
        return self.seconds


@dataclass(frozen=True, slots=True)
class _Uniform:
    shortest: float
    longest: float

    def __post_init__(self) -> None:
        if not (_is_length(self.shortest) and _is_length(self.longest) and self.shortest <= self.longest):
            raise UsageError(f"{self} cannot be: it takes two numbers of seconds, from 0 up, the shorter one first.")

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
        if not all(map(_is_length, numbers)):
            raise UsageError(f"{self} cannot be: median and cap are seconds, sigma is a number, and all are 0 or more.")
        if math.isinf(self.at(_LARGEST)):
            raise UsageError(f"{self} cannot be: with so large a sigma a latency may have no end. Give it a cap.")

    def __str__(self) -> str:
        cap = "" if self.cap is None else f", cap={self.cap!r}"
        return f"lognormal({self.median!r}, {self.sigma!r}{cap})"

    def at(self, fraction: float) -> float:
        try:
            seconds = self.median * math.exp(self.sigma * NormalDist().inv_cdf(max(fraction, _SMALLEST)))
        except OverflowError:
            seconds = math.inf if self.median else 0
        return seconds if self.cap is None else min(seconds, self.cap)


@dataclass(frozen=True, slots=True, repr=False)
class Latency:
    """How late an answer comes: `Latency.fixed`, `Latency.uniform` or `Latency.lognormal`, all in seconds.

    Equal when they say the same. `str` gives what an ini file or a command line would say.

    Attributes:
        over_body: whether the head leaves at once and the body in pieces over the time, instead of all of it late.
    """

    _law: _Law
    over_body: bool = False

    @classmethod
    def fixed(cls, seconds: float, *, over_body: bool = False) -> Self:
        """Always the same.

        Args:
            seconds: zero or more.
            over_body: spread the time over the body of the answer instead of waiting before it.

        Raises:
            UsageError: `seconds` is negative, infinite or no number.
        """
        return cls(_Fixed(seconds), _flag(over_body))

    @classmethod
    def uniform(cls, shortest: float, longest: float, *, over_body: bool = False) -> Self:
        """Anything between two limits, each as likely as the other.

        Args:
            shortest: seconds, zero or more.
            longest: seconds, not less than `shortest`.
            over_body: spread the time over the body of the answer instead of waiting before it.

        Raises:
            UsageError: the limits are no such numbers.
        """
        return cls(_Uniform(shortest, longest), _flag(over_body))

    @classmethod
    def lognormal(cls, median: float, sigma: float, cap: float | None = None, *, over_body: bool = False) -> Self:
        """Mostly near the median, and now and then much longer, as latencies of real services are.

        Args:
            median: seconds; half of the draws are below it.
            sigma: the standard deviation of the logarithm: 0 is always the median; with 0.5, one draw of 40 is longer
                than 2.7 medians, with 1 longer than 7.
            cap: seconds that no draw exceeds; what would is cut to it. None: no limit.
            over_body: spread the time over the body of the answer instead of waiting before it.

        Raises:
            UsageError: a value is negative, infinite or no number, or a draw could be infinite.
        """
        return cls(_LogNormal(median, sigma, cap), _flag(over_body))

    def at(self, fraction: float) -> float:
        """The latency in seconds that a `fraction` of all draws, from 0 up to but not including 1, stays below."""
        return self._law.at(fraction)

    @property
    def is_zero(self) -> bool:
        """Whether it makes nothing late."""
        return self._law == _Fixed(0)

    def __str__(self) -> str:
        if self.over_body:
            return f"{str(self._law)[:-1]}, over_body=True)"
        return repr(self._law.seconds) if isinstance(self._law, _Fixed) else str(self._law)

    def __repr__(self) -> str:
        return f"Latency.{str(self._law)[:-1]}{', over_body=True' if self.over_body else ''})"


NO_LATENCY: Final = Latency.fixed(0)

_LATENCIES: Final = Vocabulary(
    what="latency",
    makers={"fixed": Latency.fixed, "uniform": Latency.uniform, "lognormal": Latency.lognormal},
    expected=(
        "seconds or a duration such as '200ms', one of fixed(0.2), uniform(0.1, 0.4) and lognormal(0.2, 0.5, cap=2), "
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
    found: dict[str, Latency] = {}
    for pattern, each in patterns:
        for word in matching(pattern):
            found.setdefault(word, each)
    return {word: each for word, each in found.items() if not each.is_zero}


def _value_in(written: object) -> object:
    if not isinstance(written, str):
        return written
    seconds = duration_in(written)
    return read_text(written, _LATENCIES) if seconds is None else seconds


def _single(found: object, written: object) -> Latency:
    if isinstance(found, Latency):
        return found
    if isinstance(found, int | float) and not isinstance(found, bool):
        return Latency.fixed(found)
    raise _LATENCIES.error(written)
