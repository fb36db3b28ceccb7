"""Who may call: tokens, how they are got, and what a call without one is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from pytest_ycimages import Code

if TYPE_CHECKING:
    import httpx

    from pytest_ycimages import Double

CREATE: Final = {"folderId": "b1g00000000000000000", "diskId": "epd0000000000000000a"}
OTHERS: Final = (
    ("GET", "/compute/v1/images/fd800000000000000000"),
    ("GET", "/operations/fd800000000000000000"),
    ("GET", "/operations/fd800000000000000000:cancel"),
    ("POST", "/operations/fd800000000000000000:cancel"),
)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "t1.a.b"},
        {"Authorization": "Basic dXNlcjpwYXNz"},
        {"Authorization": "OAuth y0_a"},
        {"Authorization": "Bearert1.a.b"},
        {"X-Authorization": "Bearer t1.a.b"},
    ],
    ids=str,
)
def test_a_call_without_a_token_is_refused(anonymous: httpx.Client, ycimages: Double, headers: dict[str, str]) -> None:
    """With 401 and code 16, before anything else is looked at; nothing is made."""
    answers = [anonymous.request(verb, path, headers=headers) for verb, path in OTHERS]
    answers += [anonymous.post("/compute/v1/images", headers=headers, json=json) for json in (CREATE, {})]
    for answer in answers:
        assert (answer.status_code, answer.headers["content-type"]) == (401, "application/json")
        assert answer.json()["code"] == Code.UNAUTHENTICATED.number
    assert not ycimages.images
    assert [call.status for call in ycimages.calls] == [Code.UNAUTHENTICATED] * len(answers)


@pytest.mark.parametrize("authorization", ["Bearer t1.a.b", "bearer t1.a.b", "BEARER  any", "Bearer y0_oauth"])
def test_any_bearer_token_is_taken(anonymous: httpx.Client, authorization: str) -> None:
    """A test need not know the double's own; the scheme's case does not matter (RFC 9110, section 11.1)."""
    answer = anonymous.post("/compute/v1/images", headers={"Authorization": authorization}, json=CREATE)
    assert answer.status_code == 200


@pytest.mark.ycimages(auth="off")
@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Basic dXNlcjpwYXNz"}, {"Authorization": "Bearer t1.a.b"}], ids=str
)
def test_with_auth_off_everybody_may_call(anonymous: httpx.Client, headers: dict[str, str]) -> None:
    """Whatever the header says, if there is one."""
    operation = anonymous.post("/compute/v1/images", headers=headers, json=CREATE).json()
    ended = anonymous.get(f"/operations/{operation['id']}", headers=headers).json()
    assert ended["response"]["status"] == "READY"


@pytest.mark.ycimages(clock="manual")
@pytest.mark.parametrize("secret", [{"yandexPassportOauthToken": "y0_a"}, {"jwt": "a.b.c"}], ids=str)
@pytest.mark.parametrize("headers", [{}, {"Authorization": "OAuth y0_a"}], ids=str)
def test_a_token_is_given_and_taken(anonymous: httpx.Client, secret: dict[str, str], headers: dict[str, str]) -> None:
    """For an OAuth token or a JWT, and no token is asked for it; it has the real shape, and twelve hours to live."""
    answer = anonymous.post("/iam/v1/tokens", json=secret, headers=headers).json()
    version, claims, signature = answer["iamToken"].split(".")
    assert (version, bool(claims), len(signature)) == ("t1", True, 86)
    assert answer["expiresAt"] == "2026-01-01T12:00:00Z"
    bearer = {"Authorization": f"Bearer {answer['iamToken']}"}
    assert anonymous.post("/compute/v1/images", headers=bearer, json=CREATE).status_code == 200


def test_a_jwt_may_come_in_the_query(anonymous: httpx.Client) -> None:
    """With no body at all."""
    answer = anonymous.post("/iam/v1/tokens", params={"jwt": "a.b.c"})
    assert answer.json()["iamToken"].startswith("t1.")


def test_the_services_are_found_without_a_token(anonymous: httpx.Client, ycimages: Double) -> None:
    """All of them at the double's own address, whichever name the client used for it."""
    for host in (ycimages.host, "localhost"):
        answer = anonymous.get(f"http://{host}:{ycimages.port}/endpoints").json()
        addresses = {each["id"]: each["address"] for each in answer["endpoints"]}
        assert {"compute", "endpoint", "iam", "operation", "resource-manager"} <= set(addresses)
        assert set(addresses.values()) == {f"{host}:{ycimages.port}"}


def test_headers_of_the_sdks_are_tolerated(client: httpx.Client) -> None:
    """They send them with every call, and expect no more than an answer."""
    names = ("Idempotency-Key", "x-client-request-id", "x-client-trace-id", "x-request-id", "x-retry-attempt")
    headers = dict.fromkeys(names, "5899fc83-b123-47b8-94c3-1ad100000000")
    assert client.post("/compute/v1/images", headers=headers, json=CREATE).status_code == 200


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "application/grpc"])
def test_json_is_read_whatever_its_content_type(client: httpx.Client, kind: str) -> None:
    """As the gateway does: clients leave the header to their library, or out."""
    body = b'{"folderId": "b1g00000000000000000", "diskId": "epd0000000000000000a"}'
    answer = client.post("/compute/v1/images", headers={"Content-Type": kind} if kind else {}, content=body)
    assert answer.status_code == 200
