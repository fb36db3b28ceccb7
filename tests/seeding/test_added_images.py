"""`add_image`: an image that was there before the client came, and what it refuses."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import hypothesis
import pytest
from hypothesis import strategies as st

from pytest_ycimages import Double, UsageError
from pytest_ycimages.text_values import DURATIONS
from tests.client import GIB, Cloud

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS: Final = f"seconds, zero or more, such as 2.5, or a duration {DURATIONS}"


FIELDS: Final = (
    "age, created_at, description, family, folder_id, hardware_generation, labels, min_disk_size, name, operation_id, "
    "os, pooled, product_ids, size, status, storage_size"
)
BEFORE: Final = datetime(1969, 12, 31, tzinfo=UTC)
ID: Final = "expected 1 to 50 letters, digits, '-' and '_', such as 'fd80000000000000000a'."
NO_OPERATION: Final = (
    "an image that is READY has no operation in flight. Add one with status='CREATING' or 'DELETING', or with "
    "`add_operation`."
)
MOMENT: Final = (
    "expected an aware datetime, such as datetime(2026, 1, 1, tzinfo=UTC), or RFC 3339, such as 2026-01-01T00:00:00Z."
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
            f"invalid created_at='yesterday': {MOMENT}",
        ),
        (
            {"created_at": "2026-01-01"},
            f"invalid created_at='2026-01-01': {MOMENT}",
        ),
        ({"created_at": 5}, f"invalid created_at=5: {MOMENT}"),
        ({"created_at": date(2026, 1, 1)}, f"invalid created_at=datetime.date(2026, 1, 1): {MOMENT}"),
        (
            {"created_at": datetime(2026, 1, 1)},  # noqa: DTZ001 - that it has no zone is the point
            f"invalid created_at=datetime.datetime(2026, 1, 1, 0, 0): it names no time zone; {MOMENT}",
        ),
        (
            {"created_at": BEFORE},
            f"invalid created_at={BEFORE!r}: expected a moment in the years 1970 to 9999 of UTC.",
        ),
        (
            {"age": "3 dogs"},
            f"invalid age='3 dogs': expected {SECONDS}.",
        ),
        ({"age": -1}, f"invalid age=-1: expected {SECONDS}."),
        (
            {"age": timedelta(-1)},
            f"invalid age=datetime.timedelta(days=-1): expected {SECONDS}.",
        ),
        (
            {"age": "30000d"},
            "invalid age='30000d': expected a moment after 1970, and it is 2026-01-01T00:00:00Z now.",
        ),
        (
            {"age": 5, "created_at": "2026-01-01T00:00:00Z"},
            "age=5 and created_at='2026-01-01T00:00:00Z' say the same. Give one of them.",
        ),
        (
            {"status": "CREATNG"},
            "Unknown image status 'CREATNG'. Did you mean 'CREATING'? Known: CREATING, DELETING, ERROR, READY.",
        ),
        (
            {"operation_id": "fd8-one"},
            f"invalid operation_id='fd8-one': {NO_OPERATION}",
        ),
        (
            {"operation_id": "a/b", "status": "CREATING"},
            f"invalid operation_id='a/b': {ID}",
        ),
    ],
)
def test_an_image_that_cannot_be_is_refused(given: dict[str, Any], text: str) -> None:
    """When it is added, and nothing is added."""
    double = Double(clock="manual")
    ways: list[Callable[[], object]] = [
        partial(double.add_image, **given),
        partial(double.add_images, 1, **given),
        partial(double.add_images, [{"folder_id": "first"}, given]),
    ]
    for add in ways:
        with pytest.raises(UsageError) as refusal:
            add()
        assert str(refusal.value) == text
        assert not double.images
        assert not double.operations


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


@pytest.mark.parametrize(
    "given",
    [
        {"created_at": datetime(2025, 12, 29, tzinfo=UTC)},
        {"created_at": datetime(2025, 12, 29, 3, tzinfo=timezone(timedelta(hours=3)))},
        {"created_at": "2025-12-29T00:00:00Z"},
        {"created_at": "2025-12-29T03:00:00.000000001+03:00"},
        {"age": 3 * 86400},
        {"age": "259200"},
        {"age": "3d"},
        {"age": "72h"},
        {"age": timedelta(days=3)},
    ],
)
def test_an_image_is_as_old_as_the_test_says(cloud: Cloud, given: dict[str, Any]) -> None:
    """By a moment or an age, in every form that durations have."""
    assert cloud.image(cloud.double.add_image(**given))["createdAt"] == "2025-12-29T00:00:00Z"


ZONES: Final = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS: Final = st.datetimes(datetime(1970, 1, 3), datetime(9999, 12, 29), timezones=ZONES)  # noqa: DTZ001 - its form


@hypothesis.given(MOMENTS)
@hypothesis.settings(deadline=None, max_examples=25, database=None, derandomize=True)
def test_every_moment_is_shown_as_it_is(moment: datetime) -> None:
    """Given as a datetime or as its text, and whatever its zone."""
    double = Double(clock="manual")
    ids = [double.add_image(created_at=each) for each in (moment, moment.isoformat())]
    expected = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert [double.images[id_].created_at for id_ in ids] == [expected, expected]


def test_a_fraction_of_a_second_orders_images(cloud: Cloud) -> None:
    """The service shows whole seconds of it."""
    ids = [
        cloud.double.add_image(family="webs", created_at=datetime(2025, 1, 1, 0, 0, 0, part, tzinfo=UTC))
        for part in (3, 1, 2)
    ]
    listed = [image["id"] for image in cloud.list(orderBy="createdAt").json["images"]]
    assert listed == [ids[1], ids[2], ids[0]]
    assert cloud.latest("webs").json["id"] == ids[0]
    assert cloud.image(ids[0])["createdAt"] == "2025-01-01T00:00:00Z"


def test_an_image_in_error_stays_so_until_it_is_deleted(cloud: Cloud) -> None:
    """It is shown, and neither a source nor the latest of its family; a client that cleans up can delete it."""
    broken = cloud.double.add_image(status="ERROR", family="webs", name="web")
    assert cloud.image(broken)["status"] == cloud.double.images[broken].status == "ERROR"
    assert cloud.latest("webs").status == 404
    refusal = (400, 9, f'Image "{broken}" has an invalid state for this operation: status ERROR')
    assert cloud.create(imageId=broken).refusal == refusal
    assert cloud.patch(broken, {"name": "new"}).refusal == refusal
    assert cloud.operation(cloud.delete(broken).json["id"])["done"]
    assert broken not in cloud.double.images


def test_several_images_are_added_in_one_call(cloud: Cloud) -> None:
    """Oldest first, a day apart, named by their number."""
    ids = cloud.double.add_images(3, every="1d", age="1h", family="base", name="base-{n}", labels={"env": "test"})
    images = [cloud.image(id_) for id_ in ids]
    assert [image["createdAt"] for image in images] == [f"2025-12-{day}T23:00:00Z" for day in (29, 30, 31)]
    assert [image["name"] for image in images] == ["base-1", "base-2", "base-3"]
    assert all(image["labels"] == {"env": "test"} for image in images)
    assert cloud.latest("base").json["id"] == ids[-1]


def test_what_an_image_has_of_its_own_wins(cloud: Cloud) -> None:
    """Over what all have, and over its place in the order."""
    ids = cloud.double.add_images(
        [
            {"name": "old", "created_at": datetime(2020, 1, 1, tzinfo=UTC)},
            {"name": "odd", "age": "2h", "status": "ERROR"},
            {"image_id": "fd8-mine", "family": "other"},
            {"status": "CREATING", "operation_id": "fd8-running"},
        ],
        every=60,
        age=30,
        name="web-{n}",
        family="base",
    )
    images = [cloud.double.images[id_] for id_ in ids]
    assert [image.name for image in images] == ["old", "odd", "web-3", "web-4"]
    assert [image.created_at for image in images] == [
        "2020-01-01T00:00:00Z",
        "2025-12-31T22:00:00Z",
        "2025-12-31T23:58:30Z",
        "2025-12-31T23:59:30Z",
    ]
    assert [str(image.status) for image in images] == ["READY", "ERROR", "READY", "CREATING"]
    assert ids[2] == "fd8-mine"
    assert [image.family for image in images] == ["base", "base", "other", "base"]
    assert cloud.double.operations["fd8-running"].created_at.startswith("2025-12-31T23:59:30")


@pytest.mark.parametrize(
    ("images", "given", "text"),
    [
        (0, {}, "invalid images=0: expected how many to add, 1 or more, or a list of their fields."),
        (True, {}, "invalid images=True: expected how many to add, 1 or more, or a list of their fields."),
        (["a"], {}, "invalid image 'a': expected a dict of its fields, such as {'name': 'base', 'age': '3d'}."),
        (
            2,
            {"every": "x"},
            f"invalid every='x': expected {SECONDS}.",
        ),
        (
            2,
            {"every": 5, "created_at": "2026-01-01T00:00:00Z"},
            "`every` counts back from `age`, the age of the last image: give that instead of `created_at`.",
        ),
    ],
)
def test_several_images_that_cannot_be_are_refused(images: Any, given: dict[str, Any], text: str) -> None:
    """And none is added."""
    double = Double(clock="manual")
    with pytest.raises(UsageError) as refusal:
        double.add_images(images, **given)
    assert str(refusal.value) == text
    assert not double.images


def test_of_several_images_all_are_added_or_none() -> None:
    """Not their folders, their names, their operations, nor the request for the next operation."""
    double = Double(clock="manual", unknown_resources="not_found")
    double.next_operation("images.create", timing=60)
    before = double.upcoming
    with pytest.raises(UsageError, match="The name 'web-1' is taken"):
        double.add_images([{"status": "CREATING", "name": "web-1"}, {"name": "web-1"}], folder_id="elsewhere")
    assert not double.images
    assert not double.operations
    assert double.upcoming == before
    assert double.add_image(name="web-1")
    cloud = Cloud(double)
    assert cloud.create(folderId="elsewhere", diskId=double.add_disk()).status == 400
