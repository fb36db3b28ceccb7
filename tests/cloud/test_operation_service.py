"""Cancelling, and asking for operations that are not there, in process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_ycimages import After, AfterPolls, Double, Immediate, Never
from tests.client import Cloud

if TYPE_CHECKING:
    from pytest_ycimages.cloud.timing import Timing

BODY = {"folderId": "b1g00000000000000000", "diskId": "epd00000000000000000"}
CANCELLED = {"code": 1, "message": "Cancelled by client"}


@pytest.fixture
def double() -> Double:
    """A double whose clock stands still and whose operations never end by themselves."""
    return Double(clock="manual", name="test", timing=Never())


def create(double: Double) -> Any:
    """Create an image, and return the operation."""
    return Cloud(double).call("POST", "/compute/v1/images", BODY).json


def poll(double: Double, operation: Any) -> Any:
    """Read the operation anew."""
    return Cloud(double).call("GET", f"/operations/{operation['id']}").json


def cancel(double: Double, operation: Any, method: str = "GET") -> Any:
    """Cancel the operation."""
    reply = Cloud(double).call(method, f"/operations/{operation['id']}:cancel")
    assert reply.status == 200
    return reply.json


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_cancel_shows_the_operation_as_it_has_become(double: Double, method: str) -> None:
    """The reference says GET, the guide says POST; either ends the operation with code 1 and no response."""
    operation = create(double)
    double.clock.advance(3)
    ended = cancel(double, operation, method)
    assert ended == operation | {"done": True, "error": CANCELLED, "modifiedAt": "2026-01-01T00:00:03Z"}
    assert poll(double, operation) == ended


def test_the_image_of_a_cancelled_operation_is_gone(double: Double) -> None:
    """The service deletes what it had made: by HTTP it is 404, and the server truth has it no more."""
    operation = create(double)
    image_id = operation["metadata"]["imageId"]
    assert image_id in double.images
    cancel(double, operation)
    reply = Cloud(double).call("GET", f"/compute/v1/images/{image_id}")
    assert reply.status == 404
    assert reply.json
    assert reply.json["message"] == f'Image "{image_id}" not found'
    assert image_id not in double.images
    assert double.operations[operation["id"]].done


@pytest.mark.parametrize("timing", [Immediate(), After(5), AfterPolls(1)])
def test_a_cancel_after_the_end_changes_nothing(double: Double, timing: Timing) -> None:
    """The operation comes back as it ended, with 200, and its image stays READY."""
    double.timing = timing
    operation = create(double)
    double.clock.advance(5)
    done = poll(double, operation)
    assert done["done"] is True
    double.clock.advance(1)
    assert cancel(double, operation) == done
    assert double.images[operation["metadata"]["imageId"]].status == "READY"


def test_a_second_cancel_changes_nothing(double: Double) -> None:
    """Clients retry a cancel whose answer was lost."""
    operation = create(double)
    ended = cancel(double, operation)
    double.clock.advance(60)
    assert cancel(double, operation) == ended


def test_a_cancel_before_the_end_keeps_the_end_away(double: Double) -> None:
    """A cancelled operation does not succeed later, when its time would have come."""
    double.timing = After(5)
    operation = create(double)
    double.clock.advance(4.999999999)
    ended = cancel(double, operation)
    double.clock.advance(60)
    assert poll(double, operation) == ended


def test_a_cancel_is_no_poll(double: Double) -> None:
    """`AfterPolls(1)` is still running when the cancel comes first, so the cancel wins."""
    double.timing = AfterPolls(1)
    operation = create(double)
    assert cancel(double, operation)["error"] == CANCELLED
    assert poll(double, operation)["error"] == CANCELLED


def test_a_cancel_leaves_other_operations_alone(double: Double) -> None:
    """State belongs to the operation."""
    stays, goes = create(double), create(double)
    cancel(double, goes)
    assert poll(double, stays) == stays
    assert list(double.images) == [stays["metadata"]["imageId"]]


@pytest.mark.parametrize("suffix", ["", ":cancel"])
def test_an_operation_that_does_not_exist_is_not_found(double: Double, suffix: str) -> None:
    """The recorded text, which does not quote the id."""
    reply = Cloud(double).call("GET", f"/operations/fd8e0hsg8g5spl5sv8ls{suffix}")
    assert reply.status == 404
    assert reply.json
    assert (reply.json["code"], reply.json["message"]) == (5, "Operation fd8e0hsg8g5spl5sv8ls not found")


@pytest.mark.parametrize("suffix", ["", ":cancel"])
@pytest.mark.parametrize("operation_id", ["nope", "FD8E0HSG8G5SPL5SV8LS", "fd8e0hsg8g5spl5sv8lz", "fd8" + "0" * 18])
def test_an_id_without_the_shape_of_one_is_invalid(double: Double, operation_id: str, suffix: str) -> None:
    """Too short, too long, upper case or beyond `v`: the service says 400 before it looks for it."""
    reply = Cloud(double).call("GET", f"/operations/{operation_id}{suffix}")
    assert reply.status == 400
    assert reply.json
    assert (reply.json["code"], reply.json["message"]) == (3, f"invalid operation id '{operation_id}'")


def test_an_image_id_is_no_operation_id(double: Double) -> None:
    """A client that polls the wrong id is told so."""
    operation = create(double)
    reply = Cloud(double).call("GET", f"/operations/{operation['metadata']['imageId']}")
    assert reply.status == 404


def test_every_error_names_its_call(double: Double) -> None:
    """`RequestInfo` in the details and the header `x-request-id` hold the same id."""
    reply = Cloud(double).call("GET", "/operations/nope")
    assert reply.json
    assert reply.json["details"] == [
        {"@type": "type.googleapis.com/google.rpc.RequestInfo", "requestId": reply.headers["x-request-id"]}
    ]
