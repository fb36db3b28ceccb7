"""Operations in flight that a test seeds: what an earlier run of a client left behind."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_ycimages import BySource, Double, Quotas, UsageError

if TYPE_CHECKING:
    from tests.client import Cloud

RUNNING: Final = "fd80000000000000000a"


@pytest.mark.ycimages(timing=60)
@pytest.mark.parametrize("age", ["45s", 45, timedelta(seconds=45)])
def test_a_client_goes_on_with_a_create_in_flight(cloud: Cloud, age: Any) -> None:
    """By the operation's id; it ends by the timing, counted from its beginning."""
    double = cloud.double
    assert double.add_operation(operation_id=RUNNING, age=age, name="web", family="webs") == RUNNING
    operation = cloud.operation(RUNNING)
    image_id = operation["metadata"]["imageId"]
    assert (operation["done"], operation["description"]) == (False, "Create image")
    assert operation["createdAt"].startswith("2025-12-31T23:59:15")
    assert cloud.image(image_id)["createdAt"] == "2025-12-31T23:59:15Z"
    assert cloud.image(image_id)["status"] == "CREATING"
    double.clock.advance(14.999)
    assert not cloud.operation(RUNNING)["done"]
    double.clock.advance(0.001)
    assert cloud.operation(RUNNING)["response"] == {
        "@type": "type.googleapis.com/yandex.cloud.compute.v1.Image",
        **cloud.image(image_id),
    }
    assert cloud.image(image_id)["status"] == "READY"
    assert cloud.latest("webs").json["id"] == image_id


@pytest.mark.ycimages(timing=60)
def test_images_are_added_with_their_operation(cloud: Cloud) -> None:
    """CREATING with a create that began with the image, DELETING with a delete that begins now."""
    making = cloud.double.add_image(status="CREATING", age=50, operation_id="making")
    going = cloud.double.add_image(status="DELETING", age="3d", operation_id="going")
    assert [cloud.image(id_)["status"] for id_ in (making, going)] == ["CREATING", "DELETING"]
    assert cloud.operation("going")["description"] == "Delete image"
    cloud.double.clock.advance(10)
    assert cloud.image(making)["status"] == "READY"
    assert not cloud.operation("going")["done"]
    cloud.double.clock.advance(50)
    assert cloud.operation("going")["response"] == {"@type": "type.googleapis.com/google.protobuf.Empty"}
    assert set(cloud.double.images) == {making}


def test_an_operation_without_a_timing_ends_at_its_first_poll(cloud: Cloud) -> None:
    """As one that a call starts; reading it through the double does not count as a poll."""
    image_id = cloud.double.add_image(status="CREATING")
    (operation_id,) = cloud.double.operations
    assert cloud.double.images[image_id].status == "CREATING"
    assert cloud.operation(operation_id)["done"]
    assert cloud.double.images[image_id].status == "READY"


def test_the_next_operation_may_be_a_seeded_one(cloud: Cloud) -> None:
    """Its timing, its failure and its cancel are those of any operation."""
    cloud.double.next_operation("images.create", timing=10, outcome="Failure(code='INTERNAL', message='no room')")
    failing = cloud.double.add_operation(age=9)
    cancelled = cloud.double.add_operation(operation_id=RUNNING)
    cloud.double.clock.advance(1)
    assert cloud.operation(failing)["error"]["message"] == "no room"
    assert cloud.cancel(cancelled)["error"]["code"] == 1
    assert not cloud.double.images


@pytest.mark.ycimages(timing=BySource(uri=10, other=100))
def test_a_timing_by_source_knows_the_source(cloud: Cloud) -> None:
    """A disk, unless the test says otherwise."""
    file, disk = cloud.double.add_operation(source="uri"), cloud.double.add_operation()
    cloud.double.clock.advance(10)
    assert cloud.operation(file)["done"]
    assert not cloud.operation(disk)["done"]


@pytest.mark.costly
@pytest.mark.ycimages(timing=30)
def test_updates_and_deletes_in_flight(cloud: Cloud) -> None:
    """An update shows its values at its end; a delete ends with the image."""
    image_id = cloud.double.add_image(name="old", description="a server")
    update = cloud.double.add_operation("images.update", image_id, age=20, name="new", created_by="aje-other")
    assert cloud.operation(update)["createdBy"] == "aje-other"
    assert cloud.image(image_id)["name"] == "old"
    assert cloud.create(name="new").status == cloud.create(name="old").status == 409
    cloud.double.clock.advance(10)
    assert cloud.image(image_id)["name"] == cloud.operation(update)["response"]["name"] == "new"
    assert cloud.image(image_id)["description"] == "a server"
    delete = cloud.double.add_operation("images.delete", image_id)
    assert cloud.image(image_id)["status"] == "DELETING"
    cloud.double.clock.advance(30)
    assert cloud.operation(delete)["done"]
    assert image_id not in cloud.double.images


@pytest.mark.ycimages(timing=30, quotas=Quotas(running_operations=1))
def test_a_seeded_operation_counts_for_the_quota(cloud: Cloud) -> None:
    """And leaves room at its end."""
    cloud.double.add_operation()
    assert cloud.create().status == 429
    cloud.double.clock.advance(30)
    assert cloud.create().status == 200


NEEDS: Final = "needs one that is READY."
UPDATABLE: Final = "description, labels, min_disk_size, name"
TAKEN: Final = "The name 'web' is taken in the folder '{folder}': names are unique."
METHODS: Final = "images.create, images.delete, images.update"


@pytest.mark.parametrize(
    ("method", "image", "given", "text"),
    [
        (
            "images.get",
            None,
            {},
            f"Unknown method that starts an operation 'images.get'. Did you mean 'images.delete'? Known: {METHODS}.",
        ),
        ("images.delete", None, {}, f"The image None is not named: images.delete {NEEDS}"),
        ("images.delete", "fd8-no", {}, f"The image 'fd8-no' does not exist: images.delete {NEEDS}"),
        ("images.update", "going", {}, f"The image 'going' is DELETING: images.update {NEEDS}"),
        ("images.delete", "ready", {"name": "a"}, "images.delete takes no fields of an image, and was given name."),
        ("images.update", "ready", {"os": "a"}, f"Unknown field of images.update 'os'. Known: {UPDATABLE}."),
        (
            "images.update",
            "ready",
            {},
            "images.update changes nothing. Give one or more of name, description, labels, min_disk_size.",
        ),
        (
            "images.create",
            None,
            {"source": "tape"},
            "Unknown source of an image 'tape'. Did you mean 'image'? Known: disk, image, snapshot, uri.",
        ),
        (
            "images.create",
            None,
            {"operation_id": "taken"},
            "The operation 'taken' exists already: give each a different id, or none.",
        ),
        ("images.create", None, {"name": "web"}, TAKEN),
        ("images.update", "ready", {"name": "web"}, TAKEN),
    ],
)
def test_an_operation_that_cannot_be_is_refused(
    method: str, image: str | None, given: dict[str, Any], text: str
) -> None:
    """And nothing is added."""
    double = Double(clock="manual", timing=60)
    double.add_image("ready")
    double.add_image("other", name="web")
    double.add_image("going", status="DELETING", operation_id="taken")
    with pytest.raises(UsageError) as refusal:
        double.add_operation(method, image, **given)
    assert str(refusal.value) == text.format(folder=double.folder_id)
    assert set(double.operations) == {"taken"}
    assert set(double.images) == {"ready", "other", "going"}
