"""IamTokenService and ApiEndpointService: tokens and endpoint discovery (api-facts.md, 1.5)."""

from __future__ import annotations

import base64
from collections import deque
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic_core import from_json

from pytest_ycimages.api.message import SECOND, operation_time
from pytest_ycimages.api.requests import ApiEndpoint, CreateTokenResponse, ListEndpointsResponse
from pytest_ycimages.cloud.refusals import Outcome

if TYPE_CHECKING:
    from pytest_ycimages.api.requests import CreateTokenRequest, GetEndpointRequest, ListEndpointsRequest
    from pytest_ycimages.cloud.ids import Ids
    from pytest_ycimages.cloud.refusals import Context, Texts

Auth = Literal["any", "strict", "off"]
"""The callers admitted: with `any` non-empty token, only with one issued by the double (`strict`), or all (`off`)."""

TOKEN_LIFETIME: Final = 12 * 3600
"""The lifetime of an IAM token in seconds: the documented maximum."""

SERVICES: Final = ("compute", "endpoint", "iam", "operation", "resource-manager", "storage")
"""The endpoint ids that the SDKs look for, sorted as the service sorts them."""


class AccessService:
    """Issues and checks tokens, and lists the endpoints, all at the address that the client used.

    Args:
        ids: the source of tokens.
        texts: the error texts.
        auth: which callers are admitted.
        account: the account of a call, unless its token was issued for another service account.
        limit: how many of the tokens that were issued last are known; None: all.
    """

    def __init__(self, ids: Ids, texts: Texts, auth: Auth, account: str, limit: int | None = None) -> None:
        self.token = ids.iam_token()
        self._ids = ids
        self._texts = texts
        self._auth = auth
        self._account = account
        self._given: dict[str, tuple[int | None, str]] = {self.token: (None, account)}
        self._issued: deque[str] = deque()
        self._limit = limit

    def account_of(self, authorization: str, now: int) -> str | Outcome:
        """Return the account that an `Authorization` header belongs to, or the refusal."""
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            return self._account if self._auth == "off" else self._texts.refuse("no_token")
        expires_at, account = self._given.get(token, (0, self._account))
        if self._auth == "strict" and expires_at is not None and expires_at <= now:
            return self._texts.refuse("token_invalid")
        return account

    def create_token(self, message: CreateTokenRequest, call: Context) -> Outcome:
        """Exchange an OAuth token or a JWT for an IAM token. `strict` checks the JWT's claims, not its signature."""
        header, claims = _parts(message.jwt or "")
        if self._auth == "strict" and message.jwt is not None:
            if header is None or claims is None:
                return self._texts.refuse("jwt_malformed")
            if "kid" not in header:
                return self._texts.refuse("jwt_without_kid")
        issuer = (claims or {}).get("iss")
        expires_at = call.now + TOKEN_LIFETIME * SECOND
        token = self._ids.iam_token()
        self._given[token] = expires_at, issuer if isinstance(issuer, str) and issuer else self._account
        self._issued.append(token)
        if self._limit is not None and len(self._issued) > self._limit:
            del self._given[self._issued.popleft()]
        return Outcome(CreateTokenResponse(iam_token=token, expires_at=operation_time(expires_at)).to_wire())

    def list_endpoints(self, message: ListEndpointsRequest, call: Context) -> Outcome:  # noqa: ARG002 - has no fields
        """Return the endpoints of all services."""
        endpoints = tuple(ApiEndpoint(id=service, address=call.authority) for service in SERVICES)
        return Outcome(ListEndpointsResponse(endpoints=endpoints).to_wire())

    def get_endpoint(self, message: GetEndpointRequest, call: Context) -> Outcome:
        """Return the endpoint of one service."""
        if message.api_endpoint_id not in SERVICES:
            return self._texts.refuse("endpoint_not_found", id=message.api_endpoint_id)
        return Outcome(ApiEndpoint(id=message.api_endpoint_id, address=call.authority).to_wire())


def _parts(jwt: str) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Return the header and the claims of a JWT, each None when it cannot be read."""
    header, _, rest = jwt.partition(".")
    claims, dot, _ = rest.partition(".")
    return (_object(header), _object(claims)) if dot else (None, None)


def _object(part: str) -> dict[str, Any] | None:
    try:
        value = from_json(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError:  # of base64 or of JSON, which may be nested too deeply or hold what UTF-8 cannot
        return None
    return value if isinstance(value, dict) else None
