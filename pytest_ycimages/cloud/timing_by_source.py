"""Timings that look at what an image is made from: at how much data that is, and at its kind."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

from pytest_ycimages.cloud.clock import is_seconds, nanoseconds
from pytest_ycimages.cloud.timing import AfterPolls, Schedule, Start, Timing, timing_or_none
from pytest_ycimages.errors import UsageError

GIB: Final = 2**30


@dataclass(frozen=True, slots=True)
class PerGiB:
    """Done after a time that grows with the data: what is stored of the image's source, or of the image itself.

    Attributes:
        seconds: for each GiB (2**30 bytes), zero or more; parts of one count in proportion.
        base: seconds that even no data takes, zero or more.

    Raises:
        UsageError: a value is negative, infinite or no number.
    """

    seconds: float
    base: float = 0

    def __post_init__(self) -> None:
        if not (is_seconds(self.seconds) and is_seconds(self.base)):
            raise UsageError(
                f"{self!r} cannot be: a GiB takes zero seconds or more, and so does the base. "
                "For an operation that does not end, use Never()."
            )

    def schedule(self, start: Start) -> Schedule:
        """End once the data is through."""
        return Schedule(ends_at=start.at + nanoseconds(self.base + self.seconds * start.size / GIB))


@dataclass(frozen=True, slots=True, kw_only=True)
class BySource:
    """Another timing for each kind of thing that an image is made from. Each is a timing, or seconds.

    Attributes:
        disk: for images from a disk.
        snapshot: for images from a snapshot.
        image: for images from an image.
        uri: for images from a file in Object Storage.
        other: for what none of these is given for, updates and deletes included; by default, done at the first poll.

    Raises:
        UsageError: a value is neither a timing nor seconds, or none is given.
    """

    disk: Timing | float | None = None
    snapshot: Timing | float | None = None
    image: Timing | float | None = None
    uri: Timing | float | None = None
    other: Timing | float | None = None

    def __post_init__(self) -> None:
        given = {each.name: value for each in fields(self) if (value := getattr(self, each.name)) is not None}
        if not given:
            raise UsageError("BySource() says nothing. Give a timing or seconds, such as BySource(uri=12, other=5).")
        for name, value in given.items():
            timing = timing_or_none(value)
            if timing is None:
                raise UsageError(f"BySource({name}={value!r}) cannot be: give a timing, such as After(5), or seconds.")
            object.__setattr__(self, name, timing)

    def schedule(self, start: Start) -> Schedule:
        """End when the timing says that is for what the image is made from."""
        timing = getattr(self, start.source or "other")
        return (timing or timing_or_none(self.other) or AfterPolls(1)).schedule(start)
