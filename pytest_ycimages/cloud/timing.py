"""How long an operation takes: the timings that users write, each a frozen value that makes a `Schedule`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol, TypeGuard, runtime_checkable

from pytest_ycimages.api.message import SECOND
from pytest_ycimages.errors import UsageError, unknown_word
from pytest_ycimages.literals import Worded, read_literal


class Schedule(NamedTuple):
    """When an operation ends by itself: at a moment, at a poll yet to come, or never when both are None.

    Attributes:
        ends_at: nanoseconds since the epoch.
        polls: how many polls are still to come; the last one of them ends the operation.
    """

    ends_at: int | None = None
    polls: int | None = None


@runtime_checkable
class Timing(Protocol):
    """Anything that says how long an operation takes."""

    def schedule(self, started_at: int) -> Schedule:
        """When an operation ends that started at `started_at`, in nanoseconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Immediate:
    """Done at once: the reply to the call that starts the operation shows it done already."""

    def schedule(self, started_at: int) -> Schedule:
        """End at the start."""
        return Schedule(ends_at=started_at)


@dataclass(frozen=True, slots=True)
class After:
    """Done after a time on the double's clock, polled or not.

    Attributes:
        seconds: zero or more.
    """

    seconds: float

    def __post_init__(self) -> None:
        if not _is_number(self.seconds) or not 0 <= self.seconds < math.inf:
            raise UsageError(
                f"After(seconds={self.seconds!r}) cannot be: an operation takes zero seconds or more. "
                "For one that does not end, use Never()."
            )

    def schedule(self, started_at: int) -> Schedule:
        """End so many seconds later."""
        return Schedule(ends_at=started_at + round(self.seconds * SECOND))


@dataclass(frozen=True, slots=True)
class AfterPolls:
    """Done at the n-th poll of the operation or of its image, whenever that comes.

    Attributes:
        polls: 1 or more; 1 means that the first poll sees the operation done.
    """

    polls: int

    def __post_init__(self) -> None:
        if type(self.polls) is not int or self.polls < 1:
            raise UsageError(
                f"AfterPolls({self.polls!r}) cannot be: the first poll that can see an operation done is poll 1. "
                "For one that is done before any poll, use Immediate()."
            )

    def schedule(self, started_at: int) -> Schedule:  # noqa: ARG002 - polls, not time, end this one
        """End at that poll."""
        return Schedule(polls=self.polls)


@dataclass(frozen=True, slots=True)
class Never:
    """Never done; only cancelling ends it."""

    def schedule(self, started_at: int) -> Schedule:  # noqa: ARG002 - it starts, and that is all
        """Do not end."""
        return Schedule()


TIMINGS: Final[dict[str, type[Timing]]] = {timing.__name__: timing for timing in (Immediate, After, AfterPolls, Never)}


_EXAMPLES: Final = {"Immediate": "Immediate()", "After": "After(5)", "AfterPolls": "AfterPolls(3)", "Never": "Never()"}


def timing_of(value: object) -> Timing:
    """Read a timing as users may write it: a timing, a number of seconds, or either of them as text.

    Text is for command lines and ini files: `2.5`, `AfterPolls(3)`, `After(seconds=5)`, `Never()`.

    Raises:
        UsageError: `value` is none of these; the text says what would be.
    """
    if isinstance(value, str):
        return _from_text(value)
    if _is_number(value):
        return After(value)
    if isinstance(value, Timing) and not isinstance(value, type):
        return value
    raise UsageError(f"{value!r} is no timing. Give seconds, or one of {', '.join(TIMINGS)}, such as AfterPolls(3).")


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _from_text(text: str) -> Timing:
    usage = UsageError(
        f"{text!r} is no timing. Write seconds, such as 2.5, or one of {', '.join(TIMINGS)} with its values, "
        "such as AfterPolls(3)."
    )
    try:
        said = read_literal(text)
        if not isinstance(said, Worded):
            if not _is_number(said):
                raise usage
            return After(said)
        if said.arguments is None:
            if said.word not in TIMINGS:
                raise usage
            raise UsageError(f"{text!r} is no timing without its values. Write {_EXAMPLES[said.word]}.")
        if said.word not in TIMINGS:
            raise unknown_word("timing", said.word, TIMINGS)
        return TIMINGS[said.word](*said.arguments, **said.named)
    except (TypeError, ValueError):
        raise usage from None
