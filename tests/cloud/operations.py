"""Operations that begin at a moment of the tests' own, and the strategies that draw what becomes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_ycimages import Start
from pytest_ycimages.api.message import SECOND
from pytest_ycimages.cloud.lifecycle import Phase

if TYPE_CHECKING:
    from collections.abc import Callable

FOLLOWING: Final = {
    Phase.RUNNING: {Phase.SUCCEEDED, Phase.ROLLING_BACK},
    Phase.ROLLING_BACK: {Phase.FAILED},
    Phase.SUCCEEDED: set[Phase](),
    Phase.FAILED: set[Phase](),
}
"""The phases that may follow each phase."""
START: Final = 1_767_225_600 * SECOND
"""2026-01-01T00:00:00Z."""


def begun(
    method: str = "images.create", *, size: int = 0, source: str = "disk", draw: Callable[[], float] = float
) -> Start:
    """An operation that begins at `START`; unless told otherwise, all that it leaves to chance is 0."""
    return Start(START, method, size, source, draw)


def at(seconds: float) -> int:
    """The moment so many seconds after `START`."""
    return START + round(seconds * SECOND)
