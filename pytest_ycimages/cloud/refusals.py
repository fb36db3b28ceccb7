"""Results of handlers, the context of a call, and the table of errors: their codes and texts.

A user may override a text with the setting `texts`. Its placeholders are the values that the service fills in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_ycimages.api.resources import Image, ImageStatus
from pytest_ycimages.api.status import Code, Status
from pytest_ycimages.cloud.script import VisibleState
from pytest_ycimages.errors import UsageError, shortened, unknown_word

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


_ERRORS: Final = {
    # Recorded (api-facts.md, section 2.2).
    "image_not_found": (Code.NOT_FOUND, 'Image "{id}" not found'),
    "operation_not_found": (Code.NOT_FOUND, "Operation {id} not found"),
    "operation_id_malformed": (Code.INVALID_ARGUMENT, "invalid operation id '{id}'"),
    "folder_not_found": (Code.FAILED_PRECONDITION, 'Folder "{id}" not found'),
    "token_invalid": (Code.UNAUTHENTICATED, "The token is invalid"),
    "jwt_without_kid": (Code.UNAUTHENTICATED, "The required field 'kid' is missing from the JWT header"),
    "running_operations_quota": (
        Code.RESOURCE_EXHAUSTED,
        "The limit on maximum number of active operations has exceeded.",
    ),
    # The head or the pattern is recorded, the rest is not.
    "validation": (Code.INVALID_ARGUMENT, "Request validation error: {violations}"),
    "illegal_argument": (Code.INVALID_ARGUMENT, "Illegal argument {what}"),
    "disk_not_found": (Code.NOT_FOUND, 'Disk "{id}" not found'),
    "snapshot_not_found": (Code.NOT_FOUND, 'Snapshot "{id}" not found'),
    "invalid_state": (Code.FAILED_PRECONDITION, '{kind} "{id}" has an invalid state for this operation: {why}'),
    "name_taken": (Code.ALREADY_EXISTS, "Image with name {name} already exists"),
    "images_quota": (Code.RESOURCE_EXHAUSTED, "The limit on maximum number of images has exceeded"),
    "size_quota": (Code.RESOURCE_EXHAUSTED, "The limit on total size of images has exceeded"),
    "pooled_quota": (Code.RESOURCE_EXHAUSTED, "The limit on maximum number of disk pools has exceeded"),
    # Recorded from the backend; the public texts are not.
    "cancelled": (Code.CANCELLED, "Cancelled by client"),
    "uri_not_found": (Code.INVALID_ARGUMENT, "url source not found"),
    "uri_format": (Code.INVALID_ARGUMENT, "unsupported image format: {format}"),
    # Not recorded.
    "cancel_refused": (Code.FAILED_PRECONDITION, "The operation cannot be cancelled"),
    "no_token": (Code.UNAUTHENTICATED, "The token is missing: send the header `Authorization: Bearer <IAM token>`"),
    "jwt_malformed": (Code.UNAUTHENTICATED, "The JWT is malformed"),
    "endpoint_not_found": (Code.NOT_FOUND, 'Endpoint "{id}" not found'),
    "family_not_found": (Code.NOT_FOUND, 'No READY image of family "{family}" in folder "{folder_id}"'),
    "key_malformed": (Code.INVALID_ARGUMENT, "The idempotency key '{key}' is not a UUID"),
    "key_reused": (Code.INVALID_ARGUMENT, "The idempotency key '{key}' was used for another request"),
    "not_implemented": (Code.UNIMPLEMENTED, "The double does not implement {method}"),
}
TEXTS: Final = {key: text for key, (_, text) in _ERRORS.items()}
"""The text of each error, by its key."""


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

    def error(self, key: str, /, *details: Detail, **values: object) -> Status:
        """Return the error `key`, with `values` filled into its text."""
        shown = {name: value if name == "violations" else shortened(str(value)) for name, value in values.items()}
        return Status(code=_ERRORS[key][0], message=self._texts[key].format_map(shown), details=details)

    def refuse(self, key: str, /, *details: Detail, **values: object) -> Outcome:
        """Return the refusal with the error `key`: the call changed nothing."""
        return Outcome({}, self.error(key, *details, **values))

    def ready_image(self, state: State, image_id: str, now: int) -> Image | Outcome:
        """Return an image if it exists and is READY, or the refusal. Naming an image may count as a poll."""
        image = state.image_named(image_id, now)
        if image is None:
            return self.refuse("image_not_found", id=image_id)
        if image.status is not ImageStatus.READY:
            return self.refuse("invalid_state", kind="Image", id=image_id, why=f"status {image.status}")
        return image


def _check(key: str, text: str) -> None:
    known = {"id", "what", "kind", "why", "name", "format", "family", "folder_id", "key", "method", "violations"}
    known = {name for name in known if f"{{{name}}}" in TEXTS[key]}
    try:
        text.format_map(dict.fromkeys(known, "")).encode()
    except (AttributeError, KeyError, IndexError, ValueError) as error:
        allowed = ", ".join(f"{{{name}}}" for name in sorted(known)) or "none"
        raise UsageError(f"invalid text {text!r} for {key!r} ({error!r}). Its placeholders: {allowed}.") from None


class Outcome(NamedTuple):
    """The result of a handler: an answer or a refusal.

    Attributes:
        body: the answer in its JSON form; empty for a refusal.
        refusal: the error of a refusal.
        operation_id: the operation concerned, if any.
        image_id: the image concerned, if any.
        note: the result in a few words, for people.
    """

    body: Wire
    refusal: Status | None = None
    operation_id: str | None = None
    image_id: str | None = None
    note: str = ""

    def about(self, record: OperationRecord) -> Outcome:
        """Return the same outcome, as one that concerns an operation."""
        return self._replace(operation_id=record.id, image_id=record.image_id)


def operation_outcome(state: State, record: OperationRecord, now: int) -> Outcome:
    """Return the answer with an operation as clients see it at `now`."""
    seen = record.at(now)
    note = seen.phase if seen.stage is None or seen.stage.state is VisibleState.VANISHED else seen.stage.state
    return Outcome(state.operation_wire(record, seen), note=note).about(record)
