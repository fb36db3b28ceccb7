"""`add_folder`, `add_disk` and `add_snapshot`: what they add, what images take over, and what they refuse."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_ycimages import Double, UsageError
from pytest_ycimages.text_values import SIZES
from tests.client import GIB, MIB

if TYPE_CHECKING:
    from tests.client import Cloud

BYTES: Final = f"bytes, zero or more, such as 5 * 2**30 for 5 GiB, or a text {SIZES}"


SOURCES: Final = [("add_disk", "diskId", "disk"), ("add_snapshot", "snapshotId", "snapshot")]
LICENCE: Final = "f2e00000000000000win"


@pytest.mark.parametrize(("verb", "prefix"), [("add_folder", "b1g"), ("add_disk", "epd"), ("add_snapshot", "fd8")])
def test_an_id_is_drawn_unless_it_is_given(verb: str, prefix: str) -> None:
    """Of the service's shape, another one each time, and the same in the same double of another run."""
    add = getattr(Double(), verb)
    first, second = add(), add()
    assert first != second
    assert re.fullmatch(f"{prefix}[0-9a-v]{{17}}", first)
    assert getattr(Double(), verb)() == first
    assert add(f"{prefix}-mine") == f"{prefix}-mine"


@pytest.mark.parametrize(("verb", "field", "_"), SOURCES)
def test_an_image_takes_over_what_its_source_has(cloud: Cloud, verb: str, field: str, _: str) -> None:
    """System, licences, size of the disk, and the data in whole chunks of 4 MiB."""
    source = getattr(cloud.double, verb)(size=20 * GIB, data_size=GIB + 1, os="WINDOWS", product_ids=[LICENCE])
    image = cloud.image(cloud.made(**{field: source, "diskId": source if field == "diskId" else None}))
    assert image["os"] == {"type": "WINDOWS"}
    assert image["productIds"] == [LICENCE]
    assert image["minDiskSize"] == str(20 * GIB)
    assert image["storageSize"] == str(GIB + 4 * MIB)


@pytest.mark.parametrize(("verb", "field", "_"), SOURCES)
def test_a_source_of_which_nothing_is_said_is_like_one_that_nobody_added(
    cloud: Cloud, verb: str, field: str, _: str
) -> None:
    """Linux, 5 GiB, 1 GiB of data: the double's figures."""
    added = cloud.image(cloud.made(**{field: getattr(cloud.double, verb)()}))
    unknown = cloud.image(cloud.made(**{field: "nobody-added-this"}))
    assert {**added, "id": ""} == {**unknown, "id": ""}
    assert (added["os"], added["minDiskSize"], added["storageSize"]) == ({"type": "LINUX"}, str(5 * GIB), str(GIB))


def test_an_image_of_an_empty_disk_stores_nothing(cloud: Cloud) -> None:
    """And, like everything that is empty, its storageSize is left out."""
    image = cloud.image(cloud.made(diskId=cloud.double.add_disk(data_size=0)))
    assert "storageSize" not in image
    assert image["minDiskSize"] == str(5 * GIB)


def test_what_a_request_says_wins_over_its_source(cloud: Cloud) -> None:
    """But licences are added to those of the source."""
    disk = cloud.double.add_disk(os="WINDOWS", product_ids=[LICENCE])
    fields: dict[str, Any] = {"os": {"type": "LINUX"}, "minDiskSize": str(9 * GIB), "productIds": ["f2e-own"]}
    image = cloud.image(cloud.made(diskId=disk, **fields))
    assert image["os"] == {"type": "LINUX"}
    assert image["minDiskSize"] == str(9 * GIB)
    assert image["productIds"] == [LICENCE, "f2e-own"]


@pytest.mark.ycimages(unknown_resources="not_found")
def test_a_disk_is_no_snapshot_and_a_snapshot_no_disk(cloud: Cloud) -> None:
    """Each is found where it belongs, even under one id."""
    cloud.double.add_disk("one-id", size=7 * GIB)
    assert cloud.create(snapshotId="one-id").refusal == (400, 9, 'Snapshot "one-id" not found')
    cloud.double.add_snapshot("one-id", size=8 * GIB)
    sizes = [cloud.image(cloud.made(**{field: "one-id"}))["minDiskSize"] for _, field, _ in SOURCES]
    assert sizes == [str(7 * GIB), str(8 * GIB)]


def test_a_folder_may_be_added_again(cloud: Cloud) -> None:
    """There is nothing to say of a folder but that it is there."""
    assert cloud.double.add_folder("b1g-mine") == cloud.double.add_folder("b1g-mine")


def test_reset_takes_away_what_was_added(ycimages: Double) -> None:
    """As new: ids are free again."""
    ycimages.add_disk("epd-mine")
    ycimages.add_image("fd8-mine", name="mine")
    ycimages.reset()
    assert not ycimages.images
    assert ycimages.add_disk("epd-mine") == "epd-mine"
    assert ycimages.add_image("fd8-mine", name="mine") == "fd8-mine"


@pytest.mark.parametrize(("verb", "_", "kind"), SOURCES)
@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"size": GIB, "data_size": 2 * GIB}, "A {kind} of 1073741824 bytes cannot hold 2147483648 bytes of data."),
        (
            {"size": -1},
            f"invalid size=-1: expected {BYTES}.",
        ),
        (
            {"size": "5 apples"},
            f"invalid size='5 apples': expected {BYTES}.",
        ),
        (
            {"size": 1e9},
            f"invalid size=1000000000.0: expected {BYTES}.",
        ),
        (
            {"data_size": -5},
            f"invalid data_size=-5: expected {BYTES}.",
        ),
        ({"os": "linux"}, "Unknown operating system type 'linux'. Did you mean 'LINUX'? Known: LINUX, WINDOWS."),
        ({"product_ids": "f2e"}, "invalid product_ids='f2e': expected a list, such as ['f2e']."),
    ],
)
def test_a_source_that_cannot_be_is_refused(verb: str, _: str, kind: str, given: dict[str, Any], text: str) -> None:
    """When it is added, and in words that say what would be right."""
    with pytest.raises(UsageError) as refusal:
        getattr(Double(), verb)(**given)
    assert str(refusal.value) == text.format(kind=kind)


@pytest.mark.parametrize(("verb", "_", "kind"), SOURCES)
def test_an_id_is_given_once(verb: str, _: str, kind: str) -> None:
    """To one disk, or to one snapshot."""
    add = getattr(Double(), verb)
    add("taken")
    with pytest.raises(UsageError) as refusal:
        add("taken")
    assert str(refusal.value) == f"The {kind} 'taken' exists already: give each a different id, or none."
