"""images.update: the mask, its absence, and what cannot be changed (api-facts.md, sections 1.1, 2.1 and 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.client import GIB, image_id_of

if TYPE_CHECKING:
    from tests.client import Cloud

FULL: Final[dict[str, Any]] = {"name": "one", "description": "old", "labels": {"a": "b"}, "min_disk_size": 9 * GIB}


def full(cloud: Cloud) -> str:
    """An image with something in every field that can be updated."""
    return cloud.double.add_image(**FULL, storage_size=2 * GIB, family="numbers", product_ids=("f2e1",))


def updated(cloud: Cloud, image_id: str, **body: Any) -> Any:
    """The image after an update."""
    answer = cloud.patch(image_id, body)
    assert answer.status == 200, answer.text
    return cloud.operation(answer.json["id"])["response"]


@pytest.mark.fidelity("update.operation")
def test_an_update_is_answered_with_an_operation(cloud: Cloud) -> None:
    """Whose response is the image."""
    image_id = full(cloud)
    answer = cloud.patch(image_id, {"updateMask": "name", "name": "two"})
    assert answer.json["metadata"] == {
        "@type": "type.googleapis.com/yandex.cloud.compute.v1.UpdateImageMetadata",
        "imageId": image_id,
    }
    response = cloud.operation(answer.json["id"])["response"]
    assert response.pop("@type") == "type.googleapis.com/yandex.cloud.compute.v1.Image"
    assert response == cloud.image(image_id)


@pytest.mark.fidelity("update.description")
def test_the_operation_says_that_it_updates(cloud: Cloud) -> None:
    """By analogy with a create."""
    assert cloud.patch(full(cloud), {"name": "two"}).json["description"] == "Update image"


@pytest.mark.fidelity("update.mask")
def test_a_mask_says_which_fields_change(cloud: Cloud) -> None:
    """Whatever else the request holds."""
    image = updated(cloud, full(cloud), updateMask="name,labels", name="two", labels={"c": "d"}, description="new")
    assert (image["name"], image["labels"], image["description"]) == ("two", {"c": "d"}, "old")


@pytest.mark.fidelity("update.mask-resets")
def test_a_field_of_the_mask_that_is_not_given_is_emptied(cloud: Cloud) -> None:
    """A proto3 message cannot tell it from one that is given empty."""
    image = updated(cloud, full(cloud), updateMask="description,labels")
    assert image.keys() & {"description", "labels"} == set()
    assert image["name"] == "one"


@pytest.mark.fidelity("update.no-mask")
def test_without_a_mask_every_field_changes(cloud: Cloud) -> None:
    """Those that are not given are emptied."""
    image = updated(cloud, full(cloud), name="two")
    assert image["name"] == "two"
    assert image.keys() & {"description", "labels"} == set()


@pytest.mark.fidelity("update.nothing")
@pytest.mark.parametrize("body", [None, {}])
def test_an_update_of_nothing_is_refused(cloud: Cloud, body: object) -> None:
    """Code 3, before there is an operation."""
    assert cloud.patch(full(cloud), body).refusal == (400, 3, "Illegal argument update_mask")
    assert not cloud.double.operations


@pytest.mark.fidelity("update.mask-spelling")
def test_a_mask_spells_fields_either_way(cloud: Cloud) -> None:
    """Like the JSON and like the proto."""
    image_id = full(cloud)
    for size, mask in ((10 * GIB, "minDiskSize"), (11 * GIB, "min_disk_size")):
        image = updated(cloud, image_id, updateMask=mask, minDiskSize=str(size), name="two")
        assert (image["minDiskSize"], image["name"]) == (str(size), "one")


@pytest.mark.fidelity("update.not-updatable")
@pytest.mark.parametrize("field", ["family", "os", "productIds", "pooled", "hardwareGeneration", "nonsense"])
def test_a_mask_names_only_what_can_be_updated(cloud: Cloud, field: str) -> None:
    """The rest is fixed when an image is created."""
    answer = cloud.patch(full(cloud), {"updateMask": f"name,{field}", "name": "two"})
    assert answer.refused_fields == ["updateMask"]


@pytest.mark.fidelity("update.rest-unchanged")
def test_what_cannot_be_updated_stays_as_it_was(cloud: Cloud) -> None:
    """Also when the request speaks of all that can be."""
    image_id = full(cloud)
    before = cloud.image(image_id)
    after = updated(cloud, image_id, name="two", description="new", labels={"c": "d"}, minDiskSize=str(10 * GIB))
    fixed = {"id", "folderId", "createdAt", "family", "productIds", "os", "storageSize", "status"}
    assert {name: after[name] for name in fixed} == {name: before[name] for name in fixed}


@pytest.mark.fidelity("update.limits")
@pytest.mark.parametrize(
    ("field", "value"),
    [("name", "Upper"), ("description", "d" * 257), ("minDiskSize", 1), ("labels", {f"k{n}": "" for n in range(65)})],
)
def test_an_update_has_the_limits_of_a_create(cloud: Cloud, field: str, value: object) -> None:
    """Field by field."""
    assert cloud.patch(full(cloud), {field: value}).refused_fields == [field]


@pytest.mark.fidelity("update.while-running")
@pytest.mark.ycimages(timing=10)
def test_an_image_stays_as_it_was_until_the_update_is_done(cloud: Cloud) -> None:
    """READY all the while."""
    image_id = full(cloud)
    before = cloud.image(image_id)
    cloud.patch(image_id, {"updateMask": "description", "description": "new"})
    assert cloud.image(image_id) == before
    cloud.double.clock.advance(10)
    assert cloud.image(image_id) == {**before, "description": "new"}


@pytest.mark.fidelity("update.name-taken")
@pytest.mark.ycimages(timing=10)
def test_an_image_is_not_renamed_to_a_name_that_is_taken(cloud: Cloud) -> None:
    """Nor to one that another is about to have; its own it may keep."""
    image_id = full(cloud)
    other = cloud.double.add_image(name="two")
    taken = (409, 6, 'Image with name "{}" already exists')
    assert cloud.patch(other, {"name": "one"}).refusal == (*taken[:2], taken[2].format("one"))
    assert cloud.patch(image_id, {"name": "one"}).status == 200
    assert cloud.patch(image_id, {"name": "three"}).status == 200
    assert cloud.patch(other, {"name": "three"}).refusal == (*taken[:2], taken[2].format("three"))


@pytest.mark.fidelity("update.min-disk-size")
def test_min_disk_size_is_not_updated_below_the_virtual_size(cloud: Cloud) -> None:
    """Although a create allows any size that holds the data."""
    disk = cloud.double.add_disk(size=8 * GIB, data_size=2 * GIB)
    image_id = cloud.made(diskId=disk, minDiskSize=4 * GIB)
    refusal = (400, 3, "Illegal argument min_disk_size")
    assert cloud.patch(image_id, {"updateMask": "minDiskSize", "minDiskSize": 8 * GIB - 1}).refusal == refusal
    assert updated(cloud, image_id, updateMask="minDiskSize", minDiskSize=8 * GIB)["minDiskSize"] == str(8 * GIB)


@pytest.mark.fidelity("update.min-disk-size-reset")
def test_min_disk_size_is_reset_to_the_virtual_size(cloud: Cloud) -> None:
    """It cannot be empty."""
    disk = cloud.double.add_disk(size=8 * GIB, data_size=2 * GIB)
    image_id = cloud.made(diskId=disk, minDiskSize=20 * GIB)
    assert updated(cloud, image_id, name="two")["minDiskSize"] == str(8 * GIB)


@pytest.mark.fidelity("update.while-creating")
@pytest.mark.ycimages(timing=10)
def test_an_image_that_is_being_created_is_not_updated(cloud: Cloud) -> None:
    """Code 9."""
    image_id = image_id_of(cloud.create())
    text = f'Image "{image_id}" has an invalid state for this operation: status CREATING'
    assert cloud.patch(image_id, {"name": "two"}).refusal == (400, 9, text)


@pytest.mark.fidelity("update.while-deleting")
@pytest.mark.ycimages(timing=10)
def test_an_image_that_is_being_deleted_is_not_updated(cloud: Cloud) -> None:
    """Code 9."""
    image_id = full(cloud)
    cloud.delete(image_id)
    text = f'Image "{image_id}" has an invalid state for this operation: status DELETING'
    assert cloud.patch(image_id, {"name": "two"}).refusal == (400, 9, text)


@pytest.mark.fidelity("update.not-found")
def test_an_image_that_is_not_there_is_not_updated(cloud: Cloud) -> None:
    """Refused at once, in the recorded words."""
    assert cloud.patch("fd8nobody", {"name": "two"}).refusal == (404, 5, 'Image "fd8nobody" not found')
    assert not cloud.double.operations
