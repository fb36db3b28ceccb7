"""A cassette behind a double: what it answers, what it refuses, and what of a double works with it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests

from pytest_ycimages import (
    CassetteExpiredError,
    CassetteMissingError,
    CassetteUnusedError,
    CassetteWarning,
    Code,
    Double,
    NoMatchError,
    UsageError,
    first,
    nth,
    operation_fails,
    reset,
    unavailable,
)
from pytest_ycimages.backing.replay import how_to_record
from pytest_ycimages.cassette.file import write_cassette
from pytest_ycimages.cassette.model import (
    CassetteData,
    CassetteMetadata,
    Interaction,
    Origin,
    RecordedRequest,
    RecordedResponse,
)

HEADERS = {"Authorization": "Bearer any"}
BODY = {"folderId": "b1g00000000000000000", "diskId": "epd0000000000000000a", "name": "web-1"}


@pytest.fixture
def cassette(tmp_path: Path) -> Path:
    """A create and a list, recorded from a double."""
    path = tmp_path / "some.yaml"
    with Double() as upstream, Double(mode="record", cassette=path, upstream=upstream.url) as recording:
        requests.post(f"{recording.url}/compute/v1/images", json=BODY, headers=HEADERS, timeout=10)
        listed(recording)
    return path


def created(double: Double, **fields: Any) -> requests.Response:
    """Ask for an image."""
    url = f"{double.url}/compute/v1/images"
    return requests.post(url, json=BODY | fields, headers=HEADERS, timeout=10)


def listed(double: Double) -> requests.Response:
    """Ask for the images of the folder."""
    query = {"folderId": BODY["folderId"], "pageSize": "10"}
    return requests.get(f"{double.url}/compute/v1/images", params=query, headers=HEADERS, timeout=10)


def test_an_answer_comes_as_it_was_recorded_to_the_byte(tmp_path: Path) -> None:
    """Status, headers and body, also those of a gateway that speaks no JSON; for a path that nobody here knows."""
    path = tmp_path / "odd.yaml"
    request = RecordedRequest("GET", "https://vpc.api.cloud.yandex.net/vpc/v1/networks?folderId=b1g")
    response = RecordedResponse(418, "Odd", (("content-type", "text/plain"), ("x-odd", "a, b")), b"\x00 no JSON\n")
    write_cassette(path, CassetteData(CassetteMetadata(Origin.UNKNOWN), (Interaction(request, response),)))
    with Double(mode="replay", cassette=path) as replay:
        answer = requests.get(f"{replay.url}/vpc/v1/networks?folderId=b1g", timeout=10)
        assert (answer.status_code, answer.content) == (418, b"\x00 no JSON\n")
        assert dict(answer.headers) == {"content-type": "text/plain", "x-odd": "a, b", "content-length": "10"}
        (call,) = replay.calls
    assert (call.method, call.status) == ("unrouted", Code.UNKNOWN)


def test_the_journal_and_the_truth_say_what_the_client_saw(cassette: Path) -> None:
    """The same properties as of the fake."""
    with Double(mode="replay", cassette=cassette) as replay:
        operation = created(replay).json()
        (image,) = listed(replay).json()["images"]
        assert replay.operations[operation["id"]].done is False
        assert replay.images[image["id"]].status == "READY"
        assert [call.method for call in replay.calls] == ["images.create", "images.list"]
        assert replay.calls[0].operation_id == operation["id"]
        with pytest.raises(KeyError, match=r"no image 'fd8' was shown; shown were: fd8"):
            _ = replay.images["fd8"]


def test_a_request_that_was_not_recorded_fails_the_test_though_the_client_does_not_mind(cassette: Path) -> None:
    """The client gets a refusal that nobody retries; the test gets the nearest recorded request and what differs."""
    replay = Double(mode="replay", cassette=cassette).start()
    answer = created(replay, diskId="epd0000000000000000b")
    assert (answer.status_code, answer.json()["code"]) == (400, Code.FAILED_PRECONDITION.number)
    assert created(replay, name="other").status_code == 400
    replay.close()
    with pytest.raises(NoMatchError, match=r"body\.diskId: recorded \"epd0000000000000000a\"") as raised:
        replay.check()
    (note,) = raised.value.__notes__
    assert note.startswith("\nAnd then: NoMatchError: The cassette has no answer for POST /compute/v1/images")


def test_what_nobody_asked_for_fails_the_test_or_warns_or_is_left_alone(cassette: Path) -> None:
    """By default it fails, with each of them and the command that takes them out."""

    def create_only(**settings: Any) -> None:
        with Double(mode="replay", cassette=cassette, **settings) as replay:
            created(replay)

    text = rf"never asked for 1 of 2 .*\n  interaction 2: GET .*ycimages cassette prune {re.escape(str(cassette))}"
    with pytest.raises(CassetteUnusedError, match=f"(?s){text}"):
        create_only()
    with pytest.warns(CassetteWarning, match=f"(?s){text}"):
        create_only(unused_interactions="warn")
    create_only(unused_interactions="ignore")


def test_a_cassette_can_expire(cassette: Path, tmp_path: Path) -> None:
    """Its age is told by the machine's clock; one that says nothing of its age has expired as well."""
    old = tmp_path / "old.yaml"
    recorded = CassetteData(CassetteMetadata(Origin.FAKE, recorded_at="2020-01-01T00:00:00Z"), ())
    write_cassette(old, recorded)
    with pytest.raises(CassetteExpiredError, match=r"was recorded \d{4,} days ago, at 2020-01-01.*max_age is 30 days"):
        Double(mode="replay", cassette=old, max_age=30, expired="fail").__exit__(None, None, None)
    with pytest.warns(CassetteWarning, match=rf"ycimages verify {re.escape(str(old))} --upstream URL"):
        Double(mode="replay", cassette=old, max_age=30)
    write_cassette(old, recorded._replace(metadata=CassetteMetadata(Origin.FAKE)))
    with pytest.warns(CassetteWarning, match="has no date of recording"):
        Double(mode="replay", cassette=old, max_age=30)
    Double(mode="replay", cassette=cassette, max_age=30, unused_interactions="ignore", expired="fail").close()


def test_faults_of_answers_and_connections_strike_a_replay_too(cassette: Path) -> None:
    """A recording does not have to have gone wrong for a client to be tried with what goes wrong."""
    with Double(mode="replay", cassette=cassette, unused_interactions="ignore") as replay:
        replay.inject(unavailable(retry_after=3), on="images.create", when=first(1))
        lost = replay.inject(reset(), on="images.create", when=nth(2), commit="after")
        refused = created(replay)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "3")
        with pytest.raises(requests.ConnectionError):
            created(replay)
        assert lost.struck == 1
        with pytest.raises(
            UsageError, match=r"operation_fails\(.*\) works on the fake alone\. What works here: faults"
        ):
            replay.inject(operation_fails(), on="images.create")


def test_a_lost_answer_is_given_again_to_the_same_idempotency_key(cassette: Path) -> None:
    """As the service does: the create that was replayed is not made twice."""
    with Double(mode="replay", cassette=cassette, unused_interactions="ignore") as replay:
        url, headers = f"{replay.url}/compute/v1/images", HEADERS | {"Idempotency-Key": "9be5f4f1"}
        replay.inject(reset(), on="images.create", when=first(1), commit="after")
        with pytest.raises(requests.ConnectionError):
            requests.post(url, json=BODY, headers=headers, timeout=10)
        assert requests.post(url, json=BODY, headers=headers, timeout=10).json()["done"] is False


@pytest.mark.parametrize(
    "tell",
    [
        lambda double: double.add_disk(),
        lambda double: double.next_operation(timing=5),
        lambda double: setattr(double, "timing", 5),
    ],
)
def test_only_the_fake_can_be_told_what_exists_and_how_operations_go(tell: Any, cassette: Path) -> None:
    """The text says who decides instead, and where such settings belong."""
    double = Double(mode="replay", cassette=cassette)
    with pytest.raises(UsageError, match=r"in mode 'replay': the cassette decides\. .*pin the test with mode=\"fake\""):
        tell(double)


def test_a_double_without_a_cassette_says_what_is_missing(tmp_path: Path) -> None:
    """Neither a mode without a file, nor a file that is not there, nor the fake's cassette."""
    with pytest.raises(UsageError, match=r"mode='replay' takes a cassette: give cassette='PATH\.yaml'"):
        Double(mode="replay")
    with pytest.raises(CassetteMissingError) as missing:
        Double(mode="replay", cassette=tmp_path / "none.yaml", name="tests/test_it.py::test_it[a b]")
    assert missing.value.__notes__ == ["This one: pytest 'tests/test_it.py::test_it[a b]' --ycimages-mode=record"]
    with pytest.raises(UsageError, match="This double has no cassette: it is the fake"):
        _ = Double().cassette


def test_a_double_that_is_reset_plays_from_the_beginning(cassette: Path) -> None:
    """As new: each change can be made once more."""
    with Double(mode="replay", cassette=cassette) as replay:
        assert created(replay).status_code == 200
        replay.reset()
        assert not replay.calls
        assert created(replay).status_code == listed(replay).status_code == 200


def test_an_interaction_that_was_used_before_a_reset_has_been_used(cassette: Path) -> None:
    """Only what no request used in any round is unused."""
    with Double(mode="replay", cassette=cassette) as replay:
        count = len(replay.cassette.unused)
        assert created(replay).status_code == 200
        left = replay.cassette.unused
        assert 0 < len(left) < count
        replay.reset()
        assert replay.cassette.unused == left
        assert listed(replay).status_code == 200
        assert len(replay.cassette.unused) < len(left)


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("tests/test_it.py::TestBake", "pytest tests/test_it.py::TestBake"),
        ("tests/test_it.py #page", "pytest tests/test_it.py"),
        ("session", "pytest"),
        ("test_it.py::test_a #class", "pytest test_it.py::test_a"),
    ],
)
def test_a_shared_cassette_that_is_missing_is_recorded_by_all_its_tests(name: str, command: str) -> None:
    """Not by the first of them."""
    assert how_to_record(name, Path("a.yaml")) == f"{command} --ycimages-mode=record"


def test_clients_without_sockets_replay_as_well(cassette: Path) -> None:
    """The connections that are none lead to whatever stands behind the double."""
    with Double(mode="replay", cassette=cassette) as replay:
        url = "https://compute.api.cloud.yandex.net/compute/v1/images"
        with httpx.Client(transport=replay.httpx_transport()) as client:
            assert client.post(url, json=BODY, headers=HEADERS).json()["done"] is False
        with replay.intercept():
            answer = requests.get(url, params={"pageSize": "10", "folderId": BODY["folderId"]}, timeout=10)
        assert answer.json()["images"]


def test_the_control_api_shows_a_replay(cassette: Path) -> None:
    """Its state, its journal and its settings; what only the fake can be told is refused."""
    with Double(mode="replay", cassette=cassette, unused_interactions="ignore") as replay:
        created(replay)
        state = requests.get(f"{replay.url}/_ycimages/state", timeout=10).json()
        assert (state["settings"]["mode"], state["calls"], len(state["operations"])) == ("replay", 1, 1)
        answer = requests.post(f"{replay.url}/_ycimages/disks", json={}, timeout=10)
        assert (answer.status_code, "Only the fake" in answer.text) == (400, True)


def test_volatile_values_are_carried_into_the_answers(cassette: Path) -> None:
    """A name that differs each time is still the image's name in what comes back."""
    with Double(mode="replay", cassette=cassette, volatile={"name": "web-*"}) as replay:
        created(replay, name="web-20261125")
        (image,) = listed(replay).json()["images"]
    assert image["name"] == "web-20261125"


@pytest.mark.parametrize("host", ["a]b", "[", "[[::1]]x"])
def test_a_host_that_is_no_host_has_no_answer(cassette: Path, host: str) -> None:
    """It is not HTTP, so the cassette is not asked."""
    with Double(mode="replay", cassette=cassette, unused_interactions="ignore") as replay:
        answer = requests.get(f"{replay.url}/compute/v1/images", headers={"Host": host}, timeout=10)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("Invalid Host header")
