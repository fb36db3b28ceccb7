"""Cassettes that plain vcrpy has recorded: nobody has scrubbed them, and they replay all the same."""

from __future__ import annotations

import gzip
import zlib
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import requests
from vcr.request import Request
from vcr.serialize import serialize
from vcr.serializers import yamlserializer

from pytest_ycimages import CassetteDiffersError, CassetteUnusedError, Double, NoMatchError, SecretFoundError
from pytest_ycimages.cassette.model import CassetteData, CassetteMetadata
from pytest_ycimages.cassette.redact import for_replay
from pytest_ycimages.redaction.rules import redaction_rules
from tests.cassette.player.handmade import bake

if TYPE_CHECKING:
    from pathlib import Path


SECRET = "Zq8-vR3nT5wLk2Pd"  # noqa: S105 - drawn for these tests
JSON = {"content-type": ["application/json"]}
FORM = {"content-type": "application/x-www-form-urlencoded"}
TEXT = '{"name": "день"}'.encode()
HOST = "http://127.0.0.1:41233"


def recorded(path: Path, *calls: tuple[Request, dict[str, Any]]) -> Path:
    """A cassette as vcrpy writes it, with these calls."""
    both = {"requests": [call[0] for call in calls], "responses": [call[1] for call in calls]}
    path.write_text(serialize(both, yamlserializer))
    return path


def answer(body: bytes = b"{}", **headers: str) -> dict[str, Any]:
    """An answer as vcrpy has it."""
    named = {name.replace("_", "-"): [value] for name, value in headers.items()}
    return {"status": {"code": 200, "message": "OK"}, "headers": JSON | named, "body": {"string": body}}


def unscrubbed(path: Path) -> Path:
    """A secret in a body of JSON, in one that is a form, in a query, and in a text before anything gives it away."""
    return recorded(
        path,
        (Request("POST", f"{HOST}/text", f'{{"description": "uses {SECRET}"}}', {}), answer()),
        (Request("POST", f"{HOST}/compute/v1/images", f'{{"name": "x", "password": "{SECRET}"}}', {}), answer()),
        (Request("POST", f"{HOST}/form", f"a=1&client_secret={SECRET}", FORM), answer()),
        (Request("GET", f"{HOST}/query?token={SECRET}", None, {"Authorization": f"Bearer {SECRET}"}), answer()),
    )


def asked(double: Double, secret: str = SECRET, name: str = "x") -> list[int]:
    """Ask all of it, as it was asked; and how it was answered."""
    url = double.url
    answers = (
        requests.post(f"{url}/text", json={"description": f"uses {secret}"}, timeout=10),
        requests.post(f"{url}/compute/v1/images", json={"name": name, "password": secret}, timeout=10),
        requests.post(f"{url}/form", data={"a": "1", "client_secret": secret}, timeout=10),
        requests.get(f"{url}/query", params={"token": secret}, timeout=10),
    )
    assert not any(SECRET in each.text for each in answers)
    return [each.status_code for each in answers]


def test_the_very_request_that_was_recorded_is_found_whatever_secret_is_in_it(tmp_path: Path) -> None:
    """It goes through the same rules as the cassette, and the credentials that are known there are known here."""
    path = unscrubbed(tmp_path / "a.yaml")
    before = path.read_bytes()
    with Double(mode="replay", cassette=path) as replay:
        assert asked(replay) == [200] * 4
        replay.reset()
        assert asked(replay) == [200] * 4
    assert path.read_bytes() == before


def test_a_field_that_users_want_scrubbed_is_scrubbed_on_both_sides(tmp_path: Path) -> None:
    """In what this version has recorded, too: it did not know of the rule."""
    path = tmp_path / "a.yaml"
    quiet: dict[str, Any] = {"unknown_fields": "ignore", "cassette": path}
    with (
        Double(unknown_fields="ignore") as upstream,
        Double(mode="record", upstream=upstream.url, **quiet) as recording,
    ):
        requests.get(f"{recording.url}/compute/v1/images", params={"folderId": "b1g", "ticket": "1"}, timeout=10)
    with Double(mode="replay", scrub=("ticket",), **quiet) as replay:
        requests.get(f"{replay.url}/compute/v1/images", params={"folderId": "b1g", "ticket": "2"}, timeout=10)


def test_no_error_shows_a_secret_of_the_file(tmp_path: Path) -> None:
    """Neither that of a request without an answer, nor that of answers nobody asked for, nor that of other answers."""
    path = unscrubbed(tmp_path / "a.yaml")
    with (
        pytest.raises(NoMatchError, match=r'body\.name: recorded "x", asked "y"') as refused,
        Double(mode="replay", cassette=path, unused_interactions="ignore") as replay,
    ):
        assert asked(replay, name="y") == [200, 400, 200, 200]
    with (
        pytest.raises(CassetteUnusedError, match="never asked for 4 of 4") as unused,
        Double(mode="replay", cassette=path),
    ):
        pass
    with (
        pytest.raises(CassetteDiffersError) as differs,
        Double(mode="verify", cassette=path, unused_interactions="ignore"),
    ):
        pass
    for raised in (refused, unused, differs):
        assert SECRET not in "".join([str(raised.value), *getattr(raised.value, "__notes__", ())])


def test_a_body_that_cannot_be_looked_through_is_not_shown_either(tmp_path: Path) -> None:
    """Nothing that can be asked is equal to it."""
    request = Request("POST", f"{HOST}/json", f"password={SECRET}", {"Content-Encoding": "zstd"})
    path = recorded(tmp_path / "a.yaml", (request, answer()))
    with (
        pytest.raises(NoMatchError, match='body: recorded "~SCRUBBED~"') as refused,
        Double(mode="replay", cassette=path, unused_interactions="ignore") as replay,
    ):
        requests.post(f"{replay.url}/json", data="x", timeout=10)
    assert SECRET not in str(refused.value)


def test_what_this_version_has_recorded_is_not_scrubbed_again_and_all_else_once() -> None:
    """So that it costs nothing, and the other once in a run."""
    ours = CassetteData(CassetteMetadata(tool=version("pytest-ycimages")), bake())
    assert for_replay(ours).played is ours
    others = (ours._replace(metadata=CassetteMetadata()), ours._replace(metadata=CassetteMetadata(tool="0.0.1")))
    for theirs in others:
        assert for_replay(theirs).played is not theirs
        assert for_replay(theirs).played is for_replay(theirs, redaction_rules(())).played
    assert for_replay(ours, redaction_rules(("ticket",))).played is not ours


@pytest.mark.parametrize(
    ("encoding", "stored"),
    [
        ("gzip", TEXT),
        ("gzip", gzip.compress(TEXT, mtime=0)),
        ("GZip", gzip.compress(TEXT, mtime=0)),
        ("gzip", b"\xff no text, and no gzip"),
        ("deflate", TEXT),
        ("deflate", zlib.compress(TEXT)),
        ("br", TEXT),
        ("zstd", TEXT),
        ("deflate, gzip", gzip.compress(zlib.compress(TEXT), mtime=0)),
    ],
    ids=["decoded", "gzip", "in capitals", "decoded bytes", "not deflated", "deflate", "not br", "not zstd", "both"],
)
def test_a_body_is_played_as_it_reads_whether_it_was_stored_compressed_or_not(
    tmp_path: Path, encoding: str, stored: bytes
) -> None:
    """With requests, vcrpy stores it decoded, and keeps the header; with httpx, it stores what was sent."""
    request = Request("GET", f"{HOST}/gz", None, {})
    path = recorded(tmp_path / "a.yaml", (request, answer(stored, content_encoding=encoding, content_length="28")))
    with Double(mode="replay", cassette=path) as replay:
        one, other = requests.get(f"{replay.url}/gz", timeout=10), httpx.get(f"{replay.url}/gz")
    wanted = stored if stored.startswith(b"\xff") else TEXT
    assert one.content == other.content == wanted
    assert one.headers["content-length"] == str(len(wanted))


def test_a_body_that_cannot_be_decoded_is_played_as_it_was_recorded(tmp_path: Path) -> None:
    """Whatever is wrong with it was wrong then."""
    torn = gzip.compress(TEXT, mtime=0)[:-5]
    request = Request("GET", f"{HOST}/gz", None, {})
    path = recorded(tmp_path / "a.yaml", (request, answer(torn, content_encoding="gzip")))
    with Double(mode="replay", cassette=path) as replay, httpx.stream("GET", f"{replay.url}/gz") as response:
        assert response.headers["content-encoding"] == "gzip"
        assert b"".join(response.iter_raw()) == torn


def test_a_request_that_cannot_be_looked_through_is_told_so(tmp_path: Path) -> None:
    """Without advice for recordings: nothing is being recorded."""
    path = unscrubbed(tmp_path / "a.yaml")
    replay = Double(mode="replay", cassette=path, unused_interactions="ignore").start()
    requests.post(f"{replay.url}/json", data=b"x", headers={"Content-Encoding": "gzip"}, timeout=10)
    replay.close()
    with pytest.raises(SecretFoundError, match=r"'gzip' cannot be .*: it is damaged: .* So no cassette has it"):
        replay.check()
