"""Idempotency keys: the same key of the same account means the operation that was made first (api-facts.md, 4.3).

The backend does not compare bodies, so by default neither does the double. What the service does with a key that is
no UUID, or that comes again with another request, nobody has recorded: two settings say it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal
from uuid import UUID

from pytest_ycimages.api.code import Code
from pytest_ycimages.cloud.outcome import Outcome, refused

if TYPE_CHECKING:
    from collections.abc import Hashable

    from pytest_ycimages.cloud.context import Context
    from pytest_ycimages.cloud.texts import Texts

KeyFormat = Literal["any", "uuid"]
KeyReuse = Literal["first", "reject"]


class IdempotencyKeys:
    """Remembers which key made which operation.

    Args:
        texts: the words of refusals.
        key_format: `any` takes every key, `uuid` refuses one that is no UUID.
        key_reuse: for a key that comes again with another body or on another method: `first` answers with the
            operation that was made first, `reject` refuses.
    """

    def __init__(self, texts: Texts, key_format: KeyFormat, key_reuse: KeyReuse) -> None:
        self._texts = texts
        self._format = key_format
        self._reuse = key_reuse
        self._used: dict[tuple[str, str], tuple[str, Hashable]] = {}

    def seen(self, call: Context, request: Hashable) -> str | Outcome | None:
        """The id of the operation that this key has made, a refusal of the key, or None for a new key or none."""
        key = call.idempotency_key
        if not key:
            return None
        if self._format == "uuid" and not _is_uuid(key):
            return refused(Code.INVALID_ARGUMENT, self._texts("key_malformed", key=key))
        first = self._used.get((call.account, key))
        if first is None:
            return None
        operation_id, first_request = first
        if self._reuse == "reject" and first_request != request:
            return refused(Code.INVALID_ARGUMENT, self._texts("key_reused", key=key))
        return operation_id

    def remember(self, call: Context, request: Hashable, operation_id: str) -> None:
        """Note that a call made an operation."""
        if call.idempotency_key:
            self._used[call.account, call.idempotency_key] = operation_id, request


def _is_uuid(key: str) -> bool:
    try:
        return len(key) == len(str(UUID(key)))
    except ValueError:
        return False
