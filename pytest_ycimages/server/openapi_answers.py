"""What each method answers, and with which codes it refuses: the part of the OpenAPI document that no model knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pytest_ycimages.api.requests import (
    ApiEndpoint,
    CreateTokenResponse,
    ListEndpointsResponse,
    ListImageOperationsResponse,
    ListImagesResponse,
)
from pytest_ycimages.api.resources import Image, Operation
from pytest_ycimages.api.status import Code

if TYPE_CHECKING:
    from pytest_ycimages.api.message import Message

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
    409: ("the name is taken in the folder.", "Image with name ubuntu-24-04 already exists"),
    413: ("the body is larger than 4 MiB.", "The request's body has 4194305 bytes; the limit is 4194304 bytes (4 MiB)"),
    429: ("a quota would be exceeded.", "The limit on maximum number of images has exceeded"),
    431: ("the head is larger than 64 KiB.", "The request's head is larger than 65536 bytes"),
    501: ("the double does not implement this call.", "The double does not implement access bindings of images"),
}
"""HTTP status -> what it means, and a message that comes with it."""


class Answers(NamedTuple):
    """What a method answers.

    Attributes:
        tag: the service that the method belongs to.
        summary: what the method does, in a few words.
        message: the answer to a call that is not refused.
        refusals: the codes of refusals, but for a missing or wrong token.
    """

    tag: str
    summary: str
    message: type[Message]
    refusals: tuple[Code, ...] = (Code.INVALID_ARGUMENT,)


_WRONG: Final = Code.INVALID_ARGUMENT
_STATE: Final = Code.FAILED_PRECONDITION
_GONE: Final = Code.NOT_FOUND
_TAKEN: Final = Code.ALREADY_EXISTS
_QUOTA: Final = Code.RESOURCE_EXHAUSTED
_IMAGES: Final = "ImageService"

ANSWERS: Final = {
    "images.create": Answers(_IMAGES, "Create an image", Operation, (_WRONG, _STATE, _GONE, _TAKEN, _QUOTA)),
    "images.get": Answers(_IMAGES, "Show an image", Image, (_WRONG, _GONE)),
    "images.list": Answers(_IMAGES, "List the images of a folder", ListImagesResponse, (_WRONG, _STATE)),
    "images.latestByFamily": Answers(_IMAGES, "Show the newest image of a family", Image, (_WRONG, _STATE, _GONE)),
    "images.update": Answers(_IMAGES, "Change an image", Operation, (_WRONG, _STATE, _GONE, _TAKEN, _QUOTA)),
    "images.delete": Answers(_IMAGES, "Remove an image", Operation, (_WRONG, _STATE, _GONE, _QUOTA)),
    "images.listOperations": Answers(
        _IMAGES, "List the operations on an image", ListImageOperationsResponse, (_WRONG, _GONE)
    ),
    **{
        f"images.{verb}AccessBindings": Answers(_IMAGES, summary, Operation, (_WRONG, Code.UNIMPLEMENTED))
        for verb, summary in {
            "list": "Show who may do what with an image",
            "set": "Say who may do what with an image",
            "update": "Change who may do what with an image",
        }.items()
    },
    "operations.get": Answers("OperationService", "Show an operation", Operation, (_WRONG, _GONE)),
    "operations.cancel": Answers("OperationService", "Cancel an operation", Operation, (_WRONG, _GONE)),
    "tokens.create": Answers(
        "IamTokenService", "Create an IAM token", CreateTokenResponse, (_WRONG, Code.UNAUTHENTICATED)
    ),
    "endpoints.get": Answers("ApiEndpointService", "Show where a service is", ApiEndpoint, (_WRONG, _GONE)),
    "endpoints.list": Answers("ApiEndpointService", "Show where all services are", ListEndpointsResponse),
}


def _link(method: str, parameter: str, source: str) -> dict[str, Any]:
    return {"operationId": method, "parameters": {parameter: f"$response.body#/{source}"}}


_OPERATION: Final = {
    "operation": _link("operations.get", "operationId", "id"),
    "image": _link("images.get", "imageId", "metadata/imageId"),
}

LINKS: Final[dict[str, dict[str, Any]]] = {
    "images.create": {
        **_OPERATION,
        "cancel": _link("operations.cancel", "operationId", "id"),
    },
    "images.get": {
        "update": _link("images.update", "imageId", "id"),
        "delete": _link("images.delete", "imageId", "id"),
        "operations": _link("images.listOperations", "imageId", "id"),
    },
    "images.update": _OPERATION,
    "images.delete": {"operation": _OPERATION["operation"]},
}
"""Method -> the calls that its answer leads to."""
