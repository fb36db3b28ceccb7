"""Results of handlers, the context of a call, and the errors that refuse it, by the table of texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pytest_ycimages.api.resources import ImageStatus
from pytest_ycimages.api.status import Status
from pytest_ycimages.api.texts import TEXTS, words_of
from pytest_ycimages.cloud.script import VisibleState
from pytest_ycimages.errors import shortened

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_ycimages.api.message import Wire
    from pytest_ycimages.api.resources import Image
    from pytest_ycimages.api.status import Code, Detail
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


class RefusedError(Exception):
    """Raised by a handler that refuses its call, which changes nothing.

    Args:
        key: the text of the error, by its key in the table of texts.
        details: the details of the error.
        code: the code of the error; None: that of the table.
        record: the operation concerned, if any.
        note: words for people in front of the text.
        values: the values of the placeholders in the text.
    """

    def __init__(
        self,
        key: str,
        /,
        *details: Detail,
        code: Code | None = None,
        record: OperationRecord | None = None,
        note: str = "",
        **values: object,
    ) -> None:
        super().__init__(key)
        self.key = key
        self.details = details
        self.code = code
        self.record = record
        self.note = note
        self.values = values


class Texts:
    """The texts in force.

    Args:
        overrides: texts that replace those of the table.

    Raises:
        UsageError: an override of an unknown text, or one with an unknown placeholder.
    """

    def __init__(self, overrides: Mapping[str, str]) -> None:
        self._words = words_of(overrides)

    def error(self, key: str, /, *details: Detail, **values: object) -> Status:
        """Return the error `key`, with `values` filled into its text."""
        shown = {name: value if name == "violations" else shortened(str(value)) for name, value in values.items()}
        return Status(code=TEXTS[key].code, message=self._words[key].format_map(shown), details=details)


class Outcome(NamedTuple):
    """The answer of a handler that does not refuse its call.

    Attributes:
        body: the answer in its JSON form.
        operation_id: the operation concerned, if any.
        image_id: the image concerned, if any.
        note: the result in a few words, for people.
    """

    body: Wire
    operation_id: str | None = None
    image_id: str | None = None
    note: str = ""


def ready_image(
    state: State, image_id: str, now: int, *, or_in: ImageStatus = ImageStatus.READY, missing: Code | None = None
) -> Image:
    """Return the image that a call names. Naming an image under deletion counts as a poll.

    Args:
        state: the state of the cloud.
        image_id: the image.
        now: nanoseconds since the epoch.
        or_in: a status that it may have instead of READY.
        missing: the code of the refusal if it does not exist; None: that of the table.

    Raises:
        RefusedError: it does not exist, or has another status.
    """
    image = state.image_at(image_id, now)
    if image is not None and image.status is ImageStatus.DELETING:
        state.poll_image(image_id, now)
        image = state.image_at(image_id, now)
    if image is None:
        raise RefusedError("image_not_found", code=missing, id=image_id)
    if image.status not in (ImageStatus.READY, or_in):
        raise RefusedError("invalid_state", kind="Image", id=image_id, why=f"status {image.status}")
    return image


def operation_outcome(state: State, record: OperationRecord, now: int) -> Outcome:
    """Return the answer with an operation as clients see it at `now`."""
    seen = record.at(now)
    note = seen.phase if seen.stage is None or seen.stage.state is VisibleState.VANISHED else seen.stage.state
    return Outcome(state.operation_wire(record, seen), record.id, record.image_id, note)
