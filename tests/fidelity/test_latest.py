"""images.latestByFamily (api-facts.md, section 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.client import Cloud


def grown(cloud: Cloud, *names: str) -> list[str]:
    """A family of images, a second apart."""
    ids = []
    for name in names:
        ids.append(cloud.double.add_image(name=name, family="numbers"))
        cloud.double.clock.advance(1)
    return ids


@pytest.mark.fidelity("latest.newest")
def test_the_newest_image_of_a_family_is_its_latest(cloud: Cloud) -> None:
    """All of it, as get shows it."""
    ids = grown(cloud, "one", "two", "three")
    cloud.double.add_image(family="others")
    assert cloud.latest("numbers").json == cloud.image(ids[-1])


@pytest.mark.costly
@pytest.mark.fidelity("latest.ready")
@pytest.mark.ycimages(timing=10)
def test_only_ready_images_count(cloud: Cloud) -> None:
    """Neither one that is being created nor one that is being deleted."""
    first, second = grown(cloud, "one", "two")
    cloud.create(family="numbers")
    assert cloud.latest("numbers").json["id"] == second
    cloud.delete(second)
    assert cloud.latest("numbers").json["id"] == first
    cloud.double.clock.advance(10)
    assert cloud.latest("numbers").json["id"] not in {first, second}


@pytest.mark.fidelity("latest.nothing")
@pytest.mark.parametrize("family", ["strangers", ""])
def test_a_family_without_images_is_not_found(cloud: Cloud, family: str) -> None:
    """Nor is the family of those that have none."""
    cloud.double.add_image()
    status, code, _ = cloud.latest(family).refusal
    assert (status, code) == (404, 5)


@pytest.mark.fidelity("latest.same-moment")
def test_of_one_moment_the_last_image_is_the_newest(cloud: Cloud) -> None:
    """Whatever their ids are."""
    for _ in range(10):
        image_id = cloud.made(family="numbers")
        assert cloud.latest("numbers").json["id"] == image_id


@pytest.mark.fidelity("latest.folder")
def test_a_family_is_of_one_folder(cloud: Cloud) -> None:
    """Another folder's images do not count."""
    (mine,) = grown(cloud, "one")
    other = cloud.double.add_folder()
    theirs = cloud.double.add_image(family="numbers", folder_id=other)
    assert cloud.latest("numbers").json["id"] == mine
    assert cloud.latest("numbers", other).json["id"] == theirs


@pytest.mark.fidelity("latest.folder-required")
def test_a_family_is_asked_for_in_a_folder(cloud: Cloud) -> None:
    """Which is not left out."""
    assert cloud.get("/compute/v1/images:latestByFamily", family="numbers").refused_fields == ["folderId"]


@pytest.mark.fidelity("latest.public")
def test_public_families_are_in_standard_images(cloud: Cloud) -> None:
    """As the documentation and Packer look for them."""
    image_id = cloud.double.add_image(family="ubuntu-2404-lts", folder_id="standard-images")
    assert cloud.latest("ubuntu-2404-lts", "standard-images").json["id"] == image_id


@pytest.mark.fidelity("latest.family-pattern")
def test_a_family_that_cannot_be_is_refused(cloud: Cloud) -> None:
    """By the pattern that it has in a create."""
    assert cloud.latest("Upper").refused_fields == ["family"]
