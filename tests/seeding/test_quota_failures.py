"""Quotas: which count what, and the details of a refusal. Seeded images count like any other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_ycimages import Double, Quotas, UsageError
from pytest_ycimages.cloud.rules import DEFAULT_QUOTAS
from tests.client import GIB, MIB

if TYPE_CHECKING:
    from tests.client import Answer, Cloud

IMAGES: Final = "The limit on maximum number of images has exceeded."
SIZE: Final = "The limit on total size of images has exceeded."
POOLED: Final = "The limit on maximum number of disk pools has exceeded."
RUNNING: Final = "The limit on maximum number of active operations has exceeded."


def failure(answer: Answer, text: str) -> tuple[str, int, float, int]:
    """The metric, the limit, the usage and the requirement of a refusal, whose every part is checked."""
    assert answer.refusal == (429, 8, text)
    types = [detail["@type"] for detail in answer.json["details"]]
    prefix = "type.googleapis.com/"
    assert types == [f"{prefix}yandex.cloud.quota.QuotaFailure", f"{prefix}google.rpc.RequestInfo"]
    assert answer.detail("google.rpc.RequestInfo") == {"requestId": answer.headers["x-request-id"]}
    (violation,) = answer.detail("yandex.cloud.quota.QuotaFailure")["violations"]
    metric = violation["metric"]
    limit, usage = metric.get("limit", "0"), metric.get("usage", 0)
    assert isinstance(limit, str), "an int64 is a string in JSON, and zero is left out"
    assert isinstance(usage, int | float), "a double is a number in JSON, and zero is left out"
    assert isinstance(violation["required"], str)
    return metric["name"], int(limit), usage, int(violation["required"])


@pytest.mark.ycimages(quotas=Quotas(images=3))
def test_images_are_counted_in_the_whole_cloud(cloud: Cloud) -> None:
    """Added, ready and being created, in every folder."""
    cloud.double.add_image(folder_id="standard-images")
    cloud.made()
    cloud.create(folderId=cloud.double.add_folder())
    assert failure(cloud.create(), IMAGES) == ("compute.images.count", 3, 3, 4)


@pytest.mark.ycimages(quotas=Quotas(images=1))
def test_an_image_that_is_gone_leaves_room(cloud: Cloud) -> None:
    """Deleted, but not before its deletion is done; and cancelled."""
    image_id = cloud.made()
    deletion = cloud.delete(image_id).json
    assert cloud.create().status == 429
    assert cloud.operation(deletion["id"])["done"]
    creation = cloud.create().json
    assert cloud.create().status == 429
    assert cloud.cancel(creation["id"])["done"]
    assert cloud.create().status == 200


@pytest.mark.ycimages(quotas=Quotas(total_size=GIB))
def test_stored_bytes_are_counted_in_chunks(cloud: Cloud) -> None:
    """To the very limit, and not one chunk more."""
    disk = cloud.double.add_disk(data_size=GIB - 8 * MIB)
    cloud.made(diskId=disk)
    small = cloud.double.add_disk(data_size=4 * MIB + 1)
    cloud.made(diskId=small)
    required = GIB + 4 * MIB
    tiny = cloud.create(diskId=cloud.double.add_disk(data_size=1))
    assert failure(tiny, SIZE) == ("compute.images.size", GIB, GIB, required)
    assert cloud.create(diskId=cloud.double.add_disk(data_size=0)).status == 200


@pytest.mark.ycimages(quotas=Quotas(pooled_images=0), contract="current")
def test_pooled_images_are_counted_by_themselves(cloud: Cloud) -> None:
    """The service's default allows none."""
    assert failure(cloud.create(pooled=True), POOLED) == ("compute.diskPools.count", 0, 0, 1)
    assert cloud.create(pooled=False).status == 200


@pytest.mark.ycimages(quotas=Quotas(running_operations=2), timing="After(10)")
def test_running_operations_are_counted_in_each_folder(cloud: Cloud) -> None:
    """Of all kinds, until they are done."""
    image_ids = [cloud.double.add_image() for _ in range(3)]
    assert cloud.create().status == 200
    assert cloud.patch(image_ids[0], {"updateMask": "description", "description": "new"}).status == 200
    expected = ("compute.operations.count", 2, 2, 3)
    assert failure(cloud.create(), RUNNING) == expected
    assert failure(cloud.delete(image_ids[1]), RUNNING) == expected
    assert failure(cloud.patch(image_ids[2], {"updateMask": "name"}), RUNNING) == expected
    assert cloud.create(folderId=cloud.double.add_folder()).status == 200
    cloud.double.clock.advance(10)
    assert cloud.delete(image_ids[1]).status == 200


@pytest.mark.ycimages(quotas=Quotas(running_operations=1), timing="Never()", rollback=5)
def test_an_operation_that_rolls_back_still_runs(cloud: Cloud) -> None:
    """Its error is set, but it is not done."""
    creation = cloud.create().json
    assert cloud.cancel(creation["id"])["error"]["code"] == 1
    assert cloud.create().status == 429
    cloud.double.clock.advance(5)
    assert cloud.create().status == 200


@pytest.mark.ycimages(quotas=Quotas(images=0, running_operations=0))
def test_of_two_quotas_that_are_exceeded_one_is_reported(cloud: Cloud) -> None:
    """The image's before the operation's."""
    assert failure(cloud.create(), IMAGES) == ("compute.images.count", 0, 0, 1)


@pytest.mark.ycimages(quotas=Quotas(images=0))
def test_seeding_is_held_to_no_quota(cloud: Cloud) -> None:
    """A test may say that there is more than a client could make."""
    cloud.double.add_image()
    assert failure(cloud.create(), IMAGES) == ("compute.images.count", 0, 1, 2)


@pytest.mark.parametrize(
    ("given", "quotas"),
    [
        (None, Quotas()),
        ("none", Quotas()),
        ("default", DEFAULT_QUOTAS),
        (Quotas(images=1), Quotas(images=1)),
        ({"images": 1, "total_size": GIB}, Quotas(images=1, total_size=GIB)),
    ],
)
def test_quotas_may_be_given_in_several_ways(given: Any, quotas: Quotas) -> None:
    """As words for ini files, and as themselves."""
    assert Double(quotas=given).settings.quotas == quotas


@pytest.mark.parametrize("limit", [-1, 1.5, "many", True])
def test_a_quota_that_cannot_be_is_refused(limit: Any) -> None:
    """Zero is a quota; less is not."""
    with pytest.raises(UsageError) as refusal:
        Quotas(images=limit)
    text = f"invalid quota images={limit!r}: expected a whole number, zero or more, or None for no limit."
    assert str(refusal.value) == text
