"""The JSON form of an operation, its fields in the observed order (api-facts.md, section 2.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pytest_ycimages.api.message import operation_time
from pytest_ycimages.api.operation import CreateImageMetadata, DeleteImageMetadata, UpdateImageMetadata
from pytest_ycimages.cloud.lifecycle import DONE, Kind, Phase
from pytest_ycimages.cloud.stage import SHOWN_DONE, Shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_ycimages.api.message import Wire
    from pytest_ycimages.api.status import Status
    from pytest_ycimages.cloud.plan import View
    from pytest_ycimages.cloud.records import OperationRecord
    from pytest_ycimages.cloud.stage import Scene

_METADATA: Final[dict[Kind, type[CreateImageMetadata | UpdateImageMetadata | DeleteImageMetadata]]] = {
    Kind.CREATE: CreateImageMetadata,
    Kind.UPDATE: UpdateImageMetadata,
    Kind.DELETE: DeleteImageMetadata,
}
_NONE: Final[Mapping[str, Any]] = {}


def operation_wire(  # noqa: PLR0913 - what time and scripts decide, each named
    record: OperationRecord,
    modified_at: int,
    *,
    done: bool,
    response: Wire | None,
    error: Status | None,
    metadata: Mapping[str, Any] = _NONE,
) -> Wire:
    """An operation; `metadata` stands beside what its metadata says anyway."""
    wire: Wire = {
        "done": done,
        "metadata": {"@type": _METADATA[record.kind].type_url, "imageId": record.image_id, **metadata},
    }
    if response is not None:
        wire["response"] = response
    elif error is not None:
        wire["error"] = error.to_wire()
    wire["id"] = record.id
    wire["description"] = record.kind
    wire["createdAt"] = operation_time(record.plan.started_at)
    wire["createdBy"] = record.created_by
    wire["modifiedAt"] = operation_time(modified_at)
    return wire


def scene_wire(record: OperationRecord, seen: View, scene: Scene, response: Callable[[], Wire]) -> Wire:
    """An operation as its script shows it. One that is not to be seen, but shown all the same, shows what is true.

    It is said to be modified when the scene began, so that what polls see is never modified before what they saw.
    """
    hidden = scene.state is Shown.VANISHED
    succeeded = seen.phase is Phase.SUCCEEDED if hidden else scene.state is Shown.SUCCEEDED
    failing = seen.phase in {Phase.ROLLING_BACK, Phase.FAILED}
    return operation_wire(
        record,
        scene.begins_at,
        done=seen.phase in DONE if hidden else scene.state in SHOWN_DONE,
        response=response() if succeeded else None,
        error=(record.plan.failure if failing else None) if hidden else scene.error,
        metadata=scene.metadata,
    )
