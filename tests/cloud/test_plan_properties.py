"""Laws of plans: whatever the timing, and however clients poll, cancel and wait."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ycimages.api.message import SECOND
from pytest_ycimages.api.status import Status
from pytest_ycimages.cloud.lifecycle import DONE, LIFECYCLE, Phase
from pytest_ycimages.cloud.plan import Plan, View, cancelled, polled, view
from pytest_ycimages.cloud.timing import After, AfterPolls, Immediate, Never, Timing

START = 1_767_225_600 * SECOND
ERROR = Status(code=13, message="out of space")
CANCEL = Status(code=1, message="Cancelled by client")

examples = settings(max_examples=100, derandomize=True, deadline=None)

Verb = Literal["look", "poll", "cancel"]


class Step(NamedTuple):
    """Time passes, then a client does something."""

    wait: int
    verb: Verb


nanoseconds = st.integers(0, 10 * SECOND)
seconds = st.floats(0, 30)
timings: st.SearchStrategy[Timing] = st.one_of(
    st.just(Immediate()), st.just(Never()), st.builds(After, seconds), st.builds(AfterPolls, st.integers(1, 5))
)
plans = st.builds(
    lambda timing, error, rollback: Plan(START, timing.schedule(START), error=error, rollback=rollback),
    timings,
    st.sampled_from((None, ERROR)),
    nanoseconds,
)


def scripts(*verbs: Verb) -> st.SearchStrategy[list[Step]]:
    """What clients do, in order."""
    return st.lists(st.builds(Step, nanoseconds, st.sampled_from(verbs)), max_size=12)


def played(plan: Plan, script: list[Step]) -> list[tuple[int, View]]:
    """What each step of `script` saw, with its moment, after a first look at the start."""
    now = START
    seen = [(now, view(plan, now))]
    for step in script:
        now += step.wait
        if step.verb == "poll":
            plan = polled(plan, now)
        if step.verb == "cancel":
            plan = cancelled(plan, now, CANCEL)
        seen.append((now, view(plan, now)))
    return seen


def reachable(phase: Phase) -> set[Phase]:
    """`phase`, and all that may follow it: a look may miss a phase that lasted no time."""
    return {phase}.union(*(reachable(after) for after in LIFECYCLE[phase].values()))


@examples
@given(plans, scripts("look", "poll", "cancel"))
def test_the_phases_that_are_seen_form_a_path_of_the_table(plan: Plan, script: list[Step]) -> None:
    """No client ever sees an operation take a step that the lifecycle does not have."""
    seen = [View(Phase.RUNNING, START), *(each for _, each in played(plan, script))]
    for before, after in pairwise(seen):
        assert after.phase in reachable(before.phase)


@examples
@given(plans, scripts("look", "poll", "cancel"))
def test_modified_at_never_decreases_and_never_lies_ahead(plan: Plan, script: list[Step]) -> None:
    """`modified_at` moves with the phase and with nothing else."""
    seen = played(plan, script)
    assert all(START <= each.modified_at <= now for now, each in seen)
    for (_, before), (_, after) in pairwise(seen):
        assert before.modified_at <= after.modified_at
        if before.phase is after.phase:
            assert before.modified_at == after.modified_at


@examples
@given(plans, scripts("look", "poll", "cancel"))
def test_done_is_for_ever(plan: Plan, script: list[Step]) -> None:
    """Once an operation is done, neither time nor polls nor cancels change a thing about it."""
    done = [each for _, each in played(plan, script) if each.done]
    assert all(each.phase in DONE for each in done)
    assert len(set(done)) <= 1


@examples
@given(plans, scripts("look", "poll", "cancel"), nanoseconds)
def test_looking_more_often_changes_nothing(plan: Plan, script: list[Step], wait: int) -> None:
    """A look between any two steps leaves what all the other steps see as it was."""
    doubled = [each for step in script for each in (Step(0, "look"), step)]
    assert [each for _, each in played(plan, doubled)][2::2] == [each for _, each in played(plan, script)][1:]
    assert view(plan, START + wait) == view(plan, START + wait)


@examples
@given(seconds, st.sampled_from((None, ERROR)), nanoseconds, scripts("look", "poll"))
def test_polls_do_not_move_the_end_of_after(
    length: float, error: Status | None, rollback: int, script: list[Step]
) -> None:
    """`After` ends by the clock: polled or not, at the same nanosecond."""
    plan = Plan(START, After(length).schedule(START), error=error, rollback=rollback)
    for now, seen in played(plan, script):
        assert seen == view(plan, now)


@examples
@given(st.integers(1, 9), st.sampled_from((None, ERROR)), st.lists(nanoseconds, min_size=9, max_size=9))
def test_after_polls_ends_at_exactly_its_last_poll(polls: int, error: Status | None, waits: list[int]) -> None:
    """However long clients wait between them: at poll n, at its moment, and not at poll n-1."""
    plan = Plan(START, AfterPolls(polls).schedule(START), error=error)
    seen = played(plan, [Step(wait, "poll") for wait in waits])
    assert not any(each.done for _, each in seen[:polls])
    last_poll_at, ended = seen[polls]
    assert ended == View(Phase.FAILED if error else Phase.SUCCEEDED, last_poll_at)
    assert {each for _, each in seen[polls:]} == {ended}


@examples
@given(seconds, st.integers(1, 10 * SECOND))
def test_a_rollback_keeps_the_error_in_sight_before_done(length: float, rollback: int) -> None:
    """From the failure until the rollback is over, to the nanosecond, the operation shows its error and is not done."""
    plan = Plan(START, After(length).schedule(START), error=ERROR, rollback=rollback)
    failed_at = START + round(length * SECOND)
    for now in (failed_at, failed_at + rollback - 1):
        assert view(plan, now) == View(Phase.ROLLING_BACK, failed_at)
    assert view(plan, failed_at + rollback) == View(Phase.FAILED, failed_at + rollback)


@examples
@given(timings, nanoseconds, nanoseconds, nanoseconds)
def test_a_cancel_ends_what_runs_and_nothing_else(timing: Timing, wait: int, rollback: int, later: int) -> None:
    """A cancel while RUNNING rolls back and fails at its own moment; any later one leaves the plan alone."""
    plan = Plan(START, timing.schedule(START), rollback=rollback)
    now = START + wait
    ended = cancelled(plan, now, CANCEL)
    if view(plan, now).done:
        assert ended is plan
    else:
        assert view(ended, now + rollback) == View(Phase.FAILED, now + rollback)
        assert ended.error == CANCEL
        assert cancelled(ended, now + later, ERROR) is ended
