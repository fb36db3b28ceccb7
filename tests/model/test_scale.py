"""Many images: what a call looks at depends on what it asks for, not on what else is there.

Looks are counted rather than timed: every question about an image goes through two functions of the state.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_ycimages import Double, Immediate
from pytest_ycimages.cloud.service import Service
from pytest_ycimages.cloud.state import State
from tests.client import IMAGES, Cloud

if TYPE_CHECKING:
    from collections.abc import Iterator

MANY: Final = 20_000
FAMILIES: Final = 20
DELETED: Final = 200


def fill(double: Double) -> None:
    """Put images into a double's state: copies of one that was added, since each verb of its own takes too long."""
    cloud = double._backing.pipeline.service  # noqa: SLF001 - see above
    assert isinstance(cloud, Service)
    state = cloud.state
    record = state.images[double.add_image("fd8-first")]
    for number in range(MANY - 1):
        # Ids must not come in order: sorting them is part of what a list must not do.
        fields = {
            "id": f"fd8{number * 7919 % MANY:017}",
            "name": f"image-{number}",
            "family": f"family-{number % FAMILIES}",
        }
        state.add_image(record._replace(wire={**record.wire, **fields}))


@pytest.fixture(scope="module")
def double() -> Double:
    """A double with a great many images."""
    double = Double(clock="manual", timing=Immediate())
    gc.disable()  # a collector that looks at all of them again and again takes as long as filling does
    try:
        fill(double)
    finally:
        gc.enable()
    return double


@pytest.fixture(scope="module")
def cloud(double: Double) -> Cloud:
    """A client of it; its first list lets the double sort in what was added."""
    cloud = Cloud(double)
    page(cloud, folderId=double.folder_id, pageSize=1)
    return cloud


class Looks:
    """Counts how often somebody looks at an image."""

    def __init__(self) -> None:
        self.count = 0

    def taken(self) -> int:
        """How many looks there were since this was last asked."""
        count, self.count = self.count, 0
        return count


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Looks:
    """Every look at an image from here on."""
    looks = Looks()

    def counted(name: str) -> Any:
        original = getattr(State, name)

        def look(state: State, image_id: str, now: int) -> object:
            looks.count += 1
            return original(state, image_id, now)

        return look

    for name in ("image_at", "image_wire"):
        monkeypatch.setattr(State, name, counted(name))
    return looks


def page(cloud: Cloud, **query: object) -> tuple[list[str], str]:
    """The ids on a page of images, and the token of the next."""
    body = cloud.get(IMAGES, **query).json
    return [image["id"] for image in body.get("images", [])], body.get("nextPageToken", "")


def pages(cloud: Cloud, **query: object) -> Iterator[list[str]]:
    """The ids on each page of a list."""
    token = ""
    while True:
        ids, token = page(cloud, **query, **({"pageToken": token} if token else {}))
        yield ids
        if not token:
            return


@pytest.mark.parametrize("order", ["id", "id desc", "createdAt", "createdAt desc"])
@pytest.mark.parametrize("size", [1, 10, 250])
def test_a_page_looks_at_what_it_shows_and_one_more(
    double: Double, cloud: Cloud, looks: Looks, order: str, size: int
) -> None:
    """The first page and every one behind it."""
    walk = pages(cloud, folderId=double.folder_id, pageSize=size, orderBy=order)
    next(walk)
    looks.taken()
    for _ in range(3):
        assert len(next(walk)) == size
        assert looks.taken() <= size + 1


@pytest.mark.costly
def test_a_walk_meets_every_image_once(double: Double, cloud: Cloud, looks: Looks) -> None:
    """All pages together hold what is there, and looking is proportional to the pages."""
    walk = list(pages(cloud, folderId=double.folder_id, pageSize=1000))
    looked = looks.taken()
    met = [image_id for page in walk for image_id in page]
    assert met == sorted(double.images)
    assert looked <= len(met) + len(walk) + 2 * DELETED


def test_create_get_and_poll_look_at_one_image(double: Double, cloud: Cloud, looks: Looks) -> None:
    """Whatever else is there."""
    body = {"folderId": double.folder_id, "diskId": "epd0000000000000000a", "name": "one-more"}
    operation = cloud.call("POST", IMAGES, body).json
    assert looks.taken() <= 1, "whoever has the name"
    image_id = operation["metadata"]["imageId"]
    assert cloud.call("GET", f"/operations/{operation['id']}").json["done"]
    assert looks.taken() == 0
    assert cloud.call("GET", f"{IMAGES}/{image_id}").json["name"] == "one-more"
    assert looks.taken() == 1
    body["name"] = "image-5000"
    assert cloud.call("POST", IMAGES, body).status == 409
    assert looks.taken() <= 2
    assert cloud.call("PATCH", f"{IMAGES}/{image_id}", {"updateMask": "name", "name": "renamed"}).status == 200
    assert looks.taken() <= 2
    assert cloud.call("DELETE", f"{IMAGES}/{image_id}").status == 200
    assert looks.taken() <= 2


def test_a_name_and_a_family_are_found_without_a_search(double: Double, cloud: Cloud, looks: Looks) -> None:
    """By looking at the images that have them."""
    ids, token = page(cloud, folderId=double.folder_id, filter='name = "image-17777"', pageSize=1)
    assert (len(ids), token) == (1, "")
    assert looks.taken() <= 2
    latest = cloud.call("GET", f"{IMAGES}:latestByFamily", folderId=double.folder_id, family="family-12")
    assert latest.json["family"] == "family-12"
    assert looks.taken() <= 1


@pytest.mark.costly
def test_deleted_images_do_not_come_back_nor_slow_later_calls(double: Double, cloud: Cloud, looks: Looks) -> None:
    """The first call that meets them may pay; the second does not."""
    family = "family-7"
    newest = [image.id for image in double.images.values() if image.family == family][-DELETED:]
    first, _ = page(cloud, folderId=double.folder_id, pageSize=DELETED)
    deleted = {*newest, *first}
    for image_id in deleted:
        assert cloud.call("DELETE", f"{IMAGES}/{image_id}").status == 200
    for attempt in range(2):
        looks.taken()
        ids, _ = page(cloud, folderId=double.folder_id, pageSize=10)
        assert len(ids) == 10
        assert deleted.isdisjoint(ids)
        assert looks.taken() <= 11 + (0 if attempt else len(deleted))
        latest = cloud.call("GET", f"{IMAGES}:latestByFamily", folderId=double.folder_id, family=family).json
        assert latest["family"] == family
        assert latest["id"] not in deleted
        assert looks.taken() <= 1 + (0 if attempt else len(deleted))


def test_a_name_that_many_images_had_is_looked_up_once(double: Double, cloud: Cloud, looks: Looks) -> None:
    """A baker that makes the same image again and again pays for none of those it deleted."""
    body = {"folderId": double.folder_id, "diskId": "epd0000000000000000a", "name": "nightly"}
    for _ in range(20):
        operation = cloud.call("POST", IMAGES, body).json
        assert looks.taken() <= 1
        cloud.call("DELETE", f"{IMAGES}/{operation['metadata']['imageId']}")
        looks.taken()
