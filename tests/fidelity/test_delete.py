"""images.delete (api-facts.md, sections 1.1, 4.1 and 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.client import image_id_of

if TYPE_CHECKING:
    from tests.client import Cloud


@pytest.mark.fidelity("delete.operation")
def test_a_delete_is_answered_with_an_operation(cloud: Cloud) -> None:
    """That names the image."""
    image_id = cloud.double.add_image()
    assert cloud.delete(image_id).json["metadata"] == {
        "@type": "type.googleapis.com/yandex.cloud.compute.v1.DeleteImageMetadata",
        "imageId": image_id,
    }


@pytest.mark.fidelity("delete.description")
def test_the_operation_says_that_it_deletes(cloud: Cloud) -> None:
    """By analogy with a create."""
    assert cloud.delete(cloud.double.add_image()).json["description"] == "Delete image"


@pytest.mark.fidelity("delete.response")
def test_the_response_of_a_delete_is_empty(cloud: Cloud) -> None:
    """A `google.protobuf.Empty`, and no field of an image."""
    operation = cloud.operation(cloud.delete(cloud.double.add_image()).json["id"])
    assert operation["response"] == {"@type": "type.googleapis.com/google.protobuf.Empty"}


@pytest.mark.fidelity("delete.status")
@pytest.mark.ycimages(timing=10)
def test_an_image_is_deleting_while_it_is_deleted(cloud: Cloud) -> None:
    """To get and to list."""
    image_id = cloud.double.add_image()
    cloud.delete(image_id)
    assert cloud.image(image_id)["status"] == "DELETING"
    assert [image["status"] for image in cloud.list().json["images"]] == ["DELETING"]


@pytest.mark.fidelity("delete.named")
def test_to_name_an_image_that_is_being_deleted_is_a_poll(cloud: Cloud) -> None:
    """Under the default timing the first look is the last; looking at the server's truth is none."""
    image_id = cloud.double.add_image()
    cloud.delete(image_id)
    assert cloud.double.images[image_id].status == "DELETING"
    assert cloud.delete(image_id).refusal == (404, 5, f'Image "{image_id}" not found')
    assert image_id not in cloud.double.images


@pytest.mark.fidelity("delete.gone")
@pytest.mark.ycimages(timing=10)
def test_a_deleted_image_is_gone(cloud: Cloud) -> None:
    """For every call that names it."""
    image_id = cloud.double.add_image(family="numbers")
    cloud.delete(image_id)
    cloud.double.clock.advance(10)
    gone = (404, 5, f'Image "{image_id}" not found')
    got = cloud.get(f"/compute/v1/images/{image_id}")
    changed = cloud.patch(image_id, {"name": "two"}), cloud.delete(image_id)
    assert [call.refusal for call in (got, *changed)] == [gone] * 3
    assert cloud.list().json == {}
    assert cloud.latest("numbers").status == 404


@pytest.mark.fidelity("delete.others-unaffected")
def test_images_made_from_it_stay(cloud: Cloud) -> None:
    """A source can be deleted at any time after."""
    first = cloud.made()
    second = cloud.made(imageId=first)
    before = cloud.image(second)
    cloud.operation(cloud.delete(first).json["id"])
    assert cloud.image(second) == before


@pytest.mark.fidelity("delete.source-while-copied")
@pytest.mark.ycimages(timing=10)
def test_a_source_can_be_deleted_while_it_is_copied(cloud: Cloud) -> None:
    """And the copy succeeds: a disk, whose client gave up, or an image."""
    disk, image = cloud.double.add_disk(), cloud.double.add_image()
    ids = [cloud.create(diskId=disk).json["id"], cloud.create(imageId=image).json["id"]]
    cloud.double.remove_disk(disk)
    assert cloud.delete(image).status == 200
    cloud.double.clock.advance(10)
    assert [cloud.operation(id_)["response"]["status"] for id_ in ids] == ["READY", "READY"]
    assert cloud.create(diskId=disk).refusal == (400, 9, f'Disk "{disk}" not found')


@pytest.mark.fidelity("delete.while-creating")
@pytest.mark.ycimages(timing=10)
def test_an_image_that_is_being_created_is_not_deleted(cloud: Cloud) -> None:
    """Code 9: it can be cancelled."""
    image_id = image_id_of(cloud.create())
    text = f'Image "{image_id}" has an invalid state for this operation: status CREATING'
    assert cloud.delete(image_id).refusal == (400, 9, text)


@pytest.mark.fidelity("delete.twice")
@pytest.mark.ycimages(timing=10)
def test_an_image_that_is_being_deleted_is_not_deleted_again(cloud: Cloud) -> None:
    """Code 9, and no second operation."""
    image_id = cloud.double.add_image()
    cloud.delete(image_id)
    text = f'Image "{image_id}" has an invalid state for this operation: status DELETING'
    assert cloud.delete(image_id).refusal == (400, 9, text)
    assert len(cloud.double.operations) == 1


@pytest.mark.fidelity("delete.not-found")
def test_an_image_that_is_not_there_is_not_deleted(cloud: Cloud) -> None:
    """Refused at once, in the recorded words."""
    assert cloud.delete("fd8nobody").refusal == (404, 5, 'Image "fd8nobody" not found')
    assert not cloud.double.operations
