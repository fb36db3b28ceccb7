"""Recording and replaying on a clock that moves: a state shows when it showed in the recording."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from pytest_ycimages import After, Double
from tests.cassette.modes.speakers import bake, real, with_requests

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_ycimages import VirtualTime
    from tests.cassette.modes.speakers import Ask

BODY = {"folderId": "b1g00000000000000000", "diskId": "epd0000000000000000a"}
HEADERS = {"Authorization": "Bearer any"}


def wait(ask: Ask, url: str, pause: float) -> float:
    """Create an image, poll its operation with pauses, and return the seconds until it was done."""
    began = time.monotonic()
    operation = ask("POST", f"{url}/compute/v1/images", HEADERS, BODY)
    while not operation["done"]:
        time.sleep(pause)
        operation = ask("GET", f"{url}/operations/{operation['id']}", HEADERS, None)
    return time.monotonic() - began


@pytest.fixture
def recorded(ycimages_time: VirtualTime, tmp_path: Path) -> Path:
    """A cassette of an operation that was polled each second, and seen done at the third."""
    path = tmp_path / "bake.yaml"
    with (
        Double(timing=After(2.5)) as upstream,
        Double(mode="record", cassette=path, upstream=upstream.url) as recording,
        with_requests() as ask,
    ):
        assert wait(ask, recording.url, pause=1) == 3
        assert ycimages_time.elapsed == 3
    return path


@pytest.mark.parametrize(("pause", "done_after"), [(1, 3), (0.25, 3), (2, 4), (10, 10), (1.5, 3)])
def test_an_operation_is_done_at_the_recorded_virtual_moment(recorded: Path, pause: float, done_after: float) -> None:
    """However often a client looks; it cannot see it before it looks."""
    with Double(mode="replay", cassette=recorded) as replay, with_requests() as ask:
        assert wait(ask, replay.url, pause) == done_after


def test_a_loop_of_asyncio_sees_it_at_the_same_moment(recorded: Path, ycimages_time: VirtualTime) -> None:
    """Through an event loop, virtual time goes the same way."""

    async def polled(url: str) -> int:
        polls = 0
        async with aiohttp.ClientSession(url, headers=HEADERS) as session:
            async with session.post("/compute/v1/images", json=BODY) as answer:
                operation: Any = await answer.json()
            while not operation["done"]:
                await asyncio.sleep(0.5)
                polls += 1
                async with session.get(f"/operations/{operation['id']}") as answer:
                    operation = await answer.json()
        return polls

    began = ycimages_time.elapsed
    with Double(mode="replay", cassette=recorded) as replay:
        assert asyncio.run(polled(replay.url)) == 6
    assert ycimages_time.elapsed - began == 3


def test_in_process_it_is_the_same_moment(recorded: Path) -> None:
    """The patches of vcrpy lead to the same double, and so to the same clock."""
    with Double(mode="replay", cassette=recorded) as replay, replay.through_vcrpy(), with_requests() as ask:
        assert wait(ask, "https://compute.api.cloud.yandex.net", pause=1) == 3


def test_paced_by_state_it_takes_the_recorded_polls_whatever_the_time(recorded: Path) -> None:
    """The second poll sees the second state."""
    with Double(mode="replay", cassette=recorded, replay_pace="state") as replay, with_requests() as ask:
        assert wait(ask, replay.url, pause=100) == 200


def test_on_a_manual_clock_the_test_moves_the_recording_on(recorded: Path) -> None:
    """A clock that a test moves paces a replay by time."""
    with Double(mode="replay", cassette=recorded, clock="manual", unused_interactions="ignore") as replay:
        with with_requests() as ask:
            operation = ask("POST", f"{replay.url}/compute/v1/images", HEADERS, BODY)
            seen = []
            for _ in range(4):
                seen.append(ask("GET", f"{replay.url}/operations/{operation['id']}", HEADERS, None)["done"])
                replay.clock.advance(1)
        assert seen == [False, False, False, True]


def test_latency_holds_for_a_replay_as_well(recorded: Path, ycimages_time: VirtualTime) -> None:
    """How late a recorded answer comes is the double's to say."""
    began = ycimages_time.elapsed
    with (
        Double(mode="replay", cassette=recorded, latency=0.5, unused_interactions="ignore") as replay,
        with_requests() as ask,
    ):
        ask("POST", f"{replay.url}/compute/v1/images", HEADERS, BODY)
    assert ycimages_time.elapsed - began == 0.5


def test_an_upstream_that_is_late_lets_virtual_time_pass_for_who_records_it(
    ycimages_time: VirtualTime, tmp_path: Path
) -> None:
    """A double that passes a call on waits for another double, and time does not stand still meanwhile."""
    with (
        Double(latency=7) as upstream,
        Double(mode="record", cassette=tmp_path / "late.yaml", upstream=upstream.url) as recording,
        with_requests() as ask,
    ):
        image = bake(ask, lambda path: f"{recording.url}{path}", token=recording.token, folder_id=recording.folder_id)
        took = [each.duration for each in recording.cassette.interactions]
    assert image["status"] == "READY"
    assert took == [7, 7, 7]
    assert ycimages_time.elapsed == 21


def test_in_process_it_passes_as_well(ycimages_time: VirtualTime, tmp_path: Path) -> None:
    """Then it is the client's own thread that waits for the upstream."""
    with (
        Double(latency=7) as upstream,
        Double(mode="record", cassette=tmp_path / "late.yaml", upstream=upstream.url) as recording,
        recording.through_vcrpy(),
        with_requests() as ask,
    ):
        bake(ask, real, token=recording.token, folder_id=recording.folder_id)
    assert ycimages_time.elapsed == 21
