"""What each method answers, its refusals and examples: the part of the OpenAPI document that no model knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pytest_ycimages.api.requests import (
    ApiEndpoint,
    CreateTokenResponse,
    ListEndpointsResponse,
    ListImageOperationsResponse,
    ListImagesResponse,
    RevokeTokenResponse,
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

TAGS: Final = {
    "ImageService": "Images. What changes one answers with a long-running operation.",
    "OperationService": "The operations that ImageService starts.",
    "IamTokenService": "IAM tokens, which every call of the two services above asks for.",
    "ApiEndpointService": "Where the services are: for the double, all at the address that the client used.",
}

MEANINGS: Final = {
    400: ("the request breaks the contract, or the state forbids it.", "Illegal argument uri"),
    401: ("no token, or one that is not valid.", "The token is invalid"),
    404: ("what the request names is not there.", 'Image "fd8h3k2j1i0g9f8e7d6c" not found'),
    409: ("the name is taken in the folder.", 'Image with name "ubuntu-24-04" already exists'),
    413: ("the body is larger than 4 MiB.", "The request's body has 4194305 bytes; the limit is 4194304 bytes (4 MiB)"),
    429: ("a quota would be exceeded.", "The limit on maximum number of images has exceeded."),
    431: ("the head is larger than 64 KiB.", "The request's head is larger than 65536 bytes"),
    501: ("the double does not implement this call.", "The double does not implement access bindings of images"),
}
"""HTTP status -> what it means, and a message that comes with it."""


class Answers(NamedTuple):
    """What a method answers.

    Attributes:
        tag: the service that the method belongs to.
        summary: what the method does, in a few words.
        refusals: the codes of refusals, but for a missing or wrong token.
    """

    tag: str
    summary: str
    refusals: tuple[Code, ...] = (Code.INVALID_ARGUMENT,)


_WRONG: Final = Code.INVALID_ARGUMENT
_STATE: Final = Code.FAILED_PRECONDITION
_GONE: Final = Code.NOT_FOUND
_TAKEN: Final = Code.ALREADY_EXISTS
_QUOTA: Final = Code.RESOURCE_EXHAUSTED
_IMAGES: Final = "ImageService"

ANSWERS: Final = {
    "images.create": Answers(_IMAGES, "Create an image", (_WRONG, _STATE, _TAKEN, _QUOTA)),
    "images.get": Answers(_IMAGES, "Show an image", (_WRONG, _GONE)),
    "images.list": Answers(_IMAGES, "List the images of a folder", (_WRONG, _STATE)),
    "images.latestByFamily": Answers(_IMAGES, "Show the newest image of a family", (_WRONG, _STATE, _GONE)),
    "images.update": Answers(_IMAGES, "Change an image", (_WRONG, _STATE, _GONE, _TAKEN, _QUOTA)),
    "images.delete": Answers(_IMAGES, "Remove an image", (_WRONG, _STATE, _GONE, _QUOTA)),
    "images.listOperations": Answers(_IMAGES, "List the operations on an image", (_WRONG, _GONE)),
    **{
        f"images.{verb}AccessBindings": Answers(_IMAGES, summary, (_WRONG, Code.UNIMPLEMENTED))
        for verb, summary in {
            "list": "Show who may do what with an image",
            "set": "Say who may do what with an image",
            "update": "Change who may do what with an image",
        }.items()
    },
    "operations.get": Answers("OperationService", "Show an operation", (_WRONG, _GONE)),
    "operations.cancel": Answers("OperationService", "Cancel an operation", (_WRONG, _GONE)),
    "tokens.create": Answers("IamTokenService", "Create an IAM token", (_WRONG, Code.UNAUTHENTICATED)),
    "tokens.createForServiceAccount": Answers("IamTokenService", "Create an IAM token of a service account"),
    "tokens.revoke": Answers("IamTokenService", "Make an IAM token invalid"),
    "endpoints.get": Answers("ApiEndpointService", "Show where a service is", (_WRONG, _GONE)),
    "endpoints.list": Answers("ApiEndpointService", "Show where all services are"),
}


def _link(method: str, parameter: str, source: str) -> dict[str, Any]:
    return {"operationId": method, "parameters": {parameter: f"$response.body#/{source}"}}


_NEXT: Final = {
    "operation": _link("operations.get", "operationId", "id"),
    "image": _link("images.get", "imageId", "metadata/imageId"),
}

LINKS: Final[dict[str, dict[str, Any]]] = {
    "images.create": {
        **_NEXT,
        "cancel": _link("operations.cancel", "operationId", "id"),
    },
    "images.get": {
        "update": _link("images.update", "imageId", "id"),
        "delete": _link("images.delete", "imageId", "id"),
        "operations": _link("images.listOperations", "imageId", "id"),
    },
    "images.update": _NEXT,
    "images.delete": {"operation": _NEXT["operation"]},
}
"""Method -> the calls that its answer leads to."""

_FOLDER: Final = "b1gp0o9n8m7l6k5j4i3h"
_DISK: Final = "epd1a2b3c4d5e6f7g8h9"
_IMAGE: Final = "fd8h3k2j1i0g9f8e7d6c"
_ACCOUNT: Final = "ajel0k9j8i7h6g5f4e3d"
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
    "filter": 'name = "ubuntu-24-04" AND name != "ubuntu-22-04"',
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
    "tokens.createForServiceAccount": {"serviceAccount": {"serviceAccountId": _ACCOUNT}},
    "tokens.revoke": {"token": {"iamToken": _IAM}},
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
    return Operation(
        done=bool(response or error),
        metadata=metadata,
        response=response,
        error=error,
        id=_OPERATION,
        description=description,
        created_at="2026-01-31T12:00:00.452564354Z",
        created_by=_ACCOUNT,
        modified_at="2026-01-31T12:00:12.118205967Z",
    ).to_wire()


_CREATING: Final = CreateImageMetadata(image_id=_IMAGE)
_CANCELLED: Final = Status(code=Code.CANCELLED, message="Cancelled by client")
_RUNNING: Final = {"running": _operation("Create image", _CREATING)}
_CREATED: Final = {"done": _operation("Create image", _CREATING, _SHOWN)}
_IMAGE_SHOWN: Final = {"image": _SHOWN.to_wire()}
_TOKEN: Final = {"token": CreateTokenResponse(iam_token=_IAM, expires_at="2026-02-01T00:00:00Z").to_wire()}
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
    "tokens.create": _TOKEN,
    "tokens.createForServiceAccount": _TOKEN,
    "tokens.revoke": {"subject": RevokeTokenResponse(subject_id=_ACCOUNT).to_wire()},
    "endpoints.get": {"endpoint": _COMPUTE.to_wire()},
    "endpoints.list": {"endpoints": ListEndpointsResponse(endpoints=(_COMPUTE,)).to_wire()},
}
"""Method -> examples of its answer, by name."""
