"""The limit of the cloud's history: operations that have ended are forgotten when as many newer ones were started.

Forgotten are the operations on an image that is gone, with the image, and the updates that newer updates of their image
follow. The operation that created an image stays as long as the image. What exists is never forgotten.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from pytest_ycimages.cloud.plan import Kind

if TYPE_CHECKING:
    from pytest_ycimages.cloud.limits import IdempotencyKeys
    from pytest_ycimages.cloud.records import OperationRecord
    from pytest_ycimages.cloud.state import State


class Retention:
    """Forgets old operations, with their idempotency keys.

    Args:
        state: the state of the cloud.
        keys: the idempotency keys.
        limit: how many of the latest operations are kept in any case; None: all.
    """

    def __init__(self, state: State, keys: IdempotencyKeys, limit: int | None) -> None:
        self._state = state
        self._keys = keys
        self._limit = limit
        self._started: deque[str] = deque()

    def started(self, operation_id: str, now: int) -> None:
        """Record that an operation was started, and look at two of those that are old enough.

        Two for each that starts keep up with any number, also if some have to wait for the end of theirs.
        """
        if self._limit is None:
            return
        self._started.append(operation_id)
        for _ in range(min(2, len(self._started) - self._limit)):
            record = self._state.operations.get(self._started.popleft())
            if record is not None and not self._is_settled(record, now):
                self._started.append(record.id)

    def _is_settled(self, record: OperationRecord, now: int) -> bool:
        """Forget an operation, or all on its image, if possible; return whether it need not be looked at again."""
        image = self._state.images[record.image_id]
        if not record.at(now).done:
            return False
        if self._state.image_at(image.id, now) is None:
            if image.operation_ids[-1] == record.id:
                self._forget(*self._state.remove_image(image.id))
            return True  # the last operation on the image is looked at later, and then all are forgotten
        if record.kind is Kind.CREATE:
            return True
        if not self._state.fold(record, now):
            return False  # the image shows its changes, until there is a newer update
        self._forget(record.id)
        return True

    def _forget(self, *operation_ids: str) -> None:
        for id_ in operation_ids:
            self._keys.forget(id_)
