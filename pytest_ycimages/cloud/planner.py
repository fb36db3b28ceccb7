"""The planner, which fixes the course of an operation when it starts: from `next_operation`, else from the settings."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple, cast

from pytest_ycimages.cloud.clock import nanoseconds
from pytest_ycimages.cloud.plan import Cancel, Plan
from pytest_ycimages.cloud.rules import PerMethod, Value
from pytest_ycimages.cloud.script import Start, failed_by

if TYPE_CHECKING:
    from pytest_ycimages.api.status import Status
    from pytest_ycimages.cloud.ids import Ids
    from pytest_ycimages.cloud.outcome import Failure, Success
    from pytest_ycimages.cloud.plan import CancelWord
    from pytest_ycimages.cloud.rules import Rules
    from pytest_ycimages.cloud.timing import Timing


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
        rules: the initial settings.

    Attributes:
        timing: how long operations take that start from now on. This and the next three may be `PerMethod`.
        outcome: how they end.
        rollback: seconds of rollback after a failure or a cancel.
        cancel: the effect of a cancel.
        cancel_delay: seconds until a late cancel takes effect.
        upcoming: the requests for single operations, in order.
    """

    def __init__(self, ids: Ids, rules: Rules) -> None:
        self.timing: Timing | PerMethod[Timing] = rules.timing
        self.outcome: Success | Failure | PerMethod[Success | Failure] = rules.outcome
        self.rollback: float | PerMethod[float] = rules.rollback
        self.cancel: CancelWord | PerMethod[CancelWord] = rules.cancel
        self.cancel_delay: float = rules.cancel_delay
        self.upcoming: list[NextOperation] = []
        self._draw = partial(ids.fraction, "timing")

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
