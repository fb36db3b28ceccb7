"""`add_image`: an image that was there before the client came, and what it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_ycimages import Double, UsageError
from tests.client import GIB

if TYPE_CHECKING:
    from tests.client import Cloud

FIELDS: Final = (
    "created_at, description, family, folder_id, hardware_generation, labels, min_disk_size, name, os, pooled, "
    "product_ids, storage_size"
)


def test_it_is_ready_and_has_sensible_fields(cloud: Cloud) -> None:
    """In the double's own folder, created now, of the size of a source of which nothing is known."""
    image_id = cloud.double.add_image()
    assert cloud.image(image_id) == {
        "os": {"type": "LINUX"},
        "id": image_id,
        "folderId": cloud.double.folder_id,
        "createdAt": "2026-01-01T00:00:00Z",
        "storageSize": str(GIB),
        "minDiskSize": str(5 * GIB),
        "status": "READY",
    }
    assert not cloud.double.operations


def test_every_field_may_be_given(cloud: Cloud) -> None:
    """In snake_case, as `Image` has them."""
    given: dict[str, Any] = {
        "folder_id": "standard-images",
        "created_at": "2020-02-03T04:05:06.789+03:00",
        "name": "web",
        "description": "a web server",
        "family": "webs",
        "labels": {"env": "test"},
        "product_ids": ["f2e-one"],
        "os": {"type": "WINDOWS"},
        "storage_size": 2 * GIB,
        "min_disk_size": 3 * GIB,
        "pooled": True,
        "hardware_generation": {"generation2_features": {}},
    }
    image = cloud.image(cloud.double.add_image("fd8-mine", **given))
    assert image == {
        "id": "fd8-mine",
        "folderId": "standard-images",
        "createdAt": "2020-02-03T01:05:06Z",
        "name": "web",
        "description": "a web server",
        "family": "webs",
        "labels": {"env": "test"},
        "productIds": ["f2e-one"],
        "os": {"type": "WINDOWS"},
        "storageSize": str(2 * GIB),
        "minDiskSize": str(3 * GIB),
        "pooled": True,
        "hardwareGeneration": {"generation2Features": {}},
        "status": "READY",
    }


def test_a_system_may_be_given_by_its_name(cloud: Cloud) -> None:
    """As for disks and snapshots."""
    assert cloud.image(cloud.double.add_image(os="WINDOWS"))["os"] == {"type": "WINDOWS"}


def test_images_made_from_it_take_after_it(cloud: Cloud) -> None:
    """System, licences and sizes."""
    source = cloud.double.add_image(
        os="WINDOWS", product_ids=["f2e-one"], storage_size=2 * GIB, min_disk_size=20 * GIB, family="webs"
    )
    image = cloud.image(cloud.made(imageId=source))
    assert image["os"] == {"type": "WINDOWS"}
    assert image["productIds"] == ["f2e-one"]
    assert (image["storageSize"], image["minDiskSize"]) == (str(2 * GIB), str(20 * GIB))
    assert "family" not in image
    assert cloud.create(imageId=source, minDiskSize=str(GIB)).status == 400


def test_its_folder_is_there_with_it(ycimages: Double) -> None:
    """So `standard-images` needs no verb of its own."""
    strict = Double(clock="manual", unknown_resources="not_found")
    strict.add_image(folder_id="standard-images")
    assert strict.add_folder("standard-images") == "standard-images"
    assert not ycimages.images


@pytest.mark.parametrize("years", [("2024", "2025"), ("2025", "2024"), ("2025", "2025")])
def test_the_newest_of_a_family_is_the_one_that_was_created_last(cloud: Cloud, years: tuple[str, str]) -> None:
    """By `created_at`; of two of the same moment, the one that was added last."""
    ids = [cloud.double.add_image(family="webs", created_at=f"{year}-01-01T00:00:00Z") for year in years]
    newest = ids[0] if years[0] > years[1] else ids[1]
    assert cloud.latest("webs").json["id"] == newest
    listed = [image["id"] for image in cloud.list(orderBy="createdAt desc").json["images"]]
    assert listed == [newest, *(id_ for id_ in ids if id_ != newest)]
    created = cloud.made(family="webs")
    assert cloud.latest("webs").json["id"] == created


def test_images_created_at_one_moment_keep_their_order(cloud: Cloud) -> None:
    """Time stands still in most tests; what is made later is newer all the same."""
    ids = [cloud.made(family="webs") for _ in range(12)]
    assert cloud.latest("webs").json["id"] == ids[-1]
    listed: list[str] = []
    token = ""
    while not listed or token:
        page = cloud.list(orderBy="createdAt", pageSize=5, pageToken=token).json
        listed += [image["id"] for image in page["images"]]
        token = page.get("nextPageToken", "")
    assert listed == ids


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"nam": "web"}, f"Unknown image field 'nam'. Did you mean 'name'? Known: {FIELDS}."),
        ({"minDiskSize": 5}, f"Unknown image field 'minDiskSize'. Did you mean 'min_disk_size'? Known: {FIELDS}."),
        ({"id": "fd8"}, f"Unknown image field 'id'. Known: {FIELDS}."),
        ({"os": "MAC"}, "Unknown operating system type 'MAC'. Known: LINUX, WINDOWS."),
        ({"storage_size": "big"}, "invalid image: storage_size='big': Input should be an int64."),
        ({"os": {"type": "MAC"}}, "invalid image: os.type='MAC': Input should be 'LINUX' or 'WINDOWS'."),
        ({"name": 5}, "invalid image: name=5: Input should be a valid string."),
        (
            {"created_at": "yesterday"},
            "invalid created_at='yesterday': expected RFC 3339, such as 2026-01-01T00:00:00Z.",
        ),
        (
            {"created_at": "2026-01-01"},
            "invalid created_at='2026-01-01': expected RFC 3339, such as 2026-01-01T00:00:00Z.",
        ),
        ({"created_at": 5}, "invalid created_at=5: expected RFC 3339, such as 2026-01-01T00:00:00Z."),
    ],
)
def test_an_image_that_cannot_be_is_refused(given: dict[str, Any], text: str) -> None:
    """When it is added, and nothing is added."""
    double = Double()
    with pytest.raises(UsageError) as refusal:
        double.add_image(**given)
    assert str(refusal.value) == text
    assert not double.images


def test_an_id_and_a_name_are_given_once(cloud: Cloud) -> None:
    """The id to one image, the name to one image of a folder, whether it was added or created."""
    double = cloud.double
    double.add_image("fd8-mine", name="web")
    with pytest.raises(UsageError) as refusal:
        double.add_image("fd8-mine")
    assert str(refusal.value) == "The image 'fd8-mine' exists already: give each a different id, or none."
    with pytest.raises(UsageError) as refusal:
        double.add_image(name="web")
    assert str(refusal.value) == f"The name 'web' is taken in the folder '{double.folder_id}': names are unique."
    assert double.add_image(name="web", folder_id="standard-images")
    assert cloud.create(name="web").refusal == (409, 6, 'Image with name "web" already exists')
    assert cloud.create(name="db").status == 200
    with pytest.raises(UsageError, match="The name 'db' is taken"):
        double.add_image(name="db")


def test_the_name_of_an_image_that_is_gone_is_free(cloud: Cloud) -> None:
    """Deleted, renamed or never finished."""
    double = cloud.double
    cloud.operation(cloud.delete(double.add_image(name="deleted")).json["id"])
    renamed = cloud.patch(double.add_image(name="renamed"), {"updateMask": "name", "name": "new"})
    cloud.operation(renamed.json["id"])
    cloud.cancel(cloud.create(name="cancelled").json["id"])
    for name in ("deleted", "renamed", "cancelled"):
        assert double.add_image(name=name)
    with pytest.raises(UsageError, match="The name 'new' is taken"):
        double.add_image(name="new")
