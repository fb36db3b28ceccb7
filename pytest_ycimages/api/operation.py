"""The Operation resource: what a long-running call returns (images-create.md, Response; api-facts.md, 4.1)."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Discriminator, Field, Tag

from pytest_ycimages.api.image import Image
from pytest_ycimages.api.message import PACKED, AnyMessage, Message, Timestamp, type_of
from pytest_ycimages.api.status import Status


class CreateImageMetadata(AnyMessage):
    """What an operation of `images.create` says about its target.

    Attributes:
        image_id: the image.
    """

    type_url = "type.googleapis.com/yandex.cloud.compute.v1.CreateImageMetadata"

    image_id: str


class UpdateImageMetadata(AnyMessage):
    """What an operation of `images.update` says about its target.

    Attributes:
        image_id: the image.
    """

    type_url = "type.googleapis.com/yandex.cloud.compute.v1.UpdateImageMetadata"

    image_id: str


class DeleteImageMetadata(AnyMessage):
    """What an operation of `images.delete` says about its target.

    Attributes:
        image_id: the image.
    """

    type_url = "type.googleapis.com/yandex.cloud.compute.v1.DeleteImageMetadata"

    image_id: str


class Empty(AnyMessage):
    """`google.protobuf.Empty`: the response of an operation that returns nothing, such as a delete."""

    type_url = "type.googleapis.com/google.protobuf.Empty"


_BY_TYPE = Discriminator(type_of)
ImageMetadata = Annotated[
    Annotated[CreateImageMetadata, Tag(CreateImageMetadata.type_url)]
    | Annotated[UpdateImageMetadata, Tag(UpdateImageMetadata.type_url)]
    | Annotated[DeleteImageMetadata, Tag(DeleteImageMetadata.type_url)],
    _BY_TYPE,
    PACKED,
]
ImageResponse = Annotated[
    Annotated[Image, Tag(Image.type_url)] | Annotated[Empty, Tag(Empty.type_url)],
    _BY_TYPE,
    PACKED,
]


class Operation(Message):
    """A long-running operation. Fields stand in the observed order of the JSON.

    Attributes:
        done: true once either `error` or `response` is final.
        metadata: the target of the operation.
        error: why the operation failed or that it was cancelled; may stand before `done`.
        response: the image, or `Empty` after a delete, once the operation has succeeded.
        id: 20 characters, beginning with `fd8`.
        description: such as `Create image`.
        created_at: when the operation was created: RFC 3339, with nine digits of a second.
        created_by: the account that called.
        modified_at: when the operation last changed, likewise.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"properties": {"done": {"const": False}, "response": False}},
                {"properties": {"done": {"const": True}, "response": False}, "required": ["error"]},
                {"properties": {"done": {"const": True}, "error": False}, "required": ["response"]},
            ]
        }
    )

    done: bool
    metadata: ImageMetadata
    error: Status | None = None
    response: ImageResponse | None = None
    id: str
    description: Annotated[str, Field(max_length=256)]
    created_at: Timestamp
    created_by: str
    modified_at: Timestamp
