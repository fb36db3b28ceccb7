"""Whoever answers at an address is asked the same, and is waited for as the recording was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_ycimages import Double
from pytest_ycimages.cassette.model import CassetteData, Origin
from pytest_ycimages.cassette.upstream import Upstream
from pytest_ycimages.errors import UsageError
from pytest_ycimages.verify.mode import ServiceTarget, target_of
from pytest_ycimages.verify.verify import verify

from .taping import IMAGES, SCRUBBED, Taping

if TYPE_CHECKING:
    from collections.abc import Generator


@pytest.fixture
def live() -> Generator[Double]:
    """A double on a socket whose operations take longer than the recorded ones; each call takes some of its time."""
    with Double(clock="manual", timing=40, latency=0.1, name="live") as double:
        yield double


def target(live: Double, **options: Any) -> ServiceTarget:
    """That double, waited for on its own clock."""
    return ServiceTarget(Upstream(live.url), clock=live.clock, **options)


def story() -> Taping:
    """A create with its polls, an update that nobody polled, a cancel, and a delete."""
    taping = Taping(timing=12)
    image_id = taping.bake(name="web")
    taping.look(image_id)
    taping("PATCH", f"{IMAGES}/{image_id}", {"updateMask": "description", "description": "mended"})
    taping.wait(15)
    taping.look(image_id)
    taping("GET", IMAGES, folderId=taping.folder_id)
    copy = taping.create(imageId=image_id, family="web")
    taping.wait(3)
    taping.poll(copy)
    taping.wait(1)
    taping.cancel(copy)
    taping.look(copy["metadata"]["imageId"])
    unpolled = taping.create(name="unpolled")["metadata"]["imageId"]
    taping.wait(13)
    deleted = taping("DELETE", f"{IMAGES}/{unpolled}")
    taping.wait(13)
    taping.poll(deleted)
    taping.look(unpolled)
    return taping


def test_one_that_is_slower_is_polled_until_it_shows_what_was_recorded(live: Double) -> None:
    """In its own folder, with its own token and ids; what nobody polled is polled before it has to have ended."""
    taping = story()
    verification = verify(taping.tape(), target(live))
    assert [(each.number, *each.difference) for each in verification.findings] == []
    assert verification.compared == len(taping.interactions)
    assert verification.target == live.url
    assert len(verification.created) == 3
    assert set(live.images) < set(verification.created)
    assert {image.folder_id for image in live.images.values()} == {live.folder_id} != {taping.folder_id}


def test_one_that_is_faster_is_not_compared_where_the_recording_waited(live: Double) -> None:
    """How long an operation takes is no difference."""
    live.timing = 0
    taping = Taping(timing=12)
    taping.look(taping.bake())
    verification = verify(taping.tape(), target(live))
    why = {each.why for each in verification.skipped}
    assert why == {"what was on its way when it was recorded had ended by then"}
    assert verification.compared == 1 + 1 + 1  # the create shows it done, which was not recorded; the end; the image


def test_the_interval_that_the_answers_ask_for_is_kept(live: Double) -> None:
    """Without one, a second passes between two polls."""
    taping = Taping(timing=1)
    taping.bake()
    verify(taping.tape(), target(live))
    assert {call.gap for call in live.calls.of("operations.get")[1:]} == {1.1}
    with Double(clock="manual", timing=40, poll_interval=7, name="slow") as slow:
        verify(taping.tape(), target(slow))
        assert {call.gap for call in slow.calls.of("operations.get")[1:]} == {7}


def test_patience_has_an_end(live: Double) -> None:
    """What is there instead is compared then."""
    live.timing = "Never()"
    taping = Taping(timing=1)
    taping.bake()
    verification = verify(taping.tape(), target(live, patience=30))
    assert 25 < len(live.calls.of("operations.get")) < 31
    assert [each.difference.field for each in verification.findings] == [
        "body.done",
        "body.response",
        "body.modifiedAt",
    ]


def test_nothing_that_changes_something_is_sent_unless_it_may_be(live: Double) -> None:
    """Nor what depends on it; a cancel changes something, whatever its verb."""
    live.add_image(name="was-there")
    taping = story()
    taping("GET", f"/operations/{taping.create()['id']}:cancel")
    verification = verify(taping.tape(), target(live), mutate=False)
    assert {call.method for call in live.calls} == {"images.list"}
    assert verification.created == ()
    assert verification.compared == 1


def test_an_exchange_of_a_token_is_not_sent(live: Double) -> None:
    """Its credential was scrubbed, and whoever answers today wants another."""
    taping = Taping()
    taping("POST", "/iam/v1/tokens", {"yandexPassportOauthToken": "y0_secret"}, token="")
    verification = verify(taping.tape(), target(live))
    assert len(live.calls) == 0
    assert [each.why for each in verification.skipped] == ["exchanges of tokens are not sent"]


def test_a_request_that_held_a_secret_goes_to_a_double_only(live: Double) -> None:
    """The service would judge the signature, of which nobody knows any more what it was."""
    taping = Taping(timing=0)
    taping.create(uri=f"https://storage.yandexcloud.net/bucket/a.qcow2?X-Amz-Signature={SCRUBBED}")
    assert verify(taping.tape(), target(live, patience=0)).compared == 1
    strange = target(live)
    strange.needs_secrets = True
    assert [each.why for each in verify(taping.tape(), strange).skipped] == [
        "a part of it was a secret, and has been scrubbed"
    ]


def test_the_service_itself_takes_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the environment, and it is not reached for without them."""
    monkeypatch.delenv("YC_TOKEN", raising=False)
    monkeypatch.setenv("YC_FOLDER_ID", "b1g00000000000000000")
    for address in ("service", "https://compute.api.cloud.yandex.net"):
        with pytest.raises(UsageError, match="To ask the service itself takes credentials"):
            target_of(Taping().tape(), address)
    monkeypatch.setenv("YC_TOKEN", "t1.token")
    service = target_of(Taping().tape(), "service")
    assert (service.name, service.folder_id) == ("the service itself", "b1g00000000000000000")
    assert service.needs_secrets
    assert service.token.startswith("t1.")
    assert service.token != "t1.token"  # noqa: S105 - a stand-in, which is random


def test_a_cassette_that_does_not_say_its_folder_has_that_of_its_first_request(live: Double) -> None:
    """As one that plain vcrpy recorded."""
    tape = story().tape(Origin.UNKNOWN)
    plain = CassetteData(tape.metadata._replace(folder_id="", contract=""), tape.interactions)
    assert not verify(plain, target(live)).differs
    assert {image.folder_id for image in live.images.values()} == {live.folder_id}
