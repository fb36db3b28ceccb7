"""What a failing test shows: the calls that its doubles saw, the state of their operations, and how to repeat it."""

from __future__ import annotations

import re

import pytest

BAKING = """
    import pytest
    from werkzeug.test import Client

    def call(double, method, path, body=None):
        headers = {"Authorization": f"Bearer {double.token}"}
        return Client(double.app).open(path, method=method, json=body, headers=headers).json

    def create(double):
        return call(double, "POST", "/compute/v1/images", {"folderId": "b1g", "diskId": "epd"})
"""

GOLDEN = """\
4 calls, timing AfterPolls(polls=2), clock manual
+0.000s    images.create     POST /compute/v1/images  OK  running  operation <operation 1>  image <image 1>
+1.500s    operations.get    GET /operations/<operation 1>  OK  running  image <image 1>
+3.000s    operations.get    GET /operations/<operation 1>  OK  succeeded  image <image 1>  1.500s after attempt 1
+3.000s    images.create     POST /compute/v1/images  OK  running  operation <operation 2>  image <image 2>\
  3.000s after attempt 1
operation <operation 1> (Create image, image <image 1>): done
    2 polls, the first after 1.500s, pauses of 1.500s, 0 after done
operation <operation 2> (Create image, image <image 2>): running
reproduce with: --ycimages-seed=0"""

FAILING = """
    @pytest.mark.ycimages(clock="manual", timing="AfterPolls(2)")
    def test_bake(ycimages):
        operation = create(ycimages)
        for _ in range(2):
            ycimages.clock.advance(1.5)
            call(ycimages, "GET", f"/operations/{operation['id']}")
        create(ycimages)
        raise AssertionError("the client made two")
"""


def sections(result: pytest.RunResult) -> list[str]:
    """The headings of all sections of ours."""
    return [line.strip("- ") for line in result.outlines if re.match("-+ ycimages: ", line)]


def shown(result: pytest.RunResult) -> list[str]:
    """The lines of the first section of ours."""
    lines = result.outlines
    first = next(number for number, line in enumerate(lines) if "- ycimages: " in line) + 1
    return lines[first : lines.index(next(line for line in lines[first:] if line.startswith("reproduce with:"))) + 1]


def test_a_failing_test_shows_what_its_double_saw(project: pytest.Pytester) -> None:
    """Every call on a line, every operation with its state, and the option that draws the same ids again."""
    project.makepyfile(test_bake=BAKING + FAILING)
    result = project.runpytest_inprocess()
    result.assert_outcomes(failed=1)
    assert sections(result) == ["ycimages: test_bake.py::test_bake"]
    section = "\n".join(shown(result))
    drawn = dict.fromkeys(re.findall(r"(?:fd8|epd)[0-9a-v]{17}", section))
    for id_, word in zip(drawn, ("operation 1", "image 1", "operation 2", "image 2"), strict=True):
        section = section.replace(id_, f"<{word}>")
    assert section == GOLDEN


@pytest.mark.costly
def test_the_section_is_the_same_in_every_run(project: pytest.Pytester) -> None:
    """With the manual clock nothing in it depends on when, where or how often the test ran."""
    project.makepyfile(test_bake=BAKING + FAILING)
    assert shown(project.runpytest_inprocess()) == shown(project.runpytest_inprocess())


def test_failed_and_cancelled_operations_show_their_error(project: pytest.Pytester) -> None:
    """The code and the text, as the client was told."""
    project.makepyfile(
        BAKING
        + """
    def test_it(ycimages):
        operation = create(ycimages)
        call(ycimages, "POST", f"/operations/{operation['id']}:cancel")
        raise AssertionError
    """
    )
    result = project.runpytest_inprocess()
    result.stdout.fnmatch_lines([
        "operation epd* (Create image, image fd8*): failed, code CANCELLED: Cancelled by client"
    ])  # fmt: skip


def test_each_double_has_a_section_of_its_own(project: pytest.Pytester) -> None:
    """The heading says which one: the first has the test's name, the others are numbered."""
    project.makepyfile(
        test_two="""
    def test_it(ycimages, ycimages_factory):
        ycimages_factory()
        raise AssertionError
    """
    )
    result = project.runpytest_inprocess()
    assert sections(result) == ["ycimages: test_two.py::test_it", "ycimages: test_two.py::test_it #2"]


@pytest.mark.parametrize(
    ("marker", "arguments", "seed"),
    [
        ("timing=1", [], 0),
        ("timing=1", ["--ycimages-seed=7"], 7),
        ("seed=5", [], 5),
        ("seed=5", ["--ycimages-seed=7"], 7),
    ],
)
def test_the_reproduce_line_names_the_seed_of_the_double(
    project: pytest.Pytester, marker: str, arguments: list[str], seed: int
) -> None:
    """The command line wins over the marker, so a line with another seed than the double's would change the ids."""
    project.makepyfile(f"""
    import pytest

    @pytest.mark.ycimages({marker})
    def test_it(ycimages):
        raise AssertionError
    """)
    result = project.runpytest_inprocess(*arguments)
    assert f"reproduce with: --ycimages-seed={seed}" in result.outlines


def test_a_random_seed_is_in_the_reproduce_line(project: pytest.Pytester) -> None:
    """The number that was drawn, not the word."""
    project.makepyfile("def test_it(ycimages): raise AssertionError")
    result = project.runpytest_inprocess("--ycimages-seed=random")
    result.stdout.re_match_lines([r"ycimages: seed \d+$", r"reproduce with: --ycimages-seed=\d+$"])
    numbers = re.findall(r"seed[ =](\d+)$", result.stdout.str(), re.MULTILINE)
    assert len(set(numbers)) == 1


def test_a_test_that_passes_shows_nothing(project: pytest.Pytester) -> None:
    """Not even with all reports on."""
    project.makepyfile(BAKING + "    def test_it(ycimages): create(ycimages)")
    result = project.runpytest_inprocess("-rA")
    result.assert_outcomes(passed=1)
    assert sections(result) == []
    assert "reproduce with" not in result.stdout.str()


def test_a_failing_test_without_a_double_shows_nothing(project: pytest.Pytester) -> None:
    """Who does not use the plugin never reads of it."""
    project.makepyfile("def test_it(): raise AssertionError")
    result = project.runpytest_inprocess()
    result.assert_outcomes(failed=1)
    assert sections(result) == []
    assert "reproduce with" not in result.stdout.str()


@pytest.mark.parametrize(("before", "after"), [("raise AssertionError", "yield"), ("yield", "raise AssertionError")])
def test_a_fixture_that_fails_shows_what_the_double_saw(project: pytest.Pytester, before: str, after: str) -> None:
    """A client that is run by a fixture fails in setup or in teardown, and the calls matter as much there."""
    project.makepyfile(
        BAKING
        + f"""
    @pytest.fixture
    def image(ycimages):
        create(ycimages)
        {before}
        {after}

    def test_it(image):
        pass
    """
    )
    result = project.runpytest_inprocess()
    result.stdout.fnmatch_lines(["*1 error*"])
    result.stdout.fnmatch_lines(["*- ycimages: *test_it -*", "1 calls, *", "+0.*images.create *", "operation epd*"])


def test_a_long_journal_is_cut_to_its_last_calls(project: pytest.Pytester) -> None:
    """A client in an endless loop does not drown its own failure; the text says where the rest is."""
    project.makepyfile(
        BAKING
        + """
    def test_it(ycimages):
        for _ in range(130):
            call(ycimages, "GET", "/endpoints")
        raise AssertionError
    """
    )
    result = project.runpytest_inprocess()
    result.stdout.fnmatch_lines(["130 calls, *", "... 30 earlier calls; double.calls has them all"])
    assert sum(" endpoints.list " in line for line in result.outlines) == 100


CLOCKS = """
    import pytest
    from freezegun import freeze_time
    from urllib.request import urlopen
    from pytest_ycimages import reset

    def test_virtual(ycimages_time, ycimages):
        raise AssertionError

    def test_teardown(ycimages_time, ycimages):
        urlopen(f"{ycimages.url}/endpoints").close()
        ycimages.inject(reset(), on="images.create")

    def test_frozen(ycimages):
        with freeze_time("2026-01-01"):
            call(ycimages, "GET", "/endpoints")
        raise AssertionError

    @pytest.mark.ycimages(clock="manual")
    def test_manual(ycimages):
        raise AssertionError

    def test_real(ycimages):
        raise AssertionError
"""


@pytest.mark.parametrize("kind", ["virtual", "teardown", "frozen", "manual", "real"])
def test_it_is_told_which_clock_the_double_went_by(project: pytest.Pytester, kind: str) -> None:
    """The one that the test gave it, which no setting says; also where it is over when the failure comes."""
    project.makepyfile(BAKING + CLOCKS)
    result = project.runpytest_inprocess("-k", f"test_{kind}")
    result.assert_outcomes(failed=kind != "teardown", errors=kind == "teardown", passed=kind == "teardown")
    assert shown(result)[0].endswith(f" clock {kind.replace('teardown', 'virtual')}")
