"""What a cassette holds, whoever wrote it, however far it came, and read once."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from vcr.request import Request
from vcr.serialize import serialize
from vcr.serializers import jsonserializer, yamlserializer

from pytest_ycimages.cassette import file
from pytest_ycimages.cassette.file import cassette_text, item_text, read_cassette, write_cassette
from pytest_ycimages.cassette.model import (
    UNKNOWN_METADATA,
    CassetteData,
    CassetteMetadata,
    Interaction,
    RecordedRequest,
    RecordedResponse,
)
from pytest_ycimages.cassette.parsing import parse
from pytest_ycimages.cassette.schema import COMPLETE
from tests.cassette.files.some import cassette

PATH = Path("a.yaml")
BYTES = Interaction(RecordedRequest("PUT", "https://h/", body=b"\xff"), RecordedResponse(200, body=b"\xfe"))


@pytest.mark.parametrize("last", [cassette().interactions[-1], BYTES], ids=["JSON", "YAML"])
def test_a_recording_that_was_cut_off_anywhere_keeps_every_whole_interaction(last: Interaction) -> None:
    """Behind its first interaction, at whatever byte; and it says that it is not complete."""
    whole = CassetteData(CassetteMetadata(), (*cassette(2).interactions, last))
    text = cassette_text(whole)
    ends = [text.index(item_text(each)) + len(item_text(each)) for each in whole.interactions]
    for length in range(ends[0] - 1, len(text)):
        found = parse(text[:length], PATH)
        kept = sum(length >= end - 1 for end in ends)  # all but the end of its last line
        assert found == whole._replace(interactions=whole.interactions[:kept], is_complete=False), text[:length][-50:]
    assert parse(text, PATH) == whole


def test_a_recording_that_was_cut_off_in_its_first_interaction_holds_none() -> None:
    """The head is there, so it is a cassette."""
    text = cassette_text(cassette(1))
    start = text.index(b"- {") + 2
    for length in range(start, text.index(b"}\n") - 30):
        assert parse(text[:length], PATH) == CassetteData(cassette().metadata, (), is_complete=False)


def test_what_a_loss_of_power_appends_is_dropped() -> None:
    """Some file systems grow a file before they fill it."""
    text = cassette_text(cassette(2)).removesuffix(COMPLETE)
    assert parse(text + b"\0" * 100, PATH) == cassette(2)._replace(is_complete=False)


def test_our_layout_may_be_changed_by_hand() -> None:
    """It is YAML like any other: comments, a request in blocks."""
    text = cassette_text(cassette(2)).decode()
    changed = text.replace("\n- ", "\n# first\n\n- ", 1)
    assert parse(changed.encode(), PATH) == cassette(2)
    block = "- request: {method: GET, uri: 'https://h/'}\n  response: {status: {code: 204}}\n"
    assert parse(text.replace("complete", f"{block}complete").encode(), PATH).interactions[-1] == Interaction(
        RecordedRequest("GET", "https://h/"), RecordedResponse(204)
    )


@pytest.mark.parametrize("serializer", [yamlserializer, jsonserializer], ids=["yaml", "json"])
def test_what_vcrpy_has_written_is_read(serializer: object) -> None:
    """With names of headers in lower case, and with unknown metadata."""
    recorded = {
        "requests": [Request("POST", "https://h/?a=b", "{}", {"Accept": "*/*", "X-Two": "2"})],
        "responses": [
            {
                "status": {"code": 429, "message": None},
                "headers": {"Set-Cookie": ["a=1", "b=2"], "server": "x"},
                "body": {"string": b"\xd0\x9e\xd0\xba"},
            }
        ],
    }
    assert parse(serialize(recorded, serializer).encode(), PATH) == CassetteData(
        UNKNOWN_METADATA,
        (
            Interaction(
                RecordedRequest("POST", "https://h/?a=b", (("accept", "*/*"), ("x-two", "2")), b"{}"),
                RecordedResponse(
                    429, "", (("set-cookie", "a=1"), ("set-cookie", "b=2"), ("server", "x")), "Ок".encode()
                ),
            ),
        ),
    )


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        ("!!python/unicode 'text'", b"text"),
        ("!!python/object/new:_io.BytesIO {state: !!python/tuple [!!binary '/w==', 0, null]}", b"\xff"),
        ("!!python/object/apply:builtins.iter {args: [[a, !!binary '/w==']]}", b"a\xff"),
    ],
)
def test_what_older_vcrpy_has_written_is_read(body: str, sent: bytes) -> None:
    """Tags of Python around a body, and answers to httpx in another form."""
    text = f"""\
interactions:
- request: {{method: PUT, uri: 'https://h/', headers: {{}}, body: {body}}}
  response: {{status_code: 200, http_version: HTTP/1.1, headers: {{a: b}}, content: 'all'}}
version: 1
"""
    assert parse(text.encode(), PATH).interactions == (
        Interaction(RecordedRequest("PUT", "https://h/", (), sent), RecordedResponse(200, "", (("a", "b"),), b"all")),
    )


def test_a_mark_of_the_order_of_bytes_is_passed_over() -> None:
    """Editors of some systems write one."""
    assert parse(b"\xef\xbb\xbf" + cassette_text(cassette()), PATH) == cassette()


def test_a_cassette_is_parsed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often, from however many threads, and under whatever name of the same path it is asked for."""
    path = tmp_path / "a.yaml"
    write_cassette(path, cassette())
    parsed: list[Path] = []

    def counting(data: bytes, path: Path) -> CassetteData:
        parsed.append(path)
        return parse(data, path)

    monkeypatch.setattr(file, "parse", counting)
    monkeypatch.chdir(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(read_cassette, [path, str(path), "a.yaml", tmp_path / "." / "a.yaml"] * 10))
    assert all(each is found[0] for each in found)
    assert len(parsed) == 1


def test_a_cassette_that_has_changed_is_read_anew(tmp_path: Path) -> None:
    """Even one that was replaced within a tick of the clock by one of the same size."""
    path = tmp_path / "a.yaml"
    write_cassette(path, cassette(1))
    assert read_cassette(path) == cassette(1)
    before = path.stat()
    (tmp_path / "b").write_bytes(path.read_bytes().replace(b"fd8a", b"fd8b"))
    (tmp_path / "b").replace(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert read_cassette(path) != cassette(1)


def test_keys_of_earlier_versions_are_read_and_written_under_their_new_names() -> None:
    """In this package's layout, and in any other."""
    text = cassette_text(cassette())
    old = text.replace(b'"duration"', b'"took"').replace(b'"skipped_polls"', b'"equal"')
    assert old != text
    for each in (old, old.replace(b"version: 1\n", b"version:  1\n")):
        assert cassette_text(parse(each, PATH)) == text
