"""Drawn timings can all be had, and those that text can say are read back from what is printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import Phase, find, given, settings

from pytest_ycimages import (
    After,
    AfterPolls,
    BySource,
    Double,
    Immediate,
    LogNormal,
    Never,
    PerGiB,
    Script,
    Uniform,
    UsageError,
)
from pytest_ycimages.cloud.timing import TIMINGS, timing_of
from pytest_ycimages.strategies import timings
from tests.client import Cloud

if TYPE_CHECKING:
    from pytest_ycimages import Timing

thoroughly = settings(max_examples=50, derandomize=True, database=None, deadline=None)


@thoroughly
@given(timings())
def test_a_timing_that_text_can_say_is_read_back_as_it_is_printed(timing: Timing) -> None:
    """The others are for Python: they are equal to what their text makes there."""
    names = {each.__name__: each for each in (*TIMINGS.values(), BySource, Script)}
    if isinstance(timing, tuple(TIMINGS.values())):
        assert timing_of(repr(timing)) == timing
    else:
        from pytest_ycimages import Stage  # noqa: PLC0415 - a name for the text below

        assert eval(repr(timing), {**names, "Stage": Stage}) == timing  # noqa: S307 - what was printed just now


@pytest.mark.costly
@thoroughly
@given(timings(longest=600, ending=True))
def test_an_operation_ends_where_all_timings_do(timing: Timing) -> None:
    """Whatever the timing: polled once a minute, it is shown done some day."""
    double = Double(timing=timing, clock="manual")
    cloud = Cloud(double)
    polled = operation = cloud.create().json
    for _ in range(60):
        double.clock.advance(60)
        polled = cloud.operation(operation["id"])
        if polled.get("done"):
            break
    assert polled.get("done")


@thoroughly
@given(timings(longest=5))
def test_no_timing_is_longer_than_it_may_be(timing: Timing) -> None:
    """Bounds, medians and caps."""
    if isinstance(timing, After | PerGiB):
        assert timing.seconds <= 5
    if isinstance(timing, Uniform):
        assert timing.longest <= 5
    if isinstance(timing, LogNormal):
        assert timing.cap == 5


@pytest.mark.parametrize(
    "kind",
    [AfterPolls, Immediate, Never, After, Uniform, LogNormal, PerGiB, BySource, Script],
    ids=lambda k: k.__name__,
)
def test_every_timing_comes_up(kind: Any) -> None:
    """Also those that only Python can say."""
    once = settings(thoroughly, max_examples=1000, phases=[Phase.generate])
    find(timings(), lambda timing: isinstance(timing, kind), settings=once)


@pytest.mark.costly
def test_they_shrink_to_the_usual_timing() -> None:
    """Done at the first poll."""
    assert find(timings(), lambda _: True, settings=thoroughly) == AfterPolls(1)


@pytest.mark.parametrize("longest", [0, -1, float("inf"), "much"])
def test_a_length_that_cannot_be_is_refused(longest: Any) -> None:
    """With what can."""
    with pytest.raises(UsageError, match="seconds above zero"):
        timings(longest=longest)
