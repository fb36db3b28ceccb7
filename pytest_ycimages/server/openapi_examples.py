"""Examples of the OpenAPI document: bodies of requests, and answers, which are made by the models themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pytest_ycimages.api.requests import (
    ApiEndpoint,
    CreateTokenResponse,
    ListEndpointsResponse,
    ListImageOperationsResponse,
    ListImagesResponse,
)
from pytest_ycimages.api.resources import (
    CreateImageMetadata,
    DeleteImageMetadata,
    Empty,
    Image,
    ImageMetadata,
    ImageResponse,
    ImageStatus,
    Operation,
    Os,
    OsType,
    UpdateImageMetadata,
)
from pytest_ycimages.api.status import Code, Status

if TYPE_CHECKING:
    from pytest_ycimages.api.message import Wire

_FOLDER: Final = "b1gp0o9n8m7l6k5j4i3h"
_DISK: Final = "epd1a2b3c4d5e6f7g8h9"
_IMAGE: Final = "fd8h3k2j1i0g9f8e7d6c"
_OPERATION: Final = "fd8a1b2c3d4e5f6g7h8i"
_IAM: Final = "t1.9euelZqRyMqWmZeT.cGFydC1vZi1hLXNpZ25hdHVyZQ"

GATEWAY_TEXT: Final = "description: invalid value 12345 for type TYPE_STRING"

PARAMETERS: Final = {
    "folderId": _FOLDER,
    "imageId": _IMAGE,
    "resourceId": _IMAGE,
    "operationId": _OPERATION,
    "family": "ubuntu",
    "pageSize": 100,
    "filter": 'name = "ubuntu-24-04" AND status IN ("READY", "CREATING")',
    "orderBy": "createdAt desc",
    "apiEndpointId": "compute",
}

BODIES: Final[dict[str, dict[str, Any]]] = {
    "images.create": {
        "fromDisk": {"folderId": _FOLDER, "diskId": _DISK},
        "fromFile": {
            "folderId": _FOLDER,
            "name": "ubuntu-24-04",
            "description": "Ubuntu with our agents",
            "labels": {"env": "prod", "team": "images"},
            "family": "ubuntu",
            "minDiskSize": "10737418240",
            "os": {"type": "LINUX"},
            "uri": "https://storage.yandexcloud.net/our-images/ubuntu-24-04.qcow2",
        },
    },
    "images.update": {
        "rename": {"updateMask": "name", "name": "ubuntu-24-04-1"},
        "changeLabels": {"updateMask": "labels,description", "labels": {"env": "test"}, "description": "Not for users"},
    },
    "tokens.create": {
        "oauth": {"yandexPassportOauthToken": "y0_AgAAAAAexample"},
        "serviceAccount": {"jwt": "eyJ0eXAiOiJKV1QifQ.eyJpc3MiOiJhamUifQ.c2lnbmF0dXJl"},
    },
}
"""Method -> examples of its body, by name."""

_SHOWN: Final = Image(
    labels={"env": "prod"},
    os=Os(type=OsType.LINUX),
    id=_IMAGE,
    folder_id=_FOLDER,
    created_at="2026-01-31T12:00:00Z",
    name="ubuntu-24-04",
    family="ubuntu",
    storage_size=1891631104,
    min_disk_size=10737418240,
    status=ImageStatus.READY,
)


def _operation(
    description: str, metadata: ImageMetadata, response: ImageResponse | None = None, error: Status | None = None
) -> Wire:
    """An operation, done unless there is nothing to show for it."""
    return Operation(
        done=bool(response or error),
        metadata=metadata,
        response=response,
        error=error,
        id=_OPERATION,
        description=description,
        created_at="2026-01-31T12:00:00.452564354Z",
        created_by="ajel0k9j8i7h6g5f4e3d",
        modified_at="2026-01-31T12:00:12.118205967Z",
    ).to_wire()


_CREATING: Final = CreateImageMetadata(image_id=_IMAGE)
_CANCELLED: Final = Status(code=Code.CANCELLED, message="Cancelled by client")
_RUNNING: Final = {"running": _operation("Create image", _CREATING)}
_CREATED: Final = {"done": _operation("Create image", _CREATING, _SHOWN)}
_IMAGE_SHOWN: Final = {"image": _SHOWN.to_wire()}
_COMPUTE: Final = ApiEndpoint(id="compute", address="127.0.0.1:41233")

RESPONSES: Final[dict[str, dict[str, Wire]]] = {
    "images.create": _RUNNING,
    "images.get": _IMAGE_SHOWN,
    "images.list": {"page": ListImagesResponse(images=(_SHOWN,)).to_wire(), "empty": {}},
    "images.latestByFamily": _IMAGE_SHOWN,
    "images.update": {"running": _operation("Update image", UpdateImageMetadata(image_id=_IMAGE))},
    "images.delete": {"done": _operation("Delete image", DeleteImageMetadata(image_id=_IMAGE), Empty())},
    "images.listOperations": {
        "page": ListImageOperationsResponse(operations=(Operation.model_validate(_CREATED["done"]),)).to_wire()
    },
    "operations.get": {**_RUNNING, **_CREATED},
    "operations.cancel": {"cancelled": _operation("Create image", _CREATING, error=_CANCELLED)},
    "tokens.create": {
        "token": CreateTokenResponse(iam_token=_IAM, expires_at="2026-02-01T00:00:00.000000000Z").to_wire()
    },
    "endpoints.get": {"endpoint": _COMPUTE.to_wire()},
    "endpoints.list": {"endpoints": ListEndpointsResponse(endpoints=(_COMPUTE,)).to_wire()},
}
"""Method -> examples of its answer, by name."""
