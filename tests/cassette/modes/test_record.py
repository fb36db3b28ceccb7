"""Recording: who is recorded, what is written down and when, and what is not."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
import requests

from pytest_ycimages import (
    CassetteError,
    CassetteInUseError,
    Double,
    DoubleFailedError,
    SecretFoundError,
    UsageError,
    reset,
)
from pytest_ycimages.cassette.file import read_cassette
from pytest_ycimages.cassette.model import Origin
from pytest_ycimages.cassette.upstream import Upstream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = f"t1.9euelZqMkZ.{'Ab9_' * 21}Zz"
BODY = {"folderId": "b1g00000000000000000", "diskId": "epd0000000000000000a"}


@pytest.fixture
def upstream() -> Iterator[Double]:
    """What stands in for the service."""
    with Double(auth="any") as double:
        yield double


def recording(upstream: Double, path: Path, **settings: Any) -> Double:
    """A double that records it."""
    return Double(mode="record", cassette=path, upstream=upstream.url, **settings)


def create(double: Double, token: str = TOKEN, **fields: Any) -> requests.Response:
    """Ask for an image."""
    headers = {"Authorization": f"Bearer {token}"}
    return requests.post(f"{double.url}/compute/v1/images", json=BODY | fields, headers=headers, timeout=10)


def test_a_cassette_says_whose_answers_it_holds(upstream: Double, tmp_path: Path) -> None:
    """A double that stands in for the service is found out, and its answers are never called the service's."""
    with recording(upstream, path := tmp_path / "it.yaml") as double:
        create(double)
        assert double.cassette.metadata.origin is Origin.FAKE
    label = read_cassette(path).metadata
    assert (label.origin, label.upstream, label.contract) == (Origin.FAKE, "", "page")
    assert label.folder_id == upstream.folder_id
    assert label.recorded_at.endswith("Z")


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        (None, Origin.SERVICE),
        ("https://compute.api.cloud.yandex.net", Origin.SERVICE),
        ("https://compute.api.yandexcloud.kz", Origin.SERVICE),
        ("https://COMPUTE.api.cloud.yandex.net:443/", Origin.SERVICE),
    ],
)
def test_only_the_services_own_names_over_tls_are_the_service(address: str | None, origin: Origin) -> None:
    """And it is never asked whether it is a double."""
    assert Upstream(address).origin is origin


def test_without_credentials_in_the_environment_the_service_is_not_recorded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nothing is sent; the text says how to give them."""
    monkeypatch.delenv("YC_TOKEN", raising=False)
    monkeypatch.setenv("YC_FOLDER_ID", "b1g00000000000000000")
    with pytest.raises(UsageError, match=r"not set: YC_TOKEN\. For example: export YC_TOKEN=\$\(yc iam create-token\)"):
        Double(mode="record", cassette=tmp_path / "it.yaml")
    assert not list(tmp_path.iterdir())


def test_the_real_token_is_put_in_on_the_way_out_and_nowhere_else(
    monkeypatch: pytest.MonkeyPatch, upstream: Double, tmp_path: Path
) -> None:
    """What a test holds, and what it may print when it fails, is a stand-in."""
    monkeypatch.setenv("YC_TOKEN", TOKEN)
    monkeypatch.setenv("YC_FOLDER_ID", "b1g0000000000000000f")
    with recording(upstream, path := tmp_path / "it.yaml") as double:
        assert double.folder_id == "b1g0000000000000000f"
        create(double, double.token)
        stand_in = double.token
    assert stand_in != TOKEN
    assert upstream.calls[0].metadata["authorization"] == f"Bearer {TOKEN}"
    assert not {TOKEN, stand_in} & set(path.read_text().replace('"', " ").split())


def test_an_interaction_is_on_disk_before_the_client_has_its_answer(upstream: Double, tmp_path: Path) -> None:
    """A recording that is killed has lost nothing that anybody knows of."""
    path = tmp_path / "deep" / "it.yaml"
    with recording(upstream, path) as double:
        for number in (1, 2, 3):
            create(double, name=f"web-{number}")
            cassette = read_cassette(path)
            assert (len(cassette.interactions), cassette.is_complete) == (number, False)
    assert read_cassette(path).is_complete


def test_a_secret_refuses_to_be_saved_and_leaves_the_old_cassette(upstream: Double, tmp_path: Path) -> None:
    """The client has its answer, for the image is there; the test fails and says where; the old file is as it was."""
    path = tmp_path / "it.yaml"
    with recording(upstream, path) as double:
        create(double)
    old = path.read_bytes()
    double = recording(upstream, path).start()
    assert create(double, description="deadbeef01" * 8).status_code == 200
    assert create(double).status_code == 200
    double.close()
    with pytest.raises(
        SecretFoundError, match=r"(?s)it\.yaml was not saved for POST .*long-hexadecimal, line 1 at 'description'"
    ):
        double.check()
    with recording(upstream, tmp_path / "allowed.yaml", scrub=["allow:(deadbeef01){8}"]) as double:
        create(double, description="deadbeef01" * 8)
    (tmp_path / "allowed.yaml").unlink()
    assert path.read_bytes() == old
    assert [each.name for each in tmp_path.iterdir()] == ["it.yaml"]


def test_ids_get_pseudonyms_when_that_is_asked_for(upstream: Double, tmp_path: Path) -> None:
    """A replay hands out the folder's name in the cassette; a client that knows the real one may ask for that."""
    path = tmp_path / "it.yaml"
    with recording(upstream, path, pseudonyms=True) as double:
        real = double.folder_id
        create(double, folderId=real)
        create(double, folderId=real)
    assert real not in path.read_text()
    with Double(mode="replay", cassette=path) as replay:
        assert (replay.folder_id[:3], replay.folder_id != real) == ("b1g", True)
        assert create(replay, folderId=replay.folder_id).status_code == 200
        assert create(replay, folderId=real).status_code == 200


def test_two_recordings_of_one_file_are_refused(upstream: Double, tmp_path: Path) -> None:
    """Whoever comes second is told."""
    with recording(upstream, tmp_path / "it.yaml") as double:
        create(double)
        with pytest.raises(CassetteInUseError, match=r"it\.yaml"):
            recording(upstream, tmp_path / "it.yaml")


def test_json_cannot_be_recorded(upstream: Double, tmp_path: Path) -> None:
    """It cannot be appended to."""
    with pytest.raises(CassetteError, match=r"convert"):
        recording(upstream, tmp_path / "it.json")


def test_an_upstream_that_nobody_can_reach_is_said_so_at_once(tmp_path: Path) -> None:
    """Before a client has asked anything."""
    with Double() as gone:
        url = gone.url
    with pytest.raises(UsageError, match=rf"cannot be passed on to {url}: ConnectionRefusedError.*--ycimages-upstream"):
        Double(mode="record", cassette=tmp_path / "it.yaml", upstream=url)


@pytest.mark.parametrize("error", [LookupError, KeyboardInterrupt])
def test_what_is_left_by_an_error_replaces_no_recording(
    error: type[BaseException], upstream: Double, tmp_path: Path
) -> None:
    """The older one stays; if there is none, the new one is kept, and does not say that it is complete."""
    path = tmp_path / "it.yaml"
    with pytest.raises(error):
        _left_by(error, recording(upstream, path))
    assert (len(read_cassette(path).interactions), read_cassette(path).is_complete) == (1, False)
    with recording(upstream, path) as double:
        create(double)
        create(double)
    whole = path.read_bytes()
    with pytest.raises(error):
        _left_by(error, recording(upstream, path))
    assert path.read_bytes() == whole
    assert [each.name for each in tmp_path.iterdir()] == ["it.yaml"]


def _left_by(error: type[BaseException], double: Double) -> None:
    with double:
        create(double)
        raise error


def test_a_recording_that_is_held_ends_when_it_is_settled(upstream: Double, tmp_path: Path) -> None:
    """So that whoever closes the double need not know yet whether all went well."""
    path = tmp_path / "it.yaml"
    with recording(upstream, path) as double:
        create(double)
    for whole in (False, True):
        old = path.read_bytes()
        with recording(upstream, path) as double:
            double.cassette.defer()
            create(double, name="web")
        assert path.read_bytes() == old
        double.cassette.finish(whole=whole)
        assert (path.read_bytes() == old) is not whole
        assert [each.name for each in tmp_path.iterdir()] == ["it.yaml"]


def test_a_gap_in_a_recording_keeps_the_older_one(tmp_path: Path) -> None:
    """Though all that came after it was answered."""
    path = tmp_path / "it.yaml"
    with Double() as upstream:
        with recording(upstream, path) as double:
            create(double)
            create(double)
        whole = path.read_bytes()
        double = recording(upstream, path).start()
        create(double)
        port = upstream.port
    assert create(double).status_code == 500
    with Double(port=port):
        assert create(double).status_code == 200
    double.close()
    assert path.read_bytes() == whole
    with pytest.raises(DoubleFailedError) as failure:
        double.check()
    assert failure.value.__cause__ is not None
    assert failure.value.__cause__.__notes__ == [
        f"So the recording of {path} has a gap. An older cassette there stays."
    ]


def test_an_upstream_that_goes_away_fails_the_test(tmp_path: Path) -> None:
    """The client gets a 500; what was answered before is kept, and does not say that it is complete."""
    path = tmp_path / "it.yaml"
    with Double() as upstream:
        double = recording(upstream, path).start()
        create(double)
    assert create(double).status_code == 500
    double.close()
    with pytest.raises(DoubleFailedError, match="POST /compute/v1/images"):
        double.check()
    assert (len(read_cassette(path).interactions), read_cassette(path).is_complete) == (1, False)


def test_faults_and_a_new_beginning_are_for_the_fake(upstream: Double, tmp_path: Path) -> None:
    """What is recorded is what the service did."""
    with recording(upstream, tmp_path / "it.yaml") as double:
        with pytest.raises(UsageError, match=r"reset\(.*\) works on the fake alone\. What works here: none\."):
            double.inject(reset())
        with pytest.raises(UsageError, match="A double that records cannot be reset"):
            double.reset()


def test_many_clients_are_recorded_at_once(upstream: Double, tmp_path: Path) -> None:
    """Nobody waits for another's answer, and nobody's is lost."""
    path = tmp_path / "it.yaml"
    with recording(upstream, path) as double:
        threads = [threading.Thread(target=create, args=(double,), kwargs={"name": f"web-{n}"}) for n in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(double.images) == 0
        assert len(double.operations) == 16
    assert len(read_cassette(path).interactions) == 16


def test_a_recording_can_be_discarded(upstream: Double, tmp_path: Path) -> None:
    """As if it had never begun."""
    with recording(upstream, tmp_path / "it.yaml") as double:
        create(double)
        double.cassette.discard()
    assert not list(tmp_path.iterdir())
    with pytest.raises(UsageError, match="is not being recorded"):
        Double(mode="replay", cassette=_any(upstream, tmp_path)).cassette.discard()


def _any(upstream: Double, folder: Path) -> Path:
    with recording(upstream, folder / "any.yaml") as double:
        create(double)
    return folder / "any.yaml"
