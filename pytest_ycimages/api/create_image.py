"""`CreateImageRequest` with every constraint of the specification's body table, in both contract revisions.

Fields are in the page's order, and so are violations. A revision is a subclass that redeclares the fields that differ;
no other code asks which revision is in force.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    Field,
    Strict,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from pytest_ycimages.api.json_schema import numerals
from pytest_ycimages.api.message import Int64, OneOf, ProtoEnum, RequestMessage, String, again
from pytest_ycimages.api.resources import OsType, PciTopology

MIN_DISK_SIZE: Final = 4194304
MAX_DISK_SIZE: Final = 4398046511104
MAX_LABELS: Final = 64

URI: Final = r"https?://storage\.yandexcloud\.net/[^/?#\x00-\x20]+/[^?#\x00-\x20]+([?#][^\x00-\x20]*)?"
"""A file in Object Storage, path style, with the link's signature after `?`. The service checks it, not the page."""


_SIZES: Final = numerals(MIN_DISK_SIZE, MAX_DISK_SIZE)


def _disk_size(value: int) -> int:
    """Check a size against the limits of the page; zero is proto3's absence."""
    if value and not MIN_DISK_SIZE <= value <= MAX_DISK_SIZE:
        raise PydanticCustomError(
            "out_of_range",
            "Acceptable values are {least} to {most}, inclusive",
            {"least": MIN_DISK_SIZE, "most": MAX_DISK_SIZE},
        )
    return value


def _labels(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    """Check the number of labels beside each label, so that all violations are reported at once."""
    errors: list[InitErrorDetails] = []
    if isinstance(value, dict) and len(value) > MAX_LABELS:
        context = {"field_type": "Dictionary", "max_length": MAX_LABELS, "actual_length": len(value)}
        errors = [InitErrorDetails(type="too_long", loc=(), input=value, ctx=context)]
    try:
        labels = read(value)
    except ValidationError as error:
        errors += map(again, error.errors(include_url=False))
    else:
        if not errors:
            return labels
    raise ValidationError.from_exception_data("labels", errors)


Id = Annotated[String, Field(max_length=50)]
LabelKey = Annotated[String, Field(min_length=1, max_length=63, pattern=r"^[a-z][-_./\\@0-9a-z]*$")]
LabelValue = Annotated[String, Field(max_length=63, pattern=r"^[-_./\\@0-9a-z]*$")]
PageName = Annotated[String, Field(pattern=r"^(|[a-z]([-a-z0-9]{0,61}[a-z0-9])?)$")]
CurrentName = Annotated[String, Field(pattern=r"^(|[a-z]([-_a-z0-9]{0,61}[a-z0-9])?)$")]
Family = Annotated[String, Field(pattern=r"^(|[a-z][-a-z0-9]{1,61}[a-z0-9])$")]


Description = Annotated[String, Field(max_length=256)]
Labels = Annotated[
    dict[LabelKey, LabelValue], WrapValidator(_labels), Field(json_schema_extra={"maxProperties": MAX_LABELS})
]
DiskSize = Annotated[
    Int64,
    AfterValidator(_disk_size),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "format": "int64", "minimum": MIN_DISK_SIZE, "maximum": MAX_DISK_SIZE},
                {"type": "string", "format": "int64", "pattern": f"^(-?0+|0*({_SIZES}))$"},
                {"const": 0},
            ]
        }
    ),
]
"""Bytes of a disk, given as a number or as a string."""


class RequestedOs(RequestMessage):
    """The operating system in a request.

    Attributes:
        type: the operating system type; `LINUX` unless the source has another.
    """

    type: Annotated[OsType | None, ProtoEnum("TYPE_UNSPECIFIED", *OsType)] = None


class CreateImageRequest(RequestMessage):
    """Create an image from exactly one of an image, a disk, a snapshot or a URI.

    Attributes:
        folder_id: the folder to create the image in. At most 50 characters.
        name: the image's name, unique in its folder unless empty.
        description: free text. At most 256 characters.
        labels: no more than 64 pairs. Keys have 1 to 63 characters, values at most 63.
        family: the image family that the image belongs to.
        min_disk_size: the least size, in bytes, of a disk made from the image: 4194304 to 4398046511104, inclusive, and
            more than the data of the source. By default that of the source; 0 counts as absent.
        product_ids: licence ids, each at most 50 characters; those of the source are inherited.
        os: the operating system in the image; inherited from the source unless given.
        image_id: the image to create this one from. At most 50 characters.
        disk_id: the disk to create the image from. At most 50 characters.
        snapshot_id: the snapshot to create the image from. At most 50 characters.
        uri: a link to a file in Object Storage to create the image from.
    """

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
    uri: Annotated[String, Field(min_length=1), WithJsonSchema({"type": "string", "pattern": f"^{URI}$"})] | None = None


class Nvidia(RequestMessage):
    """The NVIDIA driver in a request.

    Attributes:
        driver: the driver's version.
    """

    driver: String = ""


class CurrentRequestedOs(RequestedOs):
    """The operating system in a request of today's API.

    Attributes:
        nvidia: the NVIDIA driver that the image contains.
    """

    nvidia: Nvidia | None = None


class LegacyFeatures(RequestMessage):
    """The first hardware generation in a request.

    Attributes:
        pci_topology: how devices are attached.
    """

    pci_topology: Annotated[PciTopology | None, ProtoEnum("PCI_TOPOLOGY_UNSPECIFIED", *PciTopology)] = None


class Generation2Features(RequestMessage):
    """The second hardware generation in a request."""


class RequestedHardwareGeneration(RequestMessage):
    """The hardware generation that an image is for: at most one of the two.

    Attributes:
        legacy_features: the first generation.
        generation2_features: the second generation.
    """

    oneofs = (OneOf("features", ("legacy_features", "generation2_features")),)

    legacy_features: LegacyFeatures | None = None
    generation2_features: Generation2Features | None = None


class CurrentCreateImageRequest(CreateImageRequest):
    """Create an image from exactly one of an image, a disk, a snapshot or a URI, in today's API.

    Attributes:
        pooled: whether to keep the image ready for fast disk creation.
        hardware_generation: the hardware that the image is for; inherited from the source unless given.
    """

    name: CurrentName = ""
    os: CurrentRequestedOs | None = None
    pooled: Annotated[bool, Strict()] = False
    hardware_generation: RequestedHardwareGeneration | None = None
