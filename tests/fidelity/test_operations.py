"""The Operation that a call returns, and what becomes of it (images-create.md, Response; api-facts.md, section 4)."""

from __future__ import annotations

import base64
import json
import re
from typing import Final

import pytest

from pytest_ycimages import Double, Failure
from tests.client import Cloud, image_id_of

UNREACHABLE: Final = "https://storage.yandexcloud.net/bucket/lost.qcow2"
IMAGE_TYPE: Final = "type.googleapis.com/yandex.cloud.compute.v1.Image"


@pytest.mark.fidelity("operation.fields")
def test_a_create_is_answered_with_an_operation(cloud: Cloud) -> None:
    """HTTP 200, and the fields of the page that a running operation has."""
    answer = cloud.create()
    assert answer.status == 200
    assert sorted(answer.json) == ["createdAt", "createdBy", "description", "done", "id", "metadata", "modifiedAt"]


@pytest.mark.fidelity("operation.metadata")
def test_the_metadata_name_the_image(cloud: Cloud) -> None:
    """With their type, which strict clients check."""
    metadata = cloud.create().json["metadata"]
    (image_id,) = cloud.double.images
    assert metadata == {
        "@type": "type.googleapis.com/yandex.cloud.compute.v1.CreateImageMetadata",
        "imageId": image_id,
    }


@pytest.mark.fidelity("operation.description")
def test_the_description_says_what_the_operation_does(cloud: Cloud) -> None:
    """In the recorded words."""
    assert cloud.create().json["description"] == "Create image"


@pytest.mark.fidelity("operation.created-by")
def test_created_by_is_the_account_that_called(cloud: Cloud) -> None:
    """An id of the service's shape, the same for every call with the same token."""
    first, second = (cloud.create().json["createdBy"] for _ in range(2))
    assert re.fullmatch(r"aje[0-9a-v]{17}", first)
    assert first == second


@pytest.mark.fidelity("operation.created-by-issuer")
def test_created_by_is_the_issuer_of_the_jwt(cloud: Cloud) -> None:
    """When the token was made from one."""
    parts = ({"typ": "JWT", "kid": "ajekey"}, {"iss": "ajeservice"})
    jwt = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    token = cloud.post("/iam/v1/tokens", {"jwt": f"{jwt}.sign"}).json["iamToken"]
    assert cloud.using(Authorization=f"Bearer {token}").create().json["createdBy"] == "ajeservice"


@pytest.mark.fidelity("operation.response")
def test_a_created_image_is_the_response(cloud: Cloud) -> None:
    """READY, and with its type."""
    answer = cloud.create(name="one")
    response = cloud.operation(answer.json["id"])["response"]
    assert response.pop("@type") == IMAGE_TYPE
    assert response["status"] == "READY"
    assert response == cloud.image(image_id_of(answer))


@pytest.mark.fidelity("operation.error-or-response")
def test_a_done_operation_has_an_error_or_a_response(cloud: Cloud) -> None:
    """And one that is running has neither."""
    cloud.double.add_object(UNREACHABLE, reachable=False)
    for fields, result in (({}, "response"), ({"uri": UNREACHABLE}, "error")):
        running = cloud.create(**fields).json
        ended = cloud.operation(running["id"])
        assert (running["done"], ended["done"]) == (False, True)
        assert ended.keys() - running.keys() == {result}


@pytest.mark.fidelity("operation.error-fields")
def test_an_error_has_a_code_and_a_message(cloud: Cloud) -> None:
    """The code is a number; details that are empty are left out."""
    cloud.double.add_object(UNREACHABLE, reachable=False)
    error = cloud.operation(cloud.create(uri=UNREACHABLE).json["id"])["error"]
    assert error == {"code": 3, "message": "url source not found"}


@pytest.mark.fidelity("operation.modified-at-start")
def test_an_operation_begins_modified_when_it_was_created(cloud: Cloud) -> None:
    """To the nanosecond."""
    operation = cloud.create().json
    assert operation["modifiedAt"] == operation["createdAt"] == "2026-01-01T00:00:00Z"


@pytest.mark.fidelity("operation.modified-while-running")
@pytest.mark.ycimages(timing=10)
def test_a_running_operation_is_not_modified(cloud: Cloud) -> None:
    """However often it is looked at."""
    operation = cloud.create().json
    cloud.double.clock.advance(9)
    assert cloud.operation(operation["id"]) == operation


@pytest.mark.fidelity("operation.modified-at-end")
@pytest.mark.ycimages(timing=10)
def test_an_operation_is_modified_when_it_ends(cloud: Cloud) -> None:
    """Not when somebody looks."""
    operation_id = cloud.create().json["id"]
    cloud.double.clock.advance(12.5)
    operation = cloud.operation(operation_id)
    assert operation["createdAt"] == "2026-01-01T00:00:00Z"
    assert operation["modifiedAt"] == "2026-01-01T00:00:10Z"


@pytest.mark.fidelity("operation.timing")
def test_an_operation_ends_at_its_first_poll(cloud: Cloud) -> None:
    """And not before, however long it takes."""
    operation_id = cloud.create().json["id"]
    cloud.double.clock.advance(1000)
    assert not cloud.double.operations[operation_id].done
    assert cloud.operation(operation_id)["done"]


@pytest.mark.fidelity("operation.poll-of-image")
@pytest.mark.ycimages(timing="AfterPolls(3)")
def test_a_look_at_the_image_is_a_poll(cloud: Cloud) -> None:
    """By get, by list or by the list of its operations; clients wait by each."""
    image_id = image_id_of(cloud.create())
    assert cloud.image(image_id)["status"] == "CREATING"
    assert cloud.list().json["images"][0]["status"] == "CREATING"
    assert cloud.get(f"/compute/v1/images/{image_id}/operations").json["operations"][0]["done"]


@pytest.mark.fidelity("operation.error-before-done")
@pytest.mark.ycimages(timing=10, rollback=5)
def test_an_error_is_set_before_the_operation_is_done(cloud: Cloud) -> None:
    """While the service undoes what it did."""
    cloud.double.add_object(UNREACHABLE, reachable=False)
    operation_id = cloud.create(uri=UNREACHABLE).json["id"]
    seen = []
    for seconds in (9, 1, 4, 1):
        cloud.double.clock.advance(seconds)
        operation = cloud.operation(operation_id)
        seen.append((operation["done"], "error" in operation, "response" in operation))
    assert seen == [(False, False, False), (False, True, False), (False, True, False), (True, True, False)]


@pytest.mark.fidelity("operation.image-in-rollback")
@pytest.mark.ycimages(timing=10, rollback=5)
def test_an_image_is_creating_while_it_is_rolled_back(cloud: Cloud) -> None:
    """Never READY, and never ERROR."""
    cloud.double.add_object(UNREACHABLE, reachable=False)
    image_id = image_id_of(cloud.create(uri=UNREACHABLE))
    cloud.double.clock.advance(14)
    assert cloud.image(image_id)["status"] == "CREATING"


@pytest.mark.fidelity("operation.failed-image-gone")
@pytest.mark.ycimages(timing=10, rollback=5)
def test_an_image_that_could_not_be_made_disappears(cloud: Cloud) -> None:
    """It is not left behind in ERROR."""
    cloud.double.add_object(UNREACHABLE, reachable=False)
    image_id = image_id_of(cloud.create(uri=UNREACHABLE))
    cloud.double.clock.advance(15)
    assert cloud.image(image_id)["message"] == f'Image "{image_id}" not found'
    assert cloud.list().json == {}


@pytest.mark.fidelity("operation.rollback")
def test_a_rollback_takes_no_time(cloud: Cloud) -> None:
    """Unless the setting says otherwise."""
    cloud.double.add_object(UNREACHABLE, reachable=False)
    assert cloud.operation(cloud.create(uri=UNREACHABLE).json["id"])["done"]


@pytest.mark.fidelity("operation.outcome")
def test_an_operation_succeeds_unless_its_request_brings_a_failure(cloud: Cloud) -> None:
    """The setting makes others fail as well, and with what; it makes no request good."""
    cloud.double.add_object(UNREACHABLE, reachable=False)
    assert "response" in cloud.operation(cloud.create().json["id"])
    assert cloud.operation(cloud.create(uri=UNREACHABLE).json["id"])["error"]["code"] == 3
    cloud.double.outcome = Failure("RESOURCE_EXHAUSTED", "no space")
    for source in ({}, {"uri": UNREACHABLE}):
        operation = cloud.operation(cloud.create(**source).json["id"])
        assert operation["error"] == {"code": 8, "message": "no space"}


@pytest.mark.fidelity("operation.not-found")
def test_an_operation_that_is_not_there_is_not_found(cloud: Cloud) -> None:
    """In the recorded words."""
    answer = cloud.get("/operations/fd8m1tfm92kr00000000")
    assert answer.refusal == (404, 5, "Operation fd8m1tfm92kr00000000 not found")


@pytest.mark.fidelity("operation.id-malformed")
@pytest.mark.parametrize("operation_id", ["x", "fd8m1tfm92kr0000000w", "fd8m1tfm92kr000000000"])
def test_an_operation_id_that_cannot_be_is_refused(cloud: Cloud, operation_id: str) -> None:
    """Code 3, in the recorded words."""
    answer = cloud.get(f"/operations/{operation_id}")
    assert answer.refusal == (400, 3, f"invalid operation id '{operation_id}'")


@pytest.mark.fidelity("operation.kept")
def test_an_operation_is_kept_for_two_weeks(cloud: Cloud) -> None:
    """Counted from its end, also when its image is gone; one that runs is kept as long as it runs."""
    cloud.double.next_operation("images.create", timing="Never()")
    running = cloud.create().json["id"]
    operation_id = cloud.create().json["id"]
    image_id = cloud.operation(operation_id)["metadata"]["imageId"]
    cloud.operation(cloud.delete(image_id).json["id"])
    delete_id = cloud.create().json["id"]
    cloud.double.clock.advance(14 * 24 * 3600 - 1)
    assert cloud.operation(operation_id)["response"]["id"] == image_id
    assert set(cloud.double.operations) >= {operation_id, running}
    cloud.double.clock.advance(1)
    for answer in (cloud.get(f"/operations/{operation_id}"), cloud.get(f"/operations/{operation_id}:cancel")):
        assert answer.refusal == (404, 5, f"Operation {operation_id} not found")
    assert set(cloud.double.operations) == {delete_id, running}
    assert cloud.operation(running)["done"] is False
    assert cloud.operation(delete_id)["done"]


@pytest.mark.fidelity("operation.kept-setting")
@pytest.mark.parametrize(("setting", "days"), [("14d", 14), (3600 * 24, 1), ("36h", 1.5), (None, None), ("none", None)])
def test_how_long_operations_are_kept_is_a_setting(setting: float | str | None, days: float | None) -> None:
    """For an image that stays as well; its history then lacks them."""
    cloud = Cloud(Double(clock="manual", operation_retention=setting))
    image_id = cloud.made()
    (operation_id,) = cloud.double.operations or [""]
    path = f"/compute/v1/images/{image_id}/operations"
    cloud.double.clock.advance((1000 if days is None else days) * 24 * 3600)
    kept = [each["id"] for each in cloud.get(path).json.get("operations", ())]
    assert kept == ([operation_id] if days is None else [])
    assert cloud.image(image_id)["status"] == "READY"
