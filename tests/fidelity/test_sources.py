"""What an image can be made from: images, disks, snapshots and files, and what becomes of those that cannot be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.client import image_id_of

if TYPE_CHECKING:
    from tests.client import Cloud

BUCKET: Final = "https://storage.yandexcloud.net/bucket"


def ended(cloud: Cloud, **fields: Any) -> Any:
    """The operation that a request starts, once it is done."""
    answer = cloud.create(**fields)
    assert answer.status == 200, answer.text
    operation = cloud.operation(answer.json["id"])
    assert operation["done"]
    return operation


@pytest.mark.fidelity("source.unknown-accepted")
def test_a_source_that_nobody_added_is_taken(cloud: Cloud) -> None:
    """So that a test need not seed what does not matter to it."""
    for field in ("imageId", "diskId", "snapshotId"):
        assert "response" in ended(cloud, **{"diskId": None, field: "fd8nobody"})
    assert "response" in ended(cloud, uri=f"{BUCKET}/nobody.qcow2")
    assert "response" in ended(cloud, folderId="b1gnobody")


@pytest.mark.fidelity("source.image-not-found")
@pytest.mark.ycimages(unknown_resources="not_found")
def test_an_image_that_is_not_there_is_refused(cloud: Cloud) -> None:
    """Before there is an operation."""
    refusal = (400, 9, 'Image "fd8e0hsg8g5spl5sv8ls" not found')
    assert cloud.create(imageId="fd8e0hsg8g5spl5sv8ls").refusal == refusal
    assert not cloud.double.operations


@pytest.mark.fidelity("source.image-gone")
def test_an_image_that_was_deleted_is_no_source(cloud: Cloud) -> None:
    """Even where unknown sources are taken: this one is known to be gone."""
    image_id = cloud.made()
    cloud.operation(cloud.delete(image_id).json["id"])
    assert cloud.create(imageId=image_id).refusal == (400, 9, f'Image "{image_id}" not found')


@pytest.mark.fidelity("source.disk-not-found")
@pytest.mark.ycimages(unknown_resources="not_found")
def test_a_disk_that_is_not_there_is_refused(cloud: Cloud) -> None:
    """In the words of an image that is not there."""
    assert cloud.create(diskId="epd1").refusal == (400, 9, 'Disk "epd1" not found')
    assert cloud.create(diskId=cloud.double.add_disk()).status == 200


@pytest.mark.fidelity("source.snapshot-not-found")
@pytest.mark.ycimages(unknown_resources="not_found")
def test_a_snapshot_that_is_not_there_is_refused(cloud: Cloud) -> None:
    """In the same words."""
    assert cloud.create(snapshotId="fd81").refusal == (400, 9, 'Snapshot "fd81" not found')
    assert cloud.create(snapshotId=cloud.double.add_snapshot()).status == 200


KINDS: Final = [("imageId", "Image"), ("diskId", "Disk"), ("snapshotId", "Snapshot")]


@pytest.mark.fidelity("source.missing-code")
@pytest.mark.ycimages(unknown_resources="not_found", missing_source="not_found")
@pytest.mark.parametrize(("field", "kind"), KINDS)
def test_a_source_that_is_not_there_may_be_code_5(cloud: Cloud, field: str, kind: str) -> None:
    """In the same words; a source that is there in a wrong state has code 9 all the same."""
    assert cloud.create(**{field: "fd80"}).refusal == (404, 5, f'{kind} "fd80" not found')
    broken = cloud.double.add_image(status="ERROR")
    assert cloud.create(imageId=broken).refusal[1] == 9


@pytest.mark.fidelity("source.id-shape")
@pytest.mark.ycimages(unknown_resources="not_found")
@pytest.mark.parametrize(("field", "kind"), KINDS)
@pytest.mark.parametrize("id_", ["fv4k0000000000000000", "d865000000000000000", "x", "FD8!", "fd8z" * 12, "b1g/a"])
def test_a_source_id_of_a_wrong_shape_is_not_found(cloud: Cloud, field: str, kind: str, id_: str) -> None:
    """Whatever its prefix, its length and its characters."""
    assert cloud.create(**{field: id_}).refusal == (400, 9, f'{kind} "{id_}" not found')


@pytest.mark.fidelity("source.folder-not-found")
@pytest.mark.ycimages(unknown_resources="not_found")
def test_a_folder_that_is_not_there_is_refused_with_code_9(cloud: Cloud) -> None:
    """Compute says FAILED_PRECONDITION, not NOT_FOUND."""
    refusal = (400, 9, 'Folder "b1g1" not found')
    assert cloud.create(folderId="b1g1").refusal == refusal
    assert cloud.list(folderId="b1g1").refusal == refusal
    assert cloud.latest("abc", "b1g1").refusal == refusal


@pytest.mark.fidelity("source.image-creating")
@pytest.mark.ycimages(timing=10)
def test_an_image_that_is_being_created_is_no_source(cloud: Cloud) -> None:
    """Code 9, until it is READY."""
    image_id = image_id_of(cloud.create())
    text = f'Image "{image_id}" has an invalid state for this operation: status CREATING'
    assert cloud.create(imageId=image_id).refusal == (400, 9, text)
    cloud.double.clock.advance(10)
    assert cloud.create(imageId=image_id).status == 200


@pytest.mark.fidelity("source.image-deleting")
@pytest.mark.ycimages(timing=10)
def test_an_image_that_is_being_deleted_is_no_source(cloud: Cloud) -> None:
    """Code 9, until it is gone."""
    image_id = cloud.double.add_image()
    cloud.delete(image_id)
    text = f'Image "{image_id}" has an invalid state for this operation: status DELETING'
    assert cloud.create(imageId=image_id).refusal == (400, 9, text)


@pytest.mark.fidelity("source.uri-host")
@pytest.mark.parametrize(
    "uri", ["https://example.com/bucket/disk.qcow2", "https://bucket.storage.yandexcloud.net/disk.qcow2", "disk.qcow2"]
)
def test_a_uri_leads_to_object_storage(cloud: Cloud, uri: str) -> None:
    """In the path style; anything else is refused at once."""
    assert cloud.create(uri=uri).refusal == (400, 3, "Illegal argument uri")
    assert not cloud.double.operations


@pytest.mark.fidelity("source.uri-path")
@pytest.mark.parametrize("path", ["", "/", "/bucket", "/bucket/"])
def test_a_uri_names_a_bucket_and_a_key(cloud: Cloud, path: str) -> None:
    """Or there is no file to read."""
    assert cloud.create(uri=f"https://storage.yandexcloud.net{path}").refusal == (400, 3, "Illegal argument uri")


@pytest.mark.fidelity("source.uri-scheme")
def test_a_uri_is_http_or_https(cloud: Cloud) -> None:
    """Both lead to the same file; no other scheme does."""
    cloud.double.add_object(f"{BUCKET}/a.qcow2", reachable=False)
    for scheme in ("http", "https"):
        assert "error" in ended(cloud, uri=f"{scheme}://storage.yandexcloud.net/bucket/a.qcow2")
    assert cloud.create(uri="s3://storage.yandexcloud.net/bucket/a.qcow2").status == 400


@pytest.mark.fidelity("source.uri-signed")
def test_a_uri_may_be_signed(cloud: Cloud) -> None:
    """What signs it plays no part in which file it names."""
    cloud.double.add_object(f"{BUCKET}/a.qcow2", size=8 * 2**20, virtual_size=2**30)
    operation = ended(cloud, uri=f"{BUCKET}/a.qcow2?X-Amz-Signature=0123")
    assert operation["response"]["storageSize"] == str(8 * 2**20)


@pytest.mark.fidelity("source.uri-formats")
@pytest.mark.parametrize("extension", ["qcow2", "vmdk", "vhd"])
def test_a_file_is_qcow2_vmdk_or_vhd(cloud: Cloud, extension: str) -> None:
    """RAW is not on the page."""
    assert "response" in ended(cloud, uri=f"{BUCKET}/disk.{extension}")
    error = ended(cloud, uri=f"{BUCKET}/disk.raw")["error"]
    assert error == {"code": 3, "message": "unsupported image format: raw"}


@pytest.mark.fidelity("source.uri-unsupported")
@pytest.mark.parametrize("extension", ["vhdx", "vdi"])
def test_a_file_of_another_format_fails_the_operation(cloud: Cloud, extension: str) -> None:
    """It is accepted, and then the operation ends in an error and the image is gone."""
    operation = ended(cloud, uri=f"{BUCKET}/disk.{extension}")
    assert operation["error"] == {"code": 3, "message": f"unsupported image format: {extension}"}
    assert operation["metadata"]["imageId"] not in cloud.double.images


@pytest.mark.fidelity("source.uri-unreachable")
def test_a_file_that_cannot_be_read_fails_the_operation(cloud: Cloud) -> None:
    """Likewise."""
    uri = cloud.double.add_object(f"{BUCKET}/a.qcow2", reachable=False)
    operation = ended(cloud, uri=uri)
    assert operation["error"] == {"code": 3, "message": "url source not found"}
    assert operation["metadata"]["imageId"] not in cloud.double.images


@pytest.mark.fidelity("source.uri-format-added")
def test_the_format_of_an_added_file_is_what_the_test_says(cloud: Cloud) -> None:
    """Whatever the file is called."""
    uri = cloud.double.add_object(f"{BUCKET}/a.qcow2", format="vdi")
    assert ended(cloud, uri=uri)["error"]["message"] == "unsupported image format: vdi"


@pytest.mark.fidelity("source.uri-format-unknown")
def test_a_file_that_nobody_added_is_what_its_name_says(cloud: Cloud) -> None:
    """Whatever the case, and qcow2 when the name says nothing."""
    assert ended(cloud, uri=f"{BUCKET}/disk.VDI")["error"]["message"] == "unsupported image format: vdi"
    assert "response" in ended(cloud, uri=f"{BUCKET}/disk")


@pytest.mark.fidelity("source.uri-not-found")
@pytest.mark.ycimages(unknown_resources="not_found")
def test_a_file_that_nobody_added_cannot_be_read(cloud: Cloud) -> None:
    """When unknown resources shall be missed, the operation misses this one."""
    assert ended(cloud, uri=f"{BUCKET}/a.qcow2")["error"] == {"code": 3, "message": "url source not found"}
