"""OperationService: `operations.get` and `operations.cancel` (api-facts.md, sections 1.4 and 4)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pytest_ycimages.api.code import Code
from pytest_ycimages.api.status import Status
from pytest_ycimages.cloud.outcome import Outcome, refused
from pytest_ycimages.cloud.texts import text

if TYPE_CHECKING:
    from pytest_ycimages.api.lookups import CancelOperationRequest, GetOperationRequest
    from pytest_ycimages.cloud.state import State

_ID: Final = re.compile(r"[0-9a-v]{20}")
"""Twenty base32hex digits: the shape of every recorded id."""


class OperationService:
    """Shows and cancels operations."""

    def __init__(self, state: State) -> None:
        self._state = state

    def get(self, message: GetOperationRequest, now: int) -> Outcome:
        """Show an operation. This is a poll."""
        self._state.poll(message.operation_id, now)
        return self._shown(message.operation_id, now)

    def cancel(self, message: CancelOperationRequest, now: int) -> Outcome:
        """Cancel an operation and show it; one that has ended is left as it is. This is no poll."""
        error = Status(code=Code.CANCELLED, message=text("cancelled"))
        self._state.cancel(message.operation_id, now, error)
        return self._shown(message.operation_id, now)

    def _shown(self, operation_id: str, now: int) -> Outcome:
        record = self._state.operations.get(operation_id)
        if record is not None:
            return Outcome(
                self._state.operation_at(operation_id, now),
                operation_id=operation_id,
                image_id=record.image_id,
                note=record.at(now).phase,
            )
        if not _ID.fullmatch(operation_id):
            return refused(Code.INVALID_ARGUMENT, text("operation_id_malformed", id=operation_id))
        return refused(Code.NOT_FOUND, text("operation_not_found", id=operation_id))
