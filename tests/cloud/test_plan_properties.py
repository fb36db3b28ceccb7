"""Laws of plans: for every timing, outcome and cancel, and however clients poll, cancel and wait."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ycimages.api.message import SECOND
from pytest_ycimages.api.resources import Image, ImageStatus
from pytest_ycimages.api.status import Code, Status
from pytest_ycimages.cloud.lifecycle import DONE, Kind, Phase
from pytest_ycimages.cloud.plan import Plan, View, cancelled, polled, view
from pytest_ycimages.cloud.records import ImageRecord, OperationRecord
from pytest_ycimages.cloud.script import VisibleState
from pytest_ycimages.cloud.state import State
from pytest_ycimages.cloud.timing import After, AfterPolls
from tests.cloud import drawn
from tests.cloud.operations import FOLLOWING, START, begun

if TYPE_CHECKING:
    from pytest_ycimages import Timing

ERROR = Status(code=Code.INTERNAL, message="out of space")
CANCEL = Status(code=Code.CANCELLED, message="Cancelled by client")

examples = settings(max_examples=100, derandomize=True, deadline=None)

Verb = Literal["look", "poll", "cancel"]


class Step(NamedTuple):
    """Time passes, then a client does something."""

    wait: int
    verb: Verb


nanoseconds = st.integers(0, 10 * SECOND)
plans = drawn.planned(drawn.timings)


def steps(*verbs: Verb) -> st.SearchStrategy[list[Step]]:
    """What clients do, in order."""
    return st.lists(st.builds(Step, nanoseconds, st.sampled_from(verbs)), max_size=12)


class Seen(NamedTuple):
    """What a step saw, and under which plan."""

    now: int
    view: View
    plan: Plan

    @property
    def truth(self) -> tuple[Phase, int]:
        """What is true, whatever a script shows."""
        return self.view.phase, self.view.modified_at


def played(plan: Plan, script: list[Step]) -> list[Seen]:
    """What each step of `script` saw, after a first look at the start."""
    now = START
    seen = [Seen(now, view(plan, now), plan)]
    for step in script:
        now += step.wait
        if step.verb == "poll":
            plan = polled(plan, now)
        if step.verb == "cancel":
            plan = cancelled(plan, now, CANCEL)
        seen.append(Seen(now, view(plan, now), plan))
    return seen


def wire_of(seen: Seen) -> dict[str, Any]:
    """The operation as a client is shown it, if it is shown it."""
    ready = Image(id="fd8image", folder_id="b1g", created_at="", status=ImageStatus.READY)
    record = OperationRecord("fd8operation", Kind.CREATE, "aje", ready.id, seen.plan)
    state = State()
    state.add_image(ImageRecord(ready.to_wire(), START, 0))
    state.start(record)
    return state.operation_wire(record, seen.view)


def reachable(phase: Phase) -> set[Phase]:
    """`phase`, and all that may follow it: a look may miss a phase that lasted no time."""
    return {phase}.union(*(reachable(after) for after in FOLLOWING[phase]))


@examples
@given(plans, steps("look", "poll", "cancel"))
def test_the_true_phases_that_are_seen_form_a_path_of_the_table(plan: Plan, script: list[Step]) -> None:
    """No operation ever takes a step that the lifecycle does not have, whatever a script shows of it."""
    phases = [Phase.RUNNING, *(each.view.phase for each in played(plan, script))]
    for before, after in pairwise(phases):
        assert after in reachable(before)


@pytest.mark.costly
@examples
@given(plans, steps("look", "poll", "cancel"))
def test_modified_at_never_decreases_and_never_lies_ahead(plan: Plan, script: list[Step]) -> None:
    """It moves with the phase and with nothing else; and what polls are shown of it does not go back either."""
    seen = played(plan, script)
    assert all(START <= each.view.modified_at <= each.now for each in seen)
    for (_, before, _), (_, after, _) in pairwise(seen):
        assert before.modified_at <= after.modified_at
        if before.phase is after.phase:
            assert before.modified_at == after.modified_at
    shown = [wire_of(each)["modifiedAt"].removesuffix("Z") for each in seen]
    assert shown == sorted(shown)


@pytest.mark.costly
@examples
@given(plans, steps("look", "poll", "cancel"))
def test_done_is_for_ever(plan: Plan, script: list[Step]) -> None:
    """Once an operation is truly done, neither time nor polls nor cancels change a thing about it."""
    done = [each for each in played(plan, script) if each.view.done]
    assert all(each.view.phase in DONE for each in done)
    assert len({each.truth for each in done}) <= 1


@pytest.mark.costly
@examples
@given(plans, steps("look", "poll", "cancel"))
def test_polls_are_shown_done_for_ever_unless_a_script_says_otherwise(plan: Plan, script: list[Step]) -> None:
    """Done goes back only to a stage that is not done, of an operation that has truly succeeded."""
    for before, after in pairwise(played(plan, script)):
        if wire_of(before)["done"] and not wire_of(after)["done"]:
            assert after.view.stage is not None
            assert after.view.stage.state is VisibleState.RUNNING
            assert after.view.phase is Phase.SUCCEEDED


@examples
@given(plans, steps("look", "poll", "cancel"))
def test_response_and_error_are_never_both(plan: Plan, script: list[Step]) -> None:
    """And what is done has one of them, unless a script shows it empty."""
    for seen in played(plan, script):
        wire = wire_of(seen)
        stage = seen.view.stage
        assert not ("response" in wire and "error" in wire)
        assert "response" not in wire or wire["done"]
        is_empty = stage is not None and stage.state is VisibleState.EMPTY
        assert wire["done"] is False or "response" in wire or "error" in wire or is_empty
        if stage is None:
            assert wire["done"] is seen.view.done
            assert ("response" in wire) is (seen.view.phase is Phase.SUCCEEDED)


@pytest.mark.costly
@examples
@given(plans, steps("look", "poll", "cancel"), nanoseconds)
def test_looking_more_often_changes_nothing(plan: Plan, script: list[Step], wait: int) -> None:
    """A look between any two steps leaves what all the other steps see as it was."""
    doubled = [each for step in script for each in (Step(0, "look"), step)]
    assert played(plan, doubled)[2::2] == played(plan, script)[1:]
    assert view(plan, START + wait) == view(plan, START + wait)


@pytest.mark.costly
@examples
@given(drawn.planned(st.one_of(drawn.clocked, drawn.scripts)), steps("look", "poll", "cancel"))
def test_polls_do_not_move_the_end_of_what_does_not_wait_for_them(plan: Plan, script: list[Step]) -> None:
    """Polled or only looked at, every other timing ends at the same nanosecond."""
    looked = [step._replace(verb="look") if step.verb == "poll" else step for step in script]
    assert played(plan, looked) == played(plan, script)


@examples
@given(st.integers(1, 9), st.sampled_from((None, ERROR)), st.lists(nanoseconds, min_size=9, max_size=9))
def test_after_polls_ends_at_exactly_its_last_poll(polls: int, error: Status | None, waits: list[int]) -> None:
    """However long clients wait between them: at poll n, at its moment, and not at poll n-1."""
    plan = Plan(START, AfterPolls(polls).schedule(begun()), error=error)
    seen = played(plan, [Step(wait, "poll") for wait in waits])
    assert not any(each.view.done for each in seen[:polls])
    ended = View(Phase.FAILED if error else Phase.SUCCEEDED, seen[polls].now)
    assert {each.view for each in seen[polls:]} == {ended}


@examples
@given(drawn.seconds, st.integers(1, 10 * SECOND))
def test_a_rollback_keeps_the_error_in_sight_before_done(length: float, rollback: int) -> None:
    """From the failure until the rollback is over, to the nanosecond, the operation shows its error and is not done."""
    plan = Plan(START, After(length).schedule(begun()), error=ERROR, rollback=rollback)
    failed_at = START + round(length * SECOND)
    for now in (failed_at, failed_at + rollback - 1):
        assert view(plan, now) == View(Phase.ROLLING_BACK, failed_at)
    assert view(plan, failed_at + rollback) == View(Phase.FAILED, failed_at + rollback)


@examples
@given(drawn.timings, nanoseconds, nanoseconds, nanoseconds)
def test_a_cancel_that_wins_ends_what_runs_and_nothing_else(
    timing: Timing, wait: int, rollback: int, later: int
) -> None:
    """A cancel while RUNNING rolls back and fails at its own moment; any later one leaves the plan alone."""
    schedule = timing.schedule(begun())
    plan = Plan(START, schedule, error=schedule.script.error if schedule.script else None, rollback=rollback)
    now = START + wait
    ended = cancelled(plan, now, CANCEL)
    if view(plan, now).phase is not Phase.RUNNING:
        assert ended is plan
    else:
        assert view(ended, now + rollback) == View(Phase.FAILED, now + rollback)
        assert ended.failure == CANCEL
        assert cancelled(ended, now + later, ERROR) is ended


@pytest.mark.costly
@examples
@given(plans, nanoseconds, steps("look", "poll"))
def test_a_cancel_brings_about_what_its_setting_says(plan: Plan, wait: int, script: list[Step]) -> None:
    """Whatever it is, it begins no earlier than the cancel, and an end of its own that comes first stands."""
    now = START + wait
    before = view(plan, now)
    after = cancelled(plan, now, CANCEL)
    if before.phase is not Phase.RUNNING or plan.cancel.how in {"loses", "refused"}:
        assert after is plan
        return
    own = plan.schedule.ends_at
    ends_at = {"wins": now, "late": now + plan.cancel.delay, "too_late": now}[plan.cancel.how]
    end = view(after, ends_at + plan.rollback)
    if plan.cancel.how == "too_late":
        assert end == View(Phase.FAILED if plan.error else Phase.SUCCEEDED, now)
    elif own is None or own > ends_at:
        assert (end.phase, end.stage, after.failure) == (Phase.FAILED, None, CANCEL)
        assert view(after, ends_at - 1) == view(plan, ends_at - 1) or plan.cancel.how == "wins"
    else:
        assert [each.truth for each in played(after, script)] == [each.truth for each in played(plan, script)]
