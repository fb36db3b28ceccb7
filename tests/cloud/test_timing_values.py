"""Timings that draw, and timings that look at what an image is made from: when each ends, and what each refuses."""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ycimages import (
    REALISTIC,
    REALISTIC_DELETE,
    REALISTIC_IMAGE,
    REALISTIC_SLOW_DISK,
    REALISTIC_SNAPSHOT,
    REALISTIC_URI,
    After,
    AfterPolls,
    BySource,
    Double,
    Immediate,
    LogNormal,
    Never,
    PerGiB,
    Schedule,
    Script,
    Stage,
    Uniform,
    UsageError,
)
from pytest_ycimages.api.message import SECOND
from pytest_ycimages.cloud.ids import Ids
from pytest_ycimages.cloud.timing import PRESETS
from tests.cloud.operations import START, at, begun

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages import Timing

GIB = 2**30


@pytest.mark.parametrize(
    ("timing", "drawn", "seconds"),
    [
        (Uniform(2, 6), 0.0, 2),
        (Uniform(2, 6), 0.25, 3),
        (Uniform(2, 2), 0.7, 2),
        (Uniform(0, 0), 0.7, 0),
        (LogNormal(12, 0.4), 0.5, 12),
        (LogNormal(12, 0), 0.9, 12),
        (LogNormal(1, 1), 0.8413447460685429, math.e),
        (LogNormal(1, 1, cap=2), 0.8413447460685429, 2),
        (LogNormal(1, 1, cap=2), 0.1586552539314571, 1 / math.e),
        (LogNormal(12, 0.4, cap=12), 0.99, 12),
        (LogNormal(1, 500), 1 - 2**-53, 10**11),
        (LogNormal(1, 500), 0.0, 0),
    ],
)
def test_a_drawn_timing_ends_after_what_was_drawn(timing: Timing, drawn: float, seconds: float) -> None:
    """From the lower bound at 0 upwards; the median at a half; and every moment is one that can be printed."""
    ends_at = timing.schedule(begun(draw=lambda: drawn)).ends_at
    assert ends_at is not None
    assert (ends_at - START) / SECOND == pytest.approx(seconds, abs=1e-6)


def test_a_log_normal_is_mostly_near_its_median() -> None:
    """What its docstring says of sigma 0.4, over two thousand draws of one seed."""
    draw = Ids("seed")
    ends = [LogNormal(10, 0.4).schedule(begun(draw=lambda: draw.fraction("timing"))).ends_at for _ in range(2000)]
    times = sorted((end - START) / SECOND for end in ends if end is not None)
    assert median(times) == pytest.approx(10, rel=0.05)
    assert sum(6.7 < each < 14.9 for each in times) / 2000 == pytest.approx(2 / 3, abs=0.04)
    assert sum(each > 25 for each in times) / 2000 == pytest.approx(0.01, abs=0.008)


def test_only_what_leaves_something_to_chance_draws() -> None:
    """So that a timing of one operation does not move what another one draws."""

    def draw() -> float:
        raise AssertionError("nothing is left to chance here")

    for timing in (Immediate(), After(1), AfterPolls(2), Never(), PerGiB(7), BySource(disk=5), Script(Stage("empty"))):
        assert timing.schedule(begun(draw=draw))
    with pytest.raises(AssertionError, match="chance"):
        Uniform(0, 1).schedule(begun(draw=draw))


@pytest.mark.parametrize(("size", "seconds"), [(0, 2), (GIB, 9), (GIB // 2, 5.5), (10 * GIB, 72)])
def test_a_timing_per_gib_grows_with_the_data(size: int, seconds: float) -> None:
    """In proportion, on top of its base."""
    assert PerGiB(7, base=2).schedule(begun(size=size)) == Schedule(ends_at=at(seconds))


@pytest.mark.parametrize(("source", "seconds"), [("disk", 8), ("snapshot", 18), ("image", 9), ("uri", 12), ("", 2)])
def test_a_timing_by_source_picks_one(source: str, seconds: float) -> None:
    """By what the image is made from; an update and a delete make none."""
    assert REALISTIC.schedule(begun(source=source)) == Schedule(ends_at=at(seconds))


@pytest.mark.parametrize(("chunks", "seconds"), [(0, 8), (743, 33)])
def test_the_preset_of_disks_takes_as_long_as_both_disks_that_were_measured(chunks: int, seconds: int) -> None:
    """By what was stored of them, in chunks of 4 MiB."""
    ends_at = REALISTIC.schedule(begun(source="disk", size=chunks * 4 * 2**20)).ends_at
    assert ends_at is not None
    assert round((ends_at - START) / SECOND) == seconds


def test_a_source_that_nothing_is_said_of_takes_the_other_or_the_default() -> None:
    """Seconds count as a timing, and so does any other."""
    assert BySource(uri=3, other=AfterPolls(4)).schedule(begun(source="disk")) == Schedule(polls=4)
    assert BySource(uri=3).schedule(begun(source="disk")) == Schedule(polls=1)
    assert BySource(uri=3) == BySource(uri=After(3))


def test_the_presets_are_those_that_were_measured() -> None:
    """Figures of api-facts.md, section 4.2; each is public under its name."""
    import pytest_ycimages  # noqa: PLC0415 - the names are asked of the package itself

    assert (After(12), After(18), After(2)) == (REALISTIC_URI, REALISTIC_SNAPSHOT, REALISTIC_DELETE)
    assert Uniform(9, 12) == REALISTIC_IMAGE
    assert REALISTIC_SLOW_DISK.seconds > PACKER_WAITS
    for name, preset in PRESETS.items():
        assert getattr(pytest_ycimages, name) is preset


PACKER_WAITS = 300

SPAN = ": expected two finite numbers of seconds, zero or more"


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Uniform(-1, 2), f"invalid Uniform(shortest=-1, longest=2){SPAN}"),
        (lambda: Uniform(0, math.inf), f"invalid Uniform(shortest=0, longest=inf){SPAN}"),
        (lambda: Uniform(shortest=True, longest=2), f"invalid Uniform(shortest=True, longest=2){SPAN}"),
        (
            lambda: Uniform(5, 1),
            "invalid Uniform(shortest=5, longest=1): expected the lower bound first, such as Uniform(1, 5)",
        ),
        (
            lambda: LogNormal(0, 1),
            (
                "invalid LogNormal(median=0, sigma=1, cap=None): expected a median above zero seconds, "
                "such as LogNormal(12, 0.4)"
            ),
        ),
        (
            lambda: LogNormal(3, -1),
            "invalid LogNormal(median=3, sigma=-1, cap=None): expected a sigma of zero or more, such as 0.4",
        ),
        (
            lambda: LogNormal(3, 1, cap=2),
            (
                "invalid LogNormal(median=3, sigma=1, cap=2): expected a cap in seconds, not less than the median "
                "of 3; without a limit, leave it out"
            ),
        ),
        (
            lambda: PerGiB(-1),
            (
                "invalid PerGiB(seconds=-1, base=0): expected zero seconds or more for a GiB and for the base; "
                "for an operation that does not end, use Never()"
            ),
        ),
        (BySource, "invalid BySource(): expected a timing or seconds, such as BySource(uri=12, other=5)"),
        (
            lambda: BySource(uri="5"),  # type: ignore[arg-type]  # tests are not always type-checked
            "invalid BySource(uri='5'): expected seconds or a timing, such as After(5)",
        ),
        (
            lambda: BySource(disk=-5),
            "invalid After(seconds=-5): expected zero seconds or more; for an operation that does not end, use Never()",
        ),
    ],
)
def test_an_invalid_value_raises_an_error(make: Callable[[], Timing], text: str) -> None:
    """The text has the given value, the expected one, and an alternative."""
    with pytest.raises(UsageError) as refusal:
        make()
    assert str(refusal.value) == text


def lengths(*, seed: int, count: int = 5, **settings: Any) -> list[float]:
    """How long the creates of a double take that has a seed."""
    double = Double(seed=seed, clock="manual", auth="off", **settings)
    planner = double._backing.planner  # noqa: SLF001 - plans are not public, and a client would have to wait
    plans = (planner.plan("images.create", START, size=GIB, source="disk") for _ in range(count))
    return [((plan.schedule.ends_at or 0) - START) / SECOND for plan in plans]


def test_the_seed_decides_what_is_drawn() -> None:
    """The same one draws the same, whatever else is called in between; another one draws something else."""
    timing = Uniform(0, 100)
    assert lengths(seed=1, timing=timing) == lengths(seed=1, timing=timing)
    assert lengths(seed=1, timing=timing) != lengths(seed=2, timing=timing)
    assert len(set(lengths(seed=1, timing=timing))) == 5
