"""Bodies: by length and in chunks, on demand, none at all, and too large."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from pytest_ycimages import Code
from tests.server.raw_client import (
    CREATE,
    CREATE_BODY,
    HEAD_OF_CREATE_IN_CHUNKS,
    chunked,
    endpoint,
    request,
)

if TYPE_CHECKING:
    from pytest_ycimages import Double
    from tests.server.raw_client import Client

LIMIT: Final = 4 * 2**20
"""Bytes that a body may have: gRPC's own limit, and so the gateway's."""

CONTINUE: Final = (100, b"")
EXPECT: Final = "Expect: 100-continue"
LARGEST_BODY: Final = CREATE_BODY.ljust(LIMIT)
TOO_LARGE_BODY: Final = CREATE_BODY.ljust(LIMIT + 1)


def test_a_body_may_come_in_chunks(client: Client, ycimages: Double) -> None:
    """However many there are, and however small."""
    pieces = [CREATE_BODY[at : at + 3] for at in range(0, len(CREATE_BODY), 3)]
    for body in (chunked(CREATE_BODY), chunked(*pieces)):
        answer = client.ask(HEAD_OF_CREATE_IN_CHUNKS + body)
        assert answer.status == 200
        assert answer.json["metadata"]["imageId"] in ycimages.images


def test_chunks_may_have_extensions_and_trailers(client: Client) -> None:
    """Both are read and ignored."""
    body = b'%x;name="value"\r\n%b\r\n0\r\nX-Checksum: 1\r\n\r\n' % (len(CREATE_BODY), CREATE_BODY)
    assert client.ask(HEAD_OF_CREATE_IN_CHUNKS + body).status == 200
    assert client.ask(endpoint("iam")).status == 200


@pytest.mark.parametrize("verb", ["GET", "DELETE", "HEAD", "OPTIONS"])
def test_a_body_that_no_method_wants_is_read_and_ignored(client: Client, verb: str) -> None:
    """Or its bytes would be taken for the next request."""
    client.ask(request(verb, "/endpoints/iam", body=CREATE))
    assert client.ask(endpoint("compute")).json["id"] == "compute"


def test_a_post_may_have_no_body(client: Client) -> None:
    """As the guide's cancel does."""
    operation_id = client.ask(CREATE).json["id"]
    answer = client.ask(request("POST", f"/operations/{operation_id}:cancel"))
    assert (answer.status, answer.json["id"]) == (200, operation_id)


def test_a_client_that_waits_is_told_to_continue(client: Client) -> None:
    """It sends the body only after that: curl does so with large ones."""
    for _ in range(2):
        client.send(request("POST", "/compute/v1/images", EXPECT, f"Content-Length: {len(CREATE_BODY)}"))
        assert client.answer()[::2] == CONTINUE
        assert client.ask(CREATE_BODY).status == 200


def test_a_client_that_waits_may_send_chunks(client: Client) -> None:
    """The two go together."""
    client.send(request("POST", "/compute/v1/images", EXPECT, "Transfer-Encoding: chunked"))
    assert client.answer()[::2] == CONTINUE
    assert client.ask(chunked(CREATE_BODY)).status == 200


def test_a_client_is_told_to_continue_after_the_answers_before(client: Client) -> None:
    """In a pipeline, 100 belongs to the request that asked, not to the one before it."""
    head = request("POST", "/compute/v1/images", EXPECT, f"Content-Length: {len(CREATE_BODY)}")
    client.send(endpoint("iam") + head)
    assert client.answer().json["id"] == "iam"
    assert client.answer()[::2] == CONTINUE
    assert client.ask(CREATE_BODY).status == 200


def test_http_1_0_is_never_told_to_continue(client: Client) -> None:
    """It would take the 100 for the answer (RFC 9110, section 10.1.1)."""
    answer = client.ask(request("POST", "/compute/v1/images", EXPECT, body=CREATE_BODY, version="1.0"))
    assert answer.status == 200


def test_head_is_get_without_the_body(client: Client) -> None:
    """Status and headers are those of GET, the length included; not a byte of the body comes."""
    get, head = (client.ask(request(verb, "/endpoints/iam")) for verb in ("GET", "HEAD"))
    assert (get.status, head.status) == (200, 200)
    assert int(head.headers["content-length"]) == len(get.body) > 0
    own = {"x-request-id": "", "x-server-trace-id": "", "date": ""}
    assert {**head.headers, **own} == {**get.headers, **own}
    assert client.ask(endpoint("compute")).json["id"] == "compute"


@pytest.mark.parametrize(
    ("target", "status"), [("/nothing/here", 404), ("/iam/v1/tokens", 405), ("/operations/x", 400)]
)
def test_a_refusal_of_head_has_no_body_either(client: Client, target: str, status: int) -> None:
    """Only its length, as with any other answer to HEAD."""
    answer = client.ask(request("HEAD", target))
    assert (answer.status, answer.headers["content-type"]) == (status, "application/json")
    assert int(answer.headers["content-length"]) > 0
    assert client.ask(endpoint("compute")).json["id"] == "compute"


@pytest.mark.parametrize(
    "create",
    [
        pytest.param(request("POST", "/compute/v1/images", body=LARGEST_BODY), id="content-length"),
        pytest.param(HEAD_OF_CREATE_IN_CHUNKS + chunked(LARGEST_BODY), id="one chunk"),
        pytest.param(
            HEAD_OF_CREATE_IN_CHUNKS + chunked(CREATE_BODY.ljust(LIMIT // 2), b" " * (LIMIT // 2)), id="chunks"
        ),
    ],
)
def test_a_body_of_four_mebibytes_is_taken(client: Client, create: bytes) -> None:
    """To the byte."""
    assert client.ask(create).status == 200


@pytest.mark.parametrize(
    "create",
    [
        pytest.param(request("POST", "/compute/v1/images", body=TOO_LARGE_BODY), id="content-length"),
        pytest.param(HEAD_OF_CREATE_IN_CHUNKS + chunked(TOO_LARGE_BODY), id="one chunk"),
        pytest.param(HEAD_OF_CREATE_IN_CHUNKS + chunked(LARGEST_BODY, b" "), id="a chunk too many"),
        pytest.param(request("POST", "/nothing/here", body=TOO_LARGE_BODY), id="where nothing is served"),
    ],
)
def test_one_byte_more_is_refused_and_the_connection_goes_on(client: Client, ycimages: Double, create: bytes) -> None:
    """The refusal names the size and the limit; the body has been read, so the next request is understood."""
    answer = client.ask(create)
    assert (answer.status, answer.headers["content-type"]) == (413, "application/json")
    assert answer.json == {
        "code": Code.RESOURCE_EXHAUSTED.number,
        "message": "The request's body has 4194305 bytes; the limit is 4194304 bytes (4 MiB)",
    }
    assert not ycimages.images
    assert client.ask(CREATE).status == 200


def test_a_body_that_is_much_too_large_is_refused_as_well(client: Client) -> None:
    """A client that uploads the image itself gets an answer, not a reset."""
    answer = client.ask(request("POST", "/compute/v1/images", body=bytes(8 * LIMIT)))
    assert answer.status == 413
    assert client.ask(CREATE).status == 200
