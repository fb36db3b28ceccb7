"""The Operation resource: what a long-running call returns (images-create.md, Response; api-facts.md, 4.1)."""

from __future__ import annotations

from typing import Annotated

from pytest_ycimages.api.image import Image
from pytest_ycimages.api.message import Message, packed
from pytest_ycimages.api.status import Status


class CreateImageMetadata(Message):
    """What an operation of `images.create` says about its target."""

    image_id: str


class Operation(Message):
    """A long-running operation. Fields stand in the observed order of the JSON.

    Attributes:
        done: true once either `error` or `response` is final.
        metadata: the target of the operation.
        error: why the operation failed or that it was cancelled; may stand before `done`.
        response: the image, once the operation has succeeded.
        id: 20 characters, beginning with `fd8`.
        description: such as `Create image`.
        created_at: when the operation was created: RFC 3339, with nine digits of a second.
        created_by: the account that called.
        modified_at: when the operation last changed, likewise.
    """

    done: bool
    metadata: Annotated[CreateImageMetadata, packed("yandex.cloud.compute.v1.CreateImageMetadata")]
    error: Status | None = None
    response: Annotated[Image | None, packed("yandex.cloud.compute.v1.Image")] = None
    id: str
    description: str
    created_at: str
    created_by: str
    modified_at: str
