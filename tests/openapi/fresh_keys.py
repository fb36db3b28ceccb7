"""A hook for schemathesis: no two calls have the same idempotency key, unless it is empty.

A call that repeats a key is answered with the operation that the key made first, whatever it asks for: a DELETE may
then remove nothing. The check `use_after_free` cannot know that, and takes what is still there for a fault.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any
from uuid import UUID

import schemathesis

if TYPE_CHECKING:
    from schemathesis import Case, HookContext

NUMBERS = count(1)
KEY = "Idempotency-Key"


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:  # noqa: ARG001 - the hook's form
    """Replace a key by one that is new."""
    if case.headers.get(KEY):
        case.headers[KEY] = str(UUID(int=next(NUMBERS)))
