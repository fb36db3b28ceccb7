"""An operation as a pure function of time: a frozen plan, and `phase_at(plan, now)`.

Nothing runs in the background. A poll and a cancel make a new plan out of the old one; looking never does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pytest_ycimages.cloud.lifecycle import DONE, Event, Phase, step
from pytest_ycimages.cloud.timing import Schedule

if TYPE_CHECKING:
    from pytest_ycimages.api.status import Status


class Plan(NamedTuple):
    """What will become of an operation. Moments are nanoseconds since the epoch.

    Attributes:
        started_at: when the operation was created.
        schedule: when it ends by itself.
        error: what it ends with; None: it succeeds.
        rollback: how long undoing takes once the error is set, in nanoseconds.
        cancelled_at: when it was cancelled, if it was.
    """

    started_at: int
    schedule: Schedule
    error: Status | None = None
    rollback: int = 0
    cancelled_at: int | None = None


class View(NamedTuple):
    """What there is to see of an operation at one moment.

    Attributes:
        phase: where it is in its lifecycle.
        modified_at: when it came there, in nanoseconds since the epoch.
    """

    phase: Phase
    modified_at: int

    @property
    def done(self) -> bool:
        """Whether nothing more will happen."""
        return self.phase in DONE


def view(plan: Plan, now: int) -> View:
    """What a look at `now` sees. Looking changes nothing."""
    phase, modified_at = Phase.RUNNING, plan.started_at
    for event, at in _events(plan):
        if at > now:
            break
        phase, modified_at = step(phase, event), at
    return View(phase, modified_at)


def polled(plan: Plan, now: int) -> Plan:
    """The plan after one more poll: the poll that the schedule waited for fixes the moment of the end."""
    waiting = plan.schedule.polls
    if not waiting or plan.cancelled_at is not None:
        return plan
    schedule = Schedule(ends_at=now if waiting == 1 else None, polls=waiting - 1)
    return plan._replace(schedule=schedule)


def cancelled(plan: Plan, now: int, error: Status) -> Plan:
    """The plan after a cancel at `now`; a plan that has left `RUNNING` by then stays as it is."""
    if view(plan, now).phase is not Phase.RUNNING:
        return plan
    return plan._replace(cancelled_at=now, error=error)


def _events(plan: Plan) -> tuple[tuple[Event, int], ...]:
    """What happens under this plan, in order, each with its moment."""
    if plan.cancelled_at is not None:
        undone_at = plan.cancelled_at + plan.rollback
        return (Event.CANCEL, plan.cancelled_at), (Event.ROLLED_BACK, undone_at)
    ends_at = plan.schedule.ends_at
    if ends_at is None:
        return ()
    if plan.error is None:
        return ((Event.SUCCEED, ends_at),)
    return (Event.FAIL, ends_at), (Event.ROLLED_BACK, ends_at + plan.rollback)
