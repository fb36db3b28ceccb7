"""A stock vcrpy plays what was written here, and what it wrote is read here."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import urllib3
import vcr

from pytest_ycimages.cassette.file import CassetteWriter, read_cassette, write_cassette
from pytest_ycimages.cassette.model import CassetteData, Interaction, RecordedRequest, RecordedResponse
from tests.cassette.files.some import METADATA

if TYPE_CHECKING:
    from pathlib import Path

HOST = "https://compute.api.cloud.yandex.net"
HEADERS = (("content-type", "application/json"), ("x-twice", "1"), ("x-twice", "2"))
CALLS = (
    Interaction(
        RecordedRequest("GET", f"{HOST}/a"), RecordedResponse(200, "OK", HEADERS, '{"a": "ж😀\x7f\u2028"}'.encode())
    ),
    Interaction(RecordedRequest("POST", f"{HOST}/b", body=b"\xff"), RecordedResponse(429, "Slow", (), b"\xfe\x00")),
)


def play(path: Path, serializer: str = "yaml") -> list[tuple[int, bytes, list[str]]]:
    """What a client is answered whom vcrpy leads to a cassette, and to nothing else."""
    with vcr.use_cassette(str(path), record_mode="none", serializer=serializer), urllib3.PoolManager() as pool:
        answers = [
            pool.request(request.method, request.uri, body=request.body or None, retries=False)
            for request, *_ in read_cassette(path).interactions
        ]
    return [(answer.status, answer.data, answer.headers.getlist("x-twice")) for answer in answers]


EXPECTED = [(200, CALLS[0].response.body, ["1", "2"]), (429, CALLS[1].response.body, [])]


@pytest.mark.parametrize("pretty", [False, True])
def test_vcrpy_plays_what_was_written_at_once(tmp_path: Path, *, pretty: bool) -> None:
    """In either form of YAML."""
    write_cassette(tmp_path / "a.yaml", CassetteData(METADATA, CALLS), pretty=pretty)
    assert play(tmp_path / "a.yaml") == EXPECTED


def test_vcrpy_plays_json(tmp_path: Path) -> None:
    """With its serializer for JSON."""
    write_cassette(tmp_path / "a.json", CassetteData(METADATA, CALLS[:1]))
    assert play(tmp_path / "a.json", "json") == EXPECTED[:1]


def test_vcrpy_plays_a_recording_that_goes_on(tmp_path: Path) -> None:
    """It is whole after every interaction, and so is one that was killed there."""
    with closing(CassetteWriter(tmp_path / "a.yaml", METADATA)) as writer:
        for number, call in enumerate(CALLS, 1):
            writer.append(call)
            assert play(tmp_path / "a.yaml") == EXPECTED[:number]


def test_what_vcrpy_has_changed_is_read(tmp_path: Path) -> None:
    """It writes the whole file anew when it records more, without what it does not know."""
    write_cassette(tmp_path / "a.yaml", CassetteData(METADATA, CALLS))
    with vcr.use_cassette(str(tmp_path / "a.yaml"), record_mode="new_episodes") as cassette:
        cassette.append(vcr.request.Request("GET", f"{HOST}/c", "", {}), {"status": {"code": 204, "message": ""}})
    found = read_cassette(tmp_path / "a.yaml")
    assert [each.response.body for each in found.interactions] == [*(each.response.body for each in CALLS), b""]
    assert found.is_complete
