"""Results of handlers, the context of a call, and the errors that refuse it, by the table of texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pytest_ycimages.api.resources import Image, ImageStatus
from pytest_ycimages.api.status import Status
from pytest_ycimages.api.texts import TEXTS, words_of
from pytest_ycimages.cloud.script import VisibleState
from pytest_ycimages.errors import shortened

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

    def refuse(self, key: str, /, *details: Detail, **values: object) -> Outcome:
        """Return the refusal with the error `key`: the call changed nothing."""
        return Outcome({}, self.error(key, *details, **values))

    def ready_image(
        self, state: State, image_id: str, now: int, *, statuses: tuple[ImageStatus, ...] = (ImageStatus.READY,)
    ) -> Image | Outcome:
        """Return an image if it exists and has one of `statuses`, or the refusal. Naming it may count as a poll."""
        image = state.image_named(image_id, now)
        if image is None:
            return self.refuse("image_not_found", id=image_id)
        if image.status not in statuses:
            return self.refuse("invalid_state", kind="Image", id=image_id, why=f"status {image.status}")
        return image


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
    return Outcome(state.operation_wire(record, seen), None, record.id, record.image_id, note)
