"""The geometry of plots: where seconds are on an axis."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ycimages.experiment.html import axis_of

SECONDS = st.floats(0, 1e6)


@pytest.mark.parametrize(
    ("seconds", "marks"),
    [
        ([], ["1 s", "10 s"]),
        ([8.0], ["1 s", "10 s"]),
        ([5.75, 39.1], ["1 s", "10 s", "1 min"]),
        ([0.0, 7200.0], ["0.1 s", "1 s", "10 s", "1 min", "10 min", "1 h", "10 h"]),
        ([1e6], ["1 h", "10 h"]),
    ],
)
def test_an_axis_is_as_short_as_can_be(seconds: list[float], marks: list[str]) -> None:
    """With a mark at either end."""
    ticks = axis_of(seconds).ticks
    assert [tick.words for tick in ticks] == marks
    assert (ticks[0].at, ticks[-1].at) == (0, 1)


@given(st.lists(SECONDS, min_size=1))
def test_everything_is_on_the_axis_and_in_its_order(seconds: list[float]) -> None:
    """Each dot between the ends, more seconds further right; the median between the least and the most."""
    strip = axis_of(seconds).strip(seconds)
    assert strip is not None
    places = [dot.at for dot in strip.dots]
    assert places == sorted(places)
    assert 0 <= strip.least <= strip.median <= strip.most <= 1
    assert (places[0], places[-1]) == (strip.least, strip.most)
    assert sum(dot.trials for dot in strip.dots) == len(seconds)


def test_trials_that_took_as_long_are_one_larger_dot() -> None:
    """It says how many they are."""
    strip = axis_of([5.0, 5.0, 8.0]).strip([5.0, 5.0, 8.0])
    assert strip is not None
    (two, one) = strip.dots
    assert (two.trials, one.trials) == (2, 1)
    assert two.radius > one.radius


def test_no_times_have_no_distribution() -> None:
    """None is told from zero."""
    assert axis_of([1.0]).strip([]) is None
