"""ImageService: `images.create` and `images.get` (images-create.md; api-facts.md, sections 1.1 and 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_ycimages.api.code import Code
from pytest_ycimages.api.image import Image, ImageStatus, Os, OsType
from pytest_ycimages.api.message import resource_time
from pytest_ycimages.cloud.ids import IMAGE
from pytest_ycimages.cloud.outcome import Outcome, refused
from pytest_ycimages.cloud.plan import Plan
from pytest_ycimages.cloud.state import ImageRecord, OperationRecord
from pytest_ycimages.cloud.texts import text

if TYPE_CHECKING:
    from pytest_ycimages.api.create_image import CreateImageRequest
    from pytest_ycimages.api.lookups import GetImageRequest
    from pytest_ycimages.cloud.ids import Ids
    from pytest_ycimages.cloud.state import State
    from pytest_ycimages.cloud.timing import Timing

UNKNOWN_DISK_SIZE: Final = 5 * 2**30
"""Bytes that a source takes of which nothing is known; not the service's figure, but the double's."""

_TAKEN_OVER: Final = {"os", "pooled", "hardware_generation"}

UNKNOWN_STORAGE_SIZE: Final = 2**30
"""Bytes stored in such a source; a multiple of 4 MiB, as the service stores (observed)."""


class ImageService:
    """Creates and shows images.

    Attributes:
        timing: how long the operations take that are created from now on.
    """

    def __init__(self, state: State, ids: Ids, timing: Timing, account: str) -> None:
        self.timing = timing
        self._state = state
        self._ids = ids
        self._account = account

    def create(self, message: CreateImageRequest, now: int) -> Outcome:
        """Start an operation that creates an image."""
        image_id = self._ids.resource("image", IMAGE)
        record = OperationRecord(
            id=self._ids.resource("operation", IMAGE),
            description="Create image",
            created_by=self._account,
            image_id=image_id,
            plan=Plan(started_at=now, schedule=self.timing.schedule(now)),
        )
        self._state.operations[record.id] = record
        self._state.images[image_id] = ImageRecord(_ready_image(image_id, message, now), record.id)
        return Outcome(
            self._state.operation_at(record.id, now),
            operation_id=record.id,
            image_id=image_id,
            note=record.at(now).phase,
        )

    def get(self, message: GetImageRequest, now: int) -> Outcome:
        """Show an image. To look at an image that is being created counts as a poll of its operation."""
        record = self._state.images.get(message.image_id)
        if record is not None:
            self._state.poll(record.created_by_operation, now)
        image = self._state.image_at(message.image_id, now)
        if image is None:
            return refused(Code.NOT_FOUND, text("image_not_found", id=message.image_id))
        return Outcome(image, image_id=image.id, note=image.status)


def _ready_image(image_id: str, message: CreateImageRequest, now: int) -> Image:
    """The image that `message` asks for, as it is once the operation has succeeded."""
    asked = message.model_dump(include=_TAKEN_OVER, exclude_none=True)
    size = message.min_disk_size or UNKNOWN_DISK_SIZE
    return Image(
        labels=message.labels,
        product_ids=message.product_ids,
        os=Os.model_validate({"type": OsType.LINUX, **asked.get("os", {})}),
        pooled=asked.get("pooled", False),
        hardware_generation=asked.get("hardware_generation"),
        id=image_id,
        folder_id=message.folder_id,
        created_at=resource_time(now),
        name=message.name,
        description=message.description,
        family=message.family,
        storage_size=min(UNKNOWN_STORAGE_SIZE, size),
        min_disk_size=size,
        status=ImageStatus.READY,
    )
