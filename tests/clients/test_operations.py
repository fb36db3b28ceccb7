"""How a client sees an operation go on, end, and be cancelled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_ycimages import After, AfterPolls, Code, Never

if TYPE_CHECKING:
    import httpx

    from pytest_ycimages import Double

CANCEL = pytest.mark.parametrize("verb", ["GET", "POST"])
"""The reference says GET, the guide says POST; clients do both."""


def _create(client: httpx.Client, ycimages: Double) -> dict[str, Any]:
    body = {"folderId": ycimages.folder_id, "diskId": "epd0000000000000000a"}
    operation: dict[str, Any] = client.post("/compute/v1/images", json=body).raise_for_status().json()
    return operation


def _poll(client: httpx.Client, operation: dict[str, Any]) -> dict[str, Any]:
    polled: dict[str, Any] = client.get(f"/operations/{operation['id']}").raise_for_status().json()
    return polled


@pytest.mark.ycimages(clock="manual", timing=After(60))
def test_an_operation_ends_when_the_test_moves_the_clock(client: httpx.Client, ycimages: Double) -> None:
    """And not a moment before, however often the client polls."""
    operation = _create(client, ycimages)
    image = f"/compute/v1/images/{operation['metadata']['imageId']}"
    for _ in range(10):
        assert not _poll(client, operation)["done"]
    ycimages.clock.advance(59.999)
    assert not _poll(client, operation)["done"]
    assert client.get(image).json()["status"] == "CREATING"
    ycimages.clock.advance(0.001)
    ended = _poll(client, operation)
    assert ended["done"]
    assert ended["response"] == {
        "@type": "type.googleapis.com/yandex.cloud.compute.v1.Image",
        **client.get(image).json(),
    }
    assert (ended["createdAt"], ended["modifiedAt"]) == (
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:01:00Z",
    )


@pytest.mark.ycimages(clock="manual")
def test_the_journal_knows_how_long_the_client_waited(client: httpx.Client, ycimages: Double) -> None:
    """Between one poll and the next, on the double's clock."""
    ycimages.timing = AfterPolls(3)
    operation = _create(client, ycimages)
    for seconds in (1, 2, 4):
        ycimages.clock.advance(seconds)
        operation = _poll(client, operation)
    assert operation["done"]
    assert ycimages.calls.of("operations.get").gaps == [2, 4]


@CANCEL
@pytest.mark.ycimages(timing=Never())
def test_a_cancelled_operation_ends_and_its_image_is_gone(client: httpx.Client, ycimages: Double, verb: str) -> None:
    """Done, with an error instead of a response; the image can neither be read nor is it there."""
    operation = _create(client, ycimages)
    image_id = operation["metadata"]["imageId"]
    assert not _poll(client, operation)["done"]
    assert ycimages.images[image_id].status == "CREATING"

    cancelled = client.request(verb, f"/operations/{operation['id']}:cancel").raise_for_status().json()
    assert (cancelled["id"], cancelled["metadata"]) == (operation["id"], operation["metadata"])
    ended = _poll(client, operation)
    assert (ended["done"], ended["error"]["code"], "response" in ended) == (True, Code.CANCELLED.number, False)

    gone = client.get(f"/compute/v1/images/{image_id}")
    assert (gone.status_code, gone.json()["code"]) == (404, Code.NOT_FOUND.number)
    assert image_id not in ycimages.images
    assert [call.method for call in ycimages.calls].count("operations.cancel") == 1


@CANCEL
def test_cancelling_a_finished_operation_leaves_it_as_it_is(client: httpx.Client, ycimages: Double, verb: str) -> None:
    """The cancel comes too late: the answer is the operation as it ended."""
    operation = _create(client, ycimages)
    ended = _poll(client, operation)
    assert ended["done"]
    for _ in range(2):
        cancelled = client.request(verb, f"/operations/{operation['id']}:cancel")
        assert (cancelled.status_code, cancelled.json()) == (200, ended)
    assert _poll(client, operation) == ended
    assert ycimages.images[operation["metadata"]["imageId"]].status == "READY"


@CANCEL
@pytest.mark.ycimages(timing=Never())
def test_cancelling_twice_is_cancelling_once(client: httpx.Client, ycimages: Double, verb: str) -> None:
    """The second cancel finds the operation ended."""
    operation = _create(client, ycimages)
    first, second = (client.request(verb, f"/operations/{operation['id']}:cancel").json() for _ in range(2))
    assert first == second == _poll(client, operation)


@CANCEL
def test_an_operation_that_does_not_exist_cannot_be_cancelled(client: httpx.Client, verb: str) -> None:
    """It is not found, whatever the verb."""
    answer = client.request(verb, "/operations/fd800000000000000000:cancel")
    assert (answer.status_code, answer.json()["code"]) == (404, Code.NOT_FOUND.number)
