"""IamTokenService and ApiEndpointService: tokens and endpoint discovery (api-facts.md, 1.5)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pydantic_core import from_json

from pytest_ycimages.api.message import SECOND, operation_time
from pytest_ycimages.api.requests import (
    ApiEndpoint,
    CreateTokenResponse,
    ListEndpointsResponse,
    RevokeTokenResponse,
)
from pytest_ycimages.cloud.refusals import Outcome, RefusedError

if TYPE_CHECKING:
    from pytest_ycimages.api.requests import (
        CreateTokenForServiceAccountRequest,
        CreateTokenRequest,
        GetEndpointRequest,
        ListEndpointsRequest,
        RevokeTokenRequest,
    )
    from pytest_ycimages.cloud.ids import Ids
    from pytest_ycimages.cloud.refusals import Context
    from pytest_ycimages.cloud.rules import Rules

TOKEN_LIFETIME: Final = 12 * 3600
"""The lifetime of an IAM token in seconds: the documented maximum."""

SERVICES: Final = ("compute", "endpoint", "iam", "operation", "resource-manager", "storage")
"""The endpoint ids that the SDKs look for, sorted as the service sorts them."""


class _Token(NamedTuple):
    """What is known of an IAM token.

    Attributes:
        expires_at: nanoseconds since the epoch; None: never.
        account: whose it is.
        is_revoked: whether it is invalid before its time.
    """

    expires_at: int | None
    account: str
    is_revoked: bool = False


class AccessService:
    """Issues and checks tokens, and lists the endpoints, all at the address that the client used.

    Args:
        ids: the source of tokens.
        rules: which callers are admitted, what becomes of OAuth tokens, and the limit of tokens that are known.
        account: the account of a call, unless its token was issued for another service account.
    """

    def __init__(self, ids: Ids, rules: Rules, account: str) -> None:
        self.token = ids.iam_token()
        self._ids = ids
        self._auth = rules.auth
        self._oauth = rules.oauth
        self._account = account
        self._limit = rules.journal_limit
        self._tokens = {self.token: _Token(None, account)}

    def account_of(self, authorization: str, now: int) -> str:
        """Return the account that an `Authorization` header belongs to.

        Raises:
            RefusedError: the header has no token that is admitted.
        """
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            if self._auth != "off":
                raise RefusedError("no_token")
            return self._account
        return self._owner_of(token, now)

    def _owner_of(self, token: str, now: int) -> str:
        known = self._tokens.get(token)
        is_strict = self._auth == "strict"
        if is_strict if known is None else known.is_revoked and self._auth != "off":
            raise RefusedError("token_invalid")
        if known is None:
            return self._account
        if is_strict and known.expires_at is not None and known.expires_at <= now:
            raise RefusedError("token_expired")
        return known.account

    def create_token(self, message: CreateTokenRequest, call: Context) -> Outcome:
        """Exchange an OAuth token or a JWT for an IAM token. `strict` checks the JWT's claims, not its signature."""
        if message.jwt is None and self._oauth != "accept":
            raise RefusedError(f"oauth_{self._oauth}", id=self._account)
        header, claims = _parts(message.jwt or "")
        if self._auth == "strict" and message.jwt is not None:
            if header is None or claims is None:
                raise RefusedError("jwt_malformed")
            if "kid" not in header:
                raise RefusedError("jwt_without_kid")
        issuer = (claims or {}).get("iss")
        return self._issue(issuer if isinstance(issuer, str) and issuer else self._account, call.now)

    def create_token_for_service_account(self, message: CreateTokenForServiceAccountRequest, call: Context) -> Outcome:
        """Make an IAM token of a service account, which need not exist."""
        return self._issue(message.service_account_id, call.now)

    def revoke_token(self, message: RevokeTokenRequest, call: Context) -> Outcome:
        """Make a token invalid at once."""
        account = self._owner_of(message.iam_token, call.now)
        self._remember(message.iam_token, _Token(0, account, is_revoked=True))
        return Outcome(RevokeTokenResponse(subject_id=account).to_wire())

    def instance_token(self, now: int) -> str:
        """Make an IAM token of the service account of an instance, as the metadata service does."""
        token = self._ids.iam_token()
        self._remember(token, _Token(now + TOKEN_LIFETIME * SECOND, self._account))
        return token

    def _issue(self, account: str, now: int) -> Outcome:
        expires_at = now + TOKEN_LIFETIME * SECOND
        token = self._ids.iam_token()
        self._remember(token, _Token(expires_at, account))
        return Outcome(CreateTokenResponse(iam_token=token, expires_at=operation_time(expires_at)).to_wire())

    def _remember(self, token: str, known: _Token) -> None:
        """Keep what is known of a token, and forget the oldest beyond the limit, but for the double's own."""
        self._tokens.pop(token, None)
        self._tokens[token] = known
        if self._limit is not None and len(self._tokens) > self._limit + 1:
            del self._tokens[next(each for each in self._tokens if each != self.token)]

    def list_endpoints(self, message: ListEndpointsRequest, call: Context) -> Outcome:  # noqa: ARG002 - has no fields
        """Return the endpoints of all services."""
        endpoints = tuple(ApiEndpoint(id=service, address=call.authority) for service in SERVICES)
        return Outcome(ListEndpointsResponse(endpoints=endpoints).to_wire())

    def get_endpoint(self, message: GetEndpointRequest, call: Context) -> Outcome:
        """Return the endpoint of one service."""
        if message.api_endpoint_id not in SERVICES:
            raise RefusedError("endpoint_not_found", id=message.api_endpoint_id)
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
