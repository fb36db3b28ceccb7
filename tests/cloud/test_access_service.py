"""The calls a client makes before its first image: tokens, endpoint discovery, and who may call, in process."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from werkzeug.test import Client

from pytest_ycimages import Double

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

IMAGE = "/compute/v1/images/fd8e0hsg8g5spl5sv8ls"


@pytest.fixture
def client() -> Client:
    """A client without a token, of a double whose clock stands still."""
    return Client(Double(clock="manual", name="test").app)


def refused(reply: TestResponse, status: int, code: int) -> str:
    """The message of a refusal, which must have this status and code."""
    assert reply.status_code == status
    assert reply.json
    assert reply.json["code"] == code
    return str(reply.json["message"])


@pytest.mark.parametrize("secret", [{"yandexPassportOauthToken": "y0_AgAAAA"}, {"jwt": "eyJ0.eyJp.c2ln"}])
def test_an_oauth_token_or_a_jwt_becomes_an_iam_token(client: Client, secret: dict[str, str]) -> None:
    """No header is needed; the token has the real shape, and expires in the double's future."""
    reply = client.post("/iam/v1/tokens", json=secret)
    assert reply.status_code == 200
    assert reply.json
    assert reply.json.keys() == {"iamToken", "expiresAt"}
    assert re.fullmatch(r"t1\.[-_0-9A-Za-z]+\.[-_0-9A-Za-z]{86}", reply.json["iamToken"])
    assert reply.json["expiresAt"] == "2026-01-01T12:00:00Z"


def test_a_jwt_may_come_in_the_query(client: Client) -> None:
    """Some clients post no body and write `?jwt=` instead."""
    reply = client.post("/iam/v1/tokens?jwt=eyJ0.eyJp.c2ln")
    assert reply.status_code == 200
    assert reply.json
    assert reply.json["iamToken"].startswith("t1.")


def test_every_token_is_a_new_one_and_opens_the_door(client: Client) -> None:
    """A token that was given can be used at once."""
    replies = [client.post("/iam/v1/tokens", json={"jwt": "eyJ0.eyJp.c2ln"}).json for _ in range(3)]
    tokens = {reply["iamToken"] for reply in replies if reply}
    assert len(tokens) == 3
    for token in tokens:
        assert client.get(IMAGE, headers={"Authorization": f"Bearer {token}"}).status_code == 404


@pytest.mark.parametrize("body", [None, {}, {"jwt": None}])
def test_a_token_request_without_a_secret_is_invalid(client: Client, body: object) -> None:
    """The refusal names both fields."""
    message = refused(client.post("/iam/v1/tokens", json=body), 400, 3)
    assert message == (
        "Request validation error: Identity: Exactly one of yandexPassportOauthToken, jwt is required; given: none"
    )


def test_a_token_request_with_two_secrets_never_reaches_the_service(client: Client) -> None:
    """A oneof given twice is refused by the gateway, in plain text (api-facts.md, 2.1)."""
    reply = client.post("/iam/v1/tokens", json={"jwt": "eyJ0.eyJp.c2ln", "yandexPassportOauthToken": "y0_AgAAAA"})
    assert (reply.status_code, reply.content_type) == (400, "text/plain")
    assert "oneof field 'identity' is already set" in reply.text


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:1", "[::1]:80", "api.cloud.yandex.net"])
def test_every_service_is_where_the_client_already_is(client: Client, host: str) -> None:
    """One origin serves all, so discovery sends the client to the Host that it asked; the list is sorted by id."""
    reply = client.get("/endpoints", headers={"Host": host})
    assert reply.json == {
        "endpoints": [
            {"id": service, "address": host}
            for service in ("compute", "endpoint", "iam", "operation", "resource-manager", "storage")
        ]
    }
    assert reply.text.startswith('{\n "endpoints": [\n  {\n   "id": "compute",\n')


def test_one_service_can_be_asked_for(client: Client) -> None:
    """The same address, alone."""
    reply = client.get("/endpoints/iam", headers={"Host": "localhost:1"})
    assert reply.json == {"id": "iam", "address": "localhost:1"}


def test_a_service_that_does_not_exist_is_not_found(client: Client) -> None:
    """The double's own text: nobody has recorded this one."""
    assert refused(client.get("/endpoints/kubernetes"), 404, 5) == 'Endpoint "kubernetes" not found'


@pytest.mark.parametrize("header", ["Bearer anything", "bearer t1.x.y", "BEARER x"])
def test_any_bearer_token_opens_the_door(client: Client, header: str) -> None:
    """By default a test may use whatever token it likes."""
    assert client.get(IMAGE, headers={"Authorization": header}).status_code == 404


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer   ", "Basic dTpw", "t1.x.y", "OAuth y0_AgAAAA"])
def test_a_call_without_a_bearer_token_is_unauthenticated(client: Client, header: str) -> None:
    """401 and code 16, with a text that says what to send."""
    reply = client.get(IMAGE, headers={"Authorization": header} if header else {})
    assert refused(reply, 401, 16) == "The token is missing: send the header `Authorization: Bearer <IAM token>`"


def test_a_call_without_a_token_is_not_even_validated(client: Client) -> None:
    """Who may not call learns nothing about its request."""
    reply = client.post("/compute/v1/images", json={"folderId": "", "name": "NOT A NAME"})
    assert "token" in refused(reply, 401, 16)


def test_auth_off_asks_for_no_token() -> None:
    """The setting is for clients that cannot send one."""
    reply = Client(Double(auth="off").app).get(IMAGE)
    assert reply.status_code == 404
