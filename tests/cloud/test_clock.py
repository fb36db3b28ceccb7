"""The two clocks: one that stands still until it is moved, and one that nobody moves."""

from __future__ import annotations

import math

import pytest

from pytest_ycimages import UsageError
from pytest_ycimages.api.message import SECOND, operation_time
from pytest_ycimages.cloud.clock import MANUAL_START, ManualClock, RealClock


def test_a_manual_clock_begins_at_a_fixed_moment_and_stands_still() -> None:
    """Timestamps in golden texts stay the same for ever."""
    clock = ManualClock()
    assert clock.now() == clock.now() == MANUAL_START
    assert operation_time(clock.now()) == "2026-01-01T00:00:00Z"


def test_a_manual_clock_begins_where_it_is_told() -> None:
    """The start is a moment in nanoseconds since the epoch."""
    assert ManualClock(start=5).now() == 5


def test_a_manual_clock_moves_by_exactly_what_it_is_told() -> None:
    """Sums are exact: ten times a tenth of a second is a second, which floats would miss."""
    clock = ManualClock(start=0)
    for _ in range(10):
        clock.advance(0.1)
    assert clock.now() == SECOND
    clock.advance(0)
    clock.advance(1e-9)
    clock.advance(3600)
    assert clock.now() == 3601 * SECOND + 1


def test_a_manual_clock_does_not_go_back() -> None:
    """The text says what was asked and why not; the time stays."""
    clock = ManualClock(start=0)
    with pytest.raises(UsageError) as refusal:
        clock.advance(-0.5)
    assert str(refusal.value) == "Cannot advance the clock by -0.5 seconds: time cannot go back."
    assert clock.now() == 0


@pytest.mark.parametrize("seconds", [math.nan, math.inf, -math.inf])
def test_a_manual_clock_refuses_what_is_no_length_of_time(seconds: float) -> None:
    """A usage error, not an arithmetic one from inside."""
    clock = ManualClock(start=0)
    with pytest.raises(UsageError, match=f"^Cannot advance the clock by {seconds} seconds: "):
        clock.advance(seconds)
    assert clock.now() == 0


def test_the_real_clock_tells_the_time_of_the_machine() -> None:
    """It goes forward by itself, and it is later than the moment at which this was written."""
    clock = RealClock()
    first = clock.now()
    assert MANUAL_START < first <= clock.now()


def test_the_real_clock_cannot_be_moved() -> None:
    """The text says how to get a clock that can."""
    with pytest.raises(UsageError) as refusal:
        RealClock().advance(5)
    assert str(refusal.value) == (
        "Cannot advance the clock by 5 seconds: this double runs on the real clock. "
        "Ask for the fixture `ycimages_time`, which the client's clock follows as well; or give the double a clock "
        'of its own: Double(clock="manual"), or @pytest.mark.ycimages(clock="manual").'
    )
