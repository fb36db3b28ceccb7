"""The shape of ids (api-facts.md, section 3)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

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
def test_the_id_of_an_operation_on_an_image_begins_with_fd8(cloud: Cloud) -> None:
    """Whatever the image is made from, and whatever is done to it."""
    image_id = cloud.double.add_image()
    answers = (
        cloud.create(),
        cloud.create(imageId=image_id),
        cloud.patch(image_id, {"name": "a"}),
        cloud.delete(image_id),
    )
    assert all(re.fullmatch(shape("fd8"), answer.json["id"]) for answer in answers)


@pytest.mark.fidelity("id.others")
def test_other_ids_have_their_recorded_prefixes(cloud: Cloud) -> None:
    """Folders, disks of one zone, and snapshots."""
    double = cloud.double
    drawn = double.folder_id, double.add_folder(), double.add_disk(), double.add_snapshot()
    for id_, prefix in zip(drawn, ("b1g", "b1g", "epd", "fd8"), strict=True):
        assert re.fullmatch(shape(prefix), id_)
