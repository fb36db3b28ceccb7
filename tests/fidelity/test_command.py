"""`ycimages fidelity`: the table on a terminal, a part of it, and the page of the documentation."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from pytest_ycimages.cli.commands import ycimages
from pytest_ycimages.fidelity import MEANINGS, Mark, read_table, render


def printed(*options: str) -> str:
    """What the command prints on a wide terminal."""
    result = CliRunner().invoke(ycimages, ["fidelity", *options], env={"COLUMNS": "400"})
    assert (result.exit_code, result.stderr) == (0, "")
    return str(result.stdout)


@pytest.mark.costly
def test_the_command_prints_every_behaviour_and_every_gap() -> None:
    """With its source, area by area, and how many there are of each mark."""
    table, text = read_table(), printed()
    assert [row.id for row in table.behaviours if row.id not in text or row.source not in text] == []
    assert [title for title in table.areas.values() if title not in text] == []
    assert [gap.what for gap in table.gaps if gap.what not in text] == []
    for mark, count in table.counts().items():
        assert f"{count:>4} {mark:<11} {MEANINGS[mark]}" in text
    assert text.endswith(f"{len(table.behaviours):>4} behaviours, each with a test that proves it\n")


@pytest.mark.parametrize("mark", Mark)
def test_the_command_prints_the_behaviours_of_one_mark(mark: Mark) -> None:
    """And none of another; the gaps have no mark."""
    lines = [line.split() for line in printed("--mark", mark.value).splitlines()]
    shown = [words[1] for words in lines if len(words) > 2 and "." in words[1]]
    assert shown == [row.id for row in read_table().behaviours if row.mark is mark]


def test_the_command_prints_the_page() -> None:
    """Byte for byte, ready to be written to a file."""
    assert printed("--markdown") == render(read_table())


def test_a_page_may_hold_one_mark() -> None:
    """Then it has neither empty areas nor gaps."""
    page = printed("--markdown", "--mark", "setting")
    assert page == render(read_table().marked(Mark.SETTING))
    assert "## Not in the double" not in page
    assert "## images.create: the limits of a request" not in page


def test_an_unknown_mark_is_a_wrong_usage() -> None:
    """Exit code 2, and the right ones are named."""
    result = CliRunner().invoke(ycimages, ["fidelity", "--mark", "guessed"])
    assert result.exit_code == 2
    assert all(f"'{mark}'" in result.stderr for mark in Mark)
