"""Tokens: how they are made, what they look like, and which are taken (api-facts.md, sections 1.5, 2.2 and 8)."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any, Final, get_args

import pytest

from pytest_ycimages.cloud.rules import Auth
from tests.client import image_id_of

if TYPE_CHECKING:
    from tests.client import Cloud

TOKENS: Final = "/iam/v1/tokens"
INVALID: Final = (401, 16, "The token is invalid")
EXPIRED: Final = (401, 16, "The token has expired")


def jwt(header: dict[str, Any], claims: dict[str, Any]) -> str:
    """A JWT whose signature is nothing."""
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, claims))
    return f"{'.'.join(parts)}.sign"


@pytest.mark.fidelity("token.create")
@pytest.mark.parametrize("body", [{"yandexPassportOauthToken": "y0_x"}, {"jwt": jwt({"kid": "k"}, {"iss": "a"})}])
def test_a_token_is_made_from_an_oauth_token_or_a_jwt(cloud: Cloud, body: dict[str, str]) -> None:
    """And nothing else is asked for."""
    answer = cloud.using(Authorization=None).post(TOKENS, body)
    assert answer.status == 200
    assert sorted(answer.json) == ["expiresAt", "iamToken"]


@pytest.mark.fidelity("token.jwt-in-query")
def test_a_jwt_may_come_in_the_query(cloud: Cloud) -> None:
    """With no body; a REST client does that."""
    answer = cloud.call("POST", TOKENS, jwt=jwt({"kid": "k"}, {"iss": "ajecaller"}))
    created = cloud.using(Authorization=f"Bearer {answer.json['iamToken']}").create().json
    assert created["createdBy"] == "ajecaller"


@pytest.mark.fidelity("token.oauth-header")
def test_an_oauth_header_does_no_harm(cloud: Cloud) -> None:
    """Some clients send one with the body."""
    caller = cloud.using(Authorization="OAuth y0_x")
    assert caller.post(TOKENS, {"yandexPassportOauthToken": "y0_x"}).status == 200


@pytest.mark.fidelity("token.one-identity")
def test_a_token_is_made_from_one_of_the_two(cloud: Cloud) -> None:
    """Two are refused by the gateway, none by the service."""
    both = cloud.post(TOKENS, {"yandexPassportOauthToken": "y0_x", "jwt": "x"})
    text = ": invalid value oneof field 'identity' is already set. Cannot set 'jwt' for type oneof"
    assert (both.status, both.text) == (400, text)
    assert cloud.post(TOKENS, {}).refused_fields == ["identity"]


@pytest.mark.fidelity("token.lengths")
@pytest.mark.parametrize(("field", "limit"), [("yandexPassportOauthToken", 4000), ("jwt", 8000)])
def test_what_a_token_is_made_from_has_its_limits(cloud: Cloud, field: str, limit: int) -> None:
    """The limit itself is allowed."""
    assert cloud.post(TOKENS, {field: "x" * limit}).status == 200
    assert cloud.post(TOKENS, {field: "x" * (limit + 1)}).refused_fields == [field]


@pytest.mark.fidelity("token.shape")
def test_a_token_has_the_shape_that_clients_check(cloud: Cloud) -> None:
    """`t1.`, base64url, a dot, 86 characters of base64url; no two are alike."""
    made = [cloud.post(TOKENS, {"yandexPassportOauthToken": "y0_x"}).json["iamToken"] for _ in range(2)]
    for token in (*made, cloud.double.token):
        assert re.fullmatch(r"t1\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}", token)
    assert len({*made, cloud.double.token}) == 3


@pytest.mark.fidelity("token.expires-at")
def test_a_token_expires_in_12_hours(cloud: Cloud) -> None:
    """On the double's clock."""
    answer = cloud.post(TOKENS, {"yandexPassportOauthToken": "y0_x"})
    assert answer.json["expiresAt"] == "2026-01-01T12:00:00Z"


@pytest.mark.fidelity("token.missing")
@pytest.mark.parametrize("authorization", [None, "Bearer", "Bearer  ", "OAuth y0_x", "Basic eDp5"])
def test_a_call_without_a_token_is_refused(cloud: Cloud, authorization: str | None) -> None:
    """HTTP 401 and code 16, whatever the method."""
    caller = cloud.using(Authorization=authorization)
    operation_id = cloud.create().json["id"]
    for answer in (caller.create(), caller.list(), caller.get(f"/operations/{operation_id}")):
        assert (answer.status, answer.json["code"]) == (401, 16)


@pytest.mark.fidelity("token.any")
def test_any_token_is_taken(cloud: Cloud) -> None:
    """That is not empty, expired ones included."""
    token = cloud.post(TOKENS, {"yandexPassportOauthToken": "y0_x"}).json["iamToken"]
    cloud.double.clock.advance(13 * 3600)
    for each in (token, "made-up"):
        assert image_id_of(cloud.using(Authorization=f"Bearer {each}").create()) in cloud.double.images


@pytest.mark.fidelity("token.strict")
@pytest.mark.ycimages(auth="strict")
def test_only_tokens_that_were_given_are_taken_when_that_is_asked(cloud: Cloud) -> None:
    """In the recorded words. The double's own token never expires."""
    assert cloud.list().status == 200
    for token in ("made-up", f"{cloud.double.token}x", "t1.a.b"):
        assert cloud.using(Authorization=f"Bearer {token}").list().refusal == INVALID


@pytest.mark.fidelity("token.expired")
@pytest.mark.ycimages(auth="strict")
def test_a_token_that_has_expired_is_told_as_such(cloud: Cloud) -> None:
    """To the nanosecond, and for each token by itself."""
    token = cloud.post(TOKENS, {"yandexPassportOauthToken": "y0_x"}).json["iamToken"]
    caller = cloud.using(Authorization=f"Bearer {token}")
    cloud.double.clock.advance(12 * 3600 - 1)
    assert caller.list().status == 200
    cloud.double.clock.advance(1)
    later = cloud.post(TOKENS, {"yandexPassportOauthToken": "y0_x"}).json["iamToken"]
    assert caller.list().refusal == EXPIRED
    assert caller.create().refusal == EXPIRED
    assert cloud.using(Authorization=f"Bearer {later}").list().status == 200
    assert cloud.list().status == 200


@pytest.mark.fidelity("token.oauth")
@pytest.mark.ycimages(auth="strict")
@pytest.mark.parametrize("token", ["y0_x", "AQAAAAAExample", "made up"])
def test_every_oauth_token_is_exchanged(cloud: Cloud, token: str) -> None:
    """The double cannot know when it was issued."""
    assert cloud.post(TOKENS, {"yandexPassportOauthToken": token}).status == 200


@pytest.mark.fidelity("token.oauth-too-new")
@pytest.mark.ycimages(auth="strict", oauth="too_new")
def test_an_oauth_token_issued_after_june_2026_is_refused(cloud: Cloud) -> None:
    """In the recorded words, with the account; a JWT is exchanged all the same."""
    account = cloud.create().json["createdBy"]
    text = f"OAuth token for user '{account}', issued after '2026-06-01', is not supported for IAM token exchange"
    caller = cloud.using(Authorization=None)
    assert caller.post(TOKENS, {"yandexPassportOauthToken": "y0_x"}).refusal == (400, 3, text)
    assert caller.post(TOKENS, {"jwt": jwt({"kid": "k"}, {"iss": "a"})}).status == 200


@pytest.mark.fidelity("token.oauth-invalid")
@pytest.mark.ycimages(auth="strict", oauth="invalid")
def test_a_bad_oauth_token_is_refused(cloud: Cloud) -> None:
    """In the recorded words; a JWT is exchanged all the same."""
    caller = cloud.using(Authorization=None)
    refusal = caller.post(TOKENS, {"yandexPassportOauthToken": "y0_x"}).refusal
    assert refusal == (401, 16, "OAuth token is invalid or expired")
    assert caller.post(TOKENS, {"jwt": jwt({"kid": "k"}, {"iss": "a"})}).status == 200


@pytest.mark.fidelity("token.off")
@pytest.mark.ycimages(auth="off")
def test_no_token_is_asked_for_when_that_is_off(cloud: Cloud) -> None:
    """Nor is a wrong one minded."""
    for authorization in (None, "Bearer made-up", "Basic eDp5"):
        assert cloud.using(Authorization=authorization).create().status == 200


@pytest.mark.fidelity("token.jwt-without-kid")
@pytest.mark.ycimages(auth="strict")
def test_a_jwt_without_kid_is_refused(cloud: Cloud) -> None:
    """In the recorded words."""
    answer = cloud.post(TOKENS, {"jwt": jwt({"typ": "JWT", "alg": "PS256"}, {"iss": "a"})})
    assert answer.refusal == (401, 16, "The required field 'kid' is missing from the JWT header")


@pytest.mark.fidelity("token.jwt-malformed")
@pytest.mark.ycimages(auth="strict")
@pytest.mark.parametrize("text", ["x", "a.b", "a.b.c", "W10.W10.c", f"{jwt({'kid': 'k'}, {}).partition('.')[0]}.x.c"])
def test_what_is_no_jwt_is_refused(cloud: Cloud, text: str) -> None:
    """HTTP 401 and code 16."""
    answer = cloud.post(TOKENS, {"jwt": text})
    assert (answer.status, answer.json["code"]) == (401, 16)


def made_for(cloud: Cloud, account: str) -> str:
    """A token of a service account."""
    return str(cloud.post(f"{TOKENS}:createForServiceAccount", {"serviceAccountId": account}).json["iamToken"])


@pytest.mark.fidelity("token.for-service-account")
@pytest.mark.ycimages(auth="strict")
def test_a_token_is_made_for_a_service_account(cloud: Cloud) -> None:
    """What it creates belongs to the account, and a token of it can make another."""
    body = {"serviceAccountId": "ajebaker"}
    assert cloud.using(Authorization=None).post(f"{TOKENS}:createForServiceAccount", body).status == 401
    assert cloud.using(Authorization="Bearer x").post(f"{TOKENS}:createForServiceAccount", body).refusal == INVALID
    caller = cloud.using(Authorization=f"Bearer {made_for(cloud, 'ajebaker')}")
    assert caller.create().json["createdBy"] == "ajebaker"
    other = cloud.using(Authorization=f"Bearer {made_for(caller, 'ajeother')}")
    assert other.create().json["createdBy"] == "ajeother"
    cloud.double.clock.advance(12 * 3600)
    assert caller.list().refusal == EXPIRED


@pytest.mark.fidelity("token.service-account-id")
def test_the_id_of_a_service_account_is_required(cloud: Cloud) -> None:
    """The longest one is allowed."""
    for body in ({}, {"serviceAccountId": ""}, {"serviceAccountId": "a" * 51}):
        assert cloud.post(f"{TOKENS}:createForServiceAccount", body).refused_fields == ["serviceAccountId"]
    assert made_for(cloud, "a" * 50).startswith("t1.")


@pytest.mark.fidelity("token.revoke")
@pytest.mark.parametrize("auth", [pytest.param(auth, marks=pytest.mark.ycimages(auth=auth)) for auth in get_args(Auth)])
def test_a_revoked_token_is_refused(cloud: Cloud, auth: str) -> None:
    """By every method that asks for one, unless none is asked for; other tokens of the account stay."""
    token, other = (made_for(cloud, "ajebaker") for _ in range(2))
    caller = cloud.using(Authorization=f"Bearer {token}")
    operation_id = caller.create().json["id"]
    assert caller.post(f"{TOKENS}:revoke", {"iamToken": token}).json == {"subjectId": "ajebaker"}
    later = (
        caller.list(),
        caller.create(),
        caller.get(f"/operations/{operation_id}"),
        caller.post(f"{TOKENS}:createForServiceAccount", {"serviceAccountId": "ajebaker"}),
    )
    for answer in later:
        assert answer.status == 200 if auth == "off" else answer.refusal == INVALID
    assert cloud.using(Authorization=f"Bearer {other}").list().status == 200
    assert cloud.post(f"{TOKENS}:revoke", {"iamToken": cloud.double.token}).status == 200
    assert cloud.list().status == (200 if auth == "off" else 401)


@pytest.mark.fidelity("token.revoke-unknown")
@pytest.mark.ycimages(auth="strict")
def test_a_token_that_is_not_valid_cannot_be_revoked(cloud: Cloud) -> None:
    """One that is made up, expired, or revoked; and nothing at all is a violation of the contract."""
    expired = made_for(cloud, "ajebaker")
    cloud.double.clock.advance(12 * 3600)
    revoked = made_for(cloud, "ajebaker")
    assert cloud.using(Authorization=None).post(f"{TOKENS}:revoke", {"iamToken": revoked}).status == 401
    assert cloud.post(f"{TOKENS}:revoke", {"iamToken": revoked}).status == 200
    for token, refusal in (("made-up", INVALID), (expired, EXPIRED), (revoked, INVALID)):
        assert cloud.post(f"{TOKENS}:revoke", {"iamToken": token}).refusal == refusal
    assert cloud.post(f"{TOKENS}:revoke", {}).refused_fields == ["iamToken"]


@pytest.mark.fidelity("token.scheme-case")
@pytest.mark.ycimages(auth="strict")
def test_the_word_bearer_may_be_in_any_case(cloud: Cloud) -> None:
    """As HTTP has it."""
    assert cloud.using(Authorization=f"bearer {cloud.double.token}").list().status == 200
