"""Every client records and replays, at an address of the double and in process; vcrpy reads all of it, too."""

from __future__ import annotations

import shutil
from contextlib import ExitStack, nullcontext
from typing import TYPE_CHECKING, Any, Literal

import pytest
import vcr

from pytest_ycimages import AfterPolls, Double
from tests.cassette.modes.speakers import IN_PYTHON, bake, real, with_curl, with_requests

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.cassette.modes.speakers import Speaker

    Way = Literal["proxy", "in process"]


def baked(double: Double, speaker: Speaker, way: Way, polls: int | None = None) -> Mapping[str, Any]:
    """What a client gets that bakes against `double` in one of the two ways."""
    patched = nullcontext() if way == "proxy" else double.through_vcrpy()
    with patched, speaker() as ask:
        address = real if way == "in process" else lambda path: f"{double.url}{path}"
        return bake(ask, address, token=double.token, folder_id=double.folder_id, polls=polls)


def recorded(path: Path, speaker: Speaker, way: Way) -> Mapping[str, Any]:
    """The image that a client gets while it is recorded from a double that stands in for the service."""
    with (
        Double(timing=AfterPolls(3)) as upstream,
        Double(mode="record", cassette=path, upstream=upstream.url) as recording,
    ):
        return baked(recording, speaker, way)


def replayed(path: Path, speaker: Speaker, way: Way, polls: int | None = None) -> Mapping[str, Any]:
    """The image that a client gets from the cassette, of which everything is used."""
    with Double(mode="replay", cassette=path) as replay:
        image = baked(replay, speaker, way, polls)
        assert replay.images[image["id"]].status == "READY"
    return image


def played_by_vcrpy(path: Path, speaker: Speaker) -> Mapping[str, Any]:
    """The image that a client gets from a vcrpy that has never heard of this package."""
    with ExitStack() as stack:
        cassette = stack.enter_context(vcr.use_cassette(str(path), record_mode="none"))
        image = bake(stack.enter_context(speaker()), real, token="any", folder_id="any")  # noqa: S106 - no token
        assert cassette.all_played
    return image


@pytest.mark.parametrize("speaker", IN_PYTHON)
@pytest.mark.parametrize("way", ["proxy", "in process"])
def test_what_a_client_records_in_one_way_it_replays_in_both_and_with_vcrpy(
    speaker: Speaker, way: Way, tmp_path: Path
) -> None:
    """The same image, and no server anywhere."""
    path = tmp_path / "bake.yaml"
    image = recorded(path, speaker, way)
    assert image["status"] == "READY"
    assert replayed(path, speaker, "proxy") == image
    assert replayed(path, speaker, "in process") == image
    assert played_by_vcrpy(path, speaker) == image


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_what_curl_records_it_replays_and_so_do_clients_in_process(tmp_path: Path) -> None:
    """A recording speaks no language: Python plays what a shell has recorded."""
    path = tmp_path / "bake.yaml"
    image = recorded(path, with_curl, "proxy")
    assert replayed(path, with_curl, "proxy") == image
    assert replayed(path, with_requests, "in process") == image
    assert played_by_vcrpy(path, with_requests) == image


@pytest.mark.parametrize("polls", [1, 3, 4, 50])
def test_however_often_a_client_polls_it_ends_in_the_recorded_image(polls: int, tmp_path: Path) -> None:
    """Three polls were recorded; fewer and more of them end in the same image."""
    path = tmp_path / "bake.yaml"
    image = recorded(path, with_requests, "proxy")
    assert replayed(path, with_requests, "proxy", polls) == image


def test_equal_polls_are_kept_once(tmp_path: Path) -> None:
    """Create, a poll that sees it run, the one that sees it done, and the image; and how many were left out."""
    path = tmp_path / "bake.yaml"
    recorded(path, with_requests, "proxy")
    with Double(mode="replay", cassette=path, unused_interactions="ignore") as replay:
        asked = [(each.request.method, each.skipped_polls) for each in replay.cassette.interactions]
    assert asked == [("POST", 0), ("GET", 0), ("GET", 1), ("GET", 0)]
