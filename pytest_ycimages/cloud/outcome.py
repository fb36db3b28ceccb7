"""What a handler of the service says; the service itself makes a reply of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pytest_ycimages.api.code import Code
from pytest_ycimages.cloud.stage import Shown

if TYPE_CHECKING:
    from pytest_ycimages.api.message import Wire
    from pytest_ycimages.api.status import Detail
    from pytest_ycimages.cloud.records import OperationRecord
    from pytest_ycimages.cloud.state import State


class Outcome(NamedTuple):
    """The answer of a handler, or its refusal.

    Attributes:
        body: the answer in its JSON form; empty for a refusal.
        code: why it was refused.
        error: the refusal in words.
        details: the refusal as data.
        operation_id: the operation that the call was about, if any.
        image_id: the image that the call was about, if any.
        note: what became of it, in a few words for people.
    """

    body: Wire
    code: Code = Code.OK
    error: str = ""
    details: tuple[Detail, ...] = ()
    operation_id: str | None = None
    image_id: str | None = None
    note: str = ""


def refused(code: Code, error: str, *, details: tuple[Detail, ...] = ()) -> Outcome:
    """A refusal: the call changed nothing."""
    return Outcome({}, code=code, error=error, details=details)


def refused_operation(code: Code, error: str, record: OperationRecord, *, note: str = "") -> Outcome:
    """A refusal of a call about an operation that is there."""
    return Outcome({}, code=code, error=error, operation_id=record.id, image_id=record.image_id, note=note)


def operation_outcome(state: State, record: OperationRecord, now: int) -> Outcome:
    """The answer that shows an operation as clients see it at `now`."""
    seen = record.at(now)
    note = seen.phase if seen.scene is None or seen.scene.state is Shown.VANISHED else seen.scene.state
    return Outcome(state.operation_wire(record, seen), operation_id=record.id, image_id=record.image_id, note=note)
