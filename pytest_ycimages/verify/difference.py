"""A difference between what was recorded and what is answered today, as a value."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any, NamedTuple


class Kind(StrEnum):
    """What is different about a field."""

    MISSING = "missing"
    """It was recorded, and is not answered."""
    EXTRA = "extra"
    """It is answered, and was not recorded."""
    VALUE = "value"
    TYPE = "type"
    """It is of another JSON type."""
    FORM = "form"
    """Its value may be another one each time, but looks or relates otherwise."""
    IDENTITY = "identity"
    """It names something else than the recorded id has stood for up to here."""
    ORDER = "order"
    """Its keys, or its items, come in another order."""
    WHITESPACE = "whitespace"


class Difference(NamedTuple):
    """A field that differs.

    Attributes:
        field: where: `status`, `headers.content-type`, `body.metadata.imageId`, `body.images[0]`; `body` for the whole.
        recorded: what was recorded, as JSON or in words; empty for nothing.
        answered: what is answered, likewise.
        kind: what is different.
    """

    field: str
    recorded: str
    answered: str
    kind: Kind


def shown_value(value: Any) -> str:
    """A JSON value in one line."""
    return json.dumps(value, ensure_ascii=False)
