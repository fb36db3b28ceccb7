"""The Image resource, its status and its operating system (images-create.md; api-facts.md, section 1.3)."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from pytest_ycimages.api.message import AnyMessage, Int64, Message, Timestamp


class OsType(StrEnum):
    """The operating system type of an image."""

    LINUX = "LINUX"
    WINDOWS = "WINDOWS"


class ImageStatus(StrEnum):
    """What an image is doing."""

    CREATING = "CREATING"
    READY = "READY"
    ERROR = "ERROR"
    DELETING = "DELETING"


class PciTopology(StrEnum):
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
    """An image, as the service shows it. Fields stand in the observed order of the JSON.

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
