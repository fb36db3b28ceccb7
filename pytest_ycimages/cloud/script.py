"""Scripts: timings that say what polls of an operation see, stage by stage."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from pytest_ycimages.cloud.clock import nanoseconds
from pytest_ycimages.cloud.outcome import Failure
from pytest_ycimages.cloud.stage import WITH_ERROR, WITH_SUCCESS, OperationStage, ScriptTimeline, Stage, VisibleState
from pytest_ycimages.cloud.timing import Schedule, Start
from pytest_ycimages.errors import UsageError

if TYPE_CHECKING:
    from pytest_ycimages.api.status import Status


@dataclass(frozen=True, slots=True, init=False, repr=False)
class Script:
    """What polls of an operation see, stage after stage.

    The true state follows from the script and obeys the lifecycle: the first `succeeded` or `empty` ends the operation
    with success, whatever polls see later; the first `failing` or `failed` starts its failure, and `failed` ends it.
    The image, and the double's `operations`, show the true state. A cancel that takes effect while the operation truly
    runs ends the script.

    Attributes:
        stages: the stages in order; all but the last have a length in seconds.

    Raises:
        UsageError: the stages contradict each other; the text says which, and what is possible.
    """

    stages: tuple[Stage, ...]

    def __init__(self, *stages: Stage | Iterable[Stage]) -> None:
        first = stages[0] if len(stages) == 1 else None
        listed = tuple(stages if first is None or isinstance(first, Stage | str) else _listed(first))
        object.__setattr__(self, "stages", _stages(listed))
        _check_lengths(self.stages)
        _check_ends(self.stages)

    def __repr__(self) -> str:
        """Return the source text that creates it."""
        return f"Script({', '.join(map(repr, self.stages))})"

    def schedule(self, start: Start) -> Schedule:
        """Return the schedule from `start`; it ends with the first stage that shows an end."""
        stages = tuple(_timed(self.stages, start.at))
        success = next((stage.begins_at for stage in stages if stage.state in WITH_SUCCESS), None)
        failure = next((stage for stage in stages if stage.state in WITH_ERROR), None)
        if failure is None:
            return Schedule(ends_at=success, script=ScriptTimeline(stages))
        undone_at = next((stage.begins_at for stage in stages if stage.state is VisibleState.FAILED), None)
        return Schedule(ends_at=failure.begins_at, script=ScriptTimeline(stages, failure.error, undone_at))


def failed_by(schedule: Schedule, error: Status) -> Schedule:
    """Return this script with failures in place of its successes, for a request that makes the operation fail."""
    script = schedule.script
    if script is None or script.error is not None:
        return schedule
    stages = tuple(stage for stage in script.stages if schedule.ends_at is None or stage.begins_at < schedule.ends_at)
    if schedule.ends_at is not None:
        stages = (*stages, OperationStage(schedule.ends_at, VisibleState.FAILED, {}, error))
    return schedule._replace(script=ScriptTimeline(stages, error, undone_at=schedule.ends_at))


def _timed(stages: Iterable[Stage], at: int) -> Iterable[OperationStage]:
    """Return the stages with their times. A stage without its own error takes over the one before it."""
    latest: Status = Failure().error
    for stage in stages:
        state = VisibleState(stage.state)
        latest = stage.status or latest
        yield OperationStage(at, state, stage.metadata or {}, latest if state in WITH_ERROR else None)
        at += nanoseconds(stage.seconds or 0)


def _listed(stages: object) -> tuple[object, ...]:
    return tuple(stages) if isinstance(stages, Iterable) else (stages,)


def _stages(given: tuple[object, ...]) -> tuple[Stage, ...]:
    stages = tuple(stage for stage in given if isinstance(stage, Stage))
    if len(stages) < len(given):
        wrong = next(stage for stage in given if not isinstance(stage, Stage))
        raise UsageError(f"invalid stage {wrong!r}: expected stages, such as Stage('running', 5).")
    if not stages:
        raise UsageError("Script() is empty: give stages, such as Script(Stage('running', 5), Stage('succeeded')).")
    return stages


def _check_lengths(stages: tuple[Stage, ...]) -> None:
    *rest, last = stages
    for number, stage in enumerate(rest, 1):
        if stage.seconds is None:
            raise UsageError(
                f"Stage {number} of {len(stages)} ({_name(stage)}) has no length, so later stages are never seen. "
                f"Give its seconds: Stage({_name(stage)}, 5)."
            )
    if last.seconds is not None:
        raise UsageError(
            f"The last stage ({_name(last)}) lasts for ever: write Stage({_name(last)}) without its "
            f"{last.seconds} seconds, or add a stage for what comes after them."
        )


def _check_ends(stages: tuple[Stage, ...]) -> None:
    for before, after in pairwise(stages):
        if before.state == VisibleState.FAILED:
            raise UsageError(f"'failed' must be the last stage, but {_name(after)} follows it.")
    ends = [stage for stage in stages if stage.state in WITH_SUCCESS | WITH_ERROR]
    for before, after in pairwise(ends):
        if (before.state in WITH_SUCCESS) is not (after.state in WITH_SUCCESS):
            raise UsageError(
                f"{_name(after)} cannot come after {_name(before)}: an operation that has begun to fail does not "
                "succeed, and one that has succeeded does not fail. 'running' and 'vanished' may follow either."
            )


def _name(stage: Stage) -> str:
    return repr(str(stage.state))
