"""Faults of the operation that a call starts, and of what can be seen of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from pytest_ycimages.api.status import Code
from pytest_ycimages.cloud.operation_settings import CANCELLED, STARTING
from pytest_ycimages.cloud.outcome import Failure
from pytest_ycimages.cloud.planner import NextOperation
from pytest_ycimages.cloud.timing import After, Never
from pytest_ycimages.cloud.timing_text import timing_of
from pytest_ycimages.errors import UsageError
from pytest_ycimages.faults.fault import Fault, Hidden, Planned
from pytest_ycimages.faults.values import checked_seconds, given, seconds_or_forever

if TYPE_CHECKING:
    from pytest_ycimages.cloud.timing import Timing


def operation_fails(
    code: Code | int | str = Code.INTERNAL,
    message: str = "",
    *,
    after: Timing | float | None = None,
    rollback: float = 0,
) -> Fault:
    """The operation fails.

    Args:
        code: what it ends with.
        message: the text of that.
        after: when, as a timing or in seconds; None: when it would have ended.
        rollback: seconds that undoing takes, with the error set already.
    """
    failure = Failure(code, message)
    timing = None if after is None else timing_of(after)
    asked = NextOperation(
        "*",
        STARTING,
        timing=timing,
        outcome=failure,
        rollback=checked_seconds("operation_fails", "rollback", rollback, forever="operation_never_ends()"),
    )
    name = Code(failure.error.code).name
    written = timing.seconds if isinstance(timing, After) else timing and repr(timing)
    arguments = given(code=name, message=message, after=written, rollback=rollback or None)
    return Fault("operation_fails", arguments, Planned(asked), ("before",), STARTING)


def operation_never_ends() -> Fault:
    """The operation never ends by itself."""
    return Fault(
        "operation_never_ends", {}, Planned(NextOperation("*", STARTING, timing=Never())), ("before",), STARTING
    )


def cancel_ignored() -> Fault:
    """A cancel of the image's creation is answered as usual and changes nothing."""
    asked = NextOperation("*", CANCELLED, cancel="loses")
    return Fault("cancel_ignored", {}, Planned(asked), ("before",), ("images.create",))


def operation_lost(*, after: float = 0, seconds: float = math.inf) -> Fault:
    """Polls of the operation find nothing.

    Args:
        after: from so many seconds after its creation, on the double's clock.
        seconds: for so long; for good unless given.
    """
    effect = Hidden(
        "operation",
        None,
        checked_seconds("operation_lost", "after", after),
        seconds_or_forever("operation_lost", "seconds", seconds),
    )
    arguments = given(after=after or None, seconds=None if seconds == math.inf else seconds)
    return Fault("operation_lost", arguments, effect, ("before",), STARTING)


def operation_seen_late(*, reads: int | None = None, seconds: float | None = None) -> Fault:
    """The first polls of the operation find nothing yet, as on a replica that is behind.

    Args:
        reads: so many polls.
        seconds: those within so many seconds, on the double's clock.
    """
    return _hidden("operation_seen_late", "operation", reads, seconds)


def image_seen_late(*, reads: int | None = None, seconds: float | None = None) -> Fault:
    """The first looks at the image find nothing yet, even if the operation is done.

    Args:
        reads: so many looks.
        seconds: those within so many seconds, on the double's clock.
    """
    return _hidden("image_seen_late", "image", reads, seconds)


def _hidden(name: str, what: Literal["image", "operation"], reads: int | None, seconds: float | None) -> Fault:
    if (reads is None) == (seconds is None):
        raise UsageError(
            f"{name}(reads={reads!r}, seconds={seconds!r}) cannot be: give one of the two, such as reads=2."
        )
    if reads is not None and (type(reads) is not int or reads < 1):
        raise UsageError(f"{name}(reads={reads!r}) cannot be: it is a number of looks, 1 or more.")
    lasting = math.inf if seconds is None else seconds_or_forever(name, "seconds", seconds)
    effect = Hidden(what, reads, 0, lasting)
    methods = ("images.create",) if what == "image" else STARTING
    return Fault(name, given(reads=reads, seconds=seconds), effect, ("before",), methods)
