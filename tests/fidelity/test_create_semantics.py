"""images.create: what the image becomes that a request asks for (api-facts.md, section 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.client import DISK, GIB, MIB, image_id_of

if TYPE_CHECKING:
    from tests.client import Cloud


@pytest.mark.fidelity("image.as-asked")
def test_an_image_is_as_it_was_asked_for(cloud: Cloud) -> None:
    """Every field of the request that describes the image comes back."""
    asked = {
        "folderId": cloud.double.add_folder(),
        "name": "one",
        "description": "The first",
        "labels": {"stage": "test"},
        "family": "numbers",
        "minDiskSize": str(7 * GIB),
        "productIds": ["f2e00000000000000001"],
        "os": {"type": "WINDOWS"},
    }
    image = cloud.image(cloud.made(**asked))
    assert {name: image[name] for name in asked} == asked


@pytest.mark.fidelity("image.status")
@pytest.mark.ycimages(timing=10)
def test_an_image_is_creating_and_then_ready(cloud: Cloud) -> None:
    """Until the operation is done, and from then on."""
    image_id = image_id_of(cloud.create())
    assert cloud.image(image_id)["status"] == "CREATING"
    cloud.double.clock.advance(10)
    assert cloud.image(image_id)["status"] == "READY"


@pytest.mark.fidelity("image.visible-at-once")
@pytest.mark.ycimages(timing=10)
def test_an_image_is_visible_from_the_start(cloud: Cloud) -> None:
    """To get and to list."""
    image_id = image_id_of(cloud.create(name="one"))
    assert cloud.image(image_id)["name"] == "one"
    assert [image["id"] for image in cloud.list().json["images"]] == [image_id]


@pytest.mark.fidelity("image.os-default")
@pytest.mark.parametrize("os", [None, {}, {"type": 0}, {"type": "TYPE_UNSPECIFIED"}])
def test_an_image_of_unknown_origin_is_linux(cloud: Cloud, os: object) -> None:
    """Unless the request says otherwise; clients also send an os without a type."""
    uri = "https://storage.yandexcloud.net/bucket/disk.qcow2"
    assert cloud.image(cloud.made(uri=uri, os=os))["os"] == {"type": "LINUX"}


@pytest.mark.fidelity("image.os-inherited")
def test_the_os_is_inherited_from_a_disk_and_from_an_image(cloud: Cloud) -> None:
    """Through any number of images."""
    first = cloud.made(diskId=cloud.double.add_disk(os="WINDOWS"))
    assert cloud.image(first)["os"] == {"type": "WINDOWS"}
    assert cloud.image(cloud.made(imageId=first))["os"] == {"type": "WINDOWS"}


@pytest.mark.fidelity("image.os-of-snapshot")
def test_the_os_is_inherited_from_a_snapshot(cloud: Cloud) -> None:
    """Of which the page does not speak."""
    snapshot = cloud.double.add_snapshot(os="WINDOWS")
    assert cloud.image(cloud.made(snapshotId=snapshot))["os"] == {"type": "WINDOWS"}


@pytest.mark.fidelity("image.os-asked")
def test_the_os_of_the_request_wins_over_the_source(cloud: Cloud) -> None:
    """It is only inherited when nothing is said."""
    disk = cloud.double.add_disk(os="WINDOWS")
    assert cloud.image(cloud.made(diskId=disk, os={"type": "LINUX"}))["os"] == {"type": "LINUX"}


@pytest.mark.fidelity("image.product-ids-inherited")
def test_product_ids_are_inherited(cloud: Cloud) -> None:
    """From a disk, a snapshot and an image alike."""
    disk = cloud.double.add_disk(product_ids=["f2e1"])
    snapshot = cloud.double.add_snapshot(product_ids=["f2e2"])
    first = cloud.made(diskId=disk)
    assert cloud.image(first)["productIds"] == ["f2e1"]
    assert cloud.image(cloud.made(snapshotId=snapshot))["productIds"] == ["f2e2"]
    assert cloud.image(cloud.made(imageId=first))["productIds"] == ["f2e1"]


@pytest.mark.fidelity("image.product-ids-added")
def test_product_ids_of_the_request_come_behind_those_of_the_source(cloud: Cloud) -> None:
    """Each of them once."""
    disk = cloud.double.add_disk(product_ids=["f2e1", "f2e2"])
    image = cloud.image(cloud.made(diskId=disk, productIds=["f2e3", "f2e1"]))
    assert image["productIds"] == ["f2e1", "f2e2", "f2e3"]


@pytest.mark.fidelity("image.min-disk-size-of-disk")
def test_min_disk_size_is_that_of_the_disk(cloud: Cloud) -> None:
    """And of a snapshot that of the disk it was taken from."""
    assert cloud.image(cloud.made(diskId=cloud.double.add_disk(size=5 * GIB)))["minDiskSize"] == str(5 * GIB)
    snapshot = cloud.double.add_snapshot(size=6 * GIB)
    assert cloud.image(cloud.made(snapshotId=snapshot))["minDiskSize"] == str(6 * GIB)


@pytest.mark.fidelity("image.min-disk-size-of-image")
def test_min_disk_size_is_that_of_the_source_image(cloud: Cloud) -> None:
    """Not the size of its data."""
    first = cloud.double.add_image(min_disk_size=20 * GIB, storage_size=2 * GIB)
    assert cloud.image(cloud.made(imageId=first))["minDiskSize"] == str(20 * GIB)


@pytest.mark.fidelity("image.min-disk-size-of-uri")
def test_min_disk_size_is_the_virtual_size_of_the_file(cloud: Cloud) -> None:
    """The sizes are those of the recorded sample."""
    uri = cloud.double.add_object("https://storage.yandexcloud.net/b/k.qcow2", size=1891631104, virtual_size=1891631104)
    image = cloud.image(cloud.made(uri=uri))
    assert (image["storageSize"], image["minDiskSize"]) == ("1891631104", "1891631104")


@pytest.mark.fidelity("image.min-disk-size-too-small")
def test_min_disk_size_is_not_below_the_data_of_the_source(cloud: Cloud) -> None:
    """Whatever the source is, as long as its size is known."""
    disk = cloud.double.add_disk(size=8 * GIB, data_size=6 * GIB)
    refusal = (400, 3, "Illegal argument min_disk_size")
    assert cloud.create(diskId=disk, minDiskSize=6 * GIB - 1).refusal == refusal
    image = cloud.double.add_image(storage_size=6 * GIB, min_disk_size=8 * GIB)
    assert cloud.create(imageId=image, minDiskSize=6 * GIB - 1).refusal == refusal
    assert not cloud.double.operations


@pytest.mark.fidelity("image.min-disk-size-equal")
def test_min_disk_size_may_equal_the_data_of_the_source(cloud: Cloud) -> None:
    """As in the recorded sample, although the page says *more*."""
    disk = cloud.double.add_disk(size=8 * GIB, data_size=6 * GIB)
    image = cloud.image(cloud.made(diskId=disk, minDiskSize=6 * GIB))
    assert (image["storageSize"], image["minDiskSize"]) == (str(6 * GIB), str(6 * GIB))


@pytest.mark.fidelity("image.storage-size-chunks")
def test_storage_size_is_a_multiple_of_4_mib(cloud: Cloud) -> None:
    """Whatever the source, known or not, and whatever was asked."""
    disk = cloud.double.add_disk(size=5 * GIB, data_size=451 * 4 * MIB - 1)
    assert cloud.image(cloud.made(diskId=disk))["storageSize"] == str(451 * 4 * MIB)
    uri = cloud.double.add_object("https://storage.yandexcloud.net/b/k.qcow2", size=6_000_000_000)
    assert cloud.image(cloud.made(uri=uri))["storageSize"] == "6002049024"
    assert cloud.image(cloud.made(diskId=DISK, minDiskSize=4 * MIB + 1))["storageSize"] == str(4 * MIB)


@pytest.mark.fidelity("image.storage-size-empty")
def test_the_storage_size_of_an_empty_disk_is_left_out(cloud: Cloud) -> None:
    """Zero is not printed."""
    image = cloud.image(cloud.double.add_image(storage_size=0, min_disk_size=1488977920))
    assert (image["status"], image["minDiskSize"]) == ("READY", "1488977920")
    assert "storageSize" not in image
    image = cloud.image(cloud.made(diskId=cloud.double.add_disk(data_size=0)))
    assert "storageSize" not in image
    assert image["minDiskSize"] == str(5 * GIB)


@pytest.mark.fidelity("image.sizes-unknown")
def test_an_image_of_an_unknown_source_has_the_doubles_own_sizes(cloud: Cloud) -> None:
    """1 GiB of data on a disk of 5 GiB, and less data when the disk shall be smaller than that."""
    image = cloud.image(cloud.made(diskId=DISK))
    assert (image["storageSize"], image["minDiskSize"]) == (str(GIB), str(5 * GIB))
    image = cloud.image(cloud.made(diskId=DISK, minDiskSize=512 * MIB))
    assert (image["storageSize"], image["minDiskSize"]) == (str(512 * MIB), str(512 * MIB))


@pytest.mark.fidelity("image.proto-fields-only")
@pytest.mark.ycimages(contract="current")
def test_an_image_has_no_field_that_its_message_lacks(cloud: Cloud) -> None:
    """Strict parsers of protobuf JSON fail on one."""
    hardware = {"legacyFeatures": {"pciTopology": "PCI_TOPOLOGY_V2"}}
    os = {"type": "LINUX", "nvidia": {"driver": "550"}}
    image_id = cloud.made(
        name="a", description="b", labels={"c": "d"}, family="efg", productIds=["h"], pooled=True, os=os,
        hardwareGeneration=hardware,
    )  # fmt: skip
    assert sorted(cloud.image(image_id)) == [
        "createdAt", "description", "family", "folderId", "hardwareGeneration", "id", "labels", "minDiskSize", "name",
        "os", "pooled", "productIds", "size", "status", "storageSize",
    ]  # fmt: skip
