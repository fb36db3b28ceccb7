"""What exists in the cloud: images and operations, each as a frozen record, and how they look at a moment."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pytest_ycimages.api.message import operation_time
from pytest_ycimages.api.operation import CreateImageMetadata, Operation
from pytest_ycimages.cloud.lifecycle import IMAGE_STATUS, Phase
from pytest_ycimages.cloud.plan import View, cancelled, polled, view

if TYPE_CHECKING:
    from pytest_ycimages.api.image import Image
    from pytest_ycimages.api.status import Status
    from pytest_ycimages.cloud.plan import Plan


@dataclass(frozen=True, slots=True)
class OperationRecord:
    """An operation as it is kept: everything but what time decides."""

    id: str
    description: str
    created_by: str
    image_id: str
    plan: Plan

    def at(self, now: int) -> View:
        """Where the operation is at `now`, in nanoseconds since the epoch."""
        return view(self.plan, now)


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """An image as it is kept: how it looks once READY, and the operation that creates it."""

    ready: Image
    created_by_operation: str


@dataclass(slots=True)
class State:
    """Everything that the cloud remembers. Only `poll` and `cancel` change an operation; looking never does."""

    images: dict[str, ImageRecord] = field(default_factory=dict)
    operations: dict[str, OperationRecord] = field(default_factory=dict)

    def poll(self, operation_id: str, now: int) -> None:
        """Count a poll of an operation: the one place where polls are counted."""
        record = self.operations.get(operation_id)
        if record is not None and record.plan.schedule.polls:
            self.operations[operation_id] = replace(record, plan=polled(record.plan, now))

    def cancel(self, operation_id: str, now: int, error: Status) -> None:
        """Cancel an operation, if it is there and has not ended."""
        record = self.operations.get(operation_id)
        if record is not None:
            self.operations[operation_id] = replace(record, plan=cancelled(record.plan, now, error))

    def image_at(self, image_id: str, now: int) -> Image | None:
        """The image as it is at `now`, or None when there is no such image then."""
        record = self.images.get(image_id)
        if record is None:
            return None
        status = IMAGE_STATUS[self.operations[record.created_by_operation].at(now).phase]
        if status is None or status is record.ready.status:
            return record.ready if status else None
        return record.ready.model_copy(update={"status": status})

    def operation_at(self, operation_id: str, now: int) -> Operation | None:
        """The operation as it is at `now`, or None when there is no such operation."""
        record = self.operations.get(operation_id)
        if record is None:
            return None
        seen = record.at(now)
        failed = seen.phase in {Phase.ROLLING_BACK, Phase.FAILED}
        ready = self.images[record.image_id].ready if seen.phase is Phase.SUCCEEDED else None
        return Operation(
            done=seen.done,
            metadata=CreateImageMetadata(image_id=record.image_id),
            error=record.plan.error if failed else None,
            response=ready,
            id=record.id,
            description=record.description,
            created_at=operation_time(record.plan.started_at),
            created_by=record.created_by,
            modified_at=operation_time(seen.modified_at),
        )
