"""`ycimages cassette prune`: takes out what the last run did not use."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from pytest_ycimages.cassette.file import read_cassette, write_cassette
from pytest_ycimages.cassette.usage import read_usage, write_usage
from pytest_ycimages.cli.commands import ycimages
from tests.cli.recorded import tape

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

NOTHING = "Everything is used.\n"
CHANGED = "has changed since the run whose usage is known, so it is left as it is. Run the tests again, then prune.\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of which a run used all of `whole`, a part of `part`, and nothing of `orphan`, and its account."""
    folder = tmp_path / "cassettes"
    for name in ("whole.yaml", "part.yaml", "part.json", "orphan.yaml"):
        write_cassette(folder / name, tape())
    used = {"whole.yaml": (), "part.yaml": (1, 5), "part.json": (0,)}
    write_usage(
        tmp_path / "usage",
        {str(folder / name): (6, unused) for name, unused in used.items()},
        [folder / "orphan.yaml"],
    )
    return folder


def prune(folder: Path, *arguments: object) -> Result:
    """Run the command."""
    options = ["--usage", folder.parent / "usage", *arguments]
    return CliRunner().invoke(ycimages, ["cassette", "prune", *map(str, options)])


def contents(folder: Path) -> dict[str, bytes]:
    """Every file."""
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_what_cannot_be_changed_is_named_and_the_others_are_pruned(folder: Path) -> None:
    """Such as a folder with the name of a cassette, or a file that another user owns."""
    before = (folder / "orphan.yaml").stat()
    (folder / "orphan.yaml").unlink()
    (folder / "orphan.yaml").mkdir()
    os.utime(folder / "orphan.yaml", ns=(before.st_atime_ns, before.st_mtime_ns))
    result = prune(folder)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"{folder}/orphan.yaml cannot be changed, so it is left as it is: ")
    assert len(result.stdout.splitlines()) == 2


def test_what_nobody_used_is_taken_out(folder: Path) -> None:
    """Interactions and whole files; what is used stays as it is, byte for byte. Then there is nothing left to do."""
    before = contents(folder)
    result = prune(folder)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        f"{folder}/part.yaml: took out 2 of 6 interactions",
        f"{folder}/part.json: took out 1 of 6 interactions",
        f"{folder}/orphan.yaml: took out the whole file: it belongs to no test",
    ]
    whole = tape().interactions
    assert read_cassette(folder / "part.yaml") == tape()._replace(interactions=(whole[0], *whole[2:5]))
    assert read_cassette(folder / "part.json") == tape()._replace(interactions=whole[1:])
    assert contents(folder)["whole.yaml"] == before["whole.yaml"]
    assert not (folder / "orphan.yaml").exists()
    again = prune(folder)
    assert (again.exit_code, again.stdout, again.stderr) == (0, NOTHING, "")


def test_a_dry_run_only_says_what_would_go(folder: Path) -> None:
    """Exit code 1, for CI, as long as anything would."""
    before, usage = contents(folder), read_usage(folder.parent / "usage")
    result = prune(folder, "--dry-run")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[0] == f"{folder}/part.yaml: would take out 2 of 6 interactions"
    assert contents(folder) == before
    assert read_usage(folder.parent / "usage") == usage
    prune(folder)
    assert prune(folder, "--dry-run").exit_code == 0


@pytest.mark.parametrize("name", ["part.yaml", "orphan.yaml"])
def test_what_has_changed_since_the_run_is_left_as_it_is(folder: Path, name: str) -> None:
    """Nobody knows what a run would use of it now. The others are pruned."""
    later = (folder.parent / "usage").stat().st_mtime_ns + 1
    os.utime(folder / name, ns=(later, later))
    before = contents(folder)[name]
    result = prune(folder)
    assert result.exit_code == 1
    assert result.stderr == f"{folder / name} {CHANGED}"
    assert contents(folder)[name] == before
    assert len(read_cassette(folder / "part.json").interactions) == 5
    assert prune(folder).exit_code == 1


def test_another_number_of_interactions_is_a_change_whatever_the_clock_says(folder: Path) -> None:
    """Files may have been copied, with the time of another machine."""
    old = (folder / "part.yaml").stat().st_mtime_ns
    write_cassette(folder / "part.yaml", tape()._replace(interactions=tape().interactions[:5]))
    os.utime(folder / "part.yaml", ns=(old, old))
    result = prune(folder, folder / "part.yaml")
    assert (result.exit_code, result.stderr) == (1, f"{folder / 'part.yaml'} {CHANGED}")


def test_a_run_of_a_part_leaves_it_open_what_belongs_to_no_test(folder: Path) -> None:
    """That is said, and stays so; interactions go all the same."""
    usage = folder.parent / "usage"
    write_usage(usage, {str(folder / "part.yaml"): (6, (1, 5))}, None)
    unknown = "Which cassettes belong to no test is not known: only a run of all tests that passes can tell."
    result = prune(folder)
    assert (result.exit_code, result.stderr) == (0, f"{unknown} Run: pytest\n")
    assert result.stdout == f"{folder}/part.yaml: took out 2 of 6 interactions\n"
    assert read_usage(usage).orphans is None
    assert prune(folder).stdout == "Nothing to take out.\n"
    assert (folder / "orphan.yaml").exists()


def test_files_and_folders_narrow_it_down(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By whatever name they are called."""
    monkeypatch.chdir(folder)
    result = prune(folder, "part.json", folder.parent / "elsewhere")
    assert result.stdout.splitlines() == [f"{folder}/part.json: took out 1 of 6 interactions"]
    assert len(prune(folder, folder).stdout.splitlines()) == 2
    assert prune(folder).stdout == NOTHING


def test_a_cassette_that_is_gone_is_nothing_to_prune(folder: Path) -> None:
    """Somebody was faster."""
    for name in ("part.yaml", "part.json", "orphan.yaml"):
        (folder / name).unlink()
    result = prune(folder)
    assert (result.exit_code, result.stdout) == (0, NOTHING)


def test_a_cassette_that_cannot_be_read_is_left_as_it_is(folder: Path) -> None:
    """Even if it looks no newer than the run."""
    old = (folder / "part.yaml").stat().st_mtime_ns
    (folder / "part.yaml").write_text("interactions: 5")
    os.utime(folder / "part.yaml", ns=(old, old))
    result = prune(folder)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"{folder}/part.yaml: it is not a cassette")
    assert (folder / "part.yaml").read_text() == "interactions: 5"


def test_without_an_account_of_a_run_nothing_is_known(tmp_path: Path) -> None:
    """Wrong usage, and the text says how to come by one."""
    result = CliRunner().invoke(ycimages, ["cassette", "prune", "--usage", str(tmp_path / "none")])
    assert result.exit_code == 2
    assert "What the last run used is not known: " in result.stderr
    assert "Run the whole suite with its cassettes, and try again: pytest" in result.stderr
