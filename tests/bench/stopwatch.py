"""The one module of the benchmark that reads the clock, and the order in which subjects take turns."""

from __future__ import annotations

import time
from statistics import median, quantiles
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_Value = TypeVar("_Value")


def seconds() -> float:
    """Seconds since some moment, for measuring spans."""
    return time.perf_counter_ns() / 1e9


def timed(work: Callable[[], _Value]) -> tuple[_Value, float]:
    """Do `work`; what it returned, and the microseconds it took."""
    start = time.perf_counter_ns()
    value = work()
    return value, (time.perf_counter_ns() - start) / 1000


def turns(subjects: Sequence[_Value], number: int) -> list[_Value]:
    """The subjects in the order of round `number`: each comes first, last and after each neighbour in turn."""
    shift = number // 2 % len(subjects)
    order = [*subjects[shift:], *subjects[:shift]]
    return order[::-1] if number % 2 else order


def ratio(rounds: Mapping[str, Sequence[float]], subject: str, to: str) -> float:
    """How many times `to` costs `subject`: the median of the ratios within each round."""
    return median(mine / theirs for mine, theirs in zip(rounds[subject], rounds[to], strict=True))


def excess(rounds: Mapping[str, Sequence[float]], subject: str, over: str) -> float:
    """How much more than `over` costs `subject`: the median of the differences within each round."""
    return median(_differences(rounds, subject, over))


def noise(rounds: Mapping[str, Sequence[float]], subject: str, over: str) -> float:
    """How far `excess` may be off, either way: half the width of a notched box plot's notch, about 95 %."""
    differences = _differences(rounds, subject, over)
    lower, _, upper = quantiles(differences, n=4)
    return float(1.57 * (upper - lower) / len(differences) ** 0.5)


def _differences(rounds: Mapping[str, Sequence[float]], subject: str, over: str) -> list[float]:
    return [mine - theirs for mine, theirs in zip(rounds[subject], rounds[over], strict=True)]
