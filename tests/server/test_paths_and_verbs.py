"""What a request may address, how it may spell it, and how it is refused."""

from __future__ import annotations

from http import HTTPMethod
from typing import TYPE_CHECKING, Final

import pytest

from pytest_ycimages import Code
from tests.server.raw_client import CREATE, endpoint, request

if TYPE_CHECKING:
    from pytest_ycimages import Double
    from tests.server.raw_client import Client

JSON: Final = "application/json"


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:1/endpoints/iam",
        "http://api.cloud.yandex.net/endpoints/iam",
        "https://api.cloud.yandex.net:443/endpoints/iam",
        "/endpoints/%69%61%6D",
        "/%65ndpoints/iam",
    ],
)
def test_a_target_may_be_spelled_in_many_ways(client: Client, ycimages: Double, target: str) -> None:
    """Absolute, as it is sent to a proxy, or percent-encoded; the journal has it decoded and without the host."""
    assert client.ask(request("GET", target)).json["id"] == "iam"
    assert ycimages.calls[-1].line == "GET /endpoints/iam"


def test_an_absolute_target_keeps_its_query(client: Client) -> None:
    """The query is what a token may come in."""
    target = "http://iam.api.cloud.yandex.net/iam/v1/tokens?jwt=a.b.c"
    assert client.ask(request("POST", target)).json["iamToken"].startswith("t1.")


@pytest.mark.parametrize("id_", ["%C3%A9", "%FF%FE", "%00", "%0A", "%20", "%25", "a%7Cb", "%3F", "..", "%23"])
def test_no_id_that_can_be_spelled_breaks_the_double(client: Client, id_: str) -> None:
    """It is the wrong id, and is refused as one."""
    for target in (f"/operations/{id_}", f"/operations/{id_}:cancel", f"/compute/v1/images/{id_}"):
        answer = client.ask(request("GET", target))
        assert (answer.status, answer.headers["content-type"]) in {(400, JSON), (404, JSON)}


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/compute/v1/image",
        "/compute/v1/images/",
        "/compute/v1/images/a/b",
        "/compute/v1/images/a%2Fb",
        "/compute/v2/images",
        "/operations",
        "/operations/",
        "http://127.0.0.1:1",
    ],
)
def test_a_path_that_nobody_serves_is_not_found(client: Client, ycimages: Double, target: str) -> None:
    """The answer says what was asked, in the service's own form, and the journal has the call."""
    answer = client.ask(request("GET", target))
    assert (answer.status, answer.headers["content-type"]) == (404, JSON)
    assert answer.json["code"] == Code.NOT_FOUND.number
    assert "No method is served at GET " in answer.json["message"]
    assert [call.method for call in ycimages.calls] == ["unrouted"]
    assert client.ask(endpoint("iam")).status == 200


@pytest.mark.parametrize(
    ("verb", "target", "allowed"),
    [
        ("DELETE", "/endpoints", "GET, HEAD"),
        ("GET", "/iam/v1/tokens", "POST"),
        ("HEAD", "/iam/v1/tokens", "POST"),
        ("PUT", "/operations/x", "GET, HEAD"),
        ("DELETE", "/operations/x:cancel", "GET, HEAD, POST"),
        ("OPTIONS", "/endpoints", "GET, HEAD"),
        ("TRACE", "/endpoints", "GET, HEAD"),
    ],
)
def test_a_verb_that_a_path_does_not_take_is_refused(
    client: Client, ycimages: Double, verb: str, target: str, allowed: str
) -> None:
    """The answer says which verbs it takes, in the header for programs and in the text for people."""
    answer = client.ask(request(verb, target))
    assert (answer.status, answer.headers["content-type"], answer.headers["allow"]) == (405, JSON, allowed)
    if verb != "HEAD":
        message = f"{verb} is not allowed for {target}; allowed: {allowed}"
        assert answer.json == {"code": Code.UNIMPLEMENTED.number, "message": message}
    assert [call.method for call in ycimages.calls] == ["unrouted"]
    assert client.ask(endpoint("iam")).status == 200


@pytest.mark.parametrize("verb", [*HTTPMethod, "PROPFIND", "PURGE", "M-SEARCH", "SOURCE", "JUNK", "get", "X" * 999])
@pytest.mark.parametrize("target", ["/endpoints", "/compute/v1/images", "/operations/x:cancel", "/nothing", "*"])
def test_every_verb_gets_an_answer(client: Client, verb: str, target: str) -> None:
    """Whatever the verb, the double neither fails nor leaves the client waiting, and types what it says."""
    answer = client.ask(request(verb, target))
    assert 200 <= answer.status < 500
    assert answer.headers["content-type"] == JSON


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (request("GET", f"/operations/fd8{'0' * 17}"), 404, Code.NOT_FOUND.number),
        (request("GET", "/operations/x"), 400, Code.INVALID_ARGUMENT.number),
        (request("GET", f"/compute/v1/images/fd8{'0' * 17}"), 404, Code.NOT_FOUND.number),
        (CREATE.replace(b"Authorization", b"X-Nobody"), 401, Code.UNAUTHENTICATED.number),
        (CREATE.replace(b"Bearer t1.a.b", b"Bearer "), 401, Code.UNAUTHENTICATED.number),
        (CREATE.replace(b"diskId", b"DiskId"), 400, Code.INVALID_ARGUMENT.number),
        (CREATE, 200, None),
    ],
)
def test_answers_of_the_service_are_typed_as_json_and_nothing_more(
    client: Client, data: bytes, status: int, code: Code | None
) -> None:
    """No charset: clients compare the header as a whole. Every answer of the service carries its request id."""
    answer = client.ask(data)
    assert (answer.status, answer.headers["content-type"]) == (status, JSON)
    assert answer.json.get("code") == code
    assert len(answer.headers["x-request-id"]) == 36
