"""What is shown of a timeline: of equal polls the first, of a long one the ends and what proves the verdict."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, Protocol, TypeVar

from pytest_ycimages.call import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Moment(Protocol):
    """One moment of a trial."""

    @property
    def at(self) -> float:
        """Seconds since the trial began."""

    @property
    def asked(self) -> str:
        """What the client asked."""

    @property
    def told(self) -> str:
        """What it was told."""

    @property
    def happened(self) -> str:
        """What the server did."""

    @property
    def proves(self) -> bool:
        """Whether a verdict rests on it."""


AnyMoment = TypeVar("AnyMoment", bound=Moment)

_ENOUGH: Final = 3
"""How many equal calls in a row are shown as one."""


class Shown(NamedTuple, Generic[AnyMoment]):
    """A line of a timeline: a moment, or how many calls are left out there.

    Attributes:
        moment: what is shown; None where calls are left out.
        left_out: how many calls are.
        until: when the last of them came, if all of them were as the moment before; None: they were of any kind.
    """

    moment: AnyMoment | None
    left_out: int = 0
    until: float | None = None

    @property
    def words(self) -> str:
        """What to say of the calls that are left out."""
        if self.until is not None:
            return f"{self.left_out} more like it, to +{shown(self.until)}"
        return f"{self.left_out} call{'s' if self.left_out > 1 else ''} left out"


def shown_moments(moments: Sequence[AnyMoment], ends: int = 30) -> list[Shown[AnyMoment]]:
    """What is shown of a timeline.

    Args:
        moments: all of it.
        ends: how many lines are shown at its beginning, and at its end. Those between are shown if they prove
            something, as long as they are not more than these.
    """
    lines = list(_folded(moments))
    proving = [place for place, line in enumerate(lines) if line.moment is not None and line.moment.proves]
    between = [place for place in proving if ends <= place < len(lines) - ends]
    kept = {*range(ends), *range(len(lines) - ends, len(lines)), *between[: 2 * ends]}
    found: list[Shown[AnyMoment]] = []
    is_gap = False
    for place, line in enumerate(lines):
        if place in kept:
            found.append(line)
        else:
            before = found.pop().left_out if is_gap else 0
            found.append(Shown(None, before + (line.left_out or 1)))
        is_gap = place not in kept
    return found


def _folded(moments: Sequence[AnyMoment]) -> Iterator[Shown[AnyMoment]]:
    """Every moment, but of many equal ones in a row that prove nothing the first alone."""
    for _, group in groupby(moments, key=lambda each: (each.asked, each.told, each.happened, each.proves)):
        first, *others = group
        yield Shown(first)
        if first.proves or len(others) + 1 < _ENOUGH:
            yield from (Shown(each) for each in others)
        else:
            yield Shown(None, len(others), others[-1].at)
