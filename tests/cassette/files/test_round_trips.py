"""Whatever happened can be written, and whoever reads it reads the same: this package, and vcrpy with either parser."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings

from pytest_ycimages import CassetteError
from pytest_ycimages.cassette.file import block_text, cassette_text, head_text, item_text, json_text
from pytest_ycimages.cassette.model import (
    CassetteData,
    CassetteMetadata,
    Interaction,
    RecordedRequest,
    RecordedResponse,
)
from pytest_ycimages.cassette.parsing import parse
from tests.cassette.files.drawn import cassettes
from tests.cassette.files.some import METADATA
from tests.cassette.files.vcr import JSON, SERIALIZERS, expected, seen

PATH = Path("some.yaml")
MANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.costly
@given(cassettes)
@MANY
def test_what_is_written_is_read_as_it_was(cassette: CassetteData) -> None:
    """In our own layout: the metadata, every text and every byte, and whether the recording came to its end."""
    assert parse(cassette_text(cassette), PATH) == cassette


@pytest.mark.costly
@pytest.mark.parametrize("reader", SERIALIZERS)
@given(cassette=cassettes)
@settings(MANY, max_examples=40)
def test_vcrpy_reads_the_same(reader: str, cassette: CassetteData) -> None:
    """Whichever parser of YAML it finds."""
    assert seen(cassette_text(cassette), SERIALIZERS[reader]) == expected(cassette.interactions)


LONG_NAME = Interaction(RecordedRequest("GET", "/", (("x" * 2000, "\ufffe"),)), RecordedResponse(200))


@pytest.mark.costly
@given(cassettes)
@example(CassetteData(CassetteMetadata(), (LONG_NAME,)))
@settings(MANY, max_examples=25)
def test_what_is_written_in_blocks_is_read_as_it_was(cassette: CassetteData) -> None:
    """By us and by vcrpy."""
    text = block_text(cassette)
    assert parse(text, PATH) == cassette
    assert seen(text) == expected(cassette.interactions)


@pytest.mark.costly
@given(cassettes)
@settings(MANY, max_examples=40)
def test_json_is_read_as_it_was_or_refused(cassette: CassetteData) -> None:
    """Refused is a body that is no UTF-8, as JSON has no bytes, and only that."""
    bodies = [body for (*_, sent), (*_, got), *_ in cassette.interactions for body in (sent, got)]
    if all(_is_utf8(body) for body in bodies):
        text = json_text(cassette)
        assert parse(text, Path("some.json")) == cassette
        assert seen(text, JSON) == expected(cassette.interactions)
    else:
        with pytest.raises(CassetteError, match=r"Interaction \d has a body that is not UTF-8, and JSON has no bytes"):
            json_text(cassette)


@pytest.mark.costly
@given(cassettes)
@MANY
def test_an_item_is_whole_lines_and_only_its_first_begins_like_one(cassette: CassetteData) -> None:
    """So a file may be appended to, split without being parsed, and cut at the last whole item."""
    for interaction in cassette.interactions:
        text = item_text(interaction)
        assert text.startswith(b"- ")
        assert text.endswith(b"}\n")
        assert text.count(b"}\n") == 1
        assert b"\n- " not in text
        assert b"\ncomplete" not in text


@pytest.mark.costly
@given(cassettes)
@settings(MANY, max_examples=25)
def test_line_ends_of_another_system_change_nothing(cassette: CassetteData) -> None:
    """Git may check text out with them."""
    assert parse(cassette_text(cassette).replace(b"\n", b"\r\n"), PATH) == cassette


@pytest.mark.parametrize(
    "interaction",
    [
        Interaction(RecordedRequest("GET", "https://h/\ud800"), RecordedResponse(200)),
        Interaction(
            RecordedRequest("GET", "https://h/", body=b"\xff"), RecordedResponse(200, headers=(("a", "\udfff"),))
        ),
    ],
)
def test_half_a_surrogate_pair_is_refused(interaction: Interaction) -> None:
    """No UTF-8 stands for it, and libyaml refuses its escape."""
    cassette = CassetteData(CassetteMetadata(), (interaction,))
    for text in (cassette_text, block_text, json_text):
        with pytest.raises(CassetteError, match="UTF-8"):
            text(cassette)


def test_the_head_leaves_out_what_is_not_known() -> None:
    """And is read by people as well: a comment, the version for vcrpy, the metadata in a line."""
    assert head_text(CassetteMetadata(folder_id="b1gж")).decode() == (
        "# Recorded with pytest-ycimages; any vcrpy reads it. Its story: ycimages cassette show FILE\n"
        "version: 1\n"
        'ycimages: {"format": 1, "origin": "unknown", "folder_id": "b1gж"}\n'
        "interactions:\n"
    )


def test_the_example_of_the_reference_is_what_is_written() -> None:
    """Byte for byte."""
    page = (Path(__file__).parents[3] / "docs" / "reference" / "cassette-file.md").read_bytes()
    example = page.split(b"```yaml\n")[1].split(b"```")[0]
    told = parse(example, PATH)
    assert cassette_text(told) == example
    assert (told.metadata, told.interactions[0].skipped_polls, told.is_complete) == (METADATA, 3, True)


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
