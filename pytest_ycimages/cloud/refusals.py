"""Results of handlers, the context of a call, and the table of error texts.

A user may override a text with the setting `texts`. Its placeholders are the values that the service fills in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_ycimages.api.status import Code
from pytest_ycimages.cloud.stage import VisibleState
from pytest_ycimages.errors import UsageError, unknown_word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_ycimages.api.message import Wire
    from pytest_ycimages.api.status import Detail
    from pytest_ycimages.cloud.records import OperationRecord
    from pytest_ycimages.cloud.state import State


class Context(NamedTuple):
    """The context of a call.

    Attributes:
        now: nanoseconds since the epoch.
        account: the calling user or service account.
        idempotency_key: the key that came with the call, or empty.
        authority: `host:port` that the client addressed.
    """

    now: int
    account: str
    idempotency_key: str = ""
    authority: str = ""


TEXTS: Final = {
    # Recorded (api-facts.md, section 2.2).
    "image_not_found": 'Image "{id}" not found',
    "operation_not_found": "Operation {id} not found",
    "operation_id_malformed": "invalid operation id '{id}'",
    "folder_not_found": 'Folder "{id}" not found',
    "token_invalid": "The token is invalid",
    "jwt_without_kid": "The required field 'kid' is missing from the JWT header",
    "running_operations_quota": "The limit on maximum number of active operations has exceeded.",
    # The head or the pattern is recorded, the rest is not.
    "validation": "Request validation error: {violations}",
    "illegal_argument": "Illegal argument {what}",
    "disk_not_found": 'Disk "{id}" not found',
    "snapshot_not_found": 'Snapshot "{id}" not found',
    "invalid_state": '{kind} "{id}" has an invalid state for this operation: {why}',
    "name_taken": "Image with name {name} already exists",
    "images_quota": "The limit on maximum number of images has exceeded",
    "size_quota": "The limit on total size of images has exceeded",
    "pooled_quota": "The limit on maximum number of disk pools has exceeded",
    # Recorded from the backend; the public texts are not.
    "cancelled": "Cancelled by client",
    "uri_not_found": "url source not found",
    "uri_format": "unsupported image format: {format}",
    # Not recorded.
    "cancel_refused": "The operation cannot be cancelled",
    "no_token": "The token is missing: send the header `Authorization: Bearer <IAM token>`",
    "jwt_malformed": "The JWT is malformed",
    "endpoint_not_found": 'Endpoint "{id}" not found',
    "family_not_found": 'No READY image of family "{family}" in folder "{folder_id}"',
    "key_malformed": "The idempotency key '{key}' is not a UUID",
    "key_reused": "The idempotency key '{key}' was used for another request",
    "not_implemented": "The double does not implement {method}",
}


class Texts:
    """The texts in force.

    Args:
        overrides: texts that replace those of the table.

    Raises:
        UsageError: an override of an unknown text, or one with an unknown placeholder.
    """

    def __init__(self, overrides: Mapping[str, str]) -> None:
        for key, text in overrides.items():
            if key not in TEXTS:
                raise unknown_word("text", key, TEXTS)
            _check(key, text)
        self._texts = {**TEXTS, **overrides}

    def __call__(self, key: str, /, **values: object) -> str:
        """Return the text `key` with `values` filled in."""
        return self._texts[key].format_map(values)


def _check(key: str, text: str) -> None:
    known = {"id", "what", "kind", "why", "name", "format", "family", "folder_id", "key", "method", "violations"}
    known = {name for name in known if f"{{{name}}}" in TEXTS[key]}
    try:
        text.format_map(dict.fromkeys(known, ""))
    except (AttributeError, KeyError, IndexError, ValueError) as error:
        allowed = ", ".join(f"{{{name}}}" for name in sorted(known)) or "none"
        raise UsageError(f"invalid text {text!r} for {key!r} ({error!r}). Its placeholders: {allowed}.") from None


class Outcome(NamedTuple):
    """The result of a handler: an answer or a refusal.

    Attributes:
        body: the answer in its JSON form; empty for a refusal.
        code: the code of the refusal, or OK.
        error: the text of the refusal.
        details: the details of the refusal.
        operation_id: the operation concerned, if any.
        image_id: the image concerned, if any.
        note: the result in a few words, for people.
    """

    body: Wire
    code: Code = Code.OK
    error: str = ""
    details: tuple[Detail, ...] = ()
    operation_id: str | None = None
    image_id: str | None = None
    note: str = ""


def refused(code: Code, error: str, *, details: tuple[Detail, ...] = ()) -> Outcome:
    """Return a refusal: the call changed nothing."""
    return Outcome({}, code=code, error=error, details=details)


def refused_operation(code: Code, error: str, record: OperationRecord, *, note: str = "") -> Outcome:
    """Return a refusal of a call about an existing operation."""
    return Outcome({}, code=code, error=error, operation_id=record.id, image_id=record.image_id, note=note)


def operation_outcome(state: State, record: OperationRecord, now: int) -> Outcome:
    """Return the answer with an operation as clients see it at `now`."""
    seen = record.at(now)
    note = seen.phase if seen.stage is None or seen.stage.state is VisibleState.VANISHED else seen.stage.state
    return Outcome(state.operation_wire(record, seen), operation_id=record.id, image_id=record.image_id, note=note)
