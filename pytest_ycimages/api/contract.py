"""The two revisions of the contract, as data: what the specification page says, and what today's API accepts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pytest_ycimages.api.access import CreateTokenRequest, GetEndpointRequest, ListEndpointsRequest
from pytest_ycimages.api.create_image import CreateImageRequest, CurrentCreateImageRequest
from pytest_ycimages.api.lookups import CancelOperationRequest, GetImageRequest, GetOperationRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_ycimages.api.request_message import RequestMessage


@dataclass(frozen=True, slots=True)
class Contract:
    """One revision: the request message of every method.

    Attributes:
        revision: `page` or `current`.
        requests: method word -> the message that the method takes.
    """

    revision: str
    requests: Mapping[str, type[RequestMessage]]


_PAGE: Final[dict[str, type[RequestMessage]]] = {
    "images.create": CreateImageRequest,
    "images.get": GetImageRequest,
    "operations.get": GetOperationRequest,
    "operations.cancel": CancelOperationRequest,
    "tokens.create": CreateTokenRequest,
    "endpoints.get": GetEndpointRequest,
    "endpoints.list": ListEndpointsRequest,
}

CONTRACTS: Final = {
    "page": Contract("page", _PAGE),
    "current": Contract("current", {**_PAGE, "images.create": CurrentCreateImageRequest}),
}
