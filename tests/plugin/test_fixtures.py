"""The fixtures, as a user's test meets them: a fresh double each, named, repeatable, and closed at teardown."""

from __future__ import annotations

import re

import pytest

from pytest_ycimages.plugin import fixtures

COLLECT_IDS = """
    from pathlib import Path

    import pytest

    def note(double):
        with Path("ids.txt").open("a") as file:
            print(double.name, double.folder_id, double.token, file=file)

    def test_one(ycimages):
        note(ycimages)

    @pytest.mark.parametrize("size", [1, 2])
    def test_two(ycimages_factory, size):
        for _ in range(2):
            note(ycimages_factory())
"""


def test_the_fixture_serves_and_is_closed_at_teardown(project: pytest.Pytester) -> None:
    """While the test runs, the double answers on a port of its own; afterwards nobody listens, and all is readable."""
    project.makepyfile("""
        import socket
        from urllib.request import urlopen

        import pytest

        @pytest.fixture
        def outlives():
            doubles = []
            yield doubles
            (double,) = doubles
            with pytest.raises(OSError):
                socket.create_connection((double.host, double.port))
            assert len(double.calls.of("endpoints.list")) == 1

        def test_it(outlives, ycimages):
            outlives.append(ycimages)
            with urlopen(f"{ycimages.url}/endpoints") as reply:
                assert reply.status == 200
    """)
    project.runpytest_inprocess().assert_outcomes(passed=1)


@pytest.mark.costly
def test_every_test_gets_a_double_of_its_own(project: pytest.Pytester) -> None:
    """What one test made, no other test sees; the double of a test is one and the same in all its fixtures."""
    project.makepyfile("""
        import pytest
        from werkzeug.test import Client

        @pytest.fixture
        def same(ycimages):
            return ycimages

        @pytest.mark.parametrize("number", range(3))
        def test_it(ycimages, same, number):
            assert ycimages is same
            assert (len(ycimages.calls), len(ycimages.images)) == (0, 0)
            body = {"folderId": ycimages.folder_id, "diskId": "epd00000000000000000"}
            headers = {"Authorization": f"Bearer {ycimages.token}"}
            Client(ycimages.app).post("/compute/v1/images", json=body, headers=headers)
            assert (len(ycimages.calls), len(ycimages.images)) == (1, 1)
    """)
    project.runpytest_inprocess().assert_outcomes(passed=3)


def test_the_factory_makes_more_doubles_in_one_test(project: pytest.Pytester) -> None:
    """Each has its own name, ids, port and settings; all of them are closed at teardown."""
    project.makepyfile(
        """
        import socket

        import pytest
        from pytest_ycimages import After

        @pytest.fixture
        def outlives():
            doubles = []
            yield doubles
            for double in doubles:
                with pytest.raises(OSError):
                    socket.create_connection((double.host, double.port))

        def test_it(outlives, ycimages, ycimages_factory):
            other, slow = ycimages_factory(), ycimages_factory(timing=30)
            doubles = ycimages, other, slow
            outlives += doubles
            names = [double.name for double in doubles]
            assert names == ["test_factory.py::test_it", "test_factory.py::test_it #2", "test_factory.py::test_it #3"]
            assert slow.timing == After(30)
            assert other.timing == ycimages.timing != slow.timing
            for attribute in ("port", "url", "token", "folder_id"):
                assert len({getattr(double, attribute) for double in doubles}) == 3
    """.replace("test_factory.py", "test_the_factory_makes_more_doubles_in_one_test.py")
    )
    project.runpytest_inprocess().assert_outcomes(passed=1)


def test_the_same_test_draws_the_same_ids_in_every_run(project: pytest.Pytester) -> None:
    """Ids are a function of the seed and the test's name; parameters and doubles of one test differ."""
    project.makepyfile(COLLECT_IDS)
    ids = project.path / "ids.txt"
    runs = []
    for arguments in ((), ("--ycimages-seed=0",), ("-k", "test_two or test_one"), ("--ycimages-seed=1",)):
        project.runpytest_inprocess(*arguments).assert_outcomes(passed=3)
        runs.append(set(ids.read_text().splitlines()))
        ids.unlink()
    assert len(runs[0]) == 5
    assert runs[0] == runs[1] == runs[2]
    assert not runs[0] & runs[3]


def test_a_rerun_of_a_test_begins_anew(project: pytest.Pytester) -> None:
    """Plugins that run a failed test again get the same ids, and are not told of the run before."""
    project.makepyfile(COLLECT_IDS)
    project.makeconftest("""
        import pytest
        from _pytest.runner import runtestprotocol

        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_protocol(item, nextitem):
            for _ in range(2):
                item._initrequest()
                for report in runtestprotocol(item, nextitem=nextitem, log=False):
                    item.ihook.pytest_runtest_logreport(report=report)
            return True
    """)
    project.runpytest_inprocess("-k", "test_one").assert_outcomes(passed=2)
    first, second = (project.path / "ids.txt").read_text().splitlines()
    assert first == second


def test_a_double_that_cannot_start_is_an_error_with_its_reason(project: pytest.Pytester) -> None:
    """A port that is taken fails the test's setup, and what was started is closed all the same."""
    project.makepyfile("""
        import socket

        import pytest

        @pytest.fixture
        def taken():
            with socket.create_server(("127.0.0.1", 0)) as server:
                yield server.getsockname()[1]

        @pytest.fixture
        def second(taken, ycimages, ycimages_factory):
            return ycimages_factory(port=taken)

        def test_it(second):
            raise AssertionError("never reached")
    """)
    result = project.runpytest_inprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([
        "E *UsageError: Cannot listen on 127.0.0.1:*: *Leave `port` out to take a free one."
    ])  # fmt: skip


def test_pytest_lists_the_fixtures_the_marker_and_the_options(project: pytest.Pytester) -> None:
    """Pytest lists each fixture, the marker and the options with a sentence."""
    fixtures = project.runpytest_inprocess("--fixtures")
    fixtures.stdout.fnmatch_lines_random(
        ["ycimages -- *", "ycimages_factory -- *", "ycimages_settings [[]session scope] -- *"]
    )
    fixtures.stdout.fnmatch_lines(["*Start a test double of the image API*"])
    markers = project.runpytest_inprocess("--markers")
    markers.stdout.fnmatch_lines(
        ["@pytest.mark.ycimages(?*settings): set up the doubles of a test, a class or a module*"]
    )
    options = project.runpytest_inprocess("--help")
    options.stdout.fnmatch_lines([
        "test double of the Yandex Compute Cloud image API:", "*--ycimages-seed=SEED*", "*ycimages_timing (string):*"
    ])  # fmt: skip


@pytest.mark.parametrize("name", [name for name in vars(fixtures) if name.startswith("ycimages")])
def test_the_line_that_pytest_prints_of_a_fixture_has_an_example(name: str) -> None:
    """Which is Python, in one line: `pytest --fixtures` prints no more."""
    first = str(vars(fixtures)[name].__doc__).partition("\n")[0]
    (example,) = re.findall(r"`([^`]+)`", first)
    compile(example.replace("return ", ""), name, "exec")
    assert name in example or name == "ycimages_settings"


def test_the_marker_passes_strict_markers(project: pytest.Pytester) -> None:
    """The marker is registered."""
    project.makepyfile("""
        import pytest

        @pytest.mark.ycimages(timing=1)
        def test_it():
            pass
    """)
    project.runpytest_inprocess("--strict-markers").assert_outcomes(passed=1)
