"""The JSON that the model expects of images and operations (api-facts.md, section 2.1)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from .records import SECOND, Fields, Image, Operation, Refusal

if TYPE_CHECKING:
    from .model import Model

TYPE: Final = "type.googleapis.com/yandex.cloud.compute.v1."
EMPTY: Final = "type.googleapis.com/google.protobuf.Empty"


def resource_time(moment: int) -> str:
    """Resources print whole seconds."""
    return f"{datetime.fromtimestamp(moment // SECOND, tz=UTC):%Y-%m-%dT%H:%M:%S}Z"


def operation_time(moment: int) -> str:
    """Operations print the fraction of a second as protobuf does."""
    shown = ""
    for digits in (3, 6, 9):
        if moment % SECOND and not shown and not moment % 10 ** (9 - digits):
            shown = f".{moment % SECOND:09d}"[: digits + 1]
    return f"{resource_time(moment)[:-1]}{shown}Z"


def image_json(image: Image, fields: Fields, status: str) -> Fields:
    """An image: sizes as strings, and what is empty left out."""
    shown = {
        **fields,
        "storageSize": str(fields["storageSize"] or ""),
        "minDiskSize": str(fields["minDiskSize"] or ""),
        "size": str(fields.get("size") or ""),
        "id": image.id,
        "folderId": image.folder,
        "createdAt": resource_time(image.created),
        "status": status,
    }
    return {name: value for name, value in shown.items() if value}


def now(model: Model, image: Image) -> Fields:
    """An image as it is now."""
    return image_json(image, model.fields(image), model.status(image))


def operation_json(model: Model, operation: Operation) -> Fields:
    """An operation as it is now."""
    phase = operation.phase(model.now)
    shown: dict[str, Any] = {
        "done": phase in {"succeeded", "failed"},
        "metadata": {
            "@type": f"{TYPE}{operation.kind.capitalize()}ImageMetadata",
            "imageId": operation.image.id,
        },
        "id": operation.id,
        "description": f"{operation.kind.capitalize()} image",
        "createdAt": operation_time(operation.started),
        "createdBy": operation.account,
        "modifiedAt": operation_time(operation.modified(model.now)),
    }
    if phase in {"failing", "failed"} and operation.error:
        shown["error"] = {"code": operation.error.code, "message": operation.error.message}
    if phase == "succeeded":
        shown["response"] = _response(model, operation)
    return shown


def _response(model: Model, operation: Operation) -> Fields:
    """What an operation leaves behind: the image as it was just then, or nothing."""
    if operation.kind == "delete":
        return {"@type": EMPTY}
    image = operation.image
    fields = image.fields if operation.kind == "create" else model.fields(image, after=operation)
    return {"@type": f"{TYPE}Image", **image_json(image, fields, "READY")}


def refusal_json(refusal: Refusal, request_id: str) -> Fields:
    """A refusal: its quota, if one is exceeded, and the id of the call."""
    details: list[Fields] = []
    if refusal.quota:
        metric, limit, usage, required = refusal.quota
        shown = {"name": metric, "limit": str(limit or ""), "usage": usage}
        violation = {"metric": {name: value for name, value in shown.items() if value}, "required": str(required)}
        details.append({"@type": "type.googleapis.com/yandex.cloud.quota.QuotaFailure", "violations": [violation]})
    details.append({"@type": "type.googleapis.com/google.rpc.RequestInfo", "requestId": request_id})
    return {"code": refusal.code, "message": refusal.message, "details": details}
