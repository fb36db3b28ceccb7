"""Tokens and endpoint discovery: the calls around ImageService (api-facts.md, section 1.5)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pytest_ycimages.api.message import Message, String, Timestamp
from pytest_ycimages.api.request_message import OneOf, RequestMessage


class CreateTokenRequest(RequestMessage):
    """Exchange an OAuth token or a JWT for an IAM token.

    Attributes:
        yandex_passport_oauth_token: the OAuth token of a Yandex account.
        jwt: a JWT that a service account has signed.
    """

    oneofs = (OneOf("identity", ("yandex_passport_oauth_token", "jwt"), required=True),)

    yandex_passport_oauth_token: Annotated[String, Field(min_length=1, max_length=4000)] | None = None
    jwt: Annotated[String, Field(min_length=1, max_length=8000)] | None = None


class CreateTokenResponse(Message):
    """An IAM token.

    Attributes:
        iam_token: what goes into the header `Authorization`, behind `Bearer`.
        expires_at: until when it is valid (RFC 3339).
    """

    iam_token: str
    expires_at: Timestamp


class ListEndpointsRequest(RequestMessage):
    """Ask where the services are."""


class GetEndpointRequest(RequestMessage):
    """Ask where one service is.

    Attributes:
        api_endpoint_id: the service's id, such as `compute`.
    """

    api_endpoint_id: String


class ApiEndpoint(Message):
    """Where a service is.

    Attributes:
        id: the service's id, such as `compute`.
        address: its `host:port`.
    """

    id: str
    address: str


class ListEndpointsResponse(Message):
    """Where all services are.

    Attributes:
        endpoints: one for each service, sorted by id.
    """

    endpoints: tuple[ApiEndpoint, ...] = ()
