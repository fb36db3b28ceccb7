"""Names of images: unique in a folder, for as long as an image has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.client import image_id_of

if TYPE_CHECKING:
    from tests.client import Cloud

TAKEN: Final = (409, 6, 'Image with name "one" already exists')


@pytest.mark.fidelity("name.unique")
@pytest.mark.ycimages(timing=10)
def test_a_name_is_unique_in_its_folder(cloud: Cloud) -> None:
    """From the moment that an image is being created, and refused before there is an operation."""
    cloud.create(name="one")
    assert cloud.create(name="one").refusal == TAKEN
    cloud.double.clock.advance(10)
    assert cloud.create(name="one").refusal == TAKEN
    assert len(cloud.double.operations) == 1


@pytest.mark.fidelity("name.empty")
def test_any_number_of_images_may_have_no_name(cloud: Cloud) -> None:
    """Only names that are not empty are unique."""
    assert [cloud.create(name=name).status for name in ("", "", None)] == [200, 200, 200]


@pytest.mark.fidelity("name.other-folder")
def test_a_name_may_be_taken_in_another_folder(cloud: Cloud) -> None:
    """Folders do not share names."""
    cloud.made(name="one")
    assert cloud.create(name="one", folderId=cloud.double.add_folder()).status == 200


@pytest.mark.fidelity("name.free-after-delete")
@pytest.mark.ycimages(timing=10)
def test_a_name_is_free_again_once_its_image_is_gone(cloud: Cloud) -> None:
    """And not while it is being deleted."""
    image_id = cloud.double.add_image(name="one")
    cloud.delete(image_id)
    assert cloud.create(name="one").refusal == TAKEN
    cloud.double.clock.advance(10)
    assert cloud.create(name="one").status == 200


@pytest.mark.fidelity("name.free-after-failure")
@pytest.mark.ycimages(timing="Never()", rollback=5)
def test_a_name_is_free_again_once_a_cancelled_image_is_rolled_back(cloud: Cloud) -> None:
    """And not while the rollback runs."""
    answer = cloud.create(name="one")
    cloud.cancel(answer.json["id"])
    assert cloud.create(name="one").refusal == TAKEN
    cloud.double.clock.advance(5)
    assert image_id_of(cloud.create(name="one")) != image_id_of(answer)
