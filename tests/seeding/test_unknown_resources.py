"""`unknown_resources`: what becomes of ids that nobody added, with each of its two values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from tests.client import Cloud

NOBODY: Final = "fd80000000000000none"
LOST: Final = "https://storage.yandexcloud.net/bucket/lost.qcow2"


@pytest.mark.parametrize("field", ["imageId", "diskId", "snapshotId"])
def test_a_source_that_nobody_added_is_taken_by_default(cloud: Cloud, field: str) -> None:
    """A test need not seed what does not matter to it."""
    assert cloud.made(**{field: NOBODY}) in cloud.double.images


@pytest.mark.parametrize(("field", "kind"), [("imageId", "Image"), ("diskId", "Disk"), ("snapshotId", "Snapshot")])
@pytest.mark.ycimages(unknown_resources="not_found")
def test_a_source_that_nobody_added_is_refused(cloud: Cloud, field: str, kind: str) -> None:
    """At once, so that there is no operation."""
    assert cloud.create(**{field: NOBODY}).refusal == (400, 9, f'{kind} "{NOBODY}" not found')
    assert not cloud.double.operations


@pytest.mark.parametrize("is_added", [True, False])
def test_a_disk_that_was_removed_is_refused(cloud: Cloud, is_added: bool) -> None:  # noqa: FBT001 - a case
    """Whether it had been added or not; added again, it is accepted."""
    if is_added:
        cloud.double.add_disk(NOBODY)
    cloud.double.remove_disk(NOBODY)
    assert f'Disk "{NOBODY}" not found' in cloud.create(diskId=NOBODY).refusal
    assert cloud.create(snapshotId=NOBODY).status == 200
    cloud.double.add_disk(NOBODY)
    assert cloud.made(diskId=NOBODY) in cloud.double.images


@pytest.mark.ycimages(timing=10)
def test_a_disk_may_be_removed_while_an_image_is_made_of_it(cloud: Cloud) -> None:
    """The image becomes READY."""
    disk = cloud.double.add_disk()
    created = cloud.create(diskId=disk).json
    cloud.double.remove_disk(disk)
    cloud.double.clock.advance(10)
    assert cloud.operation(created["id"])["response"]["status"] == "READY"


def test_a_reset_brings_a_removed_disk_back(cloud: Cloud) -> None:
    """As everything that a test did."""
    cloud.double.remove_disk(NOBODY)
    cloud.double.reset()
    assert cloud.create(diskId=NOBODY).status == 200


def test_a_file_that_nobody_added_is_taken_by_default(cloud: Cloud) -> None:
    """As far as its name speaks of a format that can be read."""
    assert cloud.operation(cloud.create(uri=LOST).json["id"])["response"]["status"] == "READY"


@pytest.mark.ycimages(unknown_resources="not_found")
def test_a_file_that_nobody_added_fails_its_operation(cloud: Cloud) -> None:
    """Whether a file can be read shows only when it is read."""
    answer = cloud.create(uri=LOST)
    assert answer.status == 200
    assert cloud.operation(answer.json["id"])["error"] == {"code": 3, "message": "url source not found"}


def _calls(cloud: Cloud, folder_id: str) -> list[Any]:
    """Every call that names a folder."""
    return [cloud.create(folderId=folder_id), cloud.list(folderId=folder_id), cloud.latest("webs", folder_id)]


def test_a_folder_that_nobody_added_is_taken_by_default(cloud: Cloud) -> None:
    """And is as empty as a new one."""
    created, listed, latest = _calls(cloud, "b1g0000000000000none")
    assert created.status == 200
    assert [image["id"] for image in listed.json["images"]] == [created.json["metadata"]["imageId"]]
    assert latest.status == 404


@pytest.mark.ycimages(unknown_resources="not_found")
def test_a_folder_that_nobody_added_is_refused(cloud: Cloud) -> None:
    """With code 9, as Compute answers it (observed)."""
    for answer in _calls(cloud, "b1g0000000000000none"):
        assert answer.refusal == (400, 9, 'Folder "b1g0000000000000none" not found')


@pytest.mark.ycimages(unknown_resources="not_found")
def test_what_was_added_is_there(cloud: Cloud) -> None:
    """Every kind of source, the double's own folder, and one more."""
    double = cloud.double
    sources = {
        "imageId": double.add_image(),
        "diskId": double.add_disk(),
        "snapshotId": double.add_snapshot(),
        "uri": double.add_object(LOST),
    }
    for folder_id in (double.folder_id, double.add_folder()):
        for field, value in sources.items():
            assert cloud.made(folderId=folder_id, **{field: value}) in double.images


@pytest.mark.ycimages(unknown_resources="not_found")
def test_the_folder_is_looked_at_before_the_source(cloud: Cloud) -> None:
    """Of two things that are wrong, one is reported."""
    refusal = cloud.create(folderId="b1g0000000000000none", diskId=NOBODY).refusal
    assert refusal == (400, 9, 'Folder "b1g0000000000000none" not found')
