"""The words of the service's errors, in one table: what was recorded, and the double's own where nothing was."""

from __future__ import annotations

from typing import Final

TEXTS: Final = {
    # Recorded (api-facts.md, section 2.2).
    "image_not_found": 'Image "{id}" not found',
    "operation_not_found": "Operation {id} not found",
    "operation_id_malformed": "invalid operation id '{id}'",
    # The head is recorded, the tail is not.
    "validation": "Request validation error: {violations}",
    # Recorded from the backend; the public text is not.
    "cancelled": "Cancelled by client",
    # Nobody has recorded these.
    "no_token": "The token is missing: send the header `Authorization: Bearer <IAM token>`",
    "endpoint_not_found": 'Endpoint "{id}" not found',
}


def text(key: str, **values: object) -> str:
    """The text `key`, with `values` filled in."""
    return TEXTS[key].format_map(values)
