"""Operations as pure functions of time: their lifecycle as literal tables, a frozen plan, and `view(plan, now)`.

Every transition is in these tables; an event that the table does not list for a phase is illegal there. Nothing runs in
the background. A poll and a cancel derive a new plan from the old one; a view changes nothing.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from pytest_ycimages.api.resources import ImageStatus
from pytest_ycimages.cloud.script import Schedule

if TYPE_CHECKING:
    from pytest_ycimages.api.status import Status
    from pytest_ycimages.cloud.script import OperationStage


class Phase(StrEnum):
    """The phase of an operation. `ROLLING_BACK` shows its error already and is not done yet."""

    RUNNING = "running"
    ROLLING_BACK = "rolling back"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Event(StrEnum):
    """An event in the life of an operation."""

    SUCCEED = "succeed"
    FAIL = "fail"
    CANCEL = "cancel"
    ROLLED_BACK = "rolled back"


LIFECYCLE: Final[dict[Phase, dict[Event, Phase]]] = {
    Phase.RUNNING: {
        Event.SUCCEED: Phase.SUCCEEDED,
        Event.FAIL: Phase.ROLLING_BACK,
        Event.CANCEL: Phase.ROLLING_BACK,
    },
    Phase.ROLLING_BACK: {Event.ROLLED_BACK: Phase.FAILED},
    Phase.SUCCEEDED: {},
    Phase.FAILED: {},
}

DONE: Final = frozenset(phase for phase, events in LIFECYCLE.items() if not events)
"""The final phases, in which an operation is done."""


class Kind(StrEnum):
    """The kind of an operation; the value is its description (observed for create, else by analogy)."""

    CREATE = "Create image"
    UPDATE = "Update image"
    DELETE = "Delete image"


METHOD_OF: Final = {
    Kind.CREATE: "images.create",
    Kind.UPDATE: "images.update",
    Kind.DELETE: "images.delete",
}
"""The method that starts each kind of operation."""

CANCELLABLE: Final = frozenset({Kind.CREATE})
"""The operations that can be cancelled, by their reference; a cancel leaves any other as it is."""

IMAGE_STATUS: Final[dict[Kind, dict[Phase, ImageStatus | None]]] = {
    Kind.CREATE: {
        Phase.RUNNING: ImageStatus.CREATING,
        Phase.ROLLING_BACK: ImageStatus.CREATING,
        Phase.SUCCEEDED: ImageStatus.READY,
        Phase.FAILED: None,
    },
    Kind.UPDATE: {
        Phase.RUNNING: ImageStatus.READY,
        Phase.ROLLING_BACK: ImageStatus.READY,
        Phase.SUCCEEDED: ImageStatus.READY,
        Phase.FAILED: ImageStatus.READY,
    },
    Kind.DELETE: {
        Phase.RUNNING: ImageStatus.DELETING,
        Phase.ROLLING_BACK: ImageStatus.DELETING,
        Phase.SUCCEEDED: None,
        Phase.FAILED: ImageStatus.READY,
    },
}
"""The status of an image in each phase of an operation on it; None: the image is gone."""


class IllegalTransitionError(Exception):
    """Raised for an event that the phase does not allow."""


def step(phase: Phase, event: Event) -> Phase:
    """Return the phase after `event`.

    Raises:
        IllegalTransitionError: the table does not list `event` for `phase`.
    """
    try:
        return LIFECYCLE[phase][event]
    except KeyError:
        raise IllegalTransitionError(f"{event!r} cannot happen while {phase}") from None


CancelWord = Literal["wins", "late", "loses", "too_late", "refused"]
"""The effect of a cancel that arrives while the operation runs; see `Settings`."""


class Cancel(NamedTuple):
    """The effect of a cancel that arrives while the operation runs.

    Attributes:
        how: `wins`, `late`, `loses`, `too_late` or `refused`.
        delay: nanoseconds until a `late` one takes effect.
    """

    how: CancelWord = "wins"
    delay: int = 0


WINS: Final = Cancel()


class Plan(NamedTuple):
    """The course of an operation. Moments are nanoseconds since the epoch.

    Attributes:
        started_at: when the operation was created.
        schedule: when it ends by itself, and what polls see.
        error: the error that it ends with by itself; None: it succeeds.
        rollback: how long the rollback takes after the error is set, in nanoseconds; a script has its own.
        cancel: the effect of a cancel.
        cancelled_at: when a cancel takes effect, unless the operation has ended by then; None: never.
        cancel_error: the error that it ends with then.
    """

    started_at: int
    schedule: Schedule
    error: Status | None = None
    rollback: int = 0
    cancel: Cancel = WINS
    cancelled_at: int | None = None
    cancel_error: Status | None = None

    @property
    def is_cancelled(self) -> bool:
        """Whether a cancel ends it before its schedule does."""
        ends_at = self.schedule.ends_at
        return self.cancelled_at is not None and (ends_at is None or self.cancelled_at < ends_at)

    @property
    def failure(self) -> Status | None:
        """The error that it ends with, cancelled or not; None: it succeeds."""
        return self.cancel_error if self.is_cancelled else self.error


class View(NamedTuple):
    """The state of an operation at one moment.

    Attributes:
        phase: its true phase.
        modified_at: when it entered the phase, in nanoseconds since the epoch.
        stage: what polls see instead, while a script says so.
    """

    phase: Phase
    modified_at: int
    stage: OperationStage | None = None

    @property
    def done(self) -> bool:
        """Whether the operation has truly ended."""
        return self.phase in DONE


def view(plan: Plan, now: int) -> View:
    """Return the state at `now`. It changes nothing."""
    phase, modified_at = Phase.RUNNING, plan.started_at
    for event, at in _events(plan):
        if at > now:
            break
        phase, modified_at = step(phase, event), at
    script = plan.schedule.script
    if script is None or (plan.is_cancelled and phase is not Phase.RUNNING):
        return View(phase, modified_at)
    return View(phase, modified_at, script.stage_at(now))


def polled(plan: Plan, now: int) -> Plan:
    """Return the plan after another poll. The poll that the schedule waits for fixes the moment of the end."""
    waiting = plan.schedule.polls
    if not waiting or (plan.cancelled_at is not None and plan.cancelled_at <= now):
        return plan
    schedule = Schedule(ends_at=now if waiting == 1 else None, polls=waiting - 1)
    return plan._replace(schedule=schedule)


def cancelled(plan: Plan, now: int, error: Status) -> Plan:
    """Return the plan after a cancel at `now`, unchanged if it has left `RUNNING` or was cancelled before."""
    if plan.cancelled_at is not None or view(plan, now).phase is not Phase.RUNNING:
        return plan
    match plan.cancel.how:
        case "wins":
            return plan._replace(cancelled_at=now, cancel_error=error)
        case "late":
            return plan._replace(cancelled_at=now + plan.cancel.delay, cancel_error=error)
        case "too_late":
            return plan._replace(schedule=Schedule(ends_at=now), rollback=0)
        case _:
            return plan


def refuses_cancel(plan: Plan, now: int) -> bool:
    """Return whether a cancel at `now` is refused, rather than answered with the operation."""
    return plan.cancel.how == "refused" and view(plan, now).phase is Phase.RUNNING


def _events(plan: Plan) -> tuple[tuple[Event, int], ...]:
    if plan.is_cancelled and plan.cancelled_at is not None:
        undone_at = plan.cancelled_at + plan.rollback
        return (Event.CANCEL, plan.cancelled_at), (Event.ROLLED_BACK, undone_at)
    ends_at, _, script = plan.schedule
    if ends_at is None:
        return ()
    if plan.error is None:
        return ((Event.SUCCEED, ends_at),)
    if script is None:
        return (Event.FAIL, ends_at), (Event.ROLLED_BACK, ends_at + plan.rollback)
    if script.undone_at is None:
        return ((Event.FAIL, ends_at),)
    return (Event.FAIL, ends_at), (Event.ROLLED_BACK, script.undone_at)
