"""With a service in another process, `ycimages_time` is real time, and so are all times of the cassette."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

import pytest

from pytest_ycimages import Double, UsageError, VirtualTime
from pytest_ycimages.api.message import SECOND
from pytest_ycimages.cassette.file import read_cassette
from pytest_ycimages.cloud.clock import machine_time

from .upstreams import elsewhere

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_ycimages import CassetteMetadata

    from .upstreams import Elsewhere

BAKE: Final = """
    import time
    import pytest
    import requests

    def bake(url, token, folder_id, pause):
        headers = {"Authorization": f"Bearer {token}"}
        body = {"folderId": folder_id, "diskId": "epd0000000000000000a"}
        operation = requests.post(f"{url}/compute/v1/images", json=body, headers=headers).json()
        while not operation["done"]:
            time.sleep(pause)
            operation = requests.get(f"{url}/operations/{operation['id']}", headers=headers).json()
"""
TEST: Final = """
    PAUSE = {pause}

    @pytest.mark.ycimages_cassette
    def test_bake(ycimages_time, ycimages, record_property):
        began = time.monotonic()
        bake(ycimages.url, ycimages.token, ycimages.folder_id, PAUSE)
        print("mode", ycimages.settings.mode)
        print("slept", time.monotonic() - began, "elapsed", ycimages_time.elapsed)
        print("polls", len(ycimages.calls.of("operations.get")))
"""


@pytest.fixture(scope="module")
def service() -> Iterator[Elsewhere]:
    """A service whose operations take 0.3 seconds."""
    with elsewhere("0.3") as started:
        yield started


def printed(result: pytest.RunResult, word: str) -> float:
    """Return the number that a test printed after a word."""
    words = result.stdout.str().split()
    return float(words[words.index(word) + 1])


def age(metadata: CassetteMetadata) -> float:
    """Return the seconds since a recording, by the machine's clock."""
    return machine_time() / SECOND - datetime.fromisoformat(metadata.recorded_at).timestamp()


def record_and_replay(project: pytest.Pytester, timing: float, pause: float) -> tuple[pytest.RunResult, float]:
    """Record a test that polls with pauses, replay it, and return the replay and the seconds of its test."""
    project.makepyfile(test_it=BAKE + TEST.format(pause=pause))
    path = project.path / "cassettes" / "test_it" / "test_bake.yaml"
    with elsewhere(str(timing), "0.01") as service:
        began = machine_time()
        recording = project.runpytest("-s", "--ycimages-mode=record", f"--ycimages-upstream={service.url}")
        took = (machine_time() - began) / SECOND
        recording.assert_outcomes(passed=1)
        polls = service.polls()
    assert took >= timing
    assert timing <= printed(recording, "elapsed") <= took
    assert timing <= printed(recording, "slept") <= took
    assert 1 <= polls <= timing / pause + 1
    assert printed(recording, "polls") == polls
    cassette = read_cassette(path)
    assert 0 <= age(cassette.metadata) < 60 + took
    assert timing <= (cassette.interactions[-1].at or 0) <= took
    assert all((each.duration or 0) >= 0.01 for each in cassette.interactions)
    replay = project.runpytest("-s", "--durations=0", "-vv")
    replay.assert_outcomes(passed=1)
    assert pause <= printed(replay, "elapsed") <= printed(recording, "slept") + pause
    assert printed(replay, "elapsed") == pytest.approx(printed(replay, "polls") * pause)
    assert printed(replay, "slept") == pytest.approx(printed(replay, "elapsed"), abs=1e-3)
    calls = [line for line in replay.outlines if " call " in line and "test_bake" in line]
    return replay, float(calls[0].split("s ")[0])


@pytest.mark.costly
def test_a_recording_takes_the_time_of_the_service_and_its_replay_none(project: pytest.Pytester) -> None:
    """The client's pauses are real while it is recorded; its replay skips them, with the recorded spacing."""
    record_and_replay(project, timing=0.6, pause=0.2)


@pytest.mark.slow
def test_the_example_of_the_how_to_polls_every_two_seconds(project: pytest.Pytester) -> None:
    """Three or four polls for six seconds, and a replay that takes less than a second of test time."""
    replay, seconds = record_and_replay(project, timing=6, pause=2)
    assert printed(replay, "polls") in {3, 4}
    assert seconds < 1


@pytest.mark.costly
def test_a_comparison_with_a_service_takes_real_time_as_well(project: pytest.Pytester) -> None:
    """The recorded polls are sent again when they are due, and not as often as the client can."""
    project.makepyfile(test_it=BAKE + TEST.format(pause=0.2))
    with elsewhere("0.6") as service:
        project.runpytest("--ycimages-mode=record", f"--ycimages-upstream={service.url}").assert_outcomes(passed=1)
    with elsewhere("0.6") as service:
        result = project.runpytest("-s", "--ycimages-mode=verify", f"--ycimages-upstream={service.url}")
        result.assert_outcomes(passed=1)
        assert service.polls() <= 4
    assert printed(result, "elapsed") >= printed(result, "slept")


@pytest.mark.costly
@pytest.mark.parametrize("where", ["marker", "fixture", "ini", "missing"])
def test_every_way_to_record_has_real_time(where: str, project: pytest.Pytester, service: Elsewhere) -> None:
    """Whichever source says it, and also for a cassette that is only missing."""
    test = TEST.format(pause=0.1)
    fixture = """
    @pytest.fixture
    def ycimages_settings():
        return {"mode": "record"}
    """
    if where == "marker":
        test = test.replace("ycimages_cassette", 'ycimages_cassette(mode="record")')
    project.makepyfile(test_it=BAKE + (fixture if where == "fixture" else "") + test)
    mode = "ycimages_mode = record" if where == "ini" else ""
    project.makeini(f"[pytest]\nycimages_upstream = {service.url}\n{mode}\n")
    result = project.runpytest("-s", *(["--ycimages-mode=missing"] if where == "missing" else []))
    result.assert_outcomes(passed=1)
    assert printed(result, "polls") <= 4
    assert printed(result, "elapsed") >= 0.3
    if where == "missing":
        result = project.runpytest("-s", "--ycimages-mode=missing")
        result.assert_outcomes(passed=1)
        result.stdout.fnmatch_lines(["*mode replay"])
        result.stdout.no_fnmatch_line("*will send*")


@pytest.mark.costly
def test_a_test_that_keeps_the_fake_keeps_virtual_time(project: pytest.Pytester) -> None:
    """In a run that records others."""
    project.makepyfile(
        test_it=BAKE
        + """
    def test_fake(ycimages_time, ycimages):
        ycimages.timing = 3600
        bake(ycimages.url, ycimages.token, ycimages.folder_id, 600)
        assert ycimages_time.elapsed == 3600

    def test_without_a_double(ycimages_time):
        time.sleep(3600)
    """
    )
    for mode in ("record", "missing", "record-all"):
        options = (f"--ycimages-mode={mode}", "--ycimages-upstream=http://127.0.0.1:9")
        result = project.runpytest(*options, "-k", "test_without" if mode == "record-all" else "test")
        result.assert_outcomes(passed=1 if mode == "record-all" else 2, deselected=mode == "record-all")


@pytest.mark.costly
def test_real_time_has_the_methods_of_virtual_time(project: pytest.Pytester, service: Elsewhere) -> None:
    """`advance` sleeps, `now` and `str` are the machine's."""
    project.makepyfile(
        test_it="""
    import time
    from datetime import datetime, UTC
    import pytest

    @pytest.mark.ycimages_cassette(mode="record")
    def test_it(ycimages_time, ycimages):
        began = time.monotonic()
        ycimages_time.advance(0.05)
        assert time.monotonic() - began >= 0.05
        assert ycimages_time.elapsed >= 0.05
        assert abs(ycimages_time.now() / 1e9 - time.time()) < 60
        assert abs(datetime.fromisoformat(str(ycimages_time)) - datetime.now(UTC)).total_seconds() < 60
        ycimages_time.wait_until(ycimages_time.now() - 10**9)
        ycimages_time.horizon = 10
        assert "seconds have passed" in repr(ycimages_time)
        with pytest.raises(Exception, match="cannot go back"):
            ycimages_time.advance(-1)
        with pytest.raises(Exception, match="runs on the real clock"):
            ycimages.clock.advance(1)
    """
    )
    project.runpytest(f"--ycimages-upstream={service.url}").assert_outcomes(passed=1)


def test_virtual_time_of_the_test_itself_is_refused(tmp_path: Path, service: Elsewhere) -> None:
    """Before the first request: a client that skips its waits would send thousands."""
    recording = {"mode": "record", "cassette": tmp_path / "bake.yaml", "upstream": service.url}
    with VirtualTime(), pytest.raises(UsageError, match=rf"and {service.url} runs on real time"):
        Double(recording)
    with Double(recording), pytest.raises(UsageError, match="sends requests to a service, which runs on real time"):
        VirtualTime().__enter__()
    nowhere = recording | {"upstream": "http://127.0.0.1:9"}
    with pytest.raises(UsageError, match="can it be reached") as _failed:  # which keeps the double alive
        Double(nowhere)
    with VirtualTime() as virtual_time:  # when it has ended, or has not begun, time may be virtual again
        virtual_time.advance(10)
        assert virtual_time.elapsed == 10


@pytest.mark.parametrize("mode", ["record", "verify"])
def test_virtual_time_is_refused_for_the_service_itself(
    mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No address is needed to say so, and no connection is made."""
    monkeypatch.setenv("YC_TOKEN", "t1.not-a-token")
    monkeypatch.setenv("YC_FOLDER_ID", "b1g00000000000000000")
    path = tmp_path / "bake.yaml"
    upstream = None if mode == "record" else "https://compute.api.cloud.yandex.net"
    path.write_text("version: 1\ninteractions: []\n")
    with VirtualTime(), pytest.raises(UsageError, match="runs on real time"):  # noqa: SIM117 - the order matters
        with Double(mode=mode, cassette=path, upstream=upstream):
            pass


def test_a_frozen_clock_does_not_reach_the_cassette(project: pytest.Pytester, service: Elsewhere) -> None:
    """Neither that of freezegun nor that of time-machine: a recording is as old as it is."""
    test = """
    import pytest
    import requests
    from {module} import {name} as frozen

    @pytest.mark.ycimages_cassette(mode="record")
    def test_it(ycimages):
        with frozen("2001-02-03"{more}):
            requests.get(f"{{ycimages.url}}/compute/v1/images/fd800000000000000000")

    @pytest.mark.ycimages_cassette(mode="record")
    @frozen("2001-02-03"{more})
    def test_all(ycimages):
        requests.get(f"{{ycimages.url}}/compute/v1/images/fd800000000000000000")
    """
    project.makepyfile(
        test_frozen=test.format(module="freezegun", name="freeze_time", more=""),
        test_travel=test.format(module="time_machine", name="travel", more=", tick=False"),
    )
    project.runpytest(f"--ycimages-upstream={service.url}").assert_outcomes(passed=4)
    files = sorted((project.path / "cassettes").rglob("*.yaml"))
    assert len(files) == 4
    for file in files:
        cassette = read_cassette(file)
        assert 0 <= age(cassette.metadata) < 60
        assert 0 <= (cassette.interactions[0].at or 0) < 60
