"""What exists in the cloud, and how it looks at a moment. Looking changes nothing; only the named verbs do."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from pytest_ycimages.api.image import Image, ImageStatus
from pytest_ycimages.api.message import operation_time
from pytest_ycimages.api.operation import (
    CreateImageMetadata,
    DeleteImageMetadata,
    Empty,
    Operation,
    UpdateImageMetadata,
)
from pytest_ycimages.cloud.catalog import Catalog
from pytest_ycimages.cloud.lifecycle import CANCELLABLE, IMAGE_STATUS, Kind, Phase
from pytest_ycimages.cloud.plan import cancelled, polled

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_ycimages.api.status import Status
    from pytest_ycimages.cloud.records import ImageRecord, OperationRecord, Source, StoredObject

_METADATA: Final[dict[Kind, type[CreateImageMetadata | UpdateImageMetadata | DeleteImageMetadata]]] = {
    Kind.CREATE: CreateImageMetadata,
    Kind.UPDATE: UpdateImageMetadata,
    Kind.DELETE: DeleteImageMetadata,
}


@dataclass(slots=True)
class State:
    """Everything that the cloud remembers."""

    images: dict[str, ImageRecord] = field(default_factory=dict)
    operations: dict[str, OperationRecord] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    sources: dict[str, Source] = field(default_factory=dict)
    objects: dict[str, StoredObject] = field(default_factory=dict)
    catalog: Catalog = field(default_factory=Catalog)
    _unfinished: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    # What changes it.

    def add_image(self, record: ImageRecord) -> None:
        """Take in an image."""
        self.images[record.image.id] = record
        self.catalog.add(record)

    def start(self, operation: OperationRecord) -> None:
        """Take in an operation on an image that is there."""
        self.operations[operation.id] = operation
        image = self.images[operation.image_id]
        self.images[operation.image_id] = replace(image, operation_ids=(*image.operation_ids, operation.id))
        self._unfinished[image.image.folder_id].add(operation.id)

    def forget(self, gone: Iterable[str]) -> None:
        """Take images out of the indexes that have gone for good, so that no list meets them again."""
        for image_id in gone:
            self.catalog.discard(self.images[image_id])

    def poll(self, operation_id: str, now: int) -> None:
        """Count a poll of an operation: the one place where polls are counted."""
        record = self.operations.get(operation_id)
        if record is not None and record.plan.schedule.polls:
            self.operations[operation_id] = replace(record, plan=polled(record.plan, now))

    def poll_image(self, image_id: str, now: int) -> None:
        """Count a look at an image as a poll of every operation on it."""
        record = self.images.get(image_id)
        for operation_id in record.operation_ids if record else ():
            self.poll(operation_id, now)

    def cancel(self, operation_id: str, now: int, error: Status) -> None:
        """Cancel an operation, if it is there, can be cancelled and has not ended."""
        record = self.operations.get(operation_id)
        if record is not None and record.kind in CANCELLABLE:
            self.operations[operation_id] = replace(record, plan=cancelled(record.plan, now, error))

    # What looks at it.

    def image_at(self, image_id: str, now: int) -> Image | None:
        """The image as it is at `now`, or None when there is no such image then."""
        record = self.images.get(image_id)
        return self._look(record, record.operation_ids, now) if record else None

    def _look(self, record: ImageRecord, operation_ids: tuple[str, ...], now: int) -> Image | None:
        """The image after those operations, each as far as it has come at `now`."""
        image = record.image
        status = ImageStatus.READY
        for operation_id in operation_ids:
            operation = self.operations[operation_id]
            phase = operation.at(now).phase
            shown = IMAGE_STATUS[operation.kind][phase]
            if shown is None:
                return None
            if shown is not ImageStatus.READY:
                status = shown
            if operation.changes and phase is Phase.SUCCEEDED:
                image = image.model_copy(update=operation.changes)
        return image if status is ImageStatus.READY else image.model_copy(update={"status": status})

    def operation_at(self, operation_id: str, now: int) -> Operation | None:
        """The operation as it is at `now`, or None when there is no such operation."""
        record = self.operations.get(operation_id)
        if record is None:
            return None
        seen = record.at(now)
        failed = seen.phase is Phase.ROLLING_BACK or seen.phase is Phase.FAILED
        return Operation(
            done=seen.done,
            metadata=_METADATA[record.kind](image_id=record.image_id),
            error=record.plan.error if failed else None,
            response=self._response(record, seen.modified_at) if seen.phase is Phase.SUCCEEDED else None,
            id=record.id,
            description=record.kind,
            created_at=operation_time(record.plan.started_at),
            created_by=record.created_by,
            modified_at=operation_time(seen.modified_at),
        )

    def _response(self, operation: OperationRecord, ended_at: int) -> Image | Empty | None:
        """What the operation leaves behind: the image as it was just then, or nothing."""
        if operation.kind is Kind.DELETE:
            return Empty()
        record = self.images[operation.image_id]
        if operation.kind is Kind.CREATE:
            return record.image
        until = record.operation_ids[: record.operation_ids.index(operation.id) + 1]
        return self._look(record, until, ended_at)

    def names_of(self, image_id: str, now: int) -> set[str]:
        """The names that an image has or is about to have; none when it is gone."""
        image = self.image_at(image_id, now)
        if image is None:
            return set()
        coming = (self.operations[id_] for id_ in self.images[image_id].operation_ids)
        return {
            image.name,
            *(each.changes["name"] for each in coming if "name" in each.changes and not each.at(now).done),
        }

    def running_in(self, folder_id: str, now: int) -> int:
        """How many operations are running in a folder."""
        unfinished = self._unfinished[folder_id]
        unfinished -= {id_ for id_ in unfinished if self.operations[id_].at(now).done}
        return len(unfinished)
