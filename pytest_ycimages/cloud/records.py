"""Immutable records of images, operations and sources, and the JSON form of operations (api-facts.md, 2.1)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pytest_ycimages.api.message import operation_time
from pytest_ycimages.api.resources import CreateImageMetadata, DeleteImageMetadata, Image, UpdateImageMetadata
from pytest_ycimages.cloud.lifecycle import CANCELLABLE, DONE, Kind, Phase
from pytest_ycimages.cloud.plan import View, refuses_cancel, view
from pytest_ycimages.cloud.script import VISIBLY_DONE, VisibleState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_ycimages.api.message import Wire
    from pytest_ycimages.api.resources import HardwareGeneration, ImageTarget, Os
    from pytest_ycimages.api.status import Status
    from pytest_ycimages.cloud.plan import Plan, View
    from pytest_ycimages.cloud.script import OperationStage

NO_CHANGES: Final[Mapping[str, Any]] = MappingProxyType({})


class OperationRecord(NamedTuple):
    """An operation, without its time-dependent state.

    Attributes:
        changes: the new values of the image's fields after success; only an update has some.
    """

    id: str
    kind: Kind
    created_by: str
    image_id: str
    plan: Plan
    changes: Mapping[str, Any] = NO_CHANGES

    def at(self, now: int) -> View:
        """Return the state at `now`, in nanoseconds since the epoch."""
        return view(self.plan, now)

    def is_vanished(self, now: int) -> bool:
        """Return whether a script hides the operation at `now`."""
        script = self.plan.schedule.script
        return script is not None and (stage := self.at(now).stage) is not None and stage.state is VisibleState.VANISHED

    def refuses_cancel(self, now: int) -> bool:
        """Return whether a cancel at `now` is refused."""
        return self.kind in CANCELLABLE and refuses_cancel(self.plan, now)


class ImageRecord(NamedTuple):
    """An image as it was when it became READY, or a seeded one that is in ERROR, and the operations on it, in order.

    Attributes:
        wire: the image as it is once created, before any update, in its JSON form.
        created_at: nanoseconds since the epoch.
        virtual_size: the minimum bytes of a disk made from it; `min_disk_size` cannot be less.
        known: whether its sizes come from an existing source; made-up sizes restrict no request.
        operation_ids: the ids of the operations on it; the first created it, unless it was seeded.
    """

    wire: Wire
    created_at: int
    virtual_size: int
    known: bool = True
    operation_ids: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The image's id."""
        return str(self.wire["id"])

    @property
    def folder_id(self) -> str:
        """The folder that holds the image."""
        return str(self.wire["folderId"])

    @property
    def name(self) -> str:
        """The name that the image was created with, or empty."""
        return str(self.wire.get("name", ""))

    @property
    def family(self) -> str:
        """The family of the image, or empty."""
        return str(self.wire.get("family", ""))

    def after(self, changes: Mapping[str, Any]) -> Image:
        """Return the image after changes of its fields."""
        image = Image.model_validate(self.wire)
        return image.model_copy(update=changes) if changes else image


class Source(NamedTuple):
    """The source of an image, as far as the image inherits from it.

    Attributes:
        virtual_size: bytes that a disk made from it takes.
        storage_size: bytes of data in it, a multiple of 4 MiB.
        min_disk_size: bytes that a disk made from the image takes at least, unless the request asks for more.
        os: its operating system, if known.
        product_ids: licence ids that the image inherits.
        hardware_generation: its hardware generation, if known.
    """

    virtual_size: int
    storage_size: int
    min_disk_size: int
    os: Os | None = None
    product_ids: tuple[str, ...] = ()
    hardware_generation: HardwareGeneration | None = None


class StoredObject(NamedTuple):
    """A file in Object Storage that a `uri` may name.

    Attributes:
        size: bytes of data in it.
        virtual_size: bytes that a disk made from it takes.
        format: `qcow2`, `vmdk`, `vhd`, `raw`, or one that the service refuses.
        reachable: whether the service can read it.
    """

    size: int
    virtual_size: int
    format: str
    reachable: bool = True


_METADATA: Final[dict[Kind, type[ImageTarget]]] = {
    Kind.CREATE: CreateImageMetadata,
    Kind.UPDATE: UpdateImageMetadata,
    Kind.DELETE: DeleteImageMetadata,
}


def operation_wire(  # noqa: PLR0913 - what time and scripts decide, each named
    record: OperationRecord,
    modified_at: int,
    *,
    done: bool,
    response: Wire | None,
    error: Status | None,
    metadata: Mapping[str, Any] = NO_CHANGES,
) -> Wire:
    """Return an operation; `metadata` is added to its regular metadata."""
    wire: Wire = {
        "done": done,
        "metadata": {"@type": _METADATA[record.kind].type_url, "imageId": record.image_id, **metadata},
    }
    if response is not None:
        wire["response"] = response
    elif error is not None:
        wire["error"] = error.to_wire()
    wire["id"] = record.id
    wire["description"] = str(record.kind)  # members of enums are slow to write as JSON
    started_at = record.plan.started_at
    wire["createdAt"] = created = operation_time(started_at)
    wire["createdBy"] = record.created_by
    wire["modifiedAt"] = created if modified_at == started_at else operation_time(modified_at)
    return wire


def stage_wire(record: OperationRecord, seen: View, stage: OperationStage, response: Callable[[], Wire]) -> Wire:
    """Return an operation as its script shows it. A hidden one that is shown all the same shows its true state.

    Its `modifiedAt` is the start of the stage, so that it never goes back between polls.
    """
    hidden = stage.state is VisibleState.VANISHED
    succeeded = seen.phase is Phase.SUCCEEDED if hidden else stage.state is VisibleState.SUCCEEDED
    failing = seen.phase in {Phase.ROLLING_BACK, Phase.FAILED}
    return operation_wire(
        record,
        stage.begins_at,
        done=seen.phase in DONE if hidden else stage.state in VISIBLY_DONE,
        response=response() if succeeded else None,
        error=(record.plan.failure if failing else None) if hidden else stage.error,
        metadata=stage.metadata,
    )
