"""IamTokenService and ApiEndpointService: the calls a client makes before its first image (api-facts.md, 1.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_ycimages.api.access import ApiEndpoint, CreateTokenResponse, ListEndpointsResponse
from pytest_ycimages.api.code import Code
from pytest_ycimages.api.message import SECOND, operation_time
from pytest_ycimages.cloud.outcome import Outcome, refused
from pytest_ycimages.cloud.texts import text

if TYPE_CHECKING:
    from pytest_ycimages.api.access import CreateTokenRequest, GetEndpointRequest, ListEndpointsRequest
    from pytest_ycimages.cloud.ids import Ids

TOKEN_LIFETIME: Final = 12 * 3600
"""Seconds that an IAM token lives: the documented maximum."""

SERVICES: Final = ("compute", "endpoint", "iam", "operation", "resource-manager", "storage")
"""The endpoint ids that the SDKs look for, sorted as the service sorts them."""


class AccessService:
    """Gives tokens, and tells where the services are: every one of them at the address the client used."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids

    def create_token(self, message: CreateTokenRequest, now: int) -> Outcome:  # noqa: ARG002 - any secret will do
        """Exchange an OAuth token or a JWT for an IAM token."""
        expires_at = operation_time(now + TOKEN_LIFETIME * SECOND)
        return Outcome(CreateTokenResponse(iam_token=self._ids.iam_token(), expires_at=expires_at))

    def list_endpoints(self, message: ListEndpointsRequest, authority: str) -> Outcome:  # noqa: ARG002 - has no fields
        """Where all services are."""
        endpoints = tuple(ApiEndpoint(id=service, address=authority) for service in SERVICES)
        return Outcome(ListEndpointsResponse(endpoints=endpoints))

    def get_endpoint(self, message: GetEndpointRequest, authority: str) -> Outcome:
        """Where one service is."""
        if message.api_endpoint_id not in SERVICES:
            return refused(Code.NOT_FOUND, text("endpoint_not_found", id=message.api_endpoint_id))
        return Outcome(ApiEndpoint(id=message.api_endpoint_id, address=authority))
