"""The Idempotency-Key: the same key means the operation that it made first (api-facts.md, section 4.3)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import permutations
from typing import TYPE_CHECKING, Final, Literal

import pytest

from pytest_ycimages import Double
from tests.client import Cloud

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.client import Answer

KEY: Final = "6a2f1c0e-1111-4222-8333-444455556666"
OTHER: Final = "6a2f1c0e-1111-4222-8333-444455557777"


@pytest.mark.fidelity("idempotency.same-key")
def test_the_same_key_makes_nothing_new(cloud: Cloud) -> None:
    """Both calls are answered with the same operation."""
    again = cloud.using(Idempotency_Key=KEY)
    assert again.create(name="one").json == again.create(name="one").json
    assert len(cloud.double.operations) == len(cloud.double.images) == 1


@pytest.mark.fidelity("idempotency.current-state")
@pytest.mark.ycimages(timing=10)
def test_the_operation_is_answered_as_it_is_now(cloud: Cloud) -> None:
    """Not as it was when the key was first used."""
    again = cloud.using(Idempotency_Key=KEY)
    created = again.create(name="one").json
    cloud.double.clock.advance(10)
    repeated = again.create(name="one").json
    assert (created["done"], repeated["done"]) == (False, True)
    assert repeated == cloud.operation(created["id"])


@pytest.mark.fidelity("idempotency.new-key")
def test_a_new_key_or_none_makes_a_new_image(cloud: Cloud) -> None:
    """However alike the requests are."""
    for key in (KEY, OTHER, None, None):
        assert cloud.using(Idempotency_Key=key).create().status == 200
    assert len(cloud.double.images) == 4


@pytest.mark.fidelity("idempotency.account")
def test_a_key_is_an_accounts_own(cloud: Cloud) -> None:
    """Another account makes another image with it."""
    jwt = "eyJ0eXAiOiAiSldUIn0.eyJpc3MiOiAiYWplYW5vdGhlciJ9.sign"
    token = cloud.post("/iam/v1/tokens", {"jwt": jwt}).json["iamToken"]
    mine = cloud.using(Idempotency_Key=KEY).create().json
    theirs = cloud.using(Idempotency_Key=KEY, Authorization=f"Bearer {token}").create().json
    assert theirs["createdBy"] == "ajeanother"
    assert theirs["id"] != mine["id"]


@pytest.mark.fidelity("idempotency.race")
def test_a_key_wins_a_race(cloud: Cloud) -> None:
    """32 calls at once make one image."""
    again = cloud.using(Idempotency_Key=KEY)
    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda _: again.create(name="one").json["id"], range(32)))
    assert len(set(answers)) == len(cloud.double.images) == 1


@pytest.mark.fidelity("idempotency.update-and-delete")
@pytest.mark.ycimages(timing=10)
def test_a_key_works_for_an_update_and_a_delete(cloud: Cloud) -> None:
    """Without it, the second delete would be refused."""
    image_id = cloud.double.add_image()
    updating, deleting = cloud.using(Idempotency_Key=KEY), cloud.using(Idempotency_Key=OTHER)
    body = {"description": "new"}
    assert updating.patch(image_id, body).json == updating.patch(image_id, body).json
    assert deleting.delete(image_id).json == deleting.delete(image_id).json
    assert len(cloud.double.operations) == 2


@pytest.mark.fidelity("idempotency.kept")
def test_a_key_is_kept_as_long_as_its_operation(cloud: Cloud) -> None:
    """Also when its image is gone; after two weeks it makes a new image."""
    again = cloud.using(Idempotency_Key=KEY)
    created = again.create().json
    cloud.operation(cloud.cancel(created["id"])["id"])
    cloud.double.clock.advance(14 * 24 * 3600 - 1)
    assert again.create().json["id"] == created["id"]
    assert not cloud.double.images
    cloud.double.clock.advance(1)
    anew = again.create().json
    assert anew["id"] != created["id"]
    assert again.create().json["id"] == anew["id"]
    assert len(cloud.double.images) == 1


@pytest.mark.fidelity("idempotency.refused-call")
def test_a_refused_call_leaves_the_key_free(cloud: Cloud) -> None:
    """There is no operation that it could stand for."""
    again = cloud.using(Idempotency_Key=KEY)
    cloud.double.add_image(name="one")
    assert again.create(name="one").status == 409
    assert again.create(name="two").status == 200


@pytest.mark.fidelity("idempotency.other-body")
def test_a_key_with_another_body_means_the_first_operation(cloud: Cloud) -> None:
    """The bodies are not compared."""
    again = cloud.using(Idempotency_Key=KEY)
    assert again.create(name="one").json == again.create(name="two").json


@pytest.mark.fidelity("idempotency.other-method")
@pytest.mark.parametrize("contract", ["page", "current"])
def test_a_key_on_another_method_is_a_new_key(contract: Literal["page", "current"]) -> None:
    """Each of the three methods starts an operation with one key, and finds its own again, in any order."""
    for order in permutations(("create", "update", "delete")):
        cloud = Cloud(Double(clock="manual", contract=contract)).using(Idempotency_Key=KEY)
        ids = {method: cloud.double.add_image() for method in order}
        calls: dict[str, Callable[[], Answer]] = {
            "create": cloud.create,
            "update": partial(cloud.patch, ids["update"], {"description": "new"}),
            "delete": partial(cloud.delete, ids["delete"]),
        }
        started = {method: calls[method]().json["id"] for method in order}
        assert len(set(started.values())) == 3
        assert {method: calls[method]().json["id"] for method in order} == started
        assert len(cloud.double.operations) == 3
        assert cloud.double.images[ids["delete"]].status == "DELETING"


@pytest.mark.fidelity("idempotency.other-service")
@pytest.mark.ycimages(idempotency_key_reuse="reject")
def test_a_key_may_come_with_the_token_request_as_well(cloud: Cloud) -> None:
    """In either order, and repeatedly."""
    again = cloud.using(Idempotency_Key=KEY)
    tokens = [again.post("/iam/v1/tokens", {"yandexPassportOauthToken": "y0"}).json["iamToken"]]
    created = again.create(name="one").json
    tokens.append(again.post("/iam/v1/tokens", {"yandexPassportOauthToken": "y0"}).json["iamToken"])
    assert len(set(tokens)) == 2
    assert again.create(name="one").json["id"] == created["id"]


@pytest.mark.fidelity("idempotency.reuse-rejected")
@pytest.mark.ycimages(idempotency_key_reuse="reject")
def test_a_key_with_another_request_can_be_refused(cloud: Cloud) -> None:
    """Another body or another method; the same request is still answered."""
    again = cloud.using(Idempotency_Key=KEY)
    created = again.create(name="one").json
    refusal = (400, 3, f"The idempotency key '{KEY}' was used for another request")
    assert again.create(name="two").refusal == refusal
    assert again.delete(created["metadata"]["imageId"]).refusal == refusal
    assert again.create(name="one").json == created


@pytest.mark.fidelity("idempotency.any-key")
def test_a_key_may_be_any_text(cloud: Cloud) -> None:
    """Not only a UUID."""
    again = cloud.using(Idempotency_Key="deploy 7")
    assert again.create().json["id"] == again.create().json["id"]


@pytest.mark.fidelity("idempotency.uuid-only")
@pytest.mark.ycimages(idempotency_key_format="uuid")
def test_a_key_that_is_no_uuid_can_be_refused(cloud: Cloud) -> None:
    """Any UUID is taken, whatever its version and case."""
    for key in (KEY, KEY.upper(), "00000000-0000-0000-0000-000000000000"):
        assert cloud.using(Idempotency_Key=key).create().status == 200
    refusal = (400, 3, "The idempotency key 'deploy 7' is not a UUID")
    assert cloud.using(Idempotency_Key="deploy 7").create().refusal == refusal
