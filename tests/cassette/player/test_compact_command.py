"""`ycimages cassette compact`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from pytest_ycimages.cassette.answers import compact
from pytest_ycimages.cassette.file import read_cassette, write_cassette
from pytest_ycimages.cassette.model import CassetteData, CassetteMetadata, Origin
from pytest_ycimages.cli.cassette import compact_cassettes
from tests.cassette.player.handmade import bake

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


RECORDED = CassetteData(CassetteMetadata(Origin.FAKE, note="kept"), bake(), is_complete=False)


def run(*files: Path) -> Result:
    """Run the command."""
    return CliRunner().invoke(compact_cassettes, list(map(str, files)))


@pytest.mark.parametrize("name", ["bake.yaml", "bake.json"])
def test_equal_polls_are_taken_out_of_the_file(name: str, tmp_path: Path) -> None:
    """What it says of itself stays."""
    file = tmp_path / name
    write_cassette(file, RECORDED)
    result = run(file)
    assert (result.exit_code, result.stdout) == (0, f"{file}: 1 of 5 interactions left out, 4 kept\n")
    assert read_cassette(file) == RECORDED._replace(interactions=compact(RECORDED.interactions))


def test_a_cassette_without_equal_polls_is_left_as_it_is(tmp_path: Path) -> None:
    """It is not even written again."""
    file = tmp_path / "bake.yaml"
    write_cassette(file, RECORDED)
    run(file)
    before = file.stat()
    assert run(file).stdout == f"{file}: 0 of 4 interactions left out, 4 kept\n"
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_damaged_cassette_does_not_keep_the_others_from_it(tmp_path: Path) -> None:
    """It is left as it is, and the exit code tells."""
    damaged, file = tmp_path / "damaged.yaml", tmp_path / "bake.yaml"
    damaged.write_text("interactions: [")
    write_cassette(file, RECORDED)
    result = run(damaged, tmp_path / "missing.yaml", file)
    assert result.exit_code == 1
    assert str(damaged) in result.stderr
    assert "missing.yaml" in result.stderr
    assert len(read_cassette(file).interactions) == 4
    assert damaged.read_text() == "interactions: ["


def test_without_a_file_it_is_wrong_usage() -> None:
    """Exit code 2."""
    assert run().exit_code == 2
