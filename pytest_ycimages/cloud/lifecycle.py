"""The life of an operation and of the image it works on, as literal tables.

Two rules: every transition of either is in this file, and nothing in this file knows what time it is.
An event that its table does not list for a phase is illegal there.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from pytest_ycimages.api.resources import ImageStatus


class Phase(StrEnum):
    """Where an operation is. `ROLLING_BACK` shows its error already and is not done yet."""

    RUNNING = "running"
    ROLLING_BACK = "rolling back"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Event(StrEnum):
    """What can happen to an operation."""

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
"""The phases in which an operation is done: those that nothing leaves."""


class Kind(StrEnum):
    """What an operation does; the value is the operation's description (observed for create, else by analogy)."""

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
"""The operations whose reference says that they can be cancelled; a cancel leaves any other as it is."""

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
"""What an image shows while an operation on it is in each phase; None: the image is gone."""


class IllegalTransitionError(Exception):
    """An event came in a phase that does not know it."""


def step(phase: Phase, event: Event) -> Phase:
    """The phase that follows.

    Raises:
        IllegalTransitionError: the table does not know `event` in `phase`.
    """
    try:
        return LIFECYCLE[phase][event]
    except KeyError:
        raise IllegalTransitionError(f"{event!r} cannot happen while {phase}") from None
