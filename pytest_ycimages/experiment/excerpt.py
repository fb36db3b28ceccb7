"""What is shown of a long timeline: its beginning, its end, and what proves the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ycimages.experiment.stored_report import StoredMoment


class Shown(NamedTuple):
    """A moment of a timeline that is shown, or how many are left out there."""

    moment: StoredMoment | None
    left_out: int = 0


def shown_moments(moments: Sequence[StoredMoment], ends: int = 30) -> list[Shown]:
    """What is shown of a timeline.

    Args:
        moments: all of it.
        ends: how many moments are shown at its beginning, and at its end. Those between are shown if they prove
            something, as long as they are not more than these.
    """
    proving = [place for place, moment in enumerate(moments) if moment.proves and ends <= place < len(moments) - ends]
    kept = {*range(ends), *range(len(moments) - ends, len(moments)), *proving[: 2 * ends]}
    found: list[Shown] = []
    for place, moment in enumerate(moments):
        if place in kept:
            found.append(Shown(moment))
        elif found and found[-1].moment is None:
            found[-1] = Shown(None, found[-1].left_out + 1)
        else:
            found.append(Shown(None, 1))
    return found
