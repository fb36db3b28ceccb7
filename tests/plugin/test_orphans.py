"""What a run says of cassettes that no test uses, and of interactions: nothing that it does not know for sure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_ycimages import Double
from pytest_ycimages.cassette.usage import CassetteUsage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SUITE: Final = {
    "tests/test_a": """
    import os
    import pytest
    import requests

    def ask(double, number=1):
        url = f"{double.url}/compute/v1/images/fd8nosuchimage00000{number}"
        return requests.get(url, headers={"Authorization": f"Bearer {double.token}"})

    @pytest.mark.ycimages_cassette
    def test_two_doubles(ycimages, ycimages_factory):
        ask(ycimages)
        exec(os.environ.get("END", "pass"))
        ask(ycimages_factory())
    """,
    "tests/test_b": """
    import os
    import pytest
    from test_a import ask
    exec(os.environ.get("MODULE", "pass"))

    @pytest.mark.ycimages_cassette
    def test_b(ycimages):
        ask(ycimages, 1)
        exec(os.environ.get("END", "pass"))
        ask(ycimages, 2)
    """,
    "tests/test_c": """
    from pathlib import Path
    from test_a import ask
    from pytest_ycimages import Double

    def test_by_hand():
        with Double(mode="replay", cassette=Path("cassettes/by_hand.yaml")) as double:
            ask(double, 1), ask(double, 2)
    """,
    "tests/sub/test_d": """
    import pytest
    from test_a import ask

    @pytest.mark.ycimages_cassette
    def test_d(ycimages):
        ask(ycimages)
    """,
}


@pytest.fixture
def upstream() -> Iterator[Double]:
    """What stands in for the service."""
    with Double() as double:
        yield double


@pytest.fixture
def suite(project: pytest.Pytester, upstream: Double, request: pytest.FixtureRequest) -> pytest.Pytester:
    """A suite that has just been recorded, with a cassette that is replayed by hand, and one of nobody's."""
    project.makeini("[pytest]\npythonpath = tests\n")
    project.makepyfile(**{name: SUITE[name] for name in SUITE if name != "tests/test_c"})
    options = getattr(request, "param", ())
    recording = project.runpytest("--ycimages-mode=record", f"--ycimages-upstream={upstream.url}", *options)
    recording.assert_outcomes(passed=3)
    assert orphans(project) == []
    project.makepyfile(**{"tests/test_c": SUITE["tests/test_c"]})
    folder = project.path / "cassettes"
    (folder / "by_hand.yaml").write_bytes((folder / "tests/test_b/test_b.yaml").read_bytes())
    (folder / "nobodys.yaml").write_text("version: 1\n")
    return project


def usage(project: pytest.Pytester) -> Any:
    """What the last run has written down."""
    return json.loads((project.path / ".pytest_cache" / "d" / "ycimages" / "usage.json").read_text())


def orphans(project: pytest.Pytester) -> list[str] | None:
    """The names of the cassettes that the last run called orphans; None if it could not tell."""
    told = usage(project)["orphans"]
    return told if told is None else [orphan.rpartition("/")[2] for orphan in told]


@pytest.mark.costly
@pytest.mark.parametrize(
    ("suite", "options"),
    [((), ()), ((), ("--ff", "-k", "test")), pytest.param(("-n2",), ("-n2",), marks=pytest.mark.slow)],
    indirect=["suite"],
)
def test_a_whole_run_names_what_no_test_uses(options: tuple[str, ...], suite: pytest.Pytester) -> None:
    """And nothing else: neither that of a second double, nor what a test has opened by itself."""
    result = suite.runpytest(*options)
    result.assert_outcomes(passed=4)
    assert orphans(suite) == ["nobodys.yaml"]
    result.stdout.fnmatch_lines(["*cassettes that no test uses*", "*nobodys.yaml"])


@pytest.mark.costly
@pytest.mark.parametrize(
    "options",
    [
        ("-k", "test_two"),
        ("-m", "not ycimages_cassette"),
        ("--deselect", "tests/test_c.py"),
        ("--collect-only",),
        ("--setup-only",),
        ("--ycimages-mode=fake",),
        ("--ignore", "tests/test_c.py"),
        ("tests",),
        pytest.param(("-n2", "-k", "test_two"), marks=pytest.mark.slow),
    ],
    ids=" ".join,
)
def test_a_run_of_a_part_calls_nothing_an_orphan(options: tuple[str, ...], suite: pytest.Pytester) -> None:
    """As nobody knows what the rest uses."""
    suite.runpytest(*options)
    assert orphans(suite) is None


@pytest.mark.costly
@pytest.mark.parametrize("end", ["raise LookupError", "raise SystemExit", "pytest.exit('enough', returncode=0)"])
def test_a_run_that_fails_or_stops_calls_nothing_an_orphan(
    end: str, suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may not have reached what uses it."""
    suite.makeini("[pytest]\npythonpath = tests\nycimages_orphans = fail\n")
    monkeypatch.setenv("END", end)
    result = suite.runpytest()
    assert orphans(suite) is None
    result.stdout.no_fnmatch_line("*cassettes that no test uses*")


@pytest.mark.costly
@pytest.mark.parametrize("workers", ["-n0", pytest.param("-n2", marks=pytest.mark.slow)])
@pytest.mark.parametrize("module", ["pytest.skip('no', allow_module_level=True)", "raise LookupError"])
def test_a_module_that_is_not_collected_may_use_everything(
    module: str, workers: str, suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it skips itself or cannot be imported, and whoever collects it."""
    monkeypatch.setenv("MODULE", module)
    suite.runpytest(workers)
    assert orphans(suite) is None


@pytest.mark.costly
def test_a_run_of_a_folder_knows_nothing_of_the_others(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was started there, without a word of which tests."""
    monkeypatch.chdir(suite.path / "tests" / "sub")
    suite.runpytest("--rootdir", str(suite.path), "-c", str(suite.path / "tox.ini")).assert_outcomes(passed=1)
    assert orphans(suite) is None


@pytest.mark.costly
@pytest.mark.parametrize("end", ["pytest.fail('no')", "pytest.skip('no')", "pytest.xfail('no')"])
def test_only_tests_that_pass_say_what_they_used(
    end: str, suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What another has not reached, it may need the next time."""
    suite.runpytest()
    assert len(usage(suite)["cassettes"]) == 4
    monkeypatch.setenv("END", end)
    suite.runpytest()
    assert [name.rpartition("/")[2] for name in usage(suite)["cassettes"]] == ["test_d.yaml"]


SHARED: Final = """
    import os
    import pytest
    import requests

    @pytest.mark.ycimages_cassette("one", unused_interactions="ignore")
    @pytest.mark.parametrize("number", [1, 2])
    def test_it(ycimages, number):
        for which in (1, 2):
            if which == number or os.environ.get("BOTH"):
                url = f"{ycimages.url}/compute/v1/images/fd8nosuchimage00000{which}"
                requests.get(url, headers={"Authorization": f"Bearer {ycimages.token}"})
                exec(os.environ.get(f"END{which}", "pass"))
"""


@pytest.mark.costly
def test_what_is_used_of_a_shared_cassette_is_known_when_all_its_tests_have_passed(
    project: pytest.Pytester, upstream: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One alone says only what it has not used itself, and that is what the other needs."""
    project.makepyfile(test_it=SHARED)
    monkeypatch.setenv("BOTH", "1")
    options = ("--ycimages-mode=record", f"--ycimages-upstream={upstream.url}", "-k", "test_it and 1")
    project.runpytest(*options).assert_outcomes(passed=1, deselected=1)
    monkeypatch.delenv("BOTH")
    project.runpytest("-k", "test_it and 1").assert_outcomes(passed=1, deselected=1)
    assert usage(project)["cassettes"] == {}
    project.runpytest().assert_outcomes(passed=2)
    assert [each["unused"] for each in usage(project)["cassettes"].values()] == [[]]
    monkeypatch.setenv("END2", "pytest.skip('no')")
    project.runpytest().assert_outcomes(passed=1, skipped=1)
    assert usage(project)["cassettes"] == {}


def test_a_word_that_says_nothing_of_orphans_is_refused(project: pytest.Pytester) -> None:
    """Rather than taken for another."""
    project.makeini("[pytest]\nycimages_orphans = fial\n")
    project.makepyfile("def test_it(): pass")
    result = project.runpytest()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: ycimages_orphans = fial: Unknown value 'fial'. Did you mean 'fail'? *"])


def test_a_folder_with_the_name_of_a_cassette_is_no_orphan(tmp_path: Path) -> None:
    """Only files are cassettes."""
    for name in ("used", "orphan"):
        (tmp_path / f"{name}.yaml").touch()
    (tmp_path / "folder.yaml").mkdir()
    usage = CassetteUsage({"opened": [str(tmp_path / "used.yaml")]})
    assert usage.orphans(tmp_path) == [tmp_path / "orphan.yaml"]
