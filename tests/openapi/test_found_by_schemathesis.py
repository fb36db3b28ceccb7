"""Faults that schemathesis, or the work of describing the double truly, has brought to light; each as a plain test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.test import Client

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from pytest_ycimages import Double

IMAGES = "/compute/v1/images"


def call(double: Double, verb: str, path: str, *, token: str = "x", key: str = "", **request: Any) -> TestResponse:  # noqa: S107 - any token does
    """Make a call in process."""
    headers = {"Authorization": f"Bearer {token}", **({"Idempotency-Key": key} if key else {})}
    return Client(double.app).open(path, method=verb, headers=headers, **request)


def made(double: Double, **source: str) -> str:
    """The id of an image that is READY."""
    answer = call(double, "POST", IMAGES, json={"folderId": "f", **(source or {"diskId": "d"})})
    image_id = str(answer.get_json()["metadata"]["imageId"])
    assert call(double, "GET", f"{IMAGES}/{image_id}").get_json()["status"] == "READY"
    return image_id


@pytest.mark.parametrize("name", ["imageId", "image_id"])
def test_a_body_cannot_turn_a_call_to_another_image(ycimages: Double, name: str) -> None:
    """The path says which one it is; a body that names another was once believed."""
    one, other = ycimages.add_image(name="one"), ycimages.add_image(name="other")
    assert call(ycimages, "PATCH", f"{IMAGES}/{one}", json={name: other, "name": "new"}).status_code == 200
    call(ycimages, "GET", f"{IMAGES}/{one}")
    assert [ycimages.images[each].name for each in (one, other)] == ["new", "other"]


@pytest.mark.parametrize("name", ["imageId", "image_id"])
def test_a_query_cannot_turn_a_call_to_another_image(ycimages: Double, name: str) -> None:
    """The same for a call without a body."""
    one, other = ycimages.add_image(), ycimages.add_image()
    assert call(ycimages, "GET", f"{IMAGES}/{one}", query_string={name: other}).get_json()["id"] == one


def test_an_update_that_asks_for_nothing_is_refused_with_any_key(ycimages: Double) -> None:
    """A request is held to the contract before its key is looked up, like every other."""
    image_id = made(ycimages)
    assert call(ycimages, "PATCH", f"{IMAGES}/{image_id}", json={"name": "a"}, key="k").status_code == 200
    assert call(ycimages, "PATCH", f"{IMAGES}/{image_id}", json={}, key="k").status_code == 400


def test_sizes_that_the_double_made_up_forbid_no_update(ycimages: Double) -> None:
    """Nothing is known of the disk, so no size is too small for its image; what is stored shrinks with it."""
    path = f"{IMAGES}/{made(ycimages)}"
    assert call(ycimages, "PATCH", path, json={"updateMask": "minDiskSize", "minDiskSize": 4194304}).status_code == 200
    image = call(ycimages, "GET", path).get_json()
    assert (image["minDiskSize"], image["storageSize"]) == ("4194304", "4194304")


def test_sizes_that_the_double_made_up_forbid_no_image_of_an_image(ycimages: Double) -> None:
    """They are no better known for having been copied."""
    body = {"folderId": "f", "imageId": made(ycimages), "minDiskSize": 4194304}
    assert call(ycimages, "POST", IMAGES, json=body).status_code == 200


def test_to_list_the_operations_of_an_image_is_a_poll(ycimages: Double) -> None:
    """Otherwise a client that waits by them would wait for ever, and a deleted image never be gone for it."""
    answer = call(ycimages, "POST", IMAGES, json={"folderId": "f", "diskId": "d"}).get_json()
    path = f"{IMAGES}/{answer['metadata']['imageId']}"
    assert call(ycimages, "GET", f"{path}/operations").get_json()["operations"][0]["done"]
    call(ycimages, "DELETE", path)
    assert call(ycimages, "GET", f"{path}/operations").status_code == 404


def test_to_name_an_image_that_is_being_deleted_is_a_poll(ycimages: Double) -> None:
    """A second DELETE finds it gone, and so does an update; nothing waits for a look that nobody takes."""
    for verb, body in (("DELETE", None), ("PATCH", {"name": "a"})):
        path = f"{IMAGES}/{made(ycimages)}"
        call(ycimages, "DELETE", path)
        assert call(ycimages, verb, path, json=body).status_code == 404


def test_to_name_an_image_that_is_being_created_is_no_poll(ycimages: Double) -> None:
    """A client that does not wait for its image is told so."""
    answer = call(ycimages, "POST", IMAGES, json={"folderId": "f", "diskId": "d"}).get_json()
    assert call(ycimages, "DELETE", f"{IMAGES}/{answer['metadata']['imageId']}").get_json()["code"] == 9


@pytest.mark.ycimages(auth="off")
def test_no_token_is_judged_where_none_is_asked_for(ycimages: Double) -> None:
    """Whatever it says."""
    assert call(ycimages, "GET", "/operations/fd800000000000000000", token="made-up").status_code == 404  # noqa: S106
