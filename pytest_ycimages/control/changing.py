"""Changing how the double behaves from now on: its timing, its next operation, its clock; and starting afresh."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from pytest_ycimages.api.message import SECOND
from pytest_ycimages.cloud.operation_settings import (
    cancel_delay_setting,
    cancel_setting,
    outcome_setting,
    rollback_setting,
    timing_setting,
)
from pytest_ycimages.control.asked import Answered, known, read
from pytest_ycimages.control.bodies import OperationToAsk, Step
from pytest_ycimages.control.handlers import clock, state
from pytest_ycimages.control.models import TimingNow, Upcoming
from pytest_ycimages.control.written import CHANGEABLE, written
from pytest_ycimages.errors import UsageError
from pytest_ycimages.latency import latency_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.control.asked import Asked

_READ: Final[dict[str, Callable[[object], Any]]] = {
    "timing": timing_setting,
    "outcome": outcome_setting,
    "rollback": rollback_setting,
    "cancel": cancel_setting,
    "cancel_delay": cancel_delay_setting,
    "latency": latency_of,
}
_END_OF_TIME: Final = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp()) * SECOND
"""The last moment that RFC 3339 can say, to the day."""


def timing(asked: Asked) -> Answered:
    """What becomes of the operations that begin from now on, and how late calls are answered."""
    return Answered(TimingNow(**{name: written(getattr(asked.double, name)) for name in CHANGEABLE}))


def set_timing(asked: Asked) -> Answered:
    """Change some of it: all that is given, or nothing when some of it cannot be."""
    given = known("part of the timing", asked.body, CHANGEABLE)
    if not given:
        raise UsageError(f"{{}} changes nothing. Give one or more of {', '.join(CHANGEABLE)}.")
    values = {name: _READ[name](value) for name, value in given.items()}
    for name, value in values.items():
        setattr(asked.double, name, value)
    return timing(asked)


def upcoming(asked: Asked) -> Answered:
    """What is asked for operations that have not begun."""
    return Answered(Upcoming(upcoming=list(map(str, asked.double.upcoming))))


def next_operation(asked: Asked) -> Answered:
    """Say what becomes of the next operation alone."""
    asked.double.next_operation(**known("part of an operation", asked.body, OperationToAsk.model_fields))
    return upcoming(asked)._replace(status=HTTPStatus.CREATED)


def advance(asked: Asked) -> Answered:
    """Move the clock."""
    seconds = read(Step, asked.body).seconds
    if seconds * SECOND > _END_OF_TIME - asked.double.clock.now():
        raise UsageError(f"Cannot advance the clock by {seconds} seconds: its time ends with the year 9999.")
    asked.double.clock.advance(seconds)
    return clock(asked)


def reset(asked: Asked) -> Answered:
    """Make the double as new."""
    asked.double.reset()
    return state(asked)
