"""`ycimages experiment --shard` and `ycimages experiment merge`: what they write, and what they say of wrong usage."""

from __future__ import annotations

import itertools
import shutil
from typing import TYPE_CHECKING, Final

import pytest
from click.testing import CliRunner

from pytest_ycimages.cli.commands import ycimages

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

CLIENT: Final = ("tests.experiment.flawed_clients:success_on_error", "--fault", "operation_fails()")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three shards, and one of another seed."""
    folder = tmp_path_factory.mktemp("shards")
    for number in (1, 2, 3):
        run(*CLIENT, "--fault", "reset()", "--shard", f"{number}/3", "--json", str(folder / f"{number}.json"))
    run(*CLIENT, "--fault", "reset()", "--shard", "3/3", "--seed", "5", "--json", str(folder / "other.json"))
    return folder


@pytest.fixture
def folder(written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, as the current folder."""
    shutil.copytree(written, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(ycimages, ["experiment", *arguments])


@pytest.mark.costly
def test_merged_shards_are_one_run(folder: Path) -> None:
    """In JSON, on the page and on the terminal, to the last byte; in any order."""
    whole = run(*CLIENT, "--fault", "reset()", "--json", "whole.json", "--html", "whole.html")
    assert whole.exit_code == 1
    for order in itertools.permutations(("1.json", "2.json", "3.json")):
        merged = run("merge", *order, "--json", "merged.json", "--html", "merged.html")
        assert (merged.exit_code, merged.stdout, merged.stderr) == (1, whole.stdout, "")
        for suffix in ("json", "html"):
            assert (folder / f"merged.{suffix}").read_bytes() == (folder / f"whole.{suffix}").read_bytes()


@pytest.mark.costly
def test_a_shard_says_that_it_is_one(folder: Path) -> None:
    """With its findings, and with how to repeat it."""
    result = run(*CLIENT, "--shard", "1/1", "--json", "a.json")  # all of it, as a report like any other
    assert "shard" not in result.stdout
    shard = run(*CLIENT, "--shard", "1/2", "--json", "b.json")
    assert shard.exit_code == 1
    assert "success_on_error: 1 finding in shard 1/2 in 2 scenarios" in shard.stdout
    assert "--fault 'operation_fails()' --shard 1/2\n" in shard.stdout
    assert sorted(path.name for path in folder.glob(".*")) == []  # nothing is left beside them


@pytest.mark.costly
@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("files", "words"),
    [
        (["1.json", "3.json"], "1 of 3 shards missing: 2/3"),
        (["1.json"], "2 of 3 shards missing: 2/3, 3/3"),
        (["1.json", "2.json", "2.json", "3.json"], "2.json and 2.json are both shard 2/3"),
        (["1.json", "2.json", "other.json"], "1.json and other.json are not shards of one experiment: the seed differ"),
        (["1.json", "2.json", "nothing.json"], "'nothing.json' does not exist"),
        ([], "Missing argument 'FILES...'"),
    ],
)
def test_what_cannot_be_merged_is_told(files: list[str], words: str) -> None:
    """With the names of the files."""
    result = run("merge", *files)
    assert result.exit_code == 2
    assert words in " ".join(result.stderr.split())


@pytest.mark.costly
def test_a_file_of_another_kind_is_named(folder: Path) -> None:
    """It was not changed on the way, or it was."""
    (folder / "2.json").write_text("{}")
    assert "Error: 2.json: This is JSON, but not a shard of an experiment" in run("merge", "1.json", "2.json").stderr
    result = run(*CLIENT, "--against", "1.json")
    assert "1.json: This is one shard of an experiment. Merge it with the others" in result.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--shard", "9/8", "--json", "a.json"], "invalid shard '9/8': expected one from '1/8' to '8/8'"),
        (["--shard", "0/8", "--json", "a.json"], "invalid shard '0/8'"),
        (["--shard", "a/b", "--json", "a.json"], "invalid shard 'a/b': expected a number and how many there are"),
        (["--shard", "1/2"], "--shard needs --json FILE"),
        (["--shard", "1/2", "--json", "a.json", "--html", "a.html"], "--html needs the report of all shards"),
        (["--shard", "1/2", "--json", "a.json", "--against", "b.json"], "--against needs the report of all shards"),
        (["--shard", "1/2", "--json", "a.json", "--against-command", "b"], "--against needs the report of all shards"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_tried(options: list[str], words: str) -> None:
    """With what would do."""
    result = run(*CLIENT, *options)
    assert result.exit_code == 2
    assert words in " ".join(result.stderr.split())


def test_the_command_is_listed_and_explained() -> None:
    """As a command of two words."""
    assert "experiment merge" in CliRunner().invoke(ycimages, ["--help"]).stdout
    assert "Usage: ycimages experiment merge [OPTIONS] FILES..." in run("merge", "--help").stdout
