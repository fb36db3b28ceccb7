"""What may become of an operation, as Hypothesis draws it: every timing, every outcome, every cancel."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from pytest_ycimages import (
    After,
    AfterPolls,
    BySource,
    Code,
    Failure,
    Immediate,
    LogNormal,
    Never,
    PerGiB,
    Script,
    Stage,
    Success,
    Uniform,
)
from pytest_ycimages.api.status import Status
from pytest_ycimages.cloud.ids import Ids
from pytest_ycimages.cloud.plan import Planner
from pytest_ycimages.cloud.rules import Rules, for_one_operation
from tests.cloud.operations import START

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from pytest_ycimages import Timing
    from pytest_ycimages.cloud.plan import Plan

seconds = st.floats(0, 30)
lengths = st.floats(0.001, 10)
clocked: SearchStrategy[Timing] = st.one_of(
    st.just(Immediate()),
    st.just(Never()),
    st.builds(After, seconds),
    st.tuples(seconds, seconds).map(sorted).map(lambda bounds: Uniform(*bounds)),
    st.builds(LogNormal, lengths, st.floats(0, 3), st.one_of(st.none(), st.floats(10, 30))),
    st.builds(PerGiB, seconds, seconds),
    st.builds(BySource, disk=seconds, snapshot=st.builds(After, seconds), other=seconds),
)
"""The timings that end by the clock, or not at all, and show what is true."""

polled: SearchStrategy[Timing] = st.builds(AfterPolls, st.integers(1, 5))
plain = st.one_of(clocked, polled)


def _stages(*states: str) -> SearchStrategy[list[Stage]]:
    metadata = st.sampled_from((None, {"progressPercent": 40}))
    drawn = st.builds(lambda state, long: (state, long), st.sampled_from(states), lengths)
    return st.lists(
        st.builds(
            lambda stage, shown: Stage(*stage, metadata=None if stage[0] == "vanished" else shown), drawn, metadata
        ),
        max_size=4,
    )


def _script(stages: list[Stage], last: str) -> Script:
    return Script(*stages, Stage(last))


_before = _stages("running", "vanished")
scripts: SearchStrategy[Script] = st.one_of(
    st.builds(_script, _before, st.sampled_from(("running", "vanished"))),
    st.builds(
        lambda before, after, last: _script([*before, *after], last),
        _before,
        _stages("running", "vanished", "succeeded", "empty"),
        st.sampled_from(("running", "vanished", "succeeded", "empty")),
    ),
    st.builds(
        lambda before, after, last: _script([*before, *after], last),
        _before,
        _stages("running", "vanished", "failing"),
        st.sampled_from(("running", "vanished", "failing", "failed")),
    ),
)
timings: SearchStrategy[Timing] = st.one_of(plain, scripts)
outcomes = st.one_of(
    st.just(Success()), st.builds(Failure, st.sampled_from([code for code in Code if code is not Code.OK]))
)
cancels = st.sampled_from(("wins", "late", "loses", "too_late", "refused")).map(partial(for_one_operation, "cancel"))
BAD_URI = Status(code=Code.INVALID_ARGUMENT, message="url source not found")


def planned(timings: SearchStrategy[Timing]) -> SearchStrategy[Plan]:
    """The plan of a create with one of `timings`, and with whatever else the settings may say."""

    @st.composite
    def plans(draw: st.DrawFn) -> Plan:
        rules = Rules(
            timing=draw(timings),
            outcome=draw(outcomes),
            rollback=draw(seconds),
            cancel=draw(cancels),
            cancel_delay=draw(seconds),
        )
        planner = Planner(Ids(str(draw(st.integers(0, 9)))), rules)
        return planner.plan(
            "images.create",
            START,
            size=draw(st.integers(0, 2**33)),
            source=draw(st.sampled_from(("disk", "snapshot", "image", "uri"))),
            failure=draw(st.sampled_from((None, None, BAD_URI))),
        )

    return plans()
