"""The duration of operations: the timings that users give, as values or as text, and measured presets."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from statistics import NormalDist
from typing import Final, Protocol, runtime_checkable

from pytest_ycimages.api.message import nanoseconds
from pytest_ycimages.cloud.script import Schedule, Start
from pytest_ycimages.errors import UsageError
from pytest_ycimages.text_values import DURATIONS, Vocabulary, is_number, is_seconds, read_text

_LEAST: Final = 2.0**-54
"""The draw that replaces zero: half a step of the draws."""
_GIB: Final = 2**30


@runtime_checkable
class Timing(Protocol):
    """The duration of an operation."""

    def schedule(self, start: Start) -> Schedule:
        """Return when the operation that begins ends by itself."""


@dataclass(frozen=True, slots=True)
class Immediate:
    """Done at once: the response to the call that starts the operation shows it done."""

    def schedule(self, start: Start) -> Schedule:
        """Return its start."""
        return Schedule(ends_at=start.at)


@dataclass(frozen=True, slots=True)
class After:
    """Done after a time on the double's clock, polled or not.

    Attributes:
        seconds: zero or more.

    Raises:
        UsageError: `seconds` is negative, infinite or not a number.
    """

    seconds: float

    def __post_init__(self) -> None:
        if not is_seconds(self.seconds):
            raise UsageError(
                f"invalid After(seconds={self.seconds!r}): expected zero seconds or more; for an operation that does "
                "not end, use Never()"
            )

    def schedule(self, start: Start) -> Schedule:
        """Return the moment so many seconds after the start."""
        return _ends(start, self.seconds)


@dataclass(frozen=True, slots=True)
class AfterPolls:
    """Done at the n-th poll of the operation or of its image, at any time.

    Attributes:
        polls: 1 or more; 1 means that the first poll shows the operation done.

    Raises:
        UsageError: `polls` is less, or not a whole number.
    """

    polls: int

    def __post_init__(self) -> None:
        if type(self.polls) is not int or self.polls < 1:
            raise UsageError(
                f"invalid AfterPolls({self.polls!r}): expected a whole number, 1 or more; for an operation that is "
                "done before any poll, use Immediate()"
            )

    def schedule(self, start: Start) -> Schedule:  # noqa: ARG002 - polls end it, not time
        """Return that number of polls."""
        return Schedule(polls=self.polls)


@dataclass(frozen=True, slots=True)
class Never:
    """Never done; only a cancel ends it."""

    def schedule(self, start: Start) -> Schedule:  # noqa: ARG002 - it does not end
        """Return a schedule without an end."""
        return Schedule()


@dataclass(frozen=True, slots=True)
class Uniform:
    """Done after a random time between two bounds, uniformly distributed; the seed decides it.

    Attributes:
        shortest: seconds, zero or more.
        longest: seconds, not less than `shortest`.

    Raises:
        UsageError: a bound is negative, infinite or not a number, or `shortest` is above `longest`.
    """

    shortest: float
    longest: float

    def __post_init__(self) -> None:
        if not (is_seconds(self.shortest) and is_seconds(self.longest)):
            raise UsageError(f"invalid {self!r}: expected two finite numbers of seconds, zero or more")
        if self.shortest > self.longest:
            instead = f"Uniform({self.longest}, {self.shortest})"
            raise UsageError(f"invalid {self!r}: expected the lower bound first, such as {instead}")

    def schedule(self, start: Start) -> Schedule:
        """Return a random moment between the bounds."""
        return _ends(start, self.shortest + start.draw() * (self.longest - self.shortest))


@dataclass(frozen=True, slots=True)
class LogNormal:
    """Done after a random time, mostly near the median and sometimes much longer; the seed decides it.

    Attributes:
        median: seconds, more than zero; half of the operations take less.
        sigma: zero or more: the standard deviation of the logarithm. With 0.4, two of three take between 0.67 and 1.49
            times the median, and one in a hundred takes more than 2.5 times that.
        cap: the longest time in seconds, not less than the median; None: no limit.

    Raises:
        UsageError: an invalid value.
    """

    median: float
    sigma: float
    cap: float | None = None

    def __post_init__(self) -> None:
        if not is_seconds(self.median) or not self.median:
            raise UsageError(f"invalid {self!r}: expected a median above zero seconds, such as LogNormal(12, 0.4)")
        if not is_seconds(self.sigma):
            raise UsageError(f"invalid {self!r}: expected a sigma of zero or more, such as 0.4")
        if self.cap is not None and not (is_seconds(self.cap) and self.cap >= self.median):
            raise UsageError(
                f"invalid {self!r}: expected a cap in seconds, not less than the median of {self.median}; without a "
                "limit, leave it out"
            )

    def schedule(self, start: Start) -> Schedule:
        """Return a random moment near the median."""
        deviation = NormalDist().inv_cdf(start.draw() or _LEAST)
        seconds = float(self.median) * math.exp(min(self.sigma * deviation, 700))  # e^700: near the largest float
        return _ends(start, seconds if self.cap is None else min(seconds, self.cap))


@dataclass(frozen=True, slots=True)
class PerGiB:
    """Done after a time that grows with the data stored of the image's source, or of the image itself.

    Attributes:
        seconds: for each GiB (2**30 bytes), zero or more; in proportion for a part of one.
        base: seconds to add, zero or more.

    Raises:
        UsageError: a value is negative, infinite or not a number.
    """

    seconds: float
    base: float = 0

    def __post_init__(self) -> None:
        if not (is_seconds(self.seconds) and is_seconds(self.base)):
            raise UsageError(
                f"invalid {self!r}: expected zero seconds or more for a GiB and for the base; for an operation that "
                "does not end, use Never()"
            )

    def schedule(self, start: Start) -> Schedule:
        """Return the moment when the data is copied."""
        return _ends(start, self.base + float(self.seconds) * start.size / _GIB)


@dataclass(frozen=True, slots=True, kw_only=True)
class BySource:
    """A timing for each kind of source. Each is a timing, or seconds.

    Attributes:
        disk: for images from a disk.
        snapshot: for images from a snapshot.
        image: for images from an image.
        uri: for images from a file in Object Storage.
        other: for everything else, updates and deletes included; by default, done at the first poll.

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
            raise UsageError("invalid BySource(): expected a timing or seconds, such as BySource(uri=12, other=5)")
        for name, value in given.items():
            timing = _timing_or_none(value)
            if timing is None:
                raise UsageError(f"invalid BySource({name}={value!r}): expected seconds or a timing, such as After(5)")
            object.__setattr__(self, name, timing)

    def schedule(self, start: Start) -> Schedule:
        """Return the schedule of the timing for the source."""
        timing = getattr(self, start.source or "other")
        return (timing or _timing_or_none(self.other) or AfterPolls(1)).schedule(start)


def _ends(start: Start, seconds: float) -> Schedule:
    return Schedule(ends_at=start.at + nanoseconds(seconds))


def _timing_or_none(value: object) -> Timing | None:
    """Return a timing as itself, seconds as `After`, and None for anything else."""
    if is_number(value):
        return After(value)
    return value if isinstance(value, Timing) and not isinstance(value, type) else None


# Presets: measured on the real service (docs/reference/api-facts.md, section 4.2), as wall time that `yc` or Packer
# printed. Each is one or two samples: the order of magnitude of a wait, but not how times spread or grow with the size.

REALISTIC_URI: Final = After(12)
"""An image from a file: observed once, 12 s for 1.76 GiB stored (guide of 2025-12). Not measured: any other size."""

REALISTIC_IMAGE: Final = Uniform(9, 12)
"""An image from an image: observed twice, 12 s for 2.4 GiB stored (guide of 2024) and 9 s for 9.2 GiB (2025-12).

Not measured: whether times between these are as likely as these.
"""

REALISTIC_DISK: Final = PerGiB(8.6, base=8)
"""An image from a disk: observed twice, 8 s for an empty encrypted disk and 33 s for 2.9 GiB stored (guide of 2025-06).

The line through both. Not measured: other sizes; one of 2022 took much longer, see `REALISTIC_SLOW_DISK`.
"""

REALISTIC_SLOW_DISK: Final = After(360)
"""An image from a disk that takes longer than clients wait: observed once, by a Packer log of July 2022.

Packer gave up after 300 s, as Terraform would have, and the image became READY all the same. Not recorded: its size,
and how long it took in all; 360 s is the double's figure.
"""

REALISTIC_SNAPSHOT: Final = After(18)
"""An image from a snapshot: not measured. 18 s is what a *snapshot of a disk* took, with 3.4 GiB stored (2025-12)."""

REALISTIC_DELETE: Final = After(2)
"""The deletion of an image: observed, 2 s."""

REALISTIC: Final = BySource(
    disk=REALISTIC_DISK,
    snapshot=REALISTIC_SNAPSHOT,
    image=REALISTIC_IMAGE,
    uri=REALISTIC_URI,
    other=REALISTIC_DELETE,
)
"""The presets for each source, without the slow disk. An update was not measured: it takes as long as a deletion."""

PRESETS: Final = {name: value for name, value in globals().items() if name.startswith("REALISTIC")}
"""Every preset, by its name."""

TIMINGS: Final[dict[str, type[Timing]]] = {
    timing.__name__: timing for timing in (Immediate, After, AfterPolls, Uniform, LogNormal, PerGiB, Never)
}
"""The timings that can be written as text; BySource and Script are for Python."""

_ONLY_IN_PYTHON: Final = ("BySource", "Script")
_TIMINGS: Final = Vocabulary(
    what="timing",
    makers=TIMINGS,
    expected=(
        f"seconds such as 2.5, a duration {DURATIONS}, REALISTIC, "
        f"or one of {', '.join(TIMINGS)} with its arguments, such as AfterPolls(3)"
    ),
    examples={
        "Immediate": "Immediate()",
        "After": "After(5)",
        "AfterPolls": "AfterPolls(3)",
        "Uniform": "Uniform(1, 5)",
        "LogNormal": "LogNormal(12, 0.4)",
        "PerGiB": "PerGiB(7, base=2)",
        "Never": "Never()",
    },
    constants=PRESETS,
)


def timing_of(value: object) -> Timing:
    """Return the timing that a user gave: a timing, a number of seconds, or either of them as text.

    Text is for command lines and ini files: `2.5`, `200ms`, `AfterPolls(3)`, `Never()`, `REALISTIC`.

    Raises:
        UsageError: `value` is not a timing.
    """
    if isinstance(value, str) and value.strip().startswith(_ONLY_IN_PYTHON):
        raise UsageError(f"invalid timing {value!r}: give it in Python, such as Settings(timing=...)")
    found = value
    if isinstance(value, str):
        found = read_text(value, _TIMINGS)
    timing = _timing_or_none(found)
    if timing is None:
        raise _TIMINGS.error(value)
    return timing
