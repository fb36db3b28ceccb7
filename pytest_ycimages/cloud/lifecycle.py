"""The lifecycle of operations: their phases and kinds, and the status of an image in each."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Literal

from pytest_ycimages.api.resources import ImageStatus


class Phase(StrEnum):
    """The phase of an operation: it runs until it succeeds, or until it is rolled back and has then failed.

    `ROLLING_BACK` shows its error already and is not done yet.
    """

    RUNNING = "running"
    ROLLING_BACK = "rolling back"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


DONE: Final = frozenset({Phase.SUCCEEDED, Phase.FAILED})
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

CancelWord = Literal["wins", "late", "loses", "too_late", "refused"]
"""The effect of a cancel that arrives while the operation runs; see `Settings`."""
