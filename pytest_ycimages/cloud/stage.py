"""Stages of a script: what polls of an operation see for a while, whatever its true state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pydantic_core import PydanticSerializationError, from_json, to_json

from pytest_ycimages.cloud.clock import is_seconds
from pytest_ycimages.cloud.outcome import Failure, error_of
from pytest_ycimages.errors import UsageError, unknown_word

if TYPE_CHECKING:
    from pytest_ycimages.api.status import Status


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
