"""Schedules: at which calls a fault strikes. Pure predicates, combined with `&`, `|` and `~`."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from pytest_ycimages.api.message import INT64_MAX
from pytest_ycimages.errors import UsageError
from pytest_ycimages.text_values import Written, is_number


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


@dataclass(frozen=True, slots=True, repr=False)
class When(Written):
    """A schedule.

    Attributes:
        kind: the function that made it, or `&`, `|` or `~`.
        arguments: its arguments.
        text: the text that makes it again.
    """

    kind: str
    arguments: tuple[Any, ...]
    text: str

    def __call__(self, context: CallContext) -> bool:
        """Return whether the fault strikes this call."""
        return _STRIKES[self.kind](context, *self.arguments)

    @property
    def window(self) -> float:
        """How many seconds back it asks for calls; 0 if it does not."""
        if self.kind == "over_rate":
            return float(self.arguments[1])
        return max((each.window for each in self.arguments if isinstance(each, When)), default=0)

    def __str__(self) -> str:
        return self.text

    def __and__(self, other: When) -> When:
        """Return the schedule of the calls in both."""
        return _combined(self, "&", other)

    def __or__(self, other: When) -> When:
        """Return the schedule of the calls in either."""
        return _combined(self, "|", other)

    def __invert__(self) -> When:
        """Return the schedule of all other calls."""
        return When("~", (self,), f"~{self}")


def _combined(left: When, sign: str, right: object) -> When:
    if not isinstance(right, When):
        raise UsageError(
            f"invalid schedule {right!r}: expected a schedule on both sides of {sign}, such as first(2) {sign} after(1)"
        )
    return When(sign, (left, right), f"({left} {sign} {right})")


_STRIKES: Final[Mapping[str, Callable[..., bool]]] = {
    "always": lambda _: True,
    "first": lambda call, n: call.number <= n,
    "nth": lambda call, *numbers: call.number in numbers,
    "every": lambda call, n: call.number % n == 0,
    "after": lambda call, n: call.number > n,
    "chance": lambda call, probability: call.draw() < probability,
    "between": lambda call, start, end: start <= call.at < end,
    "script": lambda call, steps, then: steps[call.number - 1] if call.number <= len(steps) else then,
    "over_rate": lambda call, calls, per: call.within(per) > calls,
    "&": lambda call, left, right: left(call) and right(call),
    "|": lambda call, left, right: left(call) or right(call),
    "~": lambda call, schedule: not schedule(call),
}
"""Whether each kind of schedule strikes a call, from its arguments."""


def _is_number(value: object) -> bool:
    return is_number(value) and (value == math.inf or abs(value) <= sys.float_info.max)


def _counted(kind: str, least: int, *numbers: int) -> When:
    text = f"{kind}({', '.join(map(repr, numbers))})"
    if not numbers or any(type(number) is not int or not least <= number <= INT64_MAX for number in numbers):
        raise UsageError(
            f"invalid {text}: expected a whole number, {least} or more; the first call is 1, and every call is always()"
        )
    return When(kind, numbers, text)


def always() -> When:
    """Return the schedule of every call that the rule considers."""
    return When("always", (), "always()")


def first(n: int) -> When:
    """Return the schedule of the first `n` calls that the rule considers."""
    return _counted("first", 1, n)


def nth(*numbers: int) -> When:
    """Return the schedule of the calls with these numbers, counted from 1."""
    return _counted("nth", 1, *numbers)


def every(n: int) -> When:
    """Return the schedule of every n-th call: `every(3)` is the third, the sixth, and so on."""
    return _counted("every", 1, n)


def after(n: int) -> When:
    """Return the schedule of all calls but the first `n`."""
    return _counted("after", 0, n)


def chance(probability: float) -> When:
    """Return a schedule that strikes each call with this probability, derived from seed, rule, method and attempt."""
    if not _is_number(probability) or not 0 <= probability <= 1:
        raise UsageError(f"invalid chance({probability!r}): expected a probability between 0 and 1, such as 0.3")
    return When("chance", (probability,), f"chance({probability})")


def between(start: float, end: float) -> When:
    """Return the schedule of calls from `start` until before `end`, in seconds since the double began, on its clock."""
    if not all(map(_is_number, (start, end))) or not 0 <= start < end:
        raise UsageError(
            f"invalid between({start!r}, {end!r}): expected two times in seconds since the double began, the earlier "
            "one first; without an end: between(60, math.inf)"
        )
    return When("between", (start, end), f"between({start}, {end})")


def script(steps: Iterable[bool], *, then: bool = False) -> When:
    """Return a schedule with one step for each call: True strikes, False passes. After the last step, `then`."""
    given: object = steps
    listed = tuple(given) if isinstance(given, Iterable) else ()
    if not listed or not all(isinstance(step, bool) for step in (*listed, then)):
        shown = list(listed) if listed else steps
        raise UsageError(
            f"invalid script({shown!r}, then={then!r}): expected a list of steps, each True to strike or False to pass"
        )
    return When("script", (listed, then), f"script({list(listed)}, then={then})")


def over_rate(calls: int, *, per: float = 1) -> When:
    """Return the schedule of calls beyond so many within `per` seconds of the double's clock, in a sliding window."""
    if type(calls) is not int or not 0 <= calls <= INT64_MAX or not _is_number(per) or not 0 < per < math.inf:
        raise UsageError(
            f"invalid over_rate({calls!r}, per={per!r}): expected a whole number of calls that are allowed, and the "
            "seconds that they are counted in, such as over_rate(10, per=1)"
        )
    return When("over_rate", (calls, per), f"over_rate({calls}, per={per})")


SCHEDULES: Final = {
    function.__name__: function for function in (always, first, nth, every, after, chance, between, script, over_rate)
}
"""Every schedule, by its name."""
