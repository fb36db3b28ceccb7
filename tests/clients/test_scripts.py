"""How a client meets each state of a script, over HTTP; and how it meets outcomes and cancels that are set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_ycimages import Code, Failure, Never, Script, Stage

if TYPE_CHECKING:
    import httpx

    from pytest_ycimages import Double

pytestmark = pytest.mark.ycimages(clock="manual")

INFO = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "NO_SPACE", "metadata": {"zone": "a"}}


def _create(client: httpx.Client, ycimages: Double, **fields: Any) -> dict[str, Any]:
    body = {"folderId": ycimages.folder_id, "diskId": "epd0000000000000000a", **fields}
    operation: dict[str, Any] = client.post("/compute/v1/images", json=body).raise_for_status().json()
    return operation


def _poll(client: httpx.Client, operation: dict[str, Any]) -> dict[str, Any]:
    polled: dict[str, Any] = client.get(f"/operations/{operation['id']}").json()
    return polled


def _image(client: httpx.Client, operation: dict[str, Any]) -> Any:
    return client.get(f"/compute/v1/images/{operation['metadata']['imageId']}").json().get("status")


@pytest.mark.ycimages(timing=Script(Stage("vanished", 3), Stage("running", 2), Stage("succeeded")))
def test_an_operation_that_is_not_found_at_first(client: httpx.Client, ycimages: Double) -> None:
    """The reply to the create shows it; polls do not find it until the replicas have caught up. It is there."""
    operation = _create(client, ycimages)
    assert operation["done"] is False
    missing = client.get(f"/operations/{operation['id']}")
    assert (missing.status_code, missing.json()["code"]) == (404, Code.NOT_FOUND.number)
    assert missing.json()["message"] == f"Operation {operation['id']} not found"
    listed = f"/compute/v1/images/{operation['metadata']['imageId']}/operations"
    assert client.get(listed).json() == {}
    assert _image(client, operation) == "CREATING"
    assert not ycimages.operations[operation["id"]].done
    (call,) = ycimages.calls.of("operations.get")
    assert (call.note, call.operation_id) == (f"vanished: Operation {operation['id']} not found", operation["id"])

    ycimages.clock.advance(3)
    found = _poll(client, operation)
    assert (found["done"], found["modifiedAt"]) == (False, "2026-01-01T00:00:03Z")
    assert client.get(listed).json() == {"operations": [found]}
    ycimages.clock.advance(2)
    assert _poll(client, operation)["response"]["status"] == "READY"


@pytest.mark.ycimages(
    timing=Script(
        Stage("running", 5, metadata={"progressPercent": 40}),
        Stage("running", 5, metadata={"progressPercent": 80}),
        Stage("succeeded", metadata={"progressPercent": 100}),
    )
)
def test_metadata_that_changes(client: httpx.Client, ycimages: Double) -> None:
    """Beside what is always there; each change modifies the operation."""
    operation = _create(client, ycimages)
    seen = [operation]
    for _ in range(2):
        ycimages.clock.advance(5)
        seen.append(_poll(client, operation))
    assert [each["metadata"].pop("progressPercent") for each in seen] == [40, 80, 100]
    assert [each["metadata"] for each in seen] == [seen[0]["metadata"]] * 3
    assert [each["modifiedAt"][17:19] for each in seen] == ["00", "05", "10"]
    assert [each["done"] for each in seen] == [False, False, True]


@pytest.mark.ycimages(timing=Script(Stage("running", 1), Stage("failing", 60, error=Failure(8)), Stage("failed")))
def test_an_error_set_long_before_done(client: httpx.Client, ycimages: Double) -> None:
    """A client that rejects at the error, and one that waits for done, come to the same end at different times."""
    operation = _create(client, ycimages)
    ycimages.clock.advance(1)
    failing = _poll(client, operation)
    assert (failing["done"], failing["error"]) == (False, {"code": 8})
    assert _image(client, operation) == "CREATING"
    ycimages.clock.advance(60)
    failed = _poll(client, operation)
    assert failed == {**failing, "done": True, "modifiedAt": "2026-01-01T00:01:01Z"}
    assert _image(client, operation) is None
    assert [call.note for call in ycimages.calls.of("operations.get")] == ["failing", "failed"]


@pytest.mark.ycimages(timing=Script(Stage("succeeded", 2), Stage("running", 2), Stage("succeeded")))
def test_an_operation_that_flaps(client: httpx.Client, ycimages: Double) -> None:
    """Polls see it done, running, and done again; the image is READY all the while."""
    operation = _create(client, ycimages)
    seen = [operation]
    for _ in range(2):
        ycimages.clock.advance(2)
        seen.append(_poll(client, operation))
        assert _image(client, operation) == "READY"
        assert ycimages.operations[operation["id"]].done
    assert [(each["done"], "response" in each) for each in seen] == [(True, True), (False, False), (True, True)]


@pytest.mark.ycimages(timing=Script(Stage("running", 2), Stage("empty")))
def test_an_operation_that_is_done_with_nothing_to_show(client: httpx.Client, ycimages: Double) -> None:
    """Neither response nor error: who only looks at `done` reports success, and here that is right."""
    operation = _create(client, ycimages)
    ycimages.clock.advance(2)
    ended = _poll(client, operation)
    assert ended == {**operation, "done": True, "modifiedAt": "2026-01-01T00:00:02Z"}
    assert _image(client, operation) == "READY"
    assert ycimages.operations[operation["id"]].response


@pytest.mark.ycimages(timing=Script(Stage("running", 2), Stage("succeeded")))
def test_a_script_of_an_update_and_a_delete(client: httpx.Client, ycimages: Double) -> None:
    """They follow it as a create does; the true end decides what the image is."""
    image_id = ycimages.add_image()
    path = f"/compute/v1/images/{image_id}"
    updated = client.patch(path, json={"description": "new"}).json()
    ycimages.clock.advance(2)
    assert _poll(client, updated)["response"]["description"] == "new"
    deleted = client.delete(path).json()
    assert client.get(path).json()["status"] == "DELETING"
    ycimages.clock.advance(2)
    assert _poll(client, deleted)["response"] == {"@type": "type.googleapis.com/google.protobuf.Empty"}
    assert client.get(path).status_code == 404


@pytest.mark.ycimages(timing=Script(Stage("vanished", 9), Stage("running")))
def test_cancelling_what_nobody_can_see(client: httpx.Client, ycimages: Double) -> None:
    """The cancel finds it, ends the script, and from then on polls see the truth."""
    operation = _create(client, ycimages)
    cancelled = client.post(f"/operations/{operation['id']}:cancel").json()
    assert cancelled["error"]["code"] == Code.CANCELLED.number
    assert _poll(client, operation) == cancelled


@pytest.mark.ycimages(timing=Script(Stage("vanished", 9), Stage("running")), cancel="loses")
def test_a_lost_cancel_of_what_nobody_can_see_shows_what_is_true(client: httpx.Client, ycimages: Double) -> None:
    """`vanished` is about polls."""
    operation = _create(client, ycimages)
    assert client.post(f"/operations/{operation['id']}:cancel").json() == operation
    assert _poll(client, operation)["code"] == Code.NOT_FOUND.number


@pytest.mark.ycimages(timing=2, outcome=Failure("RESOURCE_EXHAUSTED", "no space left", [INFO]))
def test_a_failure_with_details(client: httpx.Client, ycimages: Double) -> None:
    """Any code and any detail, in the operation's error; the image is rolled back."""
    operation = _create(client, ycimages)
    ycimages.clock.advance(2)
    ended = _poll(client, operation)
    assert (ended["done"], ended["error"]) == (True, {"code": 8, "message": "no space left", "details": [INFO]})
    assert _image(client, operation) is None
    error = ycimages.operations[operation["id"]].error
    assert error
    assert error.to_wire() == ended["error"]


@pytest.mark.ycimages(timing=Never(), cancel="refused")
def test_a_refused_cancel(client: httpx.Client, ycimages: Double) -> None:
    """An error of the call, and nothing has happened to the operation."""
    operation = _create(client, ycimages)
    refused = client.post(f"/operations/{operation['id']}:cancel")
    assert (refused.status_code, refused.json()["code"]) == (400, Code.FAILED_PRECONDITION.number)
    assert _poll(client, operation) == operation
    assert [call.operation_id for call in ycimages.calls] == [operation["id"]] * 3
