"""Schedules: at which calls a fault strikes. Pure predicates, combined with `&`, `|` and `~`."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_ycimages.errors import UsageError
from pytest_ycimages.text_values import Written

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class CallContext(NamedTuple):
    """What a schedule knows of a call.

    Attributes:
        number: how many calls the rule has considered so far, this one included: of all calls, of the attempts of
            this call, or of those over this connection, by its `per`.
        at: seconds since the double began, on its clock.
        draw: returns a number from 0 up to but not including 1, derived from the seed, rule, method and attempt.
        within: returns how many calls the rule has considered within so many seconds, this one included and a call
            exactly so long ago excluded.
    """

    number: int
    at: float
    draw: Callable[[], float]
    within: Callable[[float], int]


class When(Written):
    """A schedule."""

    def __call__(self, context: CallContext) -> bool:
        """Return whether the fault strikes this call."""
        raise NotImplementedError

    def __and__(self, other: When) -> When:
        """Return the schedule of the calls in both."""
        return Both(self, _when(other, "&"))

    def __or__(self, other: When) -> When:
        """Return the schedule of the calls in either."""
        return Either(self, _when(other, "|"))

    def __invert__(self) -> When:
        """Return the schedule of all other calls."""
        return Not(self)


def _when(value: object, sign: str) -> When:
    if not isinstance(value, When):
        raise UsageError(
            f"invalid schedule {value!r}: expected a schedule on both sides of {sign}, such as first(2) {sign} after(1)"
        )
    return value


@dataclass(frozen=True, slots=True, repr=False)
class Both(When):
    """The calls in both `left` and `right`."""

    left: When
    right: When

    def __call__(self, context: CallContext) -> bool:
        """Return whether the fault strikes this call."""
        return self.left(context) and self.right(context)

    def __str__(self) -> str:
        return f"({self.left} & {self.right})"


@dataclass(frozen=True, slots=True, repr=False)
class Either(When):
    """The calls in `left` or `right`."""

    left: When
    right: When

    def __call__(self, context: CallContext) -> bool:
        """Return whether the fault strikes this call."""
        return self.left(context) or self.right(context)

    def __str__(self) -> str:
        return f"({self.left} | {self.right})"


@dataclass(frozen=True, slots=True, repr=False)
class Not(When):
    """The calls that are not in `what`."""

    what: When

    def __call__(self, context: CallContext) -> bool:
        """Return whether the fault strikes this call."""
        return not self.what(context)

    def __str__(self) -> str:
        return f"~{self.what}"


@dataclass(frozen=True, slots=True, repr=False)
class Always(When):
    """Every call."""

    def __call__(self, context: CallContext) -> bool:  # noqa: ARG002 - every call
        """Return whether the fault strikes this call."""
        return True

    def __str__(self) -> str:
        return "always()"


@dataclass(frozen=True, slots=True, repr=False)
class Counted(When):
    """Some of the calls that the rule considers, counted from 1.

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
                f"invalid {self.word}({given}): expected a whole number, {least} or more; the first call is "
                "1, and every call is always()"
            )

    def __call__(self, context: CallContext) -> bool:
        """Return whether the fault strikes this call."""
        return _COUNTED[self.word](context.number, self.numbers)

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
    """Random calls. The seed, rule, method and attempt decide, so every run is the same.

    Attributes:
        probability: from 0 for never to 1 for always.
    """

    probability: float

    def __post_init__(self) -> None:
        if not _is_number(self.probability) or not 0 <= self.probability <= 1:
            raise UsageError(
                f"invalid chance({self.probability!r}): expected a probability between 0 and 1, such as 0.3"
            )

    def __call__(self, context: CallContext) -> bool:
        """Return whether the fault strikes this call."""
        return context.draw() < self.probability

    def __str__(self) -> str:
        return f"chance({self.probability})"


@dataclass(frozen=True, slots=True, repr=False)
class Between(When):
    """Calls from `start` until before `end`, in seconds since the double began, on its clock."""

    start: float
    end: float

    def __post_init__(self) -> None:
        if not all(map(_is_number, (self.start, self.end))) or not 0 <= self.start < self.end:
            raise UsageError(
                f"invalid between({self.start!r}, {self.end!r}): expected two times in seconds since the double began, "
                "the earlier one first; without an end: between(60, math.inf)"
            )

    def __call__(self, context: CallContext) -> bool:
        """Return whether the fault strikes this call."""
        return self.start <= context.at < self.end

    def __str__(self) -> str:
        return f"between({self.start}, {self.end})"


@dataclass(frozen=True, slots=True, repr=False)
class Scripted(When):
    """A list, one step a call, and `then` after its end."""

    steps: tuple[bool, ...]
    then: bool = False

    def __post_init__(self) -> None:
        if not self.steps or not all(isinstance(step, bool) for step in (*self.steps, self.then)):
            raise UsageError(
                f"invalid script({list(self.steps)!r}, then={self.then!r}): expected a list of steps, each "
                "True to strike or False to pass"
            )

    def __call__(self, context: CallContext) -> bool:
        """Return whether the fault strikes this call."""
        return self.steps[context.number - 1] if context.number <= len(self.steps) else self.then

    def __str__(self) -> str:
        return f"script({list(self.steps)}, then={self.then})"


@dataclass(frozen=True, slots=True, repr=False)
class OverRate(When):
    """Calls beyond a rate limit.

    Attributes:
        calls: how many are allowed.
        per: within how many seconds, on the double's clock.
    """

    calls: int
    per: float

    def __post_init__(self) -> None:
        if type(self.calls) is not int or self.calls < 0 or not _is_number(self.per) or not 0 < self.per < math.inf:
            raise UsageError(
                f"invalid over_rate({self.calls!r}, per={self.per!r}): expected a whole number of calls that are "
                "allowed, and the seconds that they are counted in, such as over_rate(10, per=1)"
            )

    def __call__(self, context: CallContext) -> bool:
        """Return whether the fault strikes this call."""
        return context.within(self.per) > self.calls

    def __str__(self) -> str:
        return f"over_rate({self.calls}, per={self.per})"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)


def always() -> When:
    """Return the schedule of every call that the rule considers."""
    return Always()


def first(n: int) -> When:
    """Return the schedule of the first `n` calls that the rule considers."""
    return Counted("first", (n,))


def nth(*numbers: int) -> When:
    """Return the schedule of the calls with these numbers, counted from 1."""
    return Counted("nth", numbers)


def every(n: int) -> When:
    """Return the schedule of every n-th call: `every(3)` is the third, the sixth, and so on."""
    return Counted("every", (n,))


def after(n: int) -> When:
    """Return the schedule of all calls but the first `n`."""
    return Counted("after", (n,))


def chance(probability: float) -> When:
    """Return a schedule that strikes each call with this probability, derived from the seed."""
    return Chance(probability)


def between(start: float, end: float) -> When:
    """Return the schedule of calls from `start` until before `end`, in seconds since the double began, on its clock."""
    return Between(start, end)


def script(steps: Iterable[bool], *, then: bool = False) -> When:
    """Return a schedule with one step for each call: True strikes, False passes. After the last step, `then`."""
    if not isinstance(steps, Iterable):
        raise UsageError(f"invalid script({steps!r}): expected a list of steps, such as script([True, False])")
    return Scripted(tuple(steps), then)


def over_rate(calls: int, *, per: float = 1) -> When:
    """Return the schedule of calls beyond so many within `per` seconds of the double's clock, in a sliding window."""
    return OverRate(calls, per)


SCHEDULES: Final = {
    function.__name__: function for function in (always, first, nth, every, after, chance, between, script, over_rate)
}
"""Every schedule, by its name."""
