"""When a fault strikes: pure questions about a call, combined with `&`, `|` and `~`."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_ycimages.errors import UsageError
from pytest_ycimages.text_values import Written

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Occasion(NamedTuple):
    """What a rule may know of a call when it decides.

    Attributes:
        number: how many calls the rule has considered so far, this one included; as its `per` says, of all calls, of
            the attempts of this call, or of those that came over this connection.
        at: seconds since the double began, on its clock.
        draw: a number from 0 up to but not including 1, which the seed, the rule, the method and the attempt decide.
        within: how many calls the rule has considered within so many seconds, this one included. A call that came
            exactly so long ago counts no more.
    """

    number: int
    at: float
    draw: Callable[[], float]
    within: Callable[[float], int]


class When(Written):
    """Says of a call whether the fault strikes."""

    def __call__(self, occasion: Occasion) -> bool:
        """Whether the fault strikes on this occasion."""
        raise NotImplementedError

    def __and__(self, other: When) -> When:
        """When both say so."""
        return Both(self, _when(other, "&"))

    def __or__(self, other: When) -> When:
        """When either says so."""
        return Either(self, _when(other, "|"))

    def __invert__(self) -> When:
        """When this does not say so."""
        return Not(self)


def _when(value: object, sign: str) -> When:
    if not isinstance(value, When):
        raise UsageError(
            f"{value!r} does not say when a fault strikes. Combine schedules, as in first(2) {sign} after(1)."
        )
    return value


@dataclass(frozen=True, slots=True, repr=False)
class Both(When):
    """When `left` and `right` say so."""

    left: When
    right: When

    def __call__(self, occasion: Occasion) -> bool:
        """Whether the fault strikes on this occasion."""
        return self.left(occasion) and self.right(occasion)

    def __str__(self) -> str:
        return f"({self.left} & {self.right})"


@dataclass(frozen=True, slots=True, repr=False)
class Either(When):
    """When `left` or `right` says so."""

    left: When
    right: When

    def __call__(self, occasion: Occasion) -> bool:
        """Whether the fault strikes on this occasion."""
        return self.left(occasion) or self.right(occasion)

    def __str__(self) -> str:
        return f"({self.left} | {self.right})"


@dataclass(frozen=True, slots=True, repr=False)
class Not(When):
    """When `what` does not say so."""

    what: When

    def __call__(self, occasion: Occasion) -> bool:
        """Whether the fault strikes on this occasion."""
        return not self.what(occasion)

    def __str__(self) -> str:
        return f"~{self.what}"


@dataclass(frozen=True, slots=True, repr=False)
class Always(When):
    """Every time."""

    def __call__(self, occasion: Occasion) -> bool:  # noqa: ARG002 - it is always so
        """Whether the fault strikes on this occasion."""
        return True

    def __str__(self) -> str:
        return "always()"


@dataclass(frozen=True, slots=True, repr=False)
class Counted(When):
    """At some of the calls that the rule considers, counted from 1.

    Attributes:
        word: `first`, `nth`, `every` or `after`.
        numbers: one number; for `nth`, one or more.
    """

    word: str
    numbers: tuple[int, ...]

    def __post_init__(self) -> None:
        least = 0 if self.word == "after" else 1
        if not self.numbers or any(type(number) is not int or number < least for number in self.numbers):
            given = ", ".join(map(repr, self.numbers))
            raise UsageError(
                f"{self.word}({given}) cannot be: calls are counted from 1, so {self.word}(...) takes a whole number, "
                f"{least} or more. Every call is always()."
            )

    def __call__(self, occasion: Occasion) -> bool:
        """Whether the fault strikes on this occasion."""
        return _COUNTED[self.word](occasion.number, self.numbers)

    def __str__(self) -> str:
        return f"{self.word}({', '.join(map(str, self.numbers))})"


_COUNTED: Final[dict[str, Callable[[int, Sequence[int]], bool]]] = {
    "first": lambda number, numbers: number <= numbers[0],
    "nth": lambda number, numbers: number in numbers,
    "every": lambda number, numbers: number % numbers[0] == 0,
    "after": lambda number, numbers: number > numbers[0],
}


@dataclass(frozen=True, slots=True, repr=False)
class Chance(When):
    """With a probability. The seed, the rule, the method and the attempt decide, so it is the same in every run.

    Attributes:
        probability: from 0 for never to 1 for always.
    """

    probability: float

    def __post_init__(self) -> None:
        if not _is_number(self.probability) or not 0 <= self.probability <= 1:
            raise UsageError(
                f"chance({self.probability!r}) cannot be: a probability lies between 0 and 1, such as 0.3."
            )

    def __call__(self, occasion: Occasion) -> bool:
        """Whether the fault strikes on this occasion."""
        return occasion.draw() < self.probability

    def __str__(self) -> str:
        return f"chance({self.probability})"


@dataclass(frozen=True, slots=True, repr=False)
class Between(When):
    """From one moment until before another, in seconds since the double began, on its clock."""

    start: float
    end: float

    def __post_init__(self) -> None:
        if not all(map(_is_number, (self.start, self.end))) or not 0 <= self.start < self.end:
            raise UsageError(
                f"between({self.start!r}, {self.end!r}) cannot be: it takes two moments, in seconds since the double "
                "began, the earlier one first. Without an end: between(60, math.inf)."
            )

    def __call__(self, occasion: Occasion) -> bool:
        """Whether the fault strikes on this occasion."""
        return self.start <= occasion.at < self.end

    def __str__(self) -> str:
        return f"between({self.start}, {self.end})"


@dataclass(frozen=True, slots=True, repr=False)
class Scripted(When):
    """As a list says, call by call, and `then` after its end."""

    steps: tuple[bool, ...]
    then: bool = False

    def __post_init__(self) -> None:
        if not self.steps or not all(isinstance(step, bool) for step in (*self.steps, self.then)):
            raise UsageError(
                f"script({list(self.steps)!r}, then={self.then!r}) cannot be: give a list of steps, each "
                "True to strike or False to pass."
            )

    def __call__(self, occasion: Occasion) -> bool:
        """Whether the fault strikes on this occasion."""
        return self.steps[occasion.number - 1] if occasion.number <= len(self.steps) else self.then

    def __str__(self) -> str:
        return f"script({list(self.steps)}, then={self.then})"


@dataclass(frozen=True, slots=True, repr=False)
class OverRate(When):
    """When more calls come within a time than are allowed.

    Attributes:
        calls: how many are allowed.
        per: within how many seconds, on the double's clock.
    """

    calls: int
    per: float

    def __post_init__(self) -> None:
        if type(self.calls) is not int or self.calls < 0 or not _is_number(self.per) or not 0 < self.per < math.inf:
            raise UsageError(
                f"over_rate({self.calls!r}, per={self.per!r}) cannot be: it takes a whole number of calls that are "
                "allowed, and the seconds that they are counted in, such as over_rate(10, per=1)."
            )

    def __call__(self, occasion: Occasion) -> bool:
        """Whether the fault strikes on this occasion."""
        return occasion.within(self.per) > self.calls

    def __str__(self) -> str:
        return f"over_rate({self.calls}, per={self.per})"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)


def always() -> When:
    """Every call that the rule considers."""
    return Always()


def first(n: int) -> When:
    """The first `n` calls that the rule considers."""
    return Counted("first", (n,))


def nth(*numbers: int) -> When:
    """The calls with these numbers, counted from 1."""
    return Counted("nth", numbers)


def every(n: int) -> When:
    """Every n-th call: `every(3)` is the third, the sixth, and so on."""
    return Counted("every", (n,))


def after(n: int) -> When:
    """All calls but the first `n`."""
    return Counted("after", (n,))


def chance(probability: float) -> When:
    """Each call with this probability, drawn from the seed."""
    return Chance(probability)


def between(start: float, end: float) -> When:
    """Calls that come from `start` until before `end`, in seconds since the double began, on its clock."""
    return Between(start, end)


def script(steps: Iterable[bool], *, then: bool = False) -> When:
    """Calls as a list says, one step for each: True strikes, False passes. After the last step, `then`."""
    if not isinstance(steps, Iterable):
        raise UsageError(f"script({steps!r}) cannot be: give a list of steps, such as script([True, False]).")
    return Scripted(tuple(steps), then)


def over_rate(calls: int, *, per: float = 1) -> When:
    """Calls beyond so many within `per` seconds of the double's clock: a rate limit with a window that slides."""
    return OverRate(calls, per)


SCHEDULES: Final = {
    function.__name__: function for function in (always, first, nth, every, after, chance, between, script, over_rate)
}
"""Every schedule, by its name."""
