"""Reads a trial for those who judge it: which fault struck which call, what the client was told, what it left behind.

A call is named by its place in the journal, counted from 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_ycimages.api.exchange import delivery_of
from pytest_ycimages.api.resources import CreateImageMetadata, DeleteImageMetadata
from pytest_ycimages.api.status import Code
from pytest_ycimages.call import nanoseconds
from pytest_ycimages.faults.fault import Answer, Damaged, Late

if TYPE_CHECKING:
    from pytest_ycimages.api.resources import Operation
    from pytest_ycimages.experiment.scenario import PlannedFault
    from pytest_ycimages.experiment.trial import Trial


CREATE: Final = "images.create"
DELETE: Final = "images.delete"
CANCEL: Final = "operations.cancel"
POLL: Final = "operations.get"
POLLS: Final = frozenset({POLL, "images.get"})

HOPELESS: Final = frozenset(
    {
        Code.INVALID_ARGUMENT,
        Code.PERMISSION_DENIED,
        Code.OUT_OF_RANGE,
        Code.UNIMPLEMENTED,
        Code.UNAUTHENTICATED,
    }
)
"""The codes for which the same call, made again, is answered in the same way."""

_TRANSIENT: Final = frozenset({Code.UNAVAILABLE, Code.RESOURCE_EXHAUSTED})
_SEEN_LATE: Final = frozenset({"operation_seen_late", "image_seen_late"})


def is_transient(planned: PlannedFault) -> bool:
    """Whether the fault passes by itself, so that a client which asks again gets what it wants.

    INTERNAL does not count: it may mean anything, and not everybody asks again after it.
    """
    name, effect = planned.fault.name, planned.fault.effect
    if planned.lasts:
        return False
    if isinstance(effect, Answer):
        return effect.error.code in _TRANSIENT and name != "quota_exceeded"
    if isinstance(effect, Damaged):
        return name != "bad_request"
    return isinstance(effect, Late) or name in _SEEN_LATE


class Reading:
    """One trial, read.

    Attributes:
        trial: the trial.
        calls: its journal.
        strikes: the fault that struck each call; calls that none struck are left out.
    """

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self.calls = trial.calls
        self.strikes = _strikes(trial)

    def is_lost(self, place: int) -> bool:
        """Whether a fault kept the answer from the client, or damaged it. An error page is an answer."""
        planned = self.strikes.get(place)
        if planned is None or not isinstance(planned.fault.effect, Damaged):
            return False
        damage = planned.fault.effect.damage
        return delivery_of(damage).is_lost

    def told(self, place: int) -> bool:
        """Whether the client had the whole answer to a call before it went on."""
        if self.is_lost(place):
            return False
        calls = self.calls
        later = calls[place + 1].came_at if place + 1 < len(calls) else self.trial.seconds
        return nanoseconds(calls[place].answered_at) <= nanoseconds(later)

    def is_disturbed(self, place: int) -> bool:
        """Whether a fault replaced or damaged the answer to a call; what is late alone comes whole."""
        planned = self.strikes.get(place)
        return planned is not None and isinstance(planned.fault.effect, Answer | Damaged)

    def is_hopeless(self, place: int) -> bool:
        """Whether a fault struck a call so that asking again could not help."""
        planned = self.strikes.get(place)
        return planned is not None and (planned.lasts or self.calls[place].status in HOPELESS)

    # What was made.

    @property
    def created(self) -> list[Operation]:
        """The operations that were to create an image, whatever has become of them."""
        return [each for each in self.trial.operations if isinstance(each.metadata, CreateImageMetadata)]

    @property
    def staying(self) -> list[Operation]:
        """The creations that leave an image behind: it is there or about to be, and nobody is deleting it."""
        trial = self.trial
        deleted = {
            each.metadata.image_id
            for each in trial.operations
            if isinstance(each.metadata, DeleteImageMetadata) and each.error is None
        }
        there = {image.id for image in trial.images} - deleted
        return [each for each in self.created if each.error is None and each.metadata.image_id in there]

    def of(self, operation: Operation, method: str) -> list[int]:
        """The calls of a method that name this very operation, and not another one of the same image."""
        wanted = (place for place, call in enumerate(self.calls) if call.method == method)
        return [place for place in wanted if operation.id in self._ids(place)]

    def clearing_up(self, operation: Operation) -> list[int]:
        """The calls that ask for the end of a creation: its cancels, and the deletions of its image."""
        return sorted([*self.of(operation, CANCEL), *self.about(operation, DELETE)])

    def about(self, operation: Operation, *methods: str) -> list[int]:
        """The calls about an operation or its image, other operations of that among them; of these methods, if any."""
        ids = {operation.id, operation.metadata.image_id}
        wanted = (place for place, call in enumerate(self.calls) if not methods or call.method in methods)
        return [place for place in wanted if ids & self._ids(place)]

    def _ids(self, place: int) -> set[str]:
        """What a call was about, though its answer was a refusal."""
        call = self.calls[place]
        asked = ("operation_id", "image_id") if call.method != CREATE else ()  # that names the image that it copies
        ids = (call.operation_id, call.image_id, *(getattr(call.message, name, None) for name in asked))
        return {id_ for id_ in ids if id_}

    def is_known(self, operation: Operation) -> bool:
        """Whether a whole answer told the client of an operation."""
        return any(
            call.operation_id == operation.id and call.status is Code.OK and self.told(place)
            for place, call in enumerate(self.calls)
        )

    def shown_end(self, operation: Operation, *, failing: bool = True) -> int | None:
        """The first whole answer that showed what an operation has come to; None when the client had none.

        Args:
            operation: the operation.
            failing: whether an error that was set before the operation was done counts.
        """
        for place, call in enumerate(self.calls):
            shows = call.done or (failing and call.note.endswith("rolling back"))
            if shows and call.operation_id == operation.id and call.status is Code.OK and self.told(place):
                return place
        return None


def _strikes(trial: Trial) -> dict[int, PlannedFault]:
    planned = list(trial.scenario.faults)
    found: dict[int, PlannedFault] = {}
    for place, call in enumerate(trial.calls):
        if not call.fault:
            continue
        for each in planned:
            if each.method == call.method and call.fault == f"{each.fault} {each.commit} the commit":
                found[place] = each
                if not each.lasts:
                    planned.remove(each)
                break
    return found
