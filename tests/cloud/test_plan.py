"""An operation as a pure function of time: what `view` sees, and what a poll and a cancel make of a plan."""

from __future__ import annotations

from copy import deepcopy

import pytest

from pytest_ycimages.api.message import SECOND
from pytest_ycimages.api.resources import Image, ImageStatus
from pytest_ycimages.api.status import Code, Status
from pytest_ycimages.cloud.lifecycle import Kind, Phase
from pytest_ycimages.cloud.plan import Cancel, Plan, View, cancelled, polled, view
from pytest_ycimages.cloud.records import ImageRecord, OperationRecord
from pytest_ycimages.cloud.state import State
from pytest_ycimages.cloud.timing import After, AfterPolls, Immediate, Never, Timing
from tests.cloud.operations import START, at, begun

ERROR = Status(code=Code.INTERNAL, message="out of space")
CANCEL = Status(code=Code.CANCELLED, message="Cancelled by client")


def plan_of(timing: Timing, *, error: Status | None = None, rollback: float = 0) -> Plan:
    """A plan that starts at `START`."""
    return Plan(START, timing.schedule(begun()), error=error, rollback=round(rollback * SECOND))


SUCCESS = plan_of(After(5))
FAILURE = plan_of(After(5), error=ERROR, rollback=3)
CANCELLED = cancelled(plan_of(After(5), rollback=3), at(2), CANCEL)


@pytest.mark.parametrize(
    ("plan", "seconds", "phase", "modified"),
    [
        (SUCCESS, 0, Phase.RUNNING, 0),
        (SUCCESS, 4.999999999, Phase.RUNNING, 0),
        (SUCCESS, 5, Phase.SUCCEEDED, 5),
        (SUCCESS, 500, Phase.SUCCEEDED, 5),
        (plan_of(After(0.1)), 0.1, Phase.SUCCEEDED, 0.1),
        (plan_of(After(0)), 0, Phase.SUCCEEDED, 0),
        (plan_of(Immediate()), 0, Phase.SUCCEEDED, 0),
        (plan_of(Never()), 10**9, Phase.RUNNING, 0),
        (plan_of(AfterPolls(1)), 10**9, Phase.RUNNING, 0),
        (FAILURE, 4.999999999, Phase.RUNNING, 0),
        (FAILURE, 5, Phase.ROLLING_BACK, 5),
        (FAILURE, 7.999999999, Phase.ROLLING_BACK, 5),
        (FAILURE, 8, Phase.FAILED, 8),
        (plan_of(Immediate(), error=ERROR), 0, Phase.FAILED, 0),
        (CANCELLED, 1.999999999, Phase.RUNNING, 0),
        (CANCELLED, 2, Phase.ROLLING_BACK, 2),
        (CANCELLED, 5, Phase.FAILED, 5),
    ],
)
def test_a_plan_shows_each_moment_its_phase(plan: Plan, seconds: float, phase: Phase, modified: float) -> None:
    """A phase begins exactly at its moment, to the nanosecond, and `modified_at` is that moment."""
    assert view(plan, at(seconds)) == View(phase, at(modified))


@pytest.mark.parametrize("seconds", [0, 1, 4, 5, 6, 8, 100])
@pytest.mark.parametrize("plan", [SUCCESS, FAILURE, CANCELLED, plan_of(AfterPolls(2)), plan_of(Never())])
def test_looking_polling_and_cancelling_leave_the_plan_as_it_was(plan: Plan, seconds: float) -> None:
    """A plan is a value: each verb returns what it has to say and touches nothing."""
    before = deepcopy(plan)
    for _ in range(2):
        first = view(plan, at(seconds)), polled(plan, at(seconds)), cancelled(plan, at(seconds), CANCEL)
        assert first == (view(plan, at(seconds)), polled(plan, at(seconds)), cancelled(plan, at(seconds), CANCEL))
    assert plan == before


@pytest.mark.parametrize("polls", [1, 2, 7])
def test_an_operation_ends_at_its_last_poll_and_not_before(polls: int) -> None:
    """`AfterPolls(n)` is running until poll n-1, done at poll n, and modified at the moment of that poll."""
    plan = plan_of(AfterPolls(polls))
    for number in range(1, polls):
        plan = polled(plan, at(number))
        assert view(plan, at(number)).phase is Phase.RUNNING
    plan = polled(plan, at(polls))
    assert view(plan, at(polls)) == View(Phase.SUCCEEDED, at(polls))
    assert polled(plan, at(polls + 1)) == plan


@pytest.mark.parametrize("plan", [SUCCESS, FAILURE, CANCELLED, plan_of(Never()), plan_of(Immediate())])
def test_a_poll_changes_no_plan_that_does_not_wait_for_polls(plan: Plan) -> None:
    """Only `AfterPolls` counts."""
    assert polled(plan, at(3)) is plan


def test_a_cancelled_operation_counts_no_more_polls() -> None:
    """After a cancel, the poll that would have ended the operation ends nothing."""
    plan = cancelled(plan_of(AfterPolls(1), rollback=60), at(1), CANCEL)
    assert polled(plan, at(2)) is plan
    assert view(plan, at(2)) == View(Phase.ROLLING_BACK, at(1))


@pytest.mark.parametrize("seconds", [5, 6, 100])
@pytest.mark.parametrize("plan", [SUCCESS, FAILURE, CANCELLED])
def test_a_cancel_that_comes_too_late_changes_nothing(plan: Plan, seconds: float) -> None:
    """What has ended, or fails already, keeps its outcome (api-facts.md, 4.1)."""
    assert cancelled(plan, at(seconds), CANCEL) is plan


def test_a_cancel_in_time_replaces_the_outcome() -> None:
    """A cancelled operation fails with the cancel's error, whatever it would have come to."""
    plan = cancelled(FAILURE, at(4), CANCEL)
    assert plan == FAILURE._replace(cancelled_at=at(4), cancel_error=CANCEL)
    assert plan.failure == CANCEL
    assert view(plan, at(7)) == View(Phase.FAILED, at(7))


def test_the_error_shows_before_done_while_the_service_rolls_back() -> None:
    """`error` is set at once, the image is still being undone, then `done` becomes true and the image is gone."""
    ready = Image(id="fd8image", folder_id="b1g", created_at="", status=ImageStatus.READY)
    record = OperationRecord("fd8operation", Kind.CREATE, "aje", ready.id, FAILURE)
    state = State()
    state.add_image(ImageRecord(ready.to_wire(), START, 0))
    state.start(record)
    seen = []
    for seconds in (4, 5, 7, 8):
        operation, image = state.operation_at(record.id, at(seconds)), state.image_at(ready.id, at(seconds))
        assert operation
        assert operation.response is None
        seen.append((operation.done, operation.error, image and image.status))
    assert seen == [
        (False, None, ImageStatus.CREATING),
        (False, ERROR, ImageStatus.CREATING),
        (False, ERROR, ImageStatus.CREATING),
        (True, ERROR, None),
    ]


def test_polls_count_until_a_late_cancel_takes_effect() -> None:
    """The one that comes before it ends the operation by itself; those that come at it or after it count no more."""
    plan = plan_of(AfterPolls(2))._replace(cancel=Cancel("late", 5 * SECOND))
    late = polled(cancelled(plan, at(1), CANCEL), at(2))
    assert view(polled(late, at(5)), at(9)) == View(Phase.SUCCEEDED, at(5))
    assert polled(late, at(6)) is late
    assert view(late, at(9)) == View(Phase.FAILED, at(6))
