"""Cassettes of tests that other plugins repeat, run again, group or order: named by the definition of the test."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ycimages import Double
from pytest_ycimages.cassette.file import read_cassette
from pytest_ycimages.cassette.handle import of_test
from pytest_ycimages.plugin.cassettes import cassette_path
from pytest_ycimages.plugin.nodes import defined_name
from pytest_ycimages.plugin.settings import name_of

if TYPE_CHECKING:
    from collections.abc import Iterator

ASK: Final = """
    import unittest
    import pytest
    import requests

    def ask(double, number=1):
        body = {"folderId": double.folder_id, "diskId": f"epd{number}"}
        headers = {"Authorization": f"Bearer {double.token}"}
        assert requests.post(f"{double.url}/compute/v1/images", json=body, headers=headers, timeout=9).ok
"""
TESTS: Final = f"""{ASK}
    pytestmark = pytest.mark.ycimages_cassette

    @pytest.fixture(params=["small", "large"])
    def size(request):
        return request.param

    @pytest.fixture
    def disk(request):
        return request.param

    @pytest.mark.xdist_group("one")
    def test_plain(ycimages):
        ask(ycimages)

    @pytest.mark.parametrize("number", range(3))
    def test_numbers(ycimages, number):
        ask(ycimages, number)

    @pytest.mark.parametrize("two", [1, 2])
    @pytest.mark.parametrize(("a", "b"), [(0, 0), (1, 1)])
    def test_several(ycimages, a, b, two):
        ask(ycimages, f"{{a}}{{b}}{{two}}")

    @pytest.mark.parametrize("disk", range(2), indirect=True, ids=["1-2", "2-2"])
    def test_indirect(ycimages, disk, size):
        ask(ycimages, f"{{disk}}{{size}}")

    class TestOuter:
        class TestInner:
            @pytest.mark.xdist_group(name="two")
            @pytest.mark.parametrize("case", ["a/b", "a::b", "a.b", "ü", "", "x" * 40, "A.B"])
            def test_odd(self, ycimages, case):
                ask(ycimages, case)

    class TestCase(unittest.TestCase):
        @pytest.fixture(autouse=True)
        def _double(self, ycimages):
            self.double = ycimages

        def test_of_unittest(self):
            ask(self.double)
"""
COUNT: Final = 20
"""How many tests these are: one of them is of unittest, which pytest-repeat does not repeat."""
BESIDE: Final = {
    "-p pytest_repeat --count 2": 2 * COUNT - 1,
    "-p pytest_repeat -p pytest_randomly --count 2 --repeat-scope session": 2 * COUNT - 1,
    "-p pytest_rerunfailures --reruns 2": COUNT,
    "-p flaky.flaky_pytest_plugin --force-flaky --min-passes 2 --max-runs 3 --no-flaky-report": COUNT,
}
"""Options -> how many tests pass with them."""


@pytest.fixture
def upstream() -> Iterator[Double]:
    """What stands in for the service."""
    with Double() as double:
        yield double


def recorded(project: pytest.Pytester, upstream: Double, *options: str, mode: str = "record") -> pytest.RunResult:
    """A run that records."""
    return project.runpytest(f"--ycimages-mode={mode}", f"--ycimages-upstream={upstream.url}", *options)


def files(project: pytest.Pytester) -> dict[str, bytes]:
    """The files below the folder of the cassettes."""
    folder = project.path / "cassettes"
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def suite(project: pytest.Pytester, upstream: Double) -> pytest.Pytester:
    """A project with a cassette for each of its tests."""
    project.makepyfile(test_it=TESTS)
    project.makeini("[pytest]\nycimages_orphans = fail\nfilterwarnings = ignore:Repeating unittest")
    recorded(project, upstream).assert_outcomes(passed=COUNT)
    found = files(project)
    assert len(found) == COUNT == len({name.casefold() for name in found})
    return project


@pytest.mark.costly
@pytest.mark.parametrize("options", BESIDE)
def test_what_one_run_recorded_is_replayed_beside_each_plugin(options: str, suite: pytest.Pytester) -> None:
    """And nothing is reported as unused, or as belonging to no test."""
    before = files(suite)
    suite.runpytest(*options.split()).assert_outcomes(passed=BESIDE[options])
    assert files(suite) == before


def test_a_group_of_xdist_changes_neither_names_nor_ids(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which a worker appends to the node ids of its tests."""
    project.makepyfile(test_it=TESTS)
    items, _ = project.inline_genitems()
    before = [(cassette_path(item), name_of(item)) for item in items]
    ids = {item: item.nodeid for item in items}
    with monkeypatch.context() as patch:
        patch.setattr(pytest.Item, "nodeid", property(lambda item: f"{ids[item]}@one_two"))
        assert items[0].nodeid == "test_it.py::test_plain@one_two"
        assert [(cassette_path(item), name_of(item)) for item in items] == before


@pytest.mark.slow
def test_groups_of_xdist_replay_what_one_run_recorded(suite: pytest.Pytester) -> None:
    """In two workers, where groups belong to node ids."""
    suite.runpytest(*["-n", "2", "--dist", "loadgroup"]).assert_outcomes(passed=COUNT)


@pytest.mark.parametrize("options", ["--count 2", "--count 3 --repeat-scope session"])
def test_repetitions_have_one_cassette_and_cases_their_own(options: str, project: pytest.Pytester) -> None:
    """Whatever the parameters of the test look like."""
    project.makepyfile(test_it=TESTS)
    alone = [str(cassette_path(item)) for item in project.inline_genitems()[0]]
    items, _ = project.inline_genitems("-p", "pytest_repeat", *options.split())
    assert len(items) > len(alone) == len({path.casefold() for path in alone})
    assert {str(cassette_path(item)) for item in items} == set(alone)
    assert len({name_of(item) for item in items}) == len(alone)


def test_a_count_by_a_hook_of_the_project_is_a_repetition(project: pytest.Pytester) -> None:
    """The recipe that many projects have for it; parameters that the test can see are cases."""
    project.makeconftest(
        """
    def pytest_generate_tests(metafunc):
        metafunc.fixturenames.append("turn")
        metafunc.parametrize("turn", range(2))
    """
    )
    project.makepyfile(test_it=TESTS)
    items, _ = project.inline_genitems()
    names = {str(defined_name(item)) for item in items}
    assert len(items) == 2 * len(names) - 1 == 2 * COUNT - 1
    assert {"test_it.py::test_plain", "test_it.py::test_numbers[2]", "test_it.py::test_several[1-1-2]"} < names
    assert "test_it.py::test_indirect[small-1-2]" in names


def test_a_repeated_test_is_recorded_in_turn(project: pytest.Pytester, upstream: Double) -> None:
    """Each turn that passes replaces the recording of the one before."""
    project.makepyfile(
        test_it=f"""{ASK}
    turns = iter([0, 1, 2])

    @pytest.mark.ycimages_cassette
    def test_it(ycimages):
        turn = next(turns)
        ask(ycimages, turn)
        assert turn != 2
    """
    )
    recorded(project, upstream, "-p", "pytest_repeat", "--count=3").assert_outcomes(passed=2, failed=1)
    (whole,) = read_cassette(project.path / "cassettes/test_it/test_it.yaml").interactions
    assert b"epd1" in whole.request.body
    assert len(files(project)) == 1


@pytest.mark.slow
def test_repetitions_in_several_workers_are_not_recorded(project: pytest.Pytester, upstream: Double) -> None:
    """They would write one file at once."""
    project.makepyfile(test_it=f"{ASK}\n    @pytest.mark.ycimages_cassette\n    def test_it(ycimages): ask(ycimages)")
    result = recorded(project, upstream, *["-p", "pytest_repeat", "--count=2", "-n", "2"])
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(
        ["*test_it.yaml would be recorded by 2 repetitions *: pytest test_it.py::test_it --ycimages-mode=record -n 0*"]
    )
    assert not upstream.calls
    assert not files(project)


AGAIN: Final = {
    "rerunfailures": "-p pytest_rerunfailures --reruns 2",
    "flaky": "-p flaky.flaky_pytest_plugin --force-flaky --max-runs 3 --no-flaky-report",
}


@pytest.mark.costly
@pytest.mark.parametrize("mode", ["record", "missing"])
@pytest.mark.parametrize("options", AGAIN.values(), ids=list(AGAIN))
def test_a_try_that_failed_is_neither_written_nor_reported(
    options: str, mode: str, project: pytest.Pytester, upstream: Double
) -> None:
    """The tries that fail ask for less than the one that passes."""
    project.makepyfile(
        test_it=f"""{ASK}
    tries = iter(range(100))

    @pytest.mark.ycimages_cassette
    def test_it(ycimages):
        number = next(tries) % 3
        ask(ycimages, 7)
        assert number == 2
        ask(ycimages, 8)
    """
    )
    recorded(project, upstream, *options.split(), mode=mode).assert_outcomes(passed=1)
    path = project.path / "cassettes/test_it/test_it.yaml"
    whole = read_cassette(path)
    assert [b"epd8" in each.request.body for each in whole.interactions] == [False, True]
    assert (whole.is_complete, len(files(project))) == (True, 1)
    result = project.runpytest(*options.split())
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*never used*")
    recorded(project, upstream, mode="record").assert_outcomes(failed=1)  # its first try fails: nothing is replaced
    assert read_cassette(path) == whole


ALIKE: Final = f"""{ASK}
    pytestmark = pytest.mark.ycimages_cassette

    def test_create(ycimages):
        ask(ycimages, 1)

    def test_Create(ycimages):
        ask(ycimages, 2)

    def test_CREATE(ycimages):
        ask(ycimages, 3)

    @pytest.mark.parametrize("case", ["Ready", "READY", "ready", "other"])
    def test_each(ycimages, case):
        ask(ycimages, case)

    class TestIt:
        def test_it(self, ycimages):
            ask(ycimages, 5)

    class Testit:
        def test_it(self, ycimages):
            ask(ycimages, 6)
"""


@pytest.mark.costly
def test_names_that_differ_by_case_have_files_that_do_not(project: pytest.Pytester, upstream: Double) -> None:
    """One of them has the plain name; each is found again when it runs alone, and when it is repeated."""
    project.makepyfile(test_it=ALIKE)
    recorded(project, upstream).assert_outcomes(passed=9)
    names = {Path(name).stem for name in files(project)}
    assert len({name.casefold() for name in names}) == 9
    assert {"test_create", "test_each[ready]", "test_each[other]", "Testit.test_it"} < names
    project.runpytest("test_it.py::test_Create", "test_it.py::TestIt").assert_outcomes(passed=2)
    project.runpytest("-k", "READY or create", "-p", "pytest_repeat", "--count=2").assert_outcomes(passed=12)


def test_modules_that_differ_by_case_do_not_share_files(project: pytest.Pytester) -> None:
    """A checkout that ignores case cannot hold both modules; the cassettes do not add to that."""
    test = "import pytest\n@pytest.mark.ycimages_cassette\ndef test_it(ycimages): pass\n"
    project.makepyfile(test_a=test, test_A=test)
    paths = [cassette_path(item) for item in project.inline_genitems()[0]]
    assert len({str(path).casefold() for path in paths}) == 2


@pytest.mark.parametrize("workers", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_markers_whose_names_differ_by_case_are_refused(workers: int, project: pytest.Pytester) -> None:
    """With both tests and both files; one name for several tests is one file."""
    project.makepyfile(
        test_it="""
    import pytest

    @pytest.mark.ycimages_cassette("create")
    def test_one(ycimages): pass

    @pytest.mark.ycimages_cassette("create")
    def test_two(ycimages): pass

    @pytest.mark.ycimages_cassette(name="Create")
    def test_three(ycimages): pass
    """
    )
    result = project.runpytest("-n", str(workers))
    assert result.ret == (pytest.ExitCode.TESTS_FAILED if workers else pytest.ExitCode.USAGE_ERROR)
    (result.stdout if workers else result.stderr).fnmatch_lines(
        ["*The cassettes of *::test_one and *::test_three differ by case only, *create.yaml and *Create.yaml. Give*"]
    )


_PARTS: Final = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1) | st.sampled_from(
    ["con", "NUL", "Com1", "aux", "lpt9", "test_it", "test_it[con]", "x" * 300, "..", ".", "a.b"]
)
_PLAIN: Final = re.compile(r"[\w.=,+@\[\]-]{1,120}\.yaml", re.ASCII)
_DEVICE: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


@given(st.lists(st.lists(_PARTS, min_size=1, max_size=3), min_size=2, max_size=2, unique_by=".".join))
def test_every_name_is_a_file_of_its_own_on_every_system(names: list[list[str]]) -> None:
    """Which no system takes for a device, and that is never longer than a system allows."""
    is_alike = ".".join(names[0]).casefold() == ".".join(names[1]).casefold()
    one, other = (of_test(Path("cassettes"), "tests/con.py", each, is_alike=is_alike) for each in names)
    assert str(one).casefold() != str(other).casefold()
    for path in (one, other):
        assert path.parent == Path("cassettes/tests/con-")
        assert _PLAIN.fullmatch(path.name)
        assert not _DEVICE.fullmatch(path.name)
