"""`CreateImageRequest` with every constraint of the specification's body table, in both contract revisions.

Fields stand in the page's order, so that violations come out in it. A revision is a subclass that declares
anew what differs: nothing else in the code asks which revision is in force.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, Field, Strict
from pydantic_core import PydanticCustomError

from pytest_ycimages.api.image import OsType, PciTopology
from pytest_ycimages.api.message import Int64, String
from pytest_ycimages.api.request_message import NestedMessage, OneOf, OneOfMessage, proto_enum

MIN_DISK_SIZE: Final = 4194304
MAX_DISK_SIZE: Final = 4398046511104
MAX_LABELS: Final = 64


def _disk_size(value: int) -> int:
    """Zero is proto3's absence; anything else is held to the limits of the page."""
    if value and not MIN_DISK_SIZE <= value <= MAX_DISK_SIZE:
        raise PydanticCustomError(
            "out_of_range",
            "Acceptable values are {least} to {most}, inclusive",
            {"least": MIN_DISK_SIZE, "most": MAX_DISK_SIZE},
        )
    return value


Id = Annotated[String, Field(max_length=50)]
LabelKey = Annotated[String, Field(min_length=1, max_length=63, pattern=r"^[a-z][-_./\\@0-9a-z]*$")]
LabelValue = Annotated[String, Field(max_length=63, pattern=r"^[-_./\\@0-9a-z]*$")]
PageName = Annotated[String, Field(pattern=r"^(|[a-z]([-a-z0-9]{0,61}[a-z0-9])?)$")]
CurrentName = Annotated[String, Field(pattern=r"^(|[a-z]([-_a-z0-9]{0,61}[a-z0-9])?)$")]
Family = Annotated[String, Field(pattern=r"^(|[a-z][-a-z0-9]{1,61}[a-z0-9])$")]


Description = Annotated[String, Field(max_length=256)]
Labels = Annotated[dict[LabelKey, LabelValue], Field(max_length=MAX_LABELS)]
DiskSize = Annotated[Int64, AfterValidator(_disk_size)]


class RequestedOs(NestedMessage):
    """The operating system, as a client states it."""

    type: Annotated[OsType | None, proto_enum("TYPE_UNSPECIFIED", *OsType)] = None


class CreateImageRequest(OneOfMessage):
    """Create an image from exactly one of an image, a disk, a snapshot or a URI (contract revision `page`)."""

    oneofs = (OneOf("source", ("image_id", "disk_id", "snapshot_id", "uri"), required=True),)

    folder_id: Annotated[String, Field(min_length=1, max_length=50)]
    name: PageName = ""
    description: Description = ""
    labels: Labels = Field(default_factory=dict)
    family: Family = ""
    min_disk_size: DiskSize = 0
    product_ids: tuple[Id, ...] = ()
    os: RequestedOs | None = None
    image_id: Annotated[Id, Field(min_length=1)] | None = None
    disk_id: Annotated[Id, Field(min_length=1)] | None = None
    snapshot_id: Annotated[Id, Field(min_length=1)] | None = None
    uri: Annotated[String, Field(min_length=1)] | None = None


class Nvidia(NestedMessage):
    """The NVIDIA driver that an image contains."""

    driver: String = ""


class CurrentRequestedOs(RequestedOs):
    """The operating system, as a client of today's API states it."""

    nvidia: Nvidia | None = None


class LegacyFeatures(NestedMessage):
    """The first hardware generation."""

    pci_topology: Annotated[PciTopology | None, proto_enum("PCI_TOPOLOGY_UNSPECIFIED", *PciTopology)] = None


class Generation2Features(NestedMessage):
    """The second hardware generation."""


class RequestedHardwareGeneration(OneOfMessage, NestedMessage):
    """The hardware generation that an image is for."""

    oneofs = (OneOf("features", ("legacy_features", "generation2_features")),)

    legacy_features: LegacyFeatures | None = None
    generation2_features: Generation2Features | None = None


class CurrentCreateImageRequest(CreateImageRequest):
    """The same in contract revision `current`: what today's API accepts beyond the page (api-facts.md, 6)."""

    name: CurrentName = ""
    os: CurrentRequestedOs | None = None
    pooled: Annotated[bool, Strict()] = False
    hardware_generation: RequestedHardwareGeneration | None = None
