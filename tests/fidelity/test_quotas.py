"""Quotas, and how a call that would exceed one is refused (api-facts.md, sections 2.2 and 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_ycimages import Quotas
from tests.client import GIB

if TYPE_CHECKING:
    from tests.client import Answer, Cloud


def exceeded(answer: Answer) -> Any:
    """The one violation of a quota that a refusal speaks of."""
    assert (answer.status, answer.json["code"]) == (429, 8)
    (violation,) = answer.detail("yandex.cloud.quota.QuotaFailure")["violations"]
    return violation


@pytest.mark.fidelity("quota.off")
@pytest.mark.ycimages(timing="Never()")
def test_there_is_no_quota_until_one_is_set(cloud: Cloud) -> None:
    """More images, and more running operations, than any default allows."""
    assert {cloud.create().status for _ in range(40)} == {200}


@pytest.mark.fidelity("quota.defaults")
@pytest.mark.ycimages(quotas="default")
def test_the_default_quotas_are_the_services(cloud: Cloud) -> None:
    """Of a new cloud."""
    defaults = Quotas(images=32, total_size=1024 * GIB, running_operations=15, pooled_images=0)
    assert cloud.double.settings.quotas == defaults


@pytest.mark.fidelity("quota.images")
@pytest.mark.ycimages(quotas=Quotas(images=2), timing="Never()")
def test_a_cloud_holds_so_many_images(cloud: Cloud) -> None:
    """In all its folders together, those that are being created included."""
    cloud.double.add_image(folder_id=cloud.double.add_folder())
    assert cloud.create().status == 200
    assert exceeded(cloud.create()) == {
        "metric": {"name": "compute.images.count", "limit": "2", "usage": 2},
        "required": "3",
    }


@pytest.mark.fidelity("quota.size")
@pytest.mark.ycimages(quotas=Quotas(total_size=10 * GIB))
def test_a_cloud_stores_so_many_bytes(cloud: Cloud) -> None:
    """In all its images together."""
    disk = cloud.double.add_disk(size=8 * GIB, data_size=6 * GIB)
    cloud.made(diskId=disk)
    assert cloud.create(diskId=cloud.double.add_disk(data_size=4 * GIB)).status == 200
    violation = exceeded(cloud.create(diskId=disk))
    assert violation["metric"] == {"name": "compute.images.size", "limit": str(10 * GIB), "usage": 10 * GIB}
    assert violation["required"] == str(16 * GIB)


@pytest.mark.fidelity("quota.running-operations")
@pytest.mark.ycimages(quotas=Quotas(running_operations=2), timing=10)
def test_so_many_operations_run_in_a_folder(cloud: Cloud) -> None:
    """Of whatever kind; another folder has its own, and one that is done leaves room."""
    image_id = cloud.double.add_image()
    cloud.create()
    cloud.patch(image_id, {"description": "new"})
    for answer in (cloud.create(), cloud.patch(image_id, {"description": ""}), cloud.delete(image_id)):
        assert exceeded(answer)["required"] == "3"
    assert cloud.create(folderId=cloud.double.add_folder()).status == 200
    cloud.double.clock.advance(10)
    assert cloud.create().status == 200


@pytest.mark.fidelity("quota.running-operations-text")
@pytest.mark.ycimages(quotas=Quotas(running_operations=0))
def test_too_many_running_operations_are_refused_in_the_recorded_words(cloud: Cloud) -> None:
    """A client waits for them."""
    text = "The limit on maximum number of active operations has exceeded."
    assert cloud.create().refusal == (429, 8, text)


@pytest.mark.fidelity("quota.pooled")
@pytest.mark.ycimages(quotas="default", contract="current")
def test_no_image_is_pooled_by_default(cloud: Cloud) -> None:
    """One that is not pooled is made."""
    assert cloud.create(pooled=False).status == 200
    violation = exceeded(cloud.create(pooled=True))
    assert violation["metric"]["name"] == "compute.diskPools.count"
    assert violation["required"] == "1"


@pytest.mark.fidelity("quota.synchronous")
@pytest.mark.ycimages(quotas=Quotas(images=0))
def test_a_quota_is_refused_before_there_is_an_operation(cloud: Cloud) -> None:
    """The reply to the call is the refusal."""
    assert cloud.create().status == 429
    assert not cloud.double.operations
    assert not cloud.double.images


@pytest.mark.fidelity("quota.room-again")
@pytest.mark.ycimages(quotas=Quotas(images=1))
def test_an_image_that_is_gone_leaves_room(cloud: Cloud) -> None:
    """Deleted or cancelled."""
    first = cloud.made()
    assert cloud.create().status == 429
    cloud.operation(cloud.delete(first).json["id"])
    cloud.cancel(cloud.create().json["id"])
    assert cloud.create().status == 200
