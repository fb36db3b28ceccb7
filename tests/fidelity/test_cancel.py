"""operations.cancel at every stage of an operation (api-facts.md, sections 1.4 and 4.1)."""

from __future__ import annotations

import pytest

from pytest_ycimages import Failure
from tests.client import Cloud, image_id_of


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
        "modifiedAt": "2026-01-01T00:00:01Z",
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


@pytest.mark.fidelity("cancel.in-time")
@pytest.mark.ycimages(timing=10)
def test_a_cancel_comes_in_time(cloud: Cloud) -> None:
    """However shortly before the end."""
    operation_id = cloud.create().json["id"]
    cloud.double.clock.advance(9.999999999)
    assert cloud.cancel(operation_id)["error"]["code"] == 1


@pytest.mark.fidelity("cancel.late")
@pytest.mark.ycimages(timing=10, cancel="late", rollback=2)
def test_a_late_cancel_takes_effect_later(cloud: Cloud) -> None:
    """Until then nothing is to be seen of it, and a second cancel does not put it off."""
    created = cloud.create().json
    cloud.double.clock.advance(1)
    assert cloud.cancel(created["id"]) == created
    cloud.double.clock.advance(4.999999999)
    assert cloud.cancel(created["id"]) == created
    cloud.double.clock.advance(0.000000001)
    assert cloud.operation(created["id"]) == {
        **created,
        "error": {"code": 1, "message": "Cancelled by client"},
        "modifiedAt": "2026-01-01T00:00:06Z",
    }
    cloud.double.clock.advance(2)
    assert cloud.operation(created["id"])["done"]
    in_time = cloud.create().json["id"]
    cloud.double.clock.advance(5)
    cloud.cancel(in_time)
    cloud.double.clock.advance(5)
    assert "response" in cloud.operation(in_time)


@pytest.mark.fidelity("cancel.loses")
@pytest.mark.ycimages(timing=10, cancel="loses")
def test_a_cancel_that_loses_changes_nothing(cloud: Cloud) -> None:
    """It is answered with the operation, which ends as if nobody had called."""
    created = cloud.create().json
    assert cloud.cancel(created["id"]) == created
    cloud.double.clock.advance(10)
    assert "response" in cloud.operation(created["id"])


@pytest.mark.fidelity("cancel.too-late")
@pytest.mark.ycimages(timing="Never()", cancel="too_late", rollback=5)
def test_a_cancel_that_is_too_late_finds_the_operation_done(cloud: Cloud) -> None:
    """It has succeeded, or failed and been undone, as it was to; the cancel has no part in it."""
    succeeded = cloud.create().json
    cloud.double.clock.advance(3)
    answer = cloud.cancel(succeeded["id"])
    assert (answer["done"], answer["modifiedAt"]) == (True, "2026-01-01T00:00:03Z")
    assert cloud.image(succeeded["metadata"]["imageId"])["status"] == answer["response"]["status"] == "READY"
    cloud.double.outcome = Failure("INTERNAL", "broken")
    answer = cloud.cancel(cloud.create().json["id"])
    assert (answer["done"], answer["error"]) == (True, {"code": 13, "message": "broken"})


@pytest.mark.fidelity("cancel.refused")
@pytest.mark.ycimages(timing=10, cancel="refused")
def test_a_cancel_that_is_refused_changes_nothing(cloud: Cloud) -> None:
    """Once the operation is done, a cancel is answered with it as ever."""
    created = cloud.create().json
    answer = cloud.post(f"/operations/{created['id']}:cancel")
    assert (answer.status, answer.json["code"]) == (400, 9)
    assert cloud.operation(created["id"]) == created
    cloud.double.clock.advance(10)
    assert "response" in cloud.cancel(created["id"])
    update = cloud.patch(created["metadata"]["imageId"], {"description": "new"}).json
    assert cloud.cancel(update["id"]) == update
