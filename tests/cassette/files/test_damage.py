"""A file that cannot be read is refused with its name, the line, what was found and what to do; and stays as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ycimages import CassetteBrokenError, CassetteMissingError
from pytest_ycimages.cassette.file import cassette_text, read_cassette, write_cassette
from pytest_ycimages.cassette.parsing import parse
from tests.cassette.files.some import cassette

WHOLE = cassette_text(cassette(3))
AGAIN = (
    " The file is unchanged. Restore it from version control, or delete and record it again: "
    "pytest --ycimages-mode=record, or: ycimages record FILE"
)
BLOCK = """\
interactions:
- request:
    body: null
    headers:
      accept:
      - '*/*'
    method: GET
    uri: https://compute.api.cloud.yandex.net/compute/v1/images/fd8a
  response:
    body:
      string: '{}'
    headers: {}
    status:
      code: 200
      message: OK
version: 1
"""


def says(data: bytes | str, name: str = "a.yaml") -> str:
    """What is said of a file that cannot be read."""
    with pytest.raises(CassetteBrokenError) as refused:
        parse(data if isinstance(data, bytes) else data.encode(), Path(name))
    return str(refused.value)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "a.yaml: it is empty."),
        (b" \n\n", "a.yaml: it is empty."),
        (b"hello", "a.yaml: it is not a cassette: it has no list of `interactions`."),
        (b"interactions: 5", "a.yaml: it is not a cassette: it has no list of `interactions`."),
        (b"a: [1\nb: 2\n", "a.yaml, line 2: this is not YAML: did not find expected ',' or ']'."),
        (b"\x00\x00", "a.yaml: this is not YAML: "),
        (b"a: !!python/name:os.system\n", "a.yaml, line 1: this is not YAML: could not determine a constructor for "),
        (b"version: 1\ninteractions:\n- caf\xe9\n", "a.yaml, line 3: the byte 0xe9 is not UTF-8."),
        (BLOCK.replace("version: 1", "version: 2").encode(), "a.yaml: its version is 2; only 1 is known."),
        (b"- request: {}\n", "a.yaml: it was recorded with vcrpy before 1.0, whose cassettes vcrpy no longer reads."),
        (b"http_interactions: []\n", "a.yaml: it is a cassette of betamax or of Ruby's VCR, not of vcrpy."),
        (WHOLE[:150], "a.yaml, line 3: this is not YAML: "),
        (WHOLE.replace(b'"fake"', b'"fakes"'), "a.yaml, line 3: ycimages.origin is text; it should be 'service', "),
        (WHOLE.replace(b'"GET"', b"7", 1), "a.yaml, line 5: interaction 1, request.method is the number 7; it should"),
        (WHOLE.replace(b'"body": null, ', b"", 1).replace(b'"uri"', b'"url"', 1), "a.yaml, line 5: interaction 1, req"),
        (WHOLE[:-20].replace(b'"code": 200', b'"code": 2000', 1) + WHOLE[-20:], "a.yaml, line 6: interaction 1, respo"),
    ],
)  # fmt: skip
def test_what_is_no_cassette_is_refused_with_the_line_and_the_reason(data: bytes, text: str) -> None:
    """Nothing of it is ever taken for a recording that has not begun."""
    said = says(data)
    assert said.startswith(text)
    assert said.endswith(AGAIN)


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("method: GET", "method: 5", "line 7: interaction 1, request.method is the number 5; it should be a valid str"),
        ("    method: GET\n", "", "line 3: interaction 1, request has no 'method'."),
        ("//compute", "//[compute", "line 8: interaction 1, request.uri is text; it should be a valid address."),
        ("//compute", "//\u2100", "line 8: interaction 1, request.uri is text; it should be a valid address."),
        ("body: null", "body: 2026-01-01", "line 3: interaction 1, request.body is a date; it should be a valid strin"),
        ("- '*/*'", "- 5", "line 6: interaction 1, request.headers.accept.0 is the number 5; it should be a vali"),
        ("      code: 200\n", "", "line 14: interaction 1, response.status has no 'code'."),
        ("code: 200", "code: '200'", "line 14: interaction 1, response.status.code is text; it should be a valid inte"),
        ("code: 200", "code: yes", "line 14: interaction 1, response.status.code is true or false; it should be a va"),
        ("string: '{}'", "string: {}", "line 11: interaction 1, response.body.string is a mapping; it should be a va"),
    ],
)  # fmt: skip
def test_what_another_has_written_is_looked_at_as_closely(old: str, new: str, text: str) -> None:
    """Vcrpy would fail later, or play something else."""
    assert old in BLOCK
    assert says(BLOCK.replace(old, new)).startswith(f"a.yaml, {text}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "a.json, line 1: this is not JSON: EOF while parsing an object."),
        ('{"interactions": [\n{,', "a.json, line 2: this is not JSON: key must be a string."),
        ('{"interactions": [{"request": 5}]}', "a.json, line 1: interaction 1, request is the number 5; it should be "),
        ("interactions: []", "a.json, line 1: this is not JSON: expected value."),
    ],
)
def test_json_is_refused_alike(text: str, said: str) -> None:
    """A `.json` is JSON and nothing else, as vcrpy reads it as such."""
    assert says(text, "a.json").startswith(said)


@pytest.mark.parametrize("source", [WHOLE.decode(), BLOCK], ids=["ours", "blocks"])
def test_marks_of_a_merge_are_named(source: str) -> None:
    """They are what somebody finds who has just merged; YAML's own words would say nothing."""
    lines = source.splitlines(keepends=True)
    text = "".join([*lines[:5], "<<<<<<< HEAD\n", lines[5], "=======\n", lines[5], ">>>>>>> theirs\n", *lines[6:]])
    assert says(text) == (
        "a.yaml, line 6: '<<<<<<< HEAD' is a conflict marker of a merge. "
        "Keep one side, as two recordings do not mix: git checkout --ours (or --theirs), or record again."
    )


def test_a_mark_of_a_merge_is_not_taken_for_the_torn_end_of_a_recording() -> None:
    """Even where a recording that was killed would have been torn."""
    text = WHOLE.decode().removesuffix("complete: true\n")
    assert "is a conflict marker of a merge" in says(f"{text}=======\n{text[text.rindex('- {') :]}>>>>>>> theirs\n")


TWICE = (
    " is repeated in one mapping, and only one of them would be read. Keep one side, as two recordings do not "
    "mix: git checkout --ours (or --theirs), or record again."
)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (WHOLE.decode() * 2, "a.yaml, line 16: 'version'"),
        (WHOLE.decode() + BLOCK, "a.yaml, line 15: 'interactions'"),
        (BLOCK * 2, "a.yaml, line 17: 'interactions'"),
        (BLOCK.replace("    method: GET\n", "    method: GET\n    method: PUT\n"), "a.yaml, line 8: 'method'"),
        (WHOLE.decode() + "complete: true\n", "a.yaml, line 15: 'complete'"),
    ],
    ids=["ours twice", "ours and blocks", "blocks twice", "within", "the last line"],
)
def test_what_a_merge_that_keeps_both_sides_leaves_is_refused(text: str, where: str) -> None:
    """Or a copy that was pasted behind the original: YAML's readers would keep the second and say nothing."""
    assert says(text) == where + TWICE


def test_a_merge_that_has_kept_both_answers_of_an_interaction_is_refused() -> None:
    """In this package's own layout, where each interaction is a few lines."""
    lines = WHOLE.decode().splitlines(keepends=True)
    text = "".join([*lines[:6], lines[5].replace('"code": 200', '"code": 500'), *lines[6:]])
    assert says(text) == "a.yaml, line 7: 'response'" + TWICE


@pytest.mark.parametrize("name", ["a.json", "a.yaml"])
def test_a_name_that_stands_twice_in_json_is_refused(name: str) -> None:
    """Readers of JSON would keep the second as well."""
    assert says('{"interactions": [], "version": 1, "interactions": []}', name) == f"{name}: 'interactions'" + TWICE


def test_a_value_that_yaml_merges_into_a_mapping_is_no_name_that_stands_twice() -> None:
    """What vcrpy reads is read."""
    text = BLOCK.replace("    headers: {}\n", "    headers: {<<: &a {x: y}, <<: *a, x: z}\n")
    assert parse(text.encode(), Path("a.yaml")).interactions[0].response.headers == (("x", "z"),)


def test_a_cassette_of_a_later_format_asks_for_an_upgrade() -> None:
    """Recording it again would be no help."""
    assert says(WHOLE.replace(b'"format": 1', b'"format": 2')) == (
        "a.yaml: it was written by a newer pytest-ycimages, in format 2; this one reads 1. "
        "Upgrade: pip install --upgrade pytest-ycimages"
    )


def test_texts_are_not_shown() -> None:
    """What stands in a wrong place may be a secret."""
    assert "hunter2" not in says(BLOCK.replace("code: 200", "code: hunter2"))


def test_a_damaged_file_stays_as_it_is(tmp_path: Path) -> None:
    """To read is never to write."""
    path = tmp_path / "a.yaml"
    path.write_bytes(WHOLE[:100])
    with pytest.raises(CassetteBrokenError):
        read_cassette(path)
    assert path.read_bytes() == WHOLE[:100]


def test_a_cassette_that_is_not_there_names_the_nearest(tmp_path: Path) -> None:
    """Those with a similar name, or how many there are, or that there are none."""
    with pytest.raises(CassetteMissingError) as refused:
        read_cassette(tmp_path / "no" / "a.yaml")
    assert str(refused.value) == (
        f"The cassette {tmp_path}/no/a.yaml does not exist. The folder {tmp_path}/no does not exist. "
        "To record it: pytest --ycimages-mode=record, or: ycimages record FILE"
    )
    with pytest.raises(CassetteMissingError, match="has no cassette"):
        read_cassette(tmp_path / "a.yaml")
    write_cassette(tmp_path / "test_create.yaml", cassette())
    with pytest.raises(CassetteMissingError, match=r"has test_create\.yaml \(the nearest of 1\)\."):
        read_cassette(tmp_path / "test_creat.yaml")
    write_cassette(tmp_path / "z.yaml", cassette())
    with pytest.raises(CassetteMissingError, match=r"has 2 others, none with a name like it\."):
        read_cassette(tmp_path / "quite-different.json")


def test_an_address_that_is_none_is_refused_in_our_own_layout_too() -> None:
    """By its line; and one of IPv6 is one."""
    text = WHOLE.decode()
    assert says(text.replace("https://", "https://[", 1)).startswith(
        "a.yaml, line 5: interaction 1, request.uri is text"
    )
    host = text.replace("https://", "https://[2001:db8::1]/", 1)
    assert parse(host.encode(), Path("a.yaml")).interactions[0].request.uri.startswith("https://[2001:db8::1]/")
