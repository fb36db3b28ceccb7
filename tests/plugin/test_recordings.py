"""What becomes of recordings: one that did not come to its good end replaces nothing, and no two share a file."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import pytest

from pytest_ycimages import Double
from pytest_ycimages.cassette.file import read_cassette

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ASKING: Final = """
    import os
    import pytest
    import requests

    def ask(double, number):
        url = f"{double.url}/compute/v1/images/fd8nosuchimage00000{number}"
        return requests.get(url, headers={"Authorization": f"Bearer {double.token}"})
"""
END: Final = 'os.environ.get("END", "pass")'


@pytest.fixture
def upstream() -> Iterator[Double]:
    """What stands in for the service."""
    with Double() as double:
        yield double


def recorded(project: pytest.Pytester, upstream: str, *options: str) -> pytest.RunResult:
    """A run that records, and that may be interrupted without us."""
    given = ("--ycimages-mode=record", f"--ycimages-upstream={upstream}", *options)
    return project.runpytest_inprocess(*given, no_reraise_ctrlc=True)


def cassette(project: pytest.Pytester, name: str = "test_it/test_it.yaml") -> Path:
    """The cassette of the one test."""
    return project.path / "cassettes" / name


ENDS: Final = [
    "raise KeyboardInterrupt",
    "pytest.exit('enough')",
    "pytest.fail('no')",
    "pytest.skip('no quota')",
    "pytest.xfail('not now')",
]


@pytest.mark.costly
@pytest.mark.parametrize("end", ENDS)
def test_a_test_that_is_left_in_its_midst_replaces_no_recording(
    end: str, project: pytest.Pytester, upstream: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it is left by. Without an older file it is kept, and does not say that it is complete."""
    project.makepyfile(
        test_it=f"""{ASKING}
    @pytest.mark.ycimages_cassette
    def test_it(ycimages):
        ask(ycimages, 1)
        exec({END})
        ask(ycimages, 2)
    """
    )
    monkeypatch.setenv("END", end)
    recorded(project, upstream.url)
    left = read_cassette(cassette(project))
    assert (len(left.interactions), left.is_complete) == (1, False)
    monkeypatch.setenv("END", "pass")
    recorded(project, upstream.url).assert_outcomes(passed=1)
    whole = cassette(project).read_bytes()
    assert len(read_cassette(cassette(project)).interactions) == 2
    monkeypatch.setenv("END", end)
    recorded(project, upstream.url)
    assert cassette(project).read_bytes() == whole
    assert [path.name for path in cassette(project).parent.iterdir()] == ["test_it.yaml"]


@pytest.mark.costly
@pytest.mark.parametrize("end", ["raise KeyboardInterrupt", "raise LookupError"])
@pytest.mark.parametrize("fixtures", ["ycimages, tidy", "tidy, ycimages"])
def test_a_test_whose_teardown_fails_replaces_no_recording(
    end: str, fixtures: str, project: pytest.Pytester, upstream: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor one that is stopped in it; whether that is before or after the double is closed."""
    project.makepyfile(
        test_it=f"""{ASKING}
    @pytest.fixture
    def tidy():
        yield
        exec({END})

    @pytest.mark.ycimages_cassette
    def test_it({fixtures}):
        ask(ycimages, os.environ.get("NUMBER", "1"))
    """
    )
    recorded(project, upstream.url).assert_outcomes(passed=1)
    whole = cassette(project).read_bytes()
    monkeypatch.setenv("END", end)
    monkeypatch.setenv("NUMBER", "2")
    assert recorded(project, upstream.url).ret != 0
    assert cassette(project).read_bytes() == whole
    assert [path.name for path in cassette(project).parent.iterdir()] == ["test_it.yaml"]
    monkeypatch.setenv("END", "pass")
    recorded(project, upstream.url).assert_outcomes(passed=1)
    assert cassette(project).read_bytes() != whole


@pytest.mark.parametrize("end", ["self.skipTest('no')", "self.fail('no')"])
def test_a_test_case_of_unittest_that_is_left_replaces_no_recording(
    end: str, project: pytest.Pytester, upstream: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of which pytest hears in another way."""
    project.makepyfile(
        test_it=f"""{ASKING}
    import unittest

    @pytest.mark.ycimages_cassette
    class TestIt(unittest.TestCase):
        @pytest.fixture(autouse=True)
        def take(self, ycimages):
            self.double = ycimages

        def test_it(self):
            ask(self.double, 1)
            exec({END})
            ask(self.double, 2)
    """
    )
    recorded(project, upstream.url).assert_outcomes(passed=1)
    whole = cassette(project, "test_it/TestIt.test_it.yaml").read_bytes()
    monkeypatch.setenv("END", end)
    recorded(project, upstream.url)
    assert cassette(project, "test_it/TestIt.test_it.yaml").read_bytes() == whole


@pytest.mark.costly
def test_a_subtest_that_fails_keeps_the_older_recording_though_the_test_goes_on(
    project: pytest.Pytester, upstream: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And one that passes is not yet the end of the test."""
    project.makepyfile(
        test_it=f"""{ASKING}
    @pytest.mark.ycimages_cassette
    def test_it(ycimages, subtests):
        for number in (1, 2):
            with subtests.test(number=number):
                ask(ycimages, number)
                exec({END})
        exec(os.environ.get("LAST", "pass"))
    """
    )
    recorded(project, upstream.url)
    whole = cassette(project).read_bytes()
    assert read_cassette(cassette(project)).is_complete
    for name, end in (("END", "assert number != 1"), ("LAST", "raise KeyboardInterrupt")):
        monkeypatch.setenv(name, end)
        recorded(project, upstream.url)
        assert cassette(project).read_bytes() == whole
        monkeypatch.delenv(name)


def test_a_recording_whose_upstream_fails_replaces_none(project: pytest.Pytester, upstream: Double) -> None:
    """Though the client swallows it and goes on: there is a gap in it."""
    project.makepyfile(
        test_it=f"""{ASKING}
    @pytest.mark.ycimages_cassette
    def test_it(ycimages):
        for number in (1, 2, 3):
            ask(ycimages, number)
    """
    )
    recorded(project, upstream.url).assert_outcomes(passed=1)
    whole = cassette(project).read_bytes()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_drop_the_third, args=(listening, upstream.port), daemon=True).start()
        result = recorded(project, f"http://127.0.0.1:{listening.getsockname()[1]}")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*So the recording of *test_it.yaml has a gap. An older cassette there stays.*"])
    assert cassette(project).read_bytes() == whole


def _drop_the_third(listening: socket.socket, port: int) -> None:
    """Pass on each connection but the third: the first is the question whether this is a double."""
    for number in range(1, 5):
        with suppress(OSError):
            client, _ = listening.accept()
            with client:
                if number != 3:
                    with socket.create_connection(("127.0.0.1", port)) as there:
                        there.sendall(client.recv(65536))
                        there.shutdown(socket.SHUT_WR)
                        while data := there.recv(65536):
                            client.sendall(data)


def test_a_test_that_is_run_again_is_judged_by_its_last_run(project: pytest.Pytester, upstream: Double) -> None:
    """As plugins do that run flaky tests again."""
    project.makeconftest(
        """
    from _pytest.runner import runtestprotocol

    def pytest_runtest_protocol(item, nextitem):
        for _ in range(2):
            reports = runtestprotocol(item, nextitem=nextitem, log=False)
        for report in reports:
            item.ihook.pytest_runtest_logreport(report=report)
        return True
    """
    )
    project.makepyfile(
        test_it=f"""{ASKING}
    NUMBERS = iter(range(9))
    @pytest.mark.ycimages_cassette
    def test_it(ycimages):
        ask(ycimages, 1)
        assert next(NUMBERS) % 2
        ask(ycimages, 2)
    """
    )
    recorded(project, upstream.url).assert_outcomes(passed=1)
    whole = read_cassette(cassette(project))
    assert (len(whole.interactions), whole.is_complete) == (2, True)


def test_a_recording_that_cannot_take_its_place_fails_its_test(
    project: pytest.Pytester, upstream: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk may be full at the very end, too."""
    project.makepyfile(
        test_it=f"""{ASKING}
    @pytest.mark.ycimages_cassette
    def test_it(ycimages):
        ask(ycimages, 1)
    """
    )

    def full(_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pytest_ycimages.cassette.partial_file.PartialFile.move_into_place", full)
    result = recorded(project, upstream.url)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*test_it.yaml cannot be written: *No space left on device*"])


@pytest.mark.costly
def test_a_double_that_the_test_closes_is_judged_with_the_test(
    project: pytest.Pytester, upstream: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes after the closing may still show that the recording is none."""
    project.makepyfile(
        test_it=f"""{ASKING}
    @pytest.mark.ycimages_cassette
    def test_it(ycimages_factory):
        with ycimages_factory() as double:
            ask(double, 1)
        exec({END})
    """
    )
    recorded(project, upstream.url).assert_outcomes(passed=1)
    whole = cassette(project).read_bytes()
    monkeypatch.setenv("END", "raise LookupError")
    recorded(project, upstream.url).assert_outcomes(failed=1)
    assert cassette(project).read_bytes() == whole
    monkeypatch.delenv("END")
    recorded(project, upstream.url).assert_outcomes(passed=1)
    assert cassette(project).read_bytes() != whole


SHARING: Final = f"""{ASKING}
    @pytest.mark.ycimages_cassette(name="images")
    class TestImages:
        def test_1(self, ycimages): ask(ycimages, 1)
        def test_2(self, ycimages): ask(ycimages, 2)

    @pytest.mark.ycimages(mode="fake")
    @pytest.mark.ycimages_cassette("images")
    def test_of_the_fake(ycimages): ask(ycimages, 3)
"""


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_tests_that_share_a_cassette_are_not_recorded_in_one_run(
    workers: int, project: pytest.Pytester, upstream: Double
) -> None:
    """Neither of them, in whichever process: before anybody is asked, and the file stays as it was."""
    project.makepyfile(test_it=SHARING)
    recorded(project, upstream.url, "-k", "test_1").assert_outcomes(passed=1, deselected=2)
    whole, calls = cassette(project, "images.yaml").read_bytes(), len(upstream.calls)
    result = recorded(project, upstream.url, f"-n{workers}")
    result.assert_outcomes(passed=1, errors=2)
    result.stdout.fnmatch_lines([
        "*CassetteInUseError: *images.yaml would be recorded by several tests of this run, *",
        "*  test_it.py::TestImages::test_1",
        "*  test_it.py::TestImages::test_2",
        "*Give each test a cassette of its own: *pytest test_it.py::TestImages::test_1 --ycimages-mode=record",
    ])  # fmt: skip
    assert cassette(project, "images.yaml").read_bytes() == whole
    assert len(upstream.calls) == calls


def test_a_mode_that_only_a_fixture_says_lets_the_second_recording_be_refused(
    project: pytest.Pytester, upstream: Double
) -> None:
    """As nobody knows before that it records; a test that replays the file is no recording of it."""
    project.makepyfile(
        test_it=f"""{ASKING}
    @pytest.fixture
    def ycimages_settings():
        return {{"mode": "record", "upstream": {upstream.url!r}}}

    @pytest.mark.ycimages_cassette("images")
    @pytest.mark.parametrize("number", [1, 2])
    def test_it(ycimages, number): ask(ycimages, number)

    @pytest.mark.ycimages_cassette("images", mode="replay")
    def test_replays(ycimages): ask(ycimages, 1)
    """
    )
    result = project.runpytest()
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*ERROR at setup of test_it?2?*", "*CassetteInUseError: *"])
    assert len(read_cassette(cassette(project, "images.yaml")).interactions) == 1


# Doubles that tests share.


SHARED: Final = (
    ASKING
    + """
    pytestmark = pytest.mark.ycimages_cassette

    class TestStory:
        def test_first(self, {fixture}):
            assert ask({fixture}, 1).status_code == 404

        def test_second(self, {fixture}):
            assert ask({fixture}, 2).status_code == 404
            assert ask({fixture}, 3).status_code == 404
"""
)


@pytest.mark.costly
@pytest.mark.parametrize("scope", ["class", "module"])
def test_what_a_scope_recorded_is_replayed_as_a_whole(scope: str, upstream: Double, project: pytest.Pytester) -> None:
    """One cassette for the scope, in one file named after it; a part of the scope replays its own requests."""
    project.makepyfile(test_it=SHARED.replace("{fixture}", f"ycimages_{scope}"))
    recorded(project, upstream.url).assert_outcomes(passed=2)
    assert len(upstream.calls) == 3
    (path,) = (project.path / "cassettes").rglob("*.yaml")
    assert len(read_cassette(path).interactions) == 3
    project.runpytest_inprocess("--ycimages-mode=replay").assert_outcomes(passed=2)
    project.runpytest_inprocess("--ycimages-mode=replay", "-k", "test_second").assert_outcomes(passed=1, deselected=1)
    assert len(upstream.calls) == 3


@pytest.mark.costly
def test_a_scope_with_a_failed_test_replaces_no_recording(upstream: Double, project: pytest.Pytester) -> None:
    """Nor does a part of the scope."""
    source = SHARED.replace("{fixture}", "ycimages_class")
    project.makepyfile(test_it=source)
    recorded(project, upstream.url).assert_outcomes(passed=2)
    (path,) = (project.path / "cassettes").rglob("*.yaml")
    before = path.read_bytes()
    project.makepyfile(test_it=source.replace("ask(ycimages_class, 3).status_code == 404", "ask(ycimages_class, 4).ok"))
    recorded(project, upstream.url)
    assert path.read_bytes() == before
    recorded(project, upstream.url, "-k", "test_first")
    assert path.read_bytes() == before
