"""A fault: its name and arguments, and the one effect that it has. The functions of the catalogue make them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from pytest_ycimages.api.methods import METHODS
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
