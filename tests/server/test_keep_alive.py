"""A connection serves one request after another, until the client asks otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.server.raw_client import (
    CREATE,
    CREATE_BODY,
    ENDPOINTS,
    HEAD_OF_CREATE_IN_CHUNKS,
    chunked,
    endpoint,
    request,
)

if TYPE_CHECKING:
    from pytest_ycimages import Double
    from tests.server.raw_client import Client

UPGRADE: Final = (
    "Connection: Upgrade, HTTP2-Settings",
    "Upgrade: h2c",
    "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
)
"""What Java's HttpClient adds to the first request of a connection, unless it is told to speak HTTP/1.1."""


def test_one_connection_serves_many_requests(client: Client) -> None:
    """An answer leaves the connection open, and says nothing about it: that is HTTP/1.1's default."""
    for number in range(200):
        id_ = ENDPOINTS[number % len(ENDPOINTS)]
        answer = client.ask(endpoint(id_))
        assert (answer.status, answer.json["id"]) == (200, id_)
        assert "connection" not in answer.headers


@pytest.mark.costly
def test_pipelined_requests_are_answered_in_order(client: Client) -> None:
    """Whoever sends many requests at once gets the answers in the order of the requests."""
    ids = [ENDPOINTS[number % len(ENDPOINTS)] for number in range(300)]
    client.send(b"".join(map(endpoint, ids)))
    assert [client.answer().json["id"] for _ in ids] == ids


def test_a_pipeline_mixes_bodies_chunks_and_refusals(client: Client) -> None:
    """Neither a body nor a refusal shifts the answers that follow."""
    client.send(
        CREATE
        + request("GET", "/nothing/here")
        + HEAD_OF_CREATE_IN_CHUNKS
        + chunked(CREATE_BODY)
        + request("DELETE", "/endpoints", body=b"ignored")
        + endpoint("iam")
    )
    assert [client.answer().status for _ in range(5)] == [200, 404, 200, 405, 200]


def test_requests_may_come_one_byte_at_a_time(client: Client) -> None:
    """How the bytes arrive makes no difference."""
    for byte in HEAD_OF_CREATE_IN_CHUNKS + chunked(CREATE_BODY) + CREATE + endpoint("iam"):
        client.send(bytes([byte]))
    assert [client.answer().status for _ in range(3)] == [200, 200, 200]


def test_empty_lines_before_a_request_are_skipped(client: Client) -> None:
    """Old clients send one after a body."""
    assert client.ask(b"\r\n\r\n" + endpoint("iam")).json["id"] == "iam"
    assert client.ask(b"\r\n" + endpoint("compute")).json["id"] == "compute"


def test_connection_close_ends_the_connection_after_the_answer(client: Client) -> None:
    """The answer says so too."""
    answer = client.ask(endpoint("iam", "Connection: close"))
    assert (answer.status, answer.headers["connection"]) == (200, "close")
    assert client.is_left()


def test_what_follows_connection_close_is_not_answered(client: Client, ycimages: Double) -> None:
    """The client said that it was its last request."""
    client.send(endpoint("iam", "Connection: close") + CREATE)
    assert client.answer().json["id"] == "iam"
    assert client.is_left()
    assert not ycimages.images


def test_a_client_that_has_finished_sending_still_gets_its_answers(client: Client) -> None:
    """Half of a connection may close before the other."""
    client.send(endpoint("iam") + endpoint("compute"))
    client.finish()
    assert [client.answer().json["id"] for _ in range(2)] == ["iam", "compute"]
    assert client.is_left()


def test_http_1_0_is_answered_and_left(client: Client) -> None:
    """Keeping the connection is not its default."""
    answer = client.ask(endpoint("iam", version="1.0"))
    assert (answer.json["id"], answer.headers["connection"]) == ("iam", "close")
    assert client.is_left()


def test_http_1_0_keeps_the_connection_when_the_client_asks(client: Client) -> None:
    """And the answer has to say so, or the client would not know."""
    for id_ in ("iam", "compute"):
        answer = client.ask(endpoint(id_, "Connection: keep-alive", version="1.0"))
        assert (answer.json["id"], answer.headers["connection"]) == (id_, "keep-alive")
    assert client.ask(endpoint("iam", version="1.0")).headers["connection"] == "close"
    assert client.is_left()


def test_an_offer_of_http_2_is_declined(client: Client) -> None:
    """The request is answered in HTTP/1.1, and the connection goes on in it."""
    answer = client.ask(endpoint("iam", *UPGRADE))
    assert (answer.status, answer.json["id"]) == (200, "iam")
    assert "upgrade" not in answer.headers
    assert client.ask(endpoint("compute")).json["id"] == "compute"


@pytest.mark.parametrize(
    "create",
    [
        pytest.param(request("POST", "/compute/v1/images", *UPGRADE, body=CREATE_BODY), id="content-length"),
        pytest.param(
            request("POST", "/compute/v1/images", *UPGRADE, "Transfer-Encoding: chunked") + chunked(CREATE_BODY),
            id="chunked",
        ),
    ],
)
def test_an_offer_of_http_2_does_not_cost_the_body(client: Client, ycimages: Double, create: bytes) -> None:
    """Java's HttpClient makes the offer with a POST as well."""
    answer = client.ask(create)
    assert answer.status == 200
    assert answer.json["metadata"]["imageId"] in ycimages.images
    assert client.ask(endpoint("compute")).json["id"] == "compute"


def test_an_offer_of_http_2_with_a_body_may_come_one_byte_at_a_time(client: Client) -> None:
    """Whatever declining takes, it does not depend on how the bytes arrive."""
    for byte in request("POST", "/compute/v1/images", *UPGRADE, body=CREATE_BODY) + endpoint("iam"):
        client.send(bytes([byte]))
    assert [client.answer().status for _ in range(2)] == [200, 200]


def test_an_offer_of_http_2_may_be_pipelined(client: Client) -> None:
    """What stands before it and after it is answered in its turn."""
    client.send(
        endpoint("iam")
        + request("POST", "/compute/v1/images", *UPGRADE, body=CREATE_BODY)
        + endpoint("storage", *UPGRADE)
        + endpoint("compute")
    )
    assert client.answer().json["id"] == "iam"
    assert client.answer().json["description"] == "Create image"
    assert [client.answer().json["id"] for _ in range(2)] == ["storage", "compute"]


def test_an_offer_of_websocket_is_declined(client: Client) -> None:
    """The same goes for every other protocol."""
    answer = client.ask(endpoint("iam", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"))
    assert answer.json["id"] == "iam"
    assert client.ask(endpoint("compute")).json["id"] == "compute"
