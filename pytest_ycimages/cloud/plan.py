"""Operations as pure functions of time: a planner fixes the plan when one starts, and `view(plan, now)` reads it.

Nothing runs in the background. A poll and a cancel derive a new plan from the old one; a view changes nothing.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from pytest_ycimages.api.message import nanoseconds
from pytest_ycimages.cloud.lifecycle import DONE, Phase
from pytest_ycimages.cloud.rules import DEFAULTS, PerMethod, Value
from pytest_ycimages.cloud.script import Schedule, Start, failed_by

if TYPE_CHECKING:
    from pytest_ycimages.api.status import Status
    from pytest_ycimages.cloud.ids import Ids
    from pytest_ycimages.cloud.lifecycle import CancelWord
    from pytest_ycimages.cloud.outcome import Failure, Success
    from pytest_ycimages.cloud.rules import Rules
    from pytest_ycimages.cloud.script import OperationStage
    from pytest_ycimages.cloud.timing import Timing


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
    for following, at in _following(plan):
        if at > now:
            break
        phase, modified_at = following, at
    script = plan.schedule.script
    if script is None or (plan.is_cancelled and phase is not Phase.RUNNING):
        return View(phase, modified_at)
    return View(phase, modified_at, script.stage_at(now))


def phases(plan: Plan) -> tuple[tuple[Phase, int], ...]:
    """Return the phases of an operation, each with when it begins; also those to come that are decided."""
    return (Phase.RUNNING, plan.started_at), *_following(plan)


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


def _following(plan: Plan) -> tuple[tuple[Phase, int], ...]:
    """Return the phases that follow RUNNING, each with when it begins."""
    if plan.is_cancelled and plan.cancelled_at is not None:
        return (Phase.ROLLING_BACK, plan.cancelled_at), (Phase.FAILED, plan.cancelled_at + plan.rollback)
    ends_at, _, script = plan.schedule
    if ends_at is None:
        return ()
    if plan.error is None:
        return ((Phase.SUCCEEDED, ends_at),)
    undone_at = ends_at + plan.rollback if script is None else script.undone_at
    if undone_at is None:
        return ((Phase.ROLLING_BACK, ends_at),)
    return (Phase.ROLLING_BACK, ends_at), (Phase.FAILED, undone_at)


class NextOperation(NamedTuple):
    """A request for one future operation; None leaves a value to the settings.

    Attributes:
        on: the word or glob that names the methods which may start it.
        methods: those methods.
    """

    on: str
    methods: tuple[str, ...]
    timing: Timing | None = None
    outcome: Success | Failure | None = None
    rollback: float | None = None
    cancel: CancelWord | None = None
    cancel_delay: float | None = None

    def __str__(self) -> str:
        """Return the call that makes this request."""
        asked = (
            f"{name}={value!r}" for name, value in zip(self._fields[2:], self[2:], strict=True) if value is not None
        )
        return f"next_operation({', '.join((repr(self.on), *asked))})"


_AS_SET = NextOperation("", ())


class Planner:
    """Makes the plan of each operation.

    Args:
        ids: the source of random numbers.
        rules: the first values of the attributes.

    Attributes:
        timing: how long operations take that start from now on. This and the next three may be `PerMethod`.
        outcome: how they end.
        rollback: seconds of rollback after a failure or a cancel.
        cancel: the effect of a cancel.
        cancel_delay: seconds until a late cancel takes effect.
        upcoming: the requests for single operations, in order.
    """

    def __init__(self, ids: Ids, rules: Rules = DEFAULTS) -> None:
        self._draw = partial(ids.fraction, "timing")
        self.timing = rules.timing
        self.outcome = rules.outcome
        self.rollback = rules.rollback
        self.cancel = rules.cancel
        self.cancel_delay = rules.cancel_delay
        self.upcoming: list[NextOperation] = []

    def plan(self, method: str, at: int, *, size: int, source: str = "", failure: Status | None = None) -> Plan:
        """Return the plan of an operation that starts.

        Args:
            method: the method that starts it.
            at: when, in nanoseconds since the epoch.
            size: its bytes of data.
            source: the kind of the image's source, if an image is made.
            failure: the error that the request itself causes, if any.
        """
        asked = self._asked(method) if self.upcoming else _AS_SET
        timing = _of(method, self.timing) if asked.timing is None else asked.timing
        outcome = cast("Success | Failure", _of(method, self.outcome)) if asked.outcome is None else asked.outcome
        how: CancelWord = _of(method, self.cancel) if asked.cancel is None else asked.cancel
        rollback = _of(method, self.rollback) if asked.rollback is None else asked.rollback
        delay = self.cancel_delay if asked.cancel_delay is None else asked.cancel_delay
        schedule = timing.schedule(Start(at, method, size, source, self._draw))
        error = outcome.error or failure
        if schedule.script is not None:  # a script has its own end, unless the request cannot succeed
            schedule = failed_by(schedule, failure) if failure else schedule
            error = schedule.script.error if schedule.script else None
        return Plan(at, schedule, error, nanoseconds(rollback), Cancel(how, nanoseconds(delay)))

    def _asked(self, method: str) -> NextOperation:
        for number, asked in enumerate(self.upcoming):
            if method in asked.methods:
                return self.upcoming.pop(number)
        return _AS_SET


def _of(method: str, value: Value | PerMethod[Value]) -> Value:
    """Return the value in force for a method."""
    return value.of(method) if isinstance(value, PerMethod) else value
