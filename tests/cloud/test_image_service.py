"""Creating and reading images, in process: what a create starts, what counts as a poll, and how an image shows."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_ycimages import After, AfterPolls, Double, Immediate, Never
from tests.client import Cloud

BODY = {"folderId": "b1g00000000000000000", "diskId": "epd00000000000000000"}


@pytest.fixture
def double() -> Double:
    """A double whose clock stands still, spoken to in process."""
    return Double(clock="manual", name="test")


def create(double: Double, **fields: object) -> Any:
    """Create an image, and return the operation."""
    return Cloud(double).call("POST", "/compute/v1/images", {**BODY, **fields}).json


def poll(double: Double, operation: Any) -> Any:
    """Read the operation anew."""
    return Cloud(double).call("GET", f"/operations/{operation['id']}").json


def look(double: Double, operation: Any) -> Any:
    """Read the image of an operation."""
    return Cloud(double).call("GET", f"/compute/v1/images/{operation['metadata']['imageId']}").json


def test_a_create_returns_an_operation_that_runs(double: Double) -> None:
    """The reply is not done; it names the image, and both its times are the moment of the call."""
    operation = create(double)
    now = "2026-01-01T00:00:00Z"
    assert operation == {
        "done": False,
        "metadata": {
            "@type": "type.googleapis.com/yandex.cloud.compute.v1.CreateImageMetadata",
            "imageId": operation["metadata"]["imageId"],
        },
        "id": operation["id"],
        "description": "Create image",
        "createdAt": now,
        "createdBy": operation["createdBy"],
        "modifiedAt": now,
    }
    assert operation["id"] != operation["metadata"]["imageId"]


def test_the_image_is_visible_while_it_is_created(double: Double) -> None:
    """As soon as the create is answered, the image can be read, and is CREATING."""
    double.timing = Never()
    operation = create(double, name="early")
    image = look(double, operation)
    assert (image["name"], image["status"]) == ("early", "CREATING")
    assert "response" not in poll(double, operation)


def test_the_first_poll_of_the_operation_sees_it_done(double: Double) -> None:
    """By default one poll is enough; the response is the READY image as `images.get` shows it."""
    operation = create(double)
    double.clock.advance(2)
    done = poll(double, operation)
    assert done["done"] is True
    assert done["modifiedAt"] == "2026-01-01T00:00:02Z"
    assert done["createdAt"] == operation["createdAt"]
    type_url = done["response"].pop("@type")
    assert type_url == "type.googleapis.com/yandex.cloud.compute.v1.Image"
    assert done["response"] == look(double, operation)
    assert done["response"]["status"] == "READY"
    assert "error" not in done


def test_the_first_look_at_the_image_sees_it_ready(double: Double) -> None:
    """Clients that wait for the image's status and never read the operation come to an end as well."""
    operation = create(double)
    assert look(double, operation)["status"] == "READY"
    assert poll(double, operation)["done"] is True


def test_looks_at_the_image_and_polls_of_the_operation_count_alike(double: Double) -> None:
    """`AfterPolls(3)` ends at the third of either."""
    double.timing = AfterPolls(3)
    operation = create(double)
    assert look(double, operation)["status"] == "CREATING"
    assert poll(double, operation)["done"] is False
    assert look(double, operation)["status"] == "READY"


def test_reading_the_server_truth_counts_as_no_poll(double: Double) -> None:
    """A test may look at `images` and `operations` as often as it likes."""
    operation = create(double)
    image_id = operation["metadata"]["imageId"]
    for _ in range(5):
        assert double.images[image_id].status == "CREATING"
        assert dict(double.images)
        assert double.operations[operation["id"]].done is False
        assert len(double.operations) == 1
    assert poll(double, operation)["done"] is True
    assert double.images[image_id].status == "READY"
    assert double.operations[operation["id"]].response == double.images[image_id]


def test_a_refused_call_counts_as_no_poll(double: Double) -> None:
    """A poll without a token saw nothing, so it ends nothing."""
    operation = create(double)
    reply = Cloud(double, {}).get(f"/operations/{operation['id']}")
    assert reply.status == 401
    assert double.operations[operation["id"]].done is False


def test_immediate_is_done_in_the_create_reply(double: Double) -> None:
    """No poll is needed: the reply has the response already."""
    double.timing = Immediate()
    operation = create(double)
    assert operation["done"] is True
    assert operation["response"]["status"] == "READY"
    assert operation["modifiedAt"] == operation["createdAt"]


def test_after_ends_with_the_clock(double: Double) -> None:
    """Neither polls nor looks bring the end nearer."""
    double.timing = After(30)
    operation = create(double)
    double.clock.advance(29.999999999)
    for _ in range(3):
        assert poll(double, operation)["done"] is False
        assert look(double, operation)["status"] == "CREATING"
    double.clock.advance(1e-9)
    double.clock.advance(100)
    done = poll(double, operation)
    assert done["done"] is True
    assert done["modifiedAt"] == "2026-01-01T00:00:30Z"


def test_a_new_timing_is_for_operations_to_come(double: Double) -> None:
    """An operation keeps the plan that it was created with."""
    double.timing = Never()
    old = create(double)
    double.timing = "Immediate()"
    assert double.timing == Immediate()
    assert create(double)["done"] is True
    assert poll(double, old)["done"] is False


def test_each_operation_counts_its_own_polls(double: Double) -> None:
    """State belongs to the operation: two that run at once do not disturb each other."""
    double.timing = AfterPolls(2)
    first, second = create(double), create(double)
    assert [poll(double, first)["done"], poll(double, second)["done"], poll(double, first)["done"]] == [
        False,
        False,
        True,
    ]
    assert poll(double, second)["done"] is True


def test_an_image_shows_what_was_asked_for(double: Double) -> None:
    """Every field of the request that an image has comes back, int64 as text; the time is cut to seconds."""
    double.clock.advance(1.75)
    asked = {
        "name": "web",
        "description": "golden",
        "labels": {"env": "test"},
        "family": "web-images",
        "minDiskSize": "4194304",
        "productIds": ["f2e00000000000000000"],
        "os": {"type": "WINDOWS"},
    }
    operation = create(double, **asked)
    image = look(double, operation)
    assert image == asked | {
        "id": operation["metadata"]["imageId"],
        "folderId": BODY["folderId"],
        "createdAt": "2026-01-01T00:00:01Z",
        "storageSize": "4194304",
        "status": "READY",
    }


def test_an_image_that_does_not_exist_is_not_found(double: Double) -> None:
    """The recorded text, which quotes the id."""
    reply = Cloud(double).call("GET", "/compute/v1/images/fd8e0hsg8g5spl5sv8ls")
    assert reply.status == 404
    assert reply.json
    assert (reply.json["code"], reply.json["message"]) == (5, 'Image "fd8e0hsg8g5spl5sv8ls" not found')


def test_an_operation_id_is_no_image_id(double: Double) -> None:
    """They share a prefix, and nothing else."""
    operation = create(double)
    assert Cloud(double).call("GET", f"/compute/v1/images/{operation['id']}").status == 404


def test_two_doubles_share_nothing() -> None:
    """An image of one is unknown to the other, and their ids differ by their names."""
    one, other = Double(name="one"), Double(name="other")
    operation = create(one)
    assert look(other, operation)["code"] == 5
    assert create(other)["id"] != operation["id"]
    assert one.folder_id != other.folder_id
    assert one.token != other.token
