"""OperationService: `operations.get` and `operations.cancel` (api-facts.md, sections 1.4 and 4)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pytest_ycimages.api.code import Code
from pytest_ycimages.api.status import Status
from pytest_ycimages.cloud.outcome import Outcome, operation_outcome, refused, refused_operation

if TYPE_CHECKING:
    from pytest_ycimages.api.lookups import CancelOperationRequest, GetOperationRequest
    from pytest_ycimages.cloud.context import Context
    from pytest_ycimages.cloud.records import OperationRecord
    from pytest_ycimages.cloud.state import State
    from pytest_ycimages.cloud.texts import Texts

_ID: Final = re.compile(r"[0-9a-v]{20}")
"""Twenty base32hex digits: the shape of every recorded id."""


class OperationService:
    """Shows and cancels operations."""

    def __init__(self, state: State, texts: Texts) -> None:
        self._state = state
        self._texts = texts

    def get(self, message: GetOperationRequest, call: Context) -> Outcome:
        """Show an operation. This is a poll."""
        self._state.poll(message.operation_id, call.now)
        record = self._state.operations.get(message.operation_id)
        if record is not None and record.is_vanished(call.now):
            text = self._texts("operation_not_found", id=record.id)
            return refused_operation(Code.NOT_FOUND, text, record, note=f"vanished: {text}")
        return self._shown(record, message.operation_id, call.now)

    def cancel(self, message: CancelOperationRequest, call: Context) -> Outcome:
        """Cancel an operation and show it; one that has ended is left as it is. This is no poll."""
        record = self._state.operations.get(message.operation_id)
        if record is not None and record.refuses_cancel(call.now):
            return refused_operation(Code.FAILED_PRECONDITION, self._texts("cancel_refused"), record)
        error = Status(code=Code.CANCELLED, message=self._texts("cancelled"))
        record = self._state.cancel(message.operation_id, call.now, error)
        return self._shown(record, message.operation_id, call.now)

    def _shown(self, record: OperationRecord | None, operation_id: str, now: int) -> Outcome:
        if record is not None:
            return operation_outcome(self._state, record, now)
        if not _ID.fullmatch(operation_id):
            return refused(Code.INVALID_ARGUMENT, self._texts("operation_id_malformed", id=operation_id))
        return refused(Code.NOT_FOUND, self._texts("operation_not_found", id=operation_id))
