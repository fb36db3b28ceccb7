"""Schedules of operations, and scripts: timings that say what polls see, stage by stage, whatever the true state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pydantic_core import PydanticSerializationError, from_json, to_json

from pytest_ycimages.api.message import nanoseconds
from pytest_ycimages.cloud.outcome import Failure, error_of
from pytest_ycimages.errors import UsageError, unknown_word
from pytest_ycimages.text_values import is_seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.api.status import Status


class Start(NamedTuple):
    """An operation that begins, as a timing sees it.

    Attributes:
        at: when, in nanoseconds since the epoch.
        method: the method that starts it, such as `images.create`.
        size: bytes stored of the image's source, or of the image itself.
        source: `disk`, `snapshot`, `image` or `uri`; empty if no image is created.
        draw: returns the next random number from 0 up to but not including 1; the seed decides it.
    """

    at: int
    method: str
    size: int
    source: str
    draw: Callable[[], float]


class Schedule(NamedTuple):
    """When an operation ends by itself: at a moment, at a later poll, or never if both are None.

    Attributes:
        ends_at: nanoseconds since the epoch.
        polls: how many polls are still to come; the last one of them ends the operation.
        script: what polls show, if that is not the true state.
    """

    ends_at: int | None = None
    polls: int | None = None
    script: ScriptTimeline | None = None


class VisibleState(StrEnum):
    """The visible state of an operation during a stage, as users write it."""

    RUNNING = "running"
    VANISHED = "vanished"
    FAILING = "failing"
    FAILED = "failed"
    SUCCEEDED = "succeeded"
    EMPTY = "empty"


VISIBLY_DONE: Final = frozenset({VisibleState.FAILED, VisibleState.SUCCEEDED, VisibleState.EMPTY})
"""The states that show `done` as true."""

WITH_ERROR: Final = frozenset({VisibleState.FAILING, VisibleState.FAILED})
"""The states that show an error."""

WITH_SUCCESS: Final = frozenset({VisibleState.SUCCEEDED, VisibleState.EMPTY})
"""The states in which the operation has succeeded."""

_NO_METADATA: Final = frozenset({"@type", "imageId"})


@dataclass(frozen=True, slots=True, repr=False)
class Stage:
    """A part of a script.

    Attributes:
        state: what polls see. `running`: not done. `vanished`: operations.get answers NOT_FOUND, and
            images.listOperations leaves the operation out. `failing`: `error` is set, and `done` is false. `failed`:
            `error` is set, and `done` is true. `succeeded`: `done` is true, with the response. `empty`: `done` is true,
            with neither response nor error.
        seconds: the length of the stage, more than zero; None for the last one, which has no end.
        metadata: JSON values that the operation's metadata shows beside `@type` and `imageId`.
        error: the error that `failing` and `failed` show: a `Failure` or a `Status`. By default that of the stage
            before that shows an error, else `Failure()`.

    Raises:
        UsageError: an unknown state, or a value that the state does not have.
    """

    state: str
    seconds: float | None = None
    _: KW_ONLY
    metadata: Mapping[str, Any] | None = field(default=None, hash=False)
    error: Failure | Status | None = field(default=None, hash=False)

    def __post_init__(self) -> None:
        if self.state not in set(VisibleState):
            raise unknown_word("state of a stage", self.state, map(str, VisibleState))
        if self.seconds is not None and not (is_seconds(self.seconds) and self.seconds > 0):
            raise UsageError(
                f"invalid Stage({str(self.state)!r}, seconds={self.seconds!r}): expected more than zero seconds, or "
                "none for the last stage, which has no end."
            )
        object.__setattr__(self, "state", VisibleState(self.state))
        if self.metadata is not None:
            object.__setattr__(self, "metadata", _metadata(self.state, self.metadata))
        if self.error is not None:
            if self.state not in WITH_ERROR:
                raise UsageError(f"Stage({str(self.state)!r}) shows no error. Leave `error` out, or write 'failing'.")
            object.__setattr__(self, "error", error_of(f"Stage({str(self.state)!r})", self.error))

    def __repr__(self) -> str:
        """Return the source text that creates it."""
        seconds = "" if self.seconds is None else f", {self.seconds}"
        metadata = "" if self.metadata is None else f", metadata={self.metadata!r}"
        error = "" if self.error is None else f", error={self.error!r}"
        return f"Stage({str(self.state)!r}{seconds}{metadata}{error})"

    @property
    def status(self) -> Status | None:
        """The error of this stage, if it was given one."""
        return self.error.error if isinstance(self.error, Failure) else self.error


class OperationStage(NamedTuple):
    """A stage with its start.

    Attributes:
        begins_at: nanoseconds since the epoch; it lasts until the next one begins.
        state: what polls see.
        metadata: what the operation's metadata shows beside `@type` and `imageId`.
        error: the error that polls see, if any.
    """

    begins_at: int
    state: VisibleState
    metadata: Mapping[str, Any]
    error: Status | None = None


class ScriptTimeline(NamedTuple):
    """A script with its times: what polls see, and the true state meanwhile.

    Attributes:
        stages: what polls see, in order; the first begins with the operation.
        error: the error that the operation ends with; None: it succeeds, or never ends.
        undone_at: the end of the rollback, in nanoseconds since the epoch; None: never.
    """

    stages: tuple[OperationStage, ...]
    error: Status | None = None
    undone_at: int | None = None

    def stage_at(self, now: int) -> OperationStage:
        """Return what a poll sees at `now`."""
        return next((stage for stage in reversed(self.stages) if stage.begins_at <= now), self.stages[0])


def _metadata(state: str, metadata: object) -> dict[str, Any]:
    if not isinstance(metadata, Mapping) or not all(isinstance(name, str) for name in metadata):
        raise UsageError(f"invalid metadata={metadata!r}: expected a dict, such as {{'progressPercent': 40}}.")
    if state == VisibleState.VANISHED:
        raise UsageError("Stage('vanished') shows no metadata, since it is hidden. Leave `metadata` out.")
    for name in metadata:
        if name in _NO_METADATA:
            raise UsageError(f"invalid metadata={metadata!r}: {name!r} is the operation's own. Give it another name.")
    try:
        copy: dict[str, Any] = from_json(to_json(dict(metadata)))
    except (PydanticSerializationError, ValueError) as error:
        raise UsageError(f"invalid metadata={metadata!r}: not JSON ({error}).") from None
    return copy


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
