"""A fault: its name and arguments, and the one effect that it has. The functions of the catalogue make them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from pytest_ycimages.api.exchange import Delivery, delivery_of
from pytest_ycimages.api.methods import METHODS
from pytest_ycimages.cloud.clock import LONGEST, is_number
from pytest_ycimages.errors import UsageError
from pytest_ycimages.text_values import Written

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_ycimages.api.exchange import Damage
    from pytest_ycimages.api.status import Status
    from pytest_ycimages.cloud.planner import NextOperation

Commit = Literal["before", "after"]


@dataclass(frozen=True, slots=True)
class Answer:
    """The call is answered with an error.

    Attributes:
        error: the error.
        metadata: headers of the answer.
    """

    error: Status
    metadata: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Damaged:
    """The answer is damaged on its way to the client.

    Attributes:
        damage: how.
        only_reused: strike only on a connection that has served a request before.
    """

    damage: Damage
    only_reused: bool = False


@dataclass(frozen=True, slots=True)
class Late:
    """The answer is late.

    Attributes:
        seconds: how late at first, on the double's clock.
        most: how late in the end; None: always `seconds`.
        over: the seconds in which it grows from `seconds` to `most`, from the first call that it strikes.
    """

    seconds: float
    most: float | None = None
    over: float = 0


@dataclass(frozen=True, slots=True)
class Planned:
    """The operation that the call starts goes wrong.

    Attributes:
        asked: how the operation goes.
    """

    asked: NextOperation


@dataclass(frozen=True, slots=True)
class Hidden:
    """The operation or image that the call starts is not found for a while.

    Attributes:
        what: `operation`, as operations.get sees it, or `image`, as images.get does.
        reads: how many requests do not find it; None: `after` and `seconds` decide.
        after: seconds after its creation until it is hidden, on the double's clock.
        seconds: for how long it is hidden; infinite for good.
    """

    what: Literal["operation", "image"]
    reads: int | None
    after: float = 0
    seconds: float = math.inf


def delivery_under(effect: Effect) -> Delivery:
    """Return what a client receives of the answer to a call with this effect."""
    if isinstance(effect, Answer):
        return Delivery.REPLACED
    return delivery_of(effect.damage if isinstance(effect, Damaged) else None)


Effect = Answer | Damaged | Late | Planned | Hidden
EFFECTS: Final[tuple[type[Effect], ...]] = (Answer, Damaged, Late, Planned, Hidden)
OF_ANSWERS: Final[tuple[type[Effect], ...]] = (Answer, Damaged, Late)
"""The effects on answers, which any backend supports."""


@dataclass(frozen=True, slots=True, repr=False)
class Fault(Written):
    """One thing that goes wrong.

    Attributes:
        name: the function of the catalogue that made it.
        arguments: the arguments that the function was given.
        effect: the effect.
        commits: whether it may strike before the commit, after it, or both; the first is the default.
        methods: the methods that it can strike.
    """

    name: str
    arguments: Mapping[str, Any]
    effect: Effect
    commits: tuple[Commit, ...] = ("before", "after")
    methods: tuple[str, ...] = METHODS

    def __str__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.arguments.items())
        return f"{self.name}({given})"


# The registry, and the arguments of the functions in it.

REGISTERED: Final[dict[str, tuple[Callable[..., Fault], tuple[str, ...]]]] = {}
"""Each function that makes a fault and the methods that it can strike, by its name."""
_Made = TypeVar("_Made", bound=Callable[..., Fault])


def register(methods: tuple[str, ...] = METHODS) -> Callable[[_Made], _Made]:
    """Enter a function into the catalogue, with the methods that its faults can strike."""

    def enter(function: _Made) -> _Made:
        REGISTERED[function.__name__] = function, methods
        return function

    return enter


def given(**arguments: Any) -> Mapping[str, Any]:
    """Return the arguments that were given: neither None nor empty."""
    return {name: value for name, value in arguments.items() if value is not None and value != ""}


def seconds_in(fault: str, name: str, value: float, *, forever: str = "") -> float:
    """Return `value` if it is a valid time; `forever` is what to write instead of an infinite one."""
    if not is_number(value) or not 0 <= value <= LONGEST:
        instead = f"; without an end: {forever}" if forever and value == math.inf else ""
        raise UsageError(f"invalid {fault}({name}={value!r}): expected seconds, from 0 to {LONGEST:.0e}{instead}")
    return value


def bytes_in(fault: str, name: str, value: int) -> int:
    """Return `value` if it is a whole number of bytes, zero or more."""
    if type(value) is not int or value < 0:
        raise UsageError(f"invalid {fault}({name}={value!r}): expected a whole number of bytes, zero or more")
    return value
