"""The Image and Operation resources (images-create.md; api-facts.md, sections 1.3 and 4.1)."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Discriminator, Field, Tag

from pytest_ycimages.api.message import PACKED, AnyMessage, Int64, Message, Timestamp, type_of
from pytest_ycimages.api.status import Status
from pytest_ycimages.words import Word


class OsType(Word):
    """The operating system type of an image."""

    LINUX = "LINUX"
    WINDOWS = "WINDOWS"


class ImageStatus(Word):
    """The status of an image."""

    CREATING = "CREATING"
    READY = "READY"
    ERROR = "ERROR"
    DELETING = "DELETING"


class PciTopology(Word):
    """How devices are attached on the first hardware generation."""

    V1 = "PCI_TOPOLOGY_V1"
    V2 = "PCI_TOPOLOGY_V2"


class Nvidia(Message):
    """The NVIDIA driver that an image contains.

    Attributes:
        driver: the driver's version.
    """

    driver: str = ""


class Os(Message):
    """The operating system that an image contains.

    Attributes:
        nvidia: the NVIDIA driver in it (contract revision `current`).
        type: the operating system type.
    """

    nvidia: Nvidia | None = None
    type: OsType


class LegacyFeatures(Message):
    """The first hardware generation.

    Attributes:
        pci_topology: how devices are attached.
    """

    pci_topology: PciTopology


class Generation2Features(Message):
    """The second hardware generation."""


class HardwareGeneration(Message):
    """The hardware generation that an image is for: exactly one of the two.

    Attributes:
        legacy_features: the first generation.
        generation2_features: the second generation.
    """

    legacy_features: LegacyFeatures | None = None
    generation2_features: Generation2Features | None = None


class Image(AnyMessage):
    """An image. Fields are in the observed order of the JSON.

    Attributes:
        labels: resource labels.
        product_ids: licence ids.
        os: the operating system.
        pooled: whether the image is kept ready for fast disk creation (contract revision `current`).
        hardware_generation: what hardware the image is for (contract revision `current`).
        id: 20 characters, beginning with `fd8`.
        folder_id: the folder that holds the image.
        created_at: when the image was created: RFC 3339, to the second.
        name: unique in its folder when not empty.
        description: free text.
        family: the image family, or empty.
        storage_size: bytes stored, a multiple of 4 MiB.
        min_disk_size: the least size, in bytes, of a disk made from this image.
        status: CREATING, READY, ERROR or DELETING.
        size: the total size in bytes, which a disk made from it takes at least (contract revision `current`).
    """

    type_url = "type.googleapis.com/yandex.cloud.compute.v1.Image"

    labels: dict[str, str] = Field(default_factory=dict)
    product_ids: tuple[str, ...] = ()
    os: Os | None = None
    pooled: bool = False
    hardware_generation: HardwareGeneration | None = None
    id: str
    folder_id: str
    created_at: Timestamp
    name: str = ""
    description: str = ""
    family: str = ""
    storage_size: Int64 = 0
    min_disk_size: Int64 = 0
    status: ImageStatus
    size: Int64 = 0


class ImageTarget(AnyMessage):
    """The target of an operation on an image.

    Attributes:
        image_id: the image.
    """

    image_id: str


class CreateImageMetadata(ImageTarget):
    """The target of an operation of `images.create`."""

    type_url = "type.googleapis.com/yandex.cloud.compute.v1.CreateImageMetadata"


class UpdateImageMetadata(ImageTarget):
    """The target of an operation of `images.update`."""

    type_url = "type.googleapis.com/yandex.cloud.compute.v1.UpdateImageMetadata"


class DeleteImageMetadata(ImageTarget):
    """The target of an operation of `images.delete`."""

    type_url = "type.googleapis.com/yandex.cloud.compute.v1.DeleteImageMetadata"


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
    """A long-running operation. Fields are in the observed order of the JSON.

    Attributes:
        done: true once either `error` or `response` is final.
        metadata: the target of the operation.
        error: why the operation failed, or that it was cancelled; may be set before `done`.
        response: the image, or `Empty` after a delete, once the operation has succeeded.
        id: 20 characters, beginning with `fd8`, or with the prefix of a disk's zone.
        description: such as `Create image`.
        created_at: when the operation was created: RFC 3339, with 0, 3, 6 or 9 digits of a second.
        created_by: the calling account.
        modified_at: when the operation last changed, in the same form.
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
