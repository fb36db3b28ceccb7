"""How long an operation takes: the timings that users write, each a frozen value that makes a `Schedule`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

from pytest_ycimages.cloud.clock import is_number, is_seconds, nanoseconds
from pytest_ycimages.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.cloud.stage import ScriptTimeline


class Start(NamedTuple):
    """An operation that begins, as far as its timing may ask.

    Attributes:
        at: when, in nanoseconds since the epoch.
        method: what starts it, such as `images.create`.
        size: bytes of data that it is about: what is stored of the image's source, or of the image itself.
        source: what the image is made from: `disk`, `snapshot`, `image` or `uri`; empty when nothing is made.
        draw: gives the next number from 0 up to but not including 1; the seed decides it.
    """

    at: int
    method: str
    size: int
    source: str
    draw: Callable[[], float]


class Schedule(NamedTuple):
    """When an operation ends by itself: at a moment, at a poll yet to come, or never when both are None.

    Attributes:
        ends_at: nanoseconds since the epoch.
        polls: how many polls are still to come; the last one of them ends the operation.
        script: what polls see, when that is not what is true.
    """

    ends_at: int | None = None
    polls: int | None = None
    script: ScriptTimeline | None = None


@runtime_checkable
class Timing(Protocol):
    """Anything that says how long an operation takes."""

    def schedule(self, start: Start) -> Schedule:
        """Return when the operation that begins ends by itself."""


@dataclass(frozen=True, slots=True)
class Immediate:
    """Done at once: the reply to the call that starts the operation shows it done already."""

    def schedule(self, start: Start) -> Schedule:
        """End at the start."""
        return Schedule(ends_at=start.at)


@dataclass(frozen=True, slots=True)
class After:
    """Done after a time on the double's clock, polled or not.

    Attributes:
        seconds: zero or more.

    Raises:
        UsageError: `seconds` is negative, infinite or no number.
    """

    seconds: float

    def __post_init__(self) -> None:
        if not is_seconds(self.seconds):
            raise UsageError(
                f"After(seconds={self.seconds!r}) cannot be: an operation takes zero seconds or more. "
                "For one that does not end, use Never()."
            )

    def schedule(self, start: Start) -> Schedule:
        """End so many seconds later."""
        return Schedule(ends_at=start.at + nanoseconds(self.seconds))


@dataclass(frozen=True, slots=True)
class AfterPolls:
    """Done at the n-th poll of the operation or of its image, whenever that comes.

    Attributes:
        polls: 1 or more; 1 means that the first poll sees the operation done.

    Raises:
        UsageError: `polls` is less, or not whole.
    """

    polls: int

    def __post_init__(self) -> None:
        if type(self.polls) is not int or self.polls < 1:
            raise UsageError(
                f"AfterPolls({self.polls!r}) cannot be: the first poll that can see an operation done is poll 1. "
                "For one that is done before any poll, use Immediate()."
            )

    def schedule(self, start: Start) -> Schedule:  # noqa: ARG002 - polls, not time, end this one
        """End at that poll."""
        return Schedule(polls=self.polls)


@dataclass(frozen=True, slots=True)
class Never:
    """Never done; only cancelling ends it."""

    def schedule(self, start: Start) -> Schedule:  # noqa: ARG002 - it starts, and that is all
        """Do not end."""
        return Schedule()


def timing_or_none(value: object) -> Timing | None:
    """Return a timing as itself, seconds as `After`, and None for anything else."""
    if is_number(value):
        return After(value)
    return value if isinstance(value, Timing) and not isinstance(value, type) else None
