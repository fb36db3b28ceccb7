"""Which tests a run records, and what it prints before the first request: how many, where to, as whom."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
import requests

from pytest_ycimages import Double
from pytest_ycimages.cassette.handle import opened

if TYPE_CHECKING:
    from collections.abc import Iterator

SUITE: Final = """
    import pytest
    import requests
    from pytest_ycimages import unavailable

    def ask(double):
        name = double.name.partition("::")[2]
        headers = {"Authorization": f"Bearer {double.token}"}
        return requests.get(f"{double.url}/compute/v1/images/{name}", headers=headers)

    def test_plain(ycimages):
        ask(ycimages)

    def test_factory(ycimages_factory):
        ask(ycimages_factory())

    def test_fault(ycimages):
        ycimages.inject(unavailable(), on="images.get")
        assert ask(ycimages).status_code == 503

    @pytest.mark.ycimages(timing=3600)
    def test_setting(ycimages):
        ask(ycimages)

    def test_seed(ycimages):
        assert ycimages.add_image(name="base") in ycimages.images

    @pytest.mark.ycimages(mode="fake")
    def test_pinned(ycimages):
        ask(ycimages)

    @pytest.mark.ycimages_cassette
    @pytest.mark.ycimages(mode="fake")
    def test_pinned_cassette(ycimages):
        ask(ycimages)

    @pytest.mark.ycimages_cassette
    def test_marker(ycimages):
        ask(ycimages)

    @pytest.mark.ycimages_cassette("named")
    def test_named(ycimages):
        ask(ycimages)

    @pytest.mark.ycimages_cassette
    def test_factory_with_marker(ycimages_factory):
        ask(ycimages_factory())

    def test_fixture(ycimages_cassette, ycimages):
        ask(ycimages)

    @pytest.mark.ycimages(mode="replay", cassette="own.yaml")
    def test_own(ycimages):
        ask(ycimages)

    @pytest.mark.ycimages(cassette="other.yaml")
    def test_other(ycimages):
        ask(ycimages)

    class TestOverridden:
        @pytest.fixture
        def ycimages_settings(self):
            return {"cassette": "third.yaml"}

        def test_overridden(self, ycimages):
            ask(ycimages)

    def test_without(request):
        pass
"""
RECORDED: Final = {
    "test_marker", "test_named", "test_factory_with_marker", "test_fixture", "test_own", "test_other",
    "TestOverridden::test_overridden",
}  # fmt: skip
"""The tests with a cassette."""
ALL: Final = RECORDED | {"test_plain", "test_factory", "test_setting"}
"""Those that record without a change, if the run asks for all of them."""
ANNOUNCED: Final = re.compile(
    r"^ycimages: (\d+) tests? will send requests to (\S+) as (.*), and (\w+) the answers", re.MULTILINE
)


@pytest.fixture
def upstream() -> Iterator[Double]:
    """What stands in for the service."""
    with Double() as double:
        yield double


def asked(upstream: Double) -> set[str]:
    """The tests whose requests have reached the upstream."""
    lines = (call.line.removeprefix("GET /compute/v1/images/") for call in upstream.calls.of("images.get"))
    return set(lines)


def announced(result: pytest.RunResult) -> list[tuple[str, ...]]:
    """What a run has printed before its first test."""
    return [match.groups() for match in ANNOUNCED.finditer(result.stdout.str())]


@pytest.mark.parametrize("where", ["option", "ini"])
@pytest.mark.parametrize(("mode", "recorded"), [("record", RECORDED), ("missing", RECORDED), ("record-all", ALL)])
def test_a_run_records_what_asks_for_it(
    mode: str, recorded: set[str], where: str, project: pytest.Pytester, upstream: Double
) -> None:
    """All others keep the fake, with its faults, settings and seeds; only `record-all` says that all are meant."""
    project.makepyfile(test_it=SUITE)
    in_ini = where == "ini"
    project.makeini(f"[pytest]\nycimages_upstream = {upstream.url}\n{f'ycimages_mode = {mode}' if in_ini else ''}")
    result = project.runpytest(*([] if in_ini else [f"--ycimages-mode={mode}"]))
    recorded = recorded - {"test_own"} if in_ini else recorded  # whose marker says replay, and wins over the ini file
    assert asked(upstream) == recorded
    refused = 2 * (mode == "record-all")  # a fault, and what exists, are for a fake to be told
    result.assert_outcomes(passed=15 - refused - in_ini, failed=refused, errors=int(in_ini))
    result.stdout.fnmatch_lines([f"ycimages: seed 0, mode {mode}"])
    ((number, where_to, _, then),) = announced(result)
    static = len(recorded) - (mode != "record-all")  # a fixture says it when the test runs
    assert (int(number), where_to, then) == (static + refused, upstream.url, "record")
    by_fixture = "ycimages: test_it.py::TestOverridden::test_overridden sends requests to *"
    if mode != "record-all":
        result.stdout.fnmatch_lines([by_fixture])
    else:
        result.stdout.no_fnmatch_line(by_fixture)


@pytest.mark.costly
def test_missing_records_what_has_no_cassette_and_replays_the_rest(project: pytest.Pytester, upstream: Double) -> None:
    """Each test by itself; a second run asks for nothing more, and prints nothing."""
    project.makepyfile(test_it=SUITE)
    options = ("-k", "named or marker or fixture", f"--ycimages-upstream={upstream.url}")
    project.runpytest("--ycimages-mode=record", "-k", "named", *options[2:]).assert_outcomes(passed=1, deselected=14)
    assert asked(upstream) == {"test_named"}
    result = project.runpytest("--ycimages-mode=missing", *options)
    result.assert_outcomes(passed=4, deselected=11)
    assert [number for number, *_ in announced(result)] == ["3"]
    assert asked(upstream) == {"test_named", "test_marker", "test_factory_with_marker", "test_fixture"}
    calls = len(upstream.calls)
    result = project.runpytest("--ycimages-mode=missing", *options)
    result.assert_outcomes(passed=4, deselected=11)
    assert not announced(result)
    assert len(upstream.calls) == calls


def test_missing_is_a_mode_of_a_double(upstream: Double, tmp_path: Path) -> None:
    """As it is one of a test: decided when the double is made."""
    settings = {"mode": "missing", "cassette": tmp_path / "one.yaml", "upstream": upstream.url}
    for mode in ("record", "replay", "replay"):
        with Double(settings) as double:
            assert double.settings.mode == mode
            requests.get(f"{double.url}/compute/v1/images/fd800000000000000000", timeout=10)
    assert len(upstream.calls) == 1


TOKENS: Final = {
    "t1.9euelZqPm5abcdefgh.ABCDEFGHIJKLMNOP": "the owner of the IAM token in YC_TOKEN",
    "y0_AgAAAAAabcdefghijklmnopqrstuvwxyz012345": "the owner of the OAuth token in YC_TOKEN",
    "AQVNabcdefghijklmnopqrstuvwxyz0123456789ab": "the owner of the API key in YC_TOKEN",
    "something-else-entirely-0123456789": "the owner of the credential in YC_TOKEN",
    "": "the owner of the token that a double there gives",
}


@pytest.mark.costly
@pytest.mark.parametrize(
    ("token", "options"),
    [*zip(TOKENS, [("-q",), ("-qq",), ("-v",), ("-s",), ("-p", "no:terminal")], strict=True), ("t1.", ("-n2",))],
    ids=map(str, range(6)),
)
def test_it_is_printed_as_whom_requests_are_sent_and_never_with_which_text(
    token: str, options: tuple[str, ...], project: pytest.Pytester, upstream: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every verbosity, and from the workers of pytest-xdist."""
    owner = TOKENS.get(token) or TOKENS[next(iter(TOKENS))]
    monkeypatch.setenv("YC_TOKEN", token)
    monkeypatch.setenv("YC_FOLDER_ID", "b1g00000000000000007" if token else "")
    project.makepyfile(test_it=SUITE)
    run = project.runpytest_subprocess if "-n2" in options else project.runpytest
    result = run("--ycimages-mode=record", f"--ycimages-upstream={upstream.url}", "-k", "marker or named", *options)
    text = f"{result.stdout.str()}\n{result.stderr.str()}"
    ((number, where_to, whom, _),) = [match.groups() for match in ANNOUNCED.finditer(text)]
    assert (number, where_to) == ("3", upstream.url)
    assert whom == owner + (", in folder b1g00000000000000007" if token else "")
    assert not any(token[start : start + 10] in text for start in range(len(token) - 9))


@pytest.mark.costly
def test_nothing_is_printed_by_a_run_that_sends_nothing(project: pytest.Pytester) -> None:
    """Neither for fakes nor for replays nor for a comparison with the fake."""
    project.makepyfile(test_it=SUITE)
    for options in ((), ("--ycimages-mode=replay",), ("--ycimages-mode=verify",), ("--ycimages-mode=fake",)):
        result = project.runpytest(*options)
        assert not announced(result)
        result.stdout.no_fnmatch_line("*sends requests*")


def test_a_comparison_is_announced_as_well(project: pytest.Pytester, upstream: Double) -> None:
    """It sends the recorded requests."""
    project.makepyfile(test_it=SUITE)
    options = ("-k", "test_marker", f"--ycimages-upstream={upstream.url}")
    project.runpytest("--ycimages-mode=record", *options).assert_outcomes(passed=1, deselected=14)
    result = project.runpytest("--ycimages-mode=verify", *options)
    result.assert_outcomes(passed=1, deselected=14)
    assert [(number, then) for number, _, _, then in announced(result)] == [("1", "compare")]


def test_a_credential_in_the_address_is_not_printed(project: pytest.Pytester) -> None:
    """The address is refused, and the line before has the host alone."""
    project.makepyfile(test_it=SUITE)
    result = project.runpytest(
        "--ycimages-mode=record", "--ycimages-upstream=http://me:hunter2secret@127.0.0.1:9", "-k", "test_marker"
    )
    result.assert_outcomes(errors=1, deselected=14)
    assert [where for _, where, _, _ in announced(result)] == ["http://127.0.0.1:9"]


def test_without_an_upstream_the_service_itself_is_named(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And that there is no credential, which each of the tests fails for."""
    monkeypatch.delenv("YC_TOKEN", raising=False)
    project.makepyfile(test_it=SUITE)
    result = project.runpytest("--ycimages-mode=record", "-k", "test_marker")
    result.stdout.fnmatch_lines(["ycimages: 1 test will send requests to the service itself as *YC_TOKEN is not set*"])
    result.assert_outcomes(errors=1, deselected=14)


def test_a_mode_that_is_none_is_refused_with_all_that_there_are(project: pytest.Pytester) -> None:
    """On the command line."""
    result = project.runpytest("--ycimages-mode=rekord")
    result.stderr.fnmatch_lines(["*invalid choice: 'rekord' (choose from*record*missing*record-all*"])


def test_a_replay_of_all_says_how_to_record_a_test_that_asks_for_nothing(project: pytest.Pytester) -> None:
    """`record` would not concern it."""
    project.makepyfile(test_it=SUITE)
    result = project.runpytest("--ycimages-mode=replay", "-k", "test_plain or test_marker")
    result.assert_outcomes(errors=2, deselected=13)
    assert result.stdout.str().count("or record it with --ycimages-mode=record-all") == 1


@pytest.mark.parametrize("address", ["http://[", "http://127.0.0.1:99999", "nonsense", "ftp://x", "http://a b"])
def test_an_address_that_is_none_fails_the_test_and_not_the_run(address: str, project: pytest.Pytester) -> None:
    """With the text of the setting, also where `ycimages_time` reads it first."""
    project.makepyfile(
        test_it="""
    import pytest

    @pytest.mark.ycimages_cassette
    def test_it(ycimages_time, ycimages): pass

    def test_other(ycimages): pass
    """
    )
    result = project.runpytest("--ycimages-mode=record", f"--ycimages-upstream={address}")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.parseoutcomes()["errors"] in {1, 2}  # the setting is that of the other test as well


# Cassettes that are left.

LEFT: Final = """
    import pytest
    import requests

    def ask(double):
        requests.get(f"{double.url}/compute/v1/images/fd800000000000000000")

    @pytest.mark.ycimages_cassette
    def test_marked(ycimages):
        ask(ycimages)

    def test_plain(ycimages_factory):
        ask(ycimages_factory())
"""
UNMARKED: Final = LEFT.replace("@pytest.mark.ycimages_cassette", "")


@pytest.fixture
def left(project: pytest.Pytester, upstream: Double) -> pytest.Pytester:
    """A project all of whose tests were recorded."""
    project.makepyfile(test_it=LEFT)
    recording = project.runpytest("--ycimages-mode=record-all", f"--ycimages-upstream={upstream.url}")
    recording.assert_outcomes(passed=2)
    assert orphans(recording) == []
    opened.clear()  # which is of the process, as later runs of a test are not
    return project


def orphans(result: pytest.RunResult) -> list[str]:
    """The files that a run has named."""
    lines = result.outlines
    titles = [number for number, line in enumerate(lines) if "cassettes that no test uses" in line]
    below = lines[titles[0] + 1 :] if titles else []
    return [line.rpartition("/")[2] for line in below if line.endswith(".yaml")]


@pytest.mark.costly
@pytest.mark.parametrize(
    ("tests", "options", "expected"),
    [
        (LEFT, (), ["test_plain.yaml"]),
        (UNMARKED, (), ["test_marked.yaml", "test_plain.yaml"]),
        (UNMARKED, ("-p", "xdist", "-n2"), ["test_marked.yaml", "test_plain.yaml"]),
        ("    def test_it(): pass", (), ["test_marked.yaml", "test_plain.yaml"]),
        (LEFT, ("--ycimages-mode=replay",), []),
        (LEFT, ("-k", "plain"), []),
        (UNMARKED.replace("ask(ycimages_factory())", "pytest.skip()"), (), ["test_marked.yaml"]),
        (UNMARKED.replace("ask(ycimages_factory())", "pass"), (), ["test_marked.yaml"]),
        ("def test_it(request): request.getfixturevalue('ycimages')", (), ["test_marked.yaml", "test_plain.yaml"]),
    ],
    ids=["one", "both", "workers", "no doubles", "replayed", "a part", "skipped", "no double made", "asked for late"],
)  # fmt: skip
def test_what_tests_without_a_cassette_have_left_is_named(
    tests: str, options: tuple[str, ...], expected: list[str], left: pytest.Pytester
) -> None:
    """If it is certain: a test that has not made its doubles may still play its cassette."""
    left.makepyfile(test_it=tests)
    assert orphans(left.runpytest(*options)) == expected


@pytest.mark.costly
def test_what_is_left_is_removed_by_prune(left: pytest.Pytester) -> None:
    """A run of all tests names it, and the command removes it."""
    left.makepyfile(test_it=UNMARKED)
    left.runpytest().assert_outcomes(passed=2)
    result = left.run(Path(sys.executable).with_name("ycimages"), "cassette", "prune")
    assert result.ret == 0
    assert not list((left.path / "cassettes").rglob("*.yaml"))


@pytest.mark.costly
def test_the_folder_of_another_tool_is_left_alone(left: pytest.Pytester) -> None:
    """Without a cassette in use there, only what this package recorded counts."""
    folder = left.path / "cassettes"
    (folder / "foreign.yaml").write_text("interactions: []\nversion: 1\n")
    left.makepyfile(test_it=UNMARKED)
    assert "foreign.yaml" not in orphans(left.runpytest())
    left.makepyfile(test_it=LEFT)
    assert "foreign.yaml" in orphans(left.runpytest())
