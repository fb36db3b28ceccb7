"""The two revisions of the contract, as data: what the specification page says, and what today's API accepts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pytest_ycimages.api.create_image import CreateImageRequest, CurrentCreateImageRequest
from pytest_ycimages.api.requests import (
    AccessBindingsRequest,
    CancelOperationRequest,
    CreateTokenRequest,
    CurrentUpdateImageRequest,
    DeleteImageRequest,
    GetEndpointRequest,
    GetImageRequest,
    GetLatestByFamilyRequest,
    GetOperationRequest,
    ListEndpointsRequest,
    ListImageOperationsRequest,
    ListImagesRequest,
    UpdateImageRequest,
)
from pytest_ycimages.api.resources import HardwareGeneration, LegacyFeatures, PciTopology

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_ycimages.api.message import RequestMessage


@dataclass(frozen=True, slots=True)
class Contract:
    """One revision.

    Attributes:
        revision: `page` or `current`.
        requests: method word -> the message that the method takes.
        image_formats: the formats in which a file in Object Storage may be.
        hardware_generation: what an image is for unless its request or its source says; None: nothing is said of it.
    """

    revision: str
    requests: Mapping[str, type[RequestMessage]]
    image_formats: frozenset[str]
    hardware_generation: HardwareGeneration | None


_PAGE: Final[dict[str, type[RequestMessage]]] = {
    "images.create": CreateImageRequest,
    "images.get": GetImageRequest,
    "images.list": ListImagesRequest,
    "images.latestByFamily": GetLatestByFamilyRequest,
    "images.update": UpdateImageRequest,
    "images.delete": DeleteImageRequest,
    "images.listOperations": ListImageOperationsRequest,
    "images.listAccessBindings": AccessBindingsRequest,
    "images.setAccessBindings": AccessBindingsRequest,
    "images.updateAccessBindings": AccessBindingsRequest,
    "operations.get": GetOperationRequest,
    "operations.cancel": CancelOperationRequest,
    "tokens.create": CreateTokenRequest,
    "endpoints.get": GetEndpointRequest,
    "endpoints.list": ListEndpointsRequest,
}

_CURRENT: Final[dict[str, type[RequestMessage]]] = {
    **_PAGE,
    "images.create": CurrentCreateImageRequest,
    "images.update": CurrentUpdateImageRequest,
}

CONTRACTS: Final = {
    "page": Contract("page", _PAGE, frozenset({"qcow2", "vmdk", "vhd"}), None),
    "current": Contract(
        "current",
        _CURRENT,
        frozenset({"qcow2", "vmdk", "vhd", "raw"}),
        HardwareGeneration(legacy_features=LegacyFeatures(pci_topology=PciTopology.V1)),
    ),
}
