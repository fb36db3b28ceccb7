"""The seed: said in the header, drawn once when it is random, and refused when it is no number."""

from __future__ import annotations

import re

import pytest

SAY_SEED = """
    from pathlib import Path

    import pytest

    @pytest.mark.parametrize("number", range(4))
    def test_it(ycimages, number, request):
        worker = getattr(request.config, "workerinput", {}).get("workerid", "none")
        Path(f"{worker}-{number}.txt").write_text(str(ycimages.settings.seed))
"""


def header_seed(result: pytest.RunResult) -> str:
    """The seed that the header prints."""
    (line,) = (line for line in result.outlines if line.startswith("ycimages:"))
    found = re.fullmatch(r"ycimages: seed (\d+)", line)
    assert found
    return found[1]


def used_seeds(project: pytest.Pytester) -> set[str]:
    """The seeds that the tests of `SAY_SEED` ran with."""
    files = list(project.path.glob("*-[0-3].txt"))
    assert len(files) == 4
    return {file.read_text() for file in files}


@pytest.mark.parametrize(
    ("ini", "arguments", "seed"),
    [
        ("", [], "0"),
        ("ycimages_seed = 7", [], "7"),
        ("ycimages_seed = 7", ["--ycimages-seed=9"], "9"),
        ("ycimages_seed = 7", ["--ycimages-seed", "0"], "0"),
        ("ycimages_seed = random", ["--ycimages-seed=9"], "9"),
        ("", ["--ycimages-seed=-5"], "-5"),
    ],
)
def test_the_header_says_the_seed_in_force(project: pytest.Pytester, ini: str, arguments: list[str], seed: str) -> None:
    """One line, in every run; negative numbers are seeds like others."""
    project.makeini(f"[pytest]\n{ini}")
    result = project.runpytest_inprocess(*arguments)
    assert [line for line in result.outlines if line.startswith("ycimages:")] == [f"ycimages: seed {seed}"]


@pytest.mark.parametrize("source", ["option", "ini"])
def test_a_random_seed_is_drawn_and_printed(project: pytest.Pytester, source: str) -> None:
    """The header has the number, every test of the run uses it, and with it the run can be repeated."""
    project.makepyfile(SAY_SEED)
    project.makeini("[pytest]\nycimages_seed = random" if source == "ini" else "[pytest]")
    arguments = ["--ycimages-seed=random"] if source == "option" else []
    seeds = []
    for _ in range(2):
        result = project.runpytest_inprocess(*arguments)
        result.assert_outcomes(passed=4)
        assert used_seeds(project) == {header_seed(result)}
        seeds.append(header_seed(result))
    assert seeds[0] != seeds[1]


@pytest.mark.costly
@pytest.mark.parametrize("source", ["option", pytest.param("ini", marks=pytest.mark.slow)])
def test_all_workers_share_a_random_seed(project: pytest.Pytester, source: str) -> None:
    """Under pytest-xdist it is drawn once, by the run and not by each worker."""
    project.makepyfile(SAY_SEED)
    project.makeini("[pytest]\nycimages_seed = random" if source == "ini" else "[pytest]")
    arguments = ["--ycimages-seed=random"] if source == "option" else []
    result = project.runpytest_inprocess("-n", "2", *arguments)
    result.assert_outcomes(passed=4)
    assert used_seeds(project) == {header_seed(result)}
    assert {file.name.partition("-")[0] for file in project.path.glob("gw*.txt")} == {"gw0", "gw1"}


@pytest.mark.parametrize("seed", ["abc", "1.5", "0x10", "Random"])
def test_a_seed_that_is_no_number_ends_the_run(project: pytest.Pytester, seed: str) -> None:
    """Exit code 4, pytest's for wrong usage, before any test runs."""
    project.makepyfile("def test_it(): pass")
    result = project.runpytest_inprocess(f"--ycimages-seed={seed}")
    assert result.ret is pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([
        f"ERROR: --ycimages-seed={seed}: the seed is an integer, or the word `random`."
    ])  # fmt: skip


def test_a_seed_in_ini_that_is_no_number_is_named_as_ini(project: pytest.Pytester) -> None:
    """The text names the line to correct, not an option that nobody gave."""
    project.makeini("[pytest]\nycimages_seed = abc")
    result = project.runpytest_inprocess()
    assert result.ret is pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: ycimages_seed*abc*: the seed is an integer, or the word `random`."])
