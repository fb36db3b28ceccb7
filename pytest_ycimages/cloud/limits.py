"""Quotas and idempotency keys, which refuse calls (api-facts.md, 2.2, 4.3 and 5), and the limit of the history."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING
from uuid import UUID

from pytest_ycimages.api.message import INT64_MAX
from pytest_ycimages.api.status import QuotaFailure
from pytest_ycimages.cloud.lifecycle import Kind
from pytest_ycimages.cloud.refusals import RefusedError

if TYPE_CHECKING:
    from collections.abc import Hashable

    from pytest_ycimages.cloud.records import OperationRecord
    from pytest_ycimages.cloud.refusals import Context
    from pytest_ycimages.cloud.rules import KeyFormat, KeyReuse, Quotas
    from pytest_ycimages.cloud.state import State


class QuotaKeeper:
    """Refuses calls that would exceed a quota."""

    def __init__(self, quotas: Quotas, state: State) -> None:
        self._quotas = quotas
        self._state = state

    def check_operation(self, folder_id: str, now: int) -> None:
        """Refuse another running operation in a folder if it exceeds the quota."""
        limit = self._quotas.running_operations
        if limit is not None:
            running = self._state.running_in(folder_id, now)
            _check("running_operations_quota", "compute.operations.count", limit, running, 1)

    def check_image(self, stored: int, now: int, *, pooled: bool) -> None:
        """Refuse another image of that many bytes if it exceeds a quota."""
        quotas = self._quotas
        if quotas.images is quotas.total_size is quotas.pooled_images is None:
            return
        images = [seen for id_ in self._state.images if (seen := self._state.image_at(id_, now))]
        in_use = sum(each.storage_size for each in images)
        in_pools = sum(each.pooled for each in images)
        _check("images_quota", "compute.images.count", quotas.images, len(images), 1)
        _check("size_quota", "compute.images.size", quotas.total_size, in_use, stored)
        _check("pooled_quota", "compute.diskPools.count", quotas.pooled_images, in_pools, int(pooled))


def _check(text: str, metric: str, limit: int | None, usage: int, more: int) -> None:
    if limit is not None and usage + more > limit:
        limit, required = min(limit, INT64_MAX), min(usage + more, INT64_MAX)
        raise RefusedError(text, QuotaFailure.of(metric, limit=limit, usage=usage, required=required))


class IdempotencyKeys:
    """Maps idempotency keys to the operations that they started.

    A key belongs to its account and to the method that it came with.

    Args:
        key_format: `any` accepts every key, `uuid` refuses all but UUIDs.
        key_reuse: for a key reused with another body or method: `first` answers the same method with its first
            operation, and starts one of another method; `reject` refuses.
    """

    def __init__(self, key_format: KeyFormat, key_reuse: KeyReuse) -> None:
        self._format = key_format
        self._reuse = key_reuse
        self._used: dict[tuple[str, str], dict[type, tuple[str, Hashable]]] = {}
        self._key_of: dict[str, tuple[tuple[str, str], type]] = {}

    def seen(self, call: Context, request: Hashable) -> str | None:
        """Return the id of the operation that this key started, or None for a new key.

        Args:
            call: the call, with its key.
            request: the message; its type stands for the method.

        Raises:
            RefusedError: the key is not a UUID, or was used for another request, and the settings refuse that.
        """
        key = call.idempotency_key
        if self._format == "uuid" and not _is_uuid(key):
            raise RefusedError("key_malformed", key=key)
        used = self._used.get((call.account, key), {})
        if self._reuse == "reject" and any(first != request for _, first in used.values()):
            raise RefusedError("key_reused", key=key)
        operation_id, _ = used.get(type(request), (None, None))
        return operation_id

    def remember(self, call: Context, request: Hashable, operation_id: str) -> None:
        """Record the operation that a call started."""
        if call.idempotency_key:
            owner = call.account, call.idempotency_key
            self._used.setdefault(owner, {})[type(request)] = operation_id, request
            self._key_of[operation_id] = owner, type(request)

    def forget(self, operation_id: str) -> None:
        """Drop the key that started an operation, if there is one."""
        owner, method = self._key_of.pop(operation_id, (None, None))
        if owner is not None and method is not None:
            del self._used[owner][method]
            if not self._used[owner]:
                del self._used[owner]


def _is_uuid(key: str) -> bool:
    try:
        return len(key) == len(str(UUID(key)))
    except ValueError:
        return False


class Retention:
    """Forgets operations that have ended when as many newer ones were started, with their idempotency keys.

    Forgotten are the operations on an image that is gone, with the image, and the updates that newer updates of their
    image follow. The operation that created an image stays as long as the image. What exists is never forgotten.

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
