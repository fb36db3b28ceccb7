"""`ycimages cassette convert`: the same in another form."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from pytest_ycimages.cassette.file import read_cassette, write_cassette
from pytest_ycimages.cassette.model import (
    UNKNOWN_METADATA,
    CassetteData,
    Interaction,
    Origin,
    RecordedRequest,
    RecordedResponse,
)
from pytest_ycimages.cli.commands import ycimages
from tests.cassette.files.vcr import JSON, expected, seen
from tests.cli.recorded import tape

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


def convert(*arguments: object) -> Result:
    """Run the command."""
    return CliRunner().invoke(ycimages, ["cassette", "convert", *map(str, arguments)])


def test_there_and_back_nothing_is_lost(tmp_path: Path) -> None:
    """The metadata neither; and vcrpy reads each form."""
    told = tape()
    files = [tmp_path / name for name in ("a.yaml", "new/b.json", "c.yml", "d.yaml")]
    write_cassette(files[0], told)
    for source, target in pairwise(files):
        result = convert(source, target, *(["--pretty"] if target.name == "c.yml" else []))
        assert (result.exit_code, result.stdout, result.stderr) == (0, f"{target}: 6 interactions\n", "")
        assert read_cassette(target) == told
    assert files[0].read_bytes() == files[3].read_bytes()
    for file in files:
        assert seen(file.read_bytes(), *([JSON] if file.suffix == ".json" else [])) == expected(told.interactions)
    assert files[2].read_text().startswith("version: 1\nycimages:\n  format: 1\n  origin: fake\n")


def test_a_cassette_may_be_labelled_in_its_place(tmp_path: Path) -> None:
    """For one that vcrpy has recorded; metadata that is there is not changed."""
    path = tmp_path / "a.yaml"
    write_cassette(path, tape()._replace(metadata=UNKNOWN_METADATA))
    assert convert(path, path, "--origin", "service", "--note", "by hand").exit_code == 0
    assert read_cassette(path).metadata == UNKNOWN_METADATA._replace(origin=Origin.SERVICE, note="by hand")
    assert convert(path, path, "--origin", "service").exit_code == 0
    result = convert(path, path, "--origin", "fake")
    assert result.exit_code == 2
    assert f"{path} says that its origin is service, which cannot be changed." in result.stderr
    assert read_cassette(path).metadata.origin is Origin.SERVICE


def test_what_json_cannot_hold_is_refused(tmp_path: Path) -> None:
    """And there is no file then."""
    write_cassette(
        tmp_path / "a.yaml",
        CassetteData(
            UNKNOWN_METADATA, (Interaction(RecordedRequest("GET", "https://h/"), RecordedResponse(200, body=b"\xff")),)
        ),
    )
    result = convert(tmp_path / "a.yaml", tmp_path / "b.json")
    assert result.exit_code == 1
    assert result.stderr == (
        "Interaction 1 has a body that is not UTF-8, and JSON has no bytes. Write the cassette as .yaml.\n"
    )
    assert not (tmp_path / "b.json").exists()


@pytest.mark.parametrize(
    ("target", "options", "text"),
    [
        ("b.txt", [], "b.txt: expected a name that ends with .yaml, .yml, .json."),
        ("b.json", ["--pretty"], "--pretty is for YAML; JSON has one form."),
        ("b.yaml", ["--origin", "unknown"], "'unknown' is not one of 'service', 'fake', 'documentation'."),
    ],
)
def test_wrong_usage_is_refused(tmp_path: Path, target: str, options: list[str], text: str) -> None:
    """Exit code 2, and nothing is written."""
    write_cassette(tmp_path / "a.yaml", tape())
    result = convert(tmp_path / "a.yaml", tmp_path / target, *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert text in result.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["a.yaml"]


def test_a_source_that_is_not_there_is_a_finding(tmp_path: Path) -> None:
    """The text has the nearest names."""
    write_cassette(tmp_path / "some.yaml", tape())
    result = convert(tmp_path / "sme.yaml", tmp_path / "b.json")
    assert result.exit_code == 1
    assert "some.yaml (the nearest of 1)" in result.stderr
