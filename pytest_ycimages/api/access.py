"""Tokens and endpoint discovery: the calls around ImageService (api-facts.md, section 1.5)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pytest_ycimages.api.message import Message, String
from pytest_ycimages.api.request_message import OneOf, OneOfMessage, RequestMessage


class CreateTokenRequest(OneOfMessage):
    """Exchange an OAuth token or a JWT for an IAM token."""

    oneofs = (OneOf("identity", ("yandex_passport_oauth_token", "jwt"), required=True),)

    yandex_passport_oauth_token: Annotated[String, Field(min_length=1, max_length=4000)] | None = None
    jwt: Annotated[String, Field(min_length=1, max_length=8000)] | None = None


class CreateTokenResponse(Message):
    """An IAM token, and when it expires (RFC 3339)."""

    iam_token: str
    expires_at: str


class ListEndpointsRequest(RequestMessage):
    """Ask where the services are."""


class GetEndpointRequest(RequestMessage):
    """Ask where one service is."""

    api_endpoint_id: String


class ApiEndpoint(Message):
    """Where a service is: its id, and `host:port`."""

    id: str
    address: str


class ListEndpointsResponse(Message):
    """Where all services are, sorted by id."""

    endpoints: tuple[ApiEndpoint, ...] = ()
