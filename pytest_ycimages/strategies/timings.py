"""How long operations take, as Hypothesis draws it: every timing, the simplest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from pytest_ycimages.cloud.clock import LONGEST, is_seconds
from pytest_ycimages.cloud.script import Script
from pytest_ycimages.cloud.stage import Stage
from pytest_ycimages.cloud.timing import After, AfterPolls, BySource, Immediate, LogNormal, Never, PerGiB, Uniform
from pytest_ycimages.errors import UsageError

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from pytest_ycimages.cloud.timing import Timing

_POLLS: Final = 10
_STAGES: Final = 3
_SOURCES: Final = ("disk", "snapshot", "image", "uri", "other")


def timings(*, longest: float = 3600, ending: bool = False) -> SearchStrategy[Timing]:
    """Return a strategy of timings for `Double(timing=...)`, which shrinks towards the default, `AfterPolls(1)`.

    Args:
        longest: the most seconds of a bound, median or stage.
        ending: whether every operation ends by itself, as polls show.

    Raises:
        UsageError: `longest` is not a number of seconds above zero.
    """
    if not is_seconds(longest) or not 0 < longest <= LONGEST:
        raise UsageError(f"invalid timings(longest={longest!r}): expected seconds above zero, such as 600")
    plain = plain_timings(longest, ending=ending)
    kinds = st.dictionaries(st.sampled_from(_SOURCES), plain, min_size=1).map(lambda given: BySource(**given))
    return st.one_of(plain, kinds, _scripts(longest, ending=ending))


def plain_timings(longest: float, *, ending: bool = False) -> SearchStrategy[Timing]:
    """Return a strategy of the timings that can be written as text."""
    return st.one_of(
        st.just(AfterPolls(1)),
        st.builds(AfterPolls, st.integers(1, _POLLS)),
        st.builds(Immediate),
        *([] if ending else [st.builds(Never)]),
        _clocked(longest),
    )


def seconds_up_to(longest: float) -> SearchStrategy[float]:
    """Return a strategy of durations in seconds: whole ones first, else to the millisecond."""
    whole = st.integers(0, int(longest))
    return st.one_of(whole, st.integers(0, int(longest * 1000)).map(lambda number: number / 1000))


def _clocked(longest: float) -> SearchStrategy[Timing]:
    seconds = seconds_up_to(longest)
    positive = seconds.map(lambda number: number or min(1.0, longest))
    bounds = st.tuples(seconds, seconds).map(sorted)
    spread = st.integers(0, 20).map(lambda number: number / 10)
    return st.one_of(
        st.builds(After, seconds),
        bounds.map(lambda pair: Uniform(*pair)),
        st.builds(lambda median, sigma: LogNormal(median, sigma, cap=longest), positive, spread),
        st.builds(PerGiB, seconds, seconds),
    )


def _scripts(longest: float, *, ending: bool) -> SearchStrategy[Timing]:
    """Stories that begin as anything does which is not over, and end as one of them can."""
    lasting = seconds_up_to(longest).map(lambda number: number or min(1.0, longest))
    metadata = st.none() | st.integers(0, 100).map(lambda percent: {"progressPercent": percent})
    running = st.builds(lambda seconds, shown: Stage("running", seconds, metadata=shown), lasting, metadata)
    vanished = st.builds(lambda seconds: Stage("vanished", seconds), lasting)
    failing = st.builds(lambda seconds: Stage("failing", seconds), lasting)
    before = st.lists(running | vanished, max_size=_STAGES)
    ends = ("succeeded", "failed") if ending else ("succeeded", "failed", "running", "vanished", "failing", "empty")

    def story(stages: list[Stage], last: str, error: list[Stage]) -> Script:
        return Script(*stages, *(error if last == "failed" else ()), Stage(last))

    return st.builds(story, before, st.sampled_from(ends), st.lists(failing, max_size=1))
