"""operations.cancel at every stage of an operation (api-facts.md, sections 1.4 and 4.1)."""

from __future__ import annotations

import pytest

from tests.fidelity.cloud import Cloud, image_id_of


@pytest.mark.fidelity("cancel.get-and-post")
@pytest.mark.parametrize("verb", ["GET", "POST"])
def test_an_operation_is_cancelled_by_get_and_by_post(cloud: Cloud, verb: str) -> None:
    """The reference says one, the guide the other."""
    operation_id = cloud.create().json["id"]
    assert cloud.call(verb, f"/operations/{operation_id}:cancel").json["error"]["code"] == 1


@pytest.mark.fidelity("cancel.running")
@pytest.mark.ycimages(timing=10, rollback=5)
def test_a_create_can_be_cancelled_while_it_runs(cloud: Cloud) -> None:
    """Its error is set at once, and it is done when the rollback is."""
    operation_id = cloud.create().json["id"]
    cloud.double.clock.advance(9)
    cloud.cancel(operation_id)
    cloud.double.clock.advance(4.5)
    operation = cloud.operation(operation_id)
    assert (operation["done"], operation["error"]["code"]) == (False, 1)
    cloud.double.clock.advance(0.5)
    operation = cloud.operation(operation_id)
    assert (operation["done"], operation["error"]["code"]) == (True, 1)
    assert "response" not in operation


@pytest.mark.fidelity("cancel.answer")
@pytest.mark.ycimages(timing=10, rollback=5)
def test_a_cancel_is_answered_with_the_operation_as_it_is_now(cloud: Cloud) -> None:
    """It carries the error already, and is not done yet."""
    created = cloud.create().json
    cloud.double.clock.advance(1)
    assert cloud.cancel(created["id"]) == {
        **created,
        "error": {"code": 1, "message": "Cancelled by client"},
        "modifiedAt": "2026-01-01T00:00:01.000000000Z",
    }


@pytest.mark.fidelity("cancel.image-gone")
@pytest.mark.ycimages(timing=10)
def test_a_cancelled_image_is_gone(cloud: Cloud) -> None:
    """The half of it that was made is removed."""
    answer = cloud.create()
    cloud.cancel(answer.json["id"])
    image_id = image_id_of(answer)
    assert cloud.image(image_id)["message"] == f'Image "{image_id}" not found'


@pytest.mark.fidelity("cancel.rolling-back")
@pytest.mark.ycimages(timing=10, rollback=5)
def test_a_cancel_during_the_rollback_changes_nothing(cloud: Cloud) -> None:
    """Neither the error nor when the rollback is over."""
    operation_id = cloud.create().json["id"]
    first = cloud.cancel(operation_id)
    cloud.double.clock.advance(4)
    assert cloud.cancel(operation_id) == first
    cloud.double.clock.advance(1)
    assert cloud.operation(operation_id)["done"]


@pytest.mark.fidelity("cancel.finished")
def test_a_cancel_of_a_finished_operation_changes_nothing(cloud: Cloud) -> None:
    """It is answered with HTTP 200 and the operation, whichever way that ended."""
    succeeded, cancelled = (cloud.create().json["id"] for _ in range(2))
    ends = cloud.operation(succeeded), cloud.cancel(cancelled)
    assert [end["done"] for end in ends] == [True, True]
    assert (cloud.cancel(succeeded), cloud.cancel(cancelled)) == ends


@pytest.mark.fidelity("cancel.update-and-delete")
@pytest.mark.ycimages(timing=10)
def test_an_update_and_a_delete_are_not_cancelled(cloud: Cloud) -> None:
    """They are answered as they are, and go on."""
    image_id = cloud.double.add_image()
    for started in (cloud.patch(image_id, {"description": "new"}).json, cloud.delete(image_id).json):
        assert cloud.cancel(started["id"]) == started
    cloud.double.clock.advance(10)
    assert image_id not in cloud.double.images


@pytest.mark.fidelity("cancel.unknown")
def test_a_cancel_of_no_operation_is_refused_like_a_get(cloud: Cloud) -> None:
    """Not found, or no id at all."""
    missing = cloud.post("/operations/fd8m1tfm92kr00000000:cancel")
    assert missing.refusal == (404, 5, "Operation fd8m1tfm92kr00000000 not found")
    assert cloud.post("/operations/x:cancel").refusal == (400, 3, "invalid operation id 'x'")


@pytest.mark.fidelity("cancel.anybody")
def test_anybody_may_cancel(cloud: Cloud) -> None:
    """Not only the account that created the operation."""
    operation_id = cloud.create().json["id"]
    assert cloud.using(Authorization="Bearer another").cancel(operation_id)["error"]["code"] == 1


@pytest.mark.fidelity("cancel.no-poll")
@pytest.mark.ycimages(timing="AfterPolls(1)")
def test_a_cancel_comes_before_the_first_poll(cloud: Cloud) -> None:
    """It does not end the operation that it is to cancel."""
    assert "response" not in cloud.cancel(cloud.create().json["id"])
