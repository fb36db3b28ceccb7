"""The shape of ids (api-facts.md, section 3)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.client import Cloud


def shape(prefix: str) -> str:
    """The pattern of an id with this prefix."""
    return f"{prefix}[0-9a-v]{{17}}"


@pytest.mark.fidelity("id.image")
def test_an_image_id_begins_with_fd8(cloud: Cloud) -> None:
    """20 characters of `0-9a-v`; no two are alike."""
    ids = {cloud.made() for _ in range(20)}
    assert len(ids) == 20
    assert all(re.fullmatch(shape("fd8"), each) for each in ids)


@pytest.mark.fidelity("id.operation")
@pytest.mark.parametrize(
    ("source", "prefix"),
    [
        *(({"diskId": f"{zone}0000000000000000a"}, zone) for zone in ("fhm", "epd", "ef3", "fv4")),
        ({"diskId": "epd"}, "epd"),
        *(({"diskId": id_}, "fd8") for id_ in ("a7l0000000000000000a", "EPD0000000000000000a", "ep", "my-disk")),
        ({"diskId": None, "snapshotId": "epd0000000000000000a"}, "fd8"),
        ({"diskId": None, "imageId": "fhm0000000000000000a"}, "fd8"),
        ({"diskId": None, "uri": "https://storage.yandexcloud.net/epd/disk.qcow2"}, "fd8"),
    ],
)
def test_the_id_of_an_operation_says_where_its_source_is(cloud: Cloud, source: dict[str, Any], prefix: str) -> None:
    """In the zone of a disk; an update and a delete of the image are in none."""
    created = cloud.create(**source).json
    assert re.fullmatch(shape(prefix), created["id"])
    image_id = cloud.operation(created["id"])["metadata"]["imageId"]
    answers = cloud.patch(image_id, {"name": "a"}), cloud.delete(image_id)
    assert all(re.fullmatch(shape("fd8"), each) for each in (image_id, *(answer.json["id"] for answer in answers)))


@pytest.mark.fidelity("id.others")
def test_other_ids_have_their_recorded_prefixes(cloud: Cloud) -> None:
    """Folders, disks of one zone, and snapshots."""
    double = cloud.double
    drawn = double.folder_id, double.add_folder(), double.add_disk(), double.add_snapshot()
    for id_, prefix in zip(drawn, ("b1g", "b1g", "epd", "fd8"), strict=True):
        assert re.fullmatch(shape(prefix), id_)
