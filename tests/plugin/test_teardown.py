"""What teardown checks: fields that the contract does not know, and failures inside the double itself."""

from __future__ import annotations

import pytest

SENDING = """
    import pytest
    from werkzeug.test import Client
    from pytest_ycimages.cloud.image_commands import ImageService

    def create(double, **fields):
        headers = {"Authorization": f"Bearer {double.token}"}
        body = {"folderId": "b1g", "diskId": "epd", **fields}
        return Client(double.app).post("/compute/v1/images", json=body, headers=headers)
"""
WARNING = (
    "images.create was sent unknown fields, which the service ignores: pooled, nam. "
    "The contract in force is 'page'; silence this with the setting unknown_fields='ignore'."
)
UNKNOWN = """
    def test_unknown(ycimages):
        assert create(ycimages, pooled=True, nam="web").status_code == 200

    def test_known(ycimages):
        create(ycimages, name="web")
"""
BROKEN = """
    def fail(*_):
        raise LookupError("a bug of ours")

    @pytest.fixture(autouse=True)
    def broken(monkeypatch):
        monkeypatch.setattr(ImageService, "create", fail)
"""


def test_unknown_fields_are_a_warning_of_the_test_that_sent_them(project: pytest.Pytester) -> None:
    """The warning stands under the test's name and says what to do; the test passes."""
    project.makepyfile(test_it=SENDING + UNKNOWN)
    result = project.runpytest_inprocess()
    result.assert_outcomes(passed=2, warnings=1)
    result.stdout.fnmatch_lines(["test_it.py::test_unknown", f"*UnknownFieldWarning: {WARNING}"])
    result.stdout.no_fnmatch_line("test_it.py::test_known")


@pytest.mark.parametrize(
    "project_ini",
    [
        "ycimages_unknown_fields = ignore",
        "filterwarnings = ignore::pytest_ycimages.UnknownFieldWarning",
    ],
)
def test_unknown_fields_can_be_silenced(project: pytest.Pytester, project_ini: str) -> None:
    """By our setting, or by pytest's filter, which finds the warning under its public name."""
    project.makeini(f"[pytest]\n{project_ini}")
    project.makepyfile(SENDING + UNKNOWN)
    project.runpytest_inprocess().assert_outcomes(passed=2, warnings=0)


def test_unknown_fields_can_be_silenced_for_one_test(project: pytest.Pytester) -> None:
    """By the marker."""
    project.makepyfile(SENDING + "    pytestmark = pytest.mark.ycimages(unknown_fields='ignore')\n" + UNKNOWN)
    project.runpytest_inprocess().assert_outcomes(passed=2, warnings=0)


def test_the_current_contract_knows_more_fields(project: pytest.Pytester) -> None:
    """`pooled` is known there; a misspelt field still is not."""
    project.makeini("[pytest]\nycimages_contract = current")
    project.makepyfile(SENDING + UNKNOWN)
    result = project.runpytest_inprocess()
    result.assert_outcomes(passed=2, warnings=1)
    result.stdout.fnmatch_lines(["*ignores: nam. The contract in force is 'current'*"])


@pytest.mark.parametrize("which", ["error", "error::pytest_ycimages.UnknownFieldWarning"])
def test_with_warnings_as_errors_an_unknown_field_fails_the_test(project: pytest.Pytester, which: str) -> None:
    """`-W error` makes it an error at teardown, of the same test."""
    project.makepyfile(test_it=SENDING + UNKNOWN)
    result = project.runpytest_inprocess("-W", which)
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*ERROR at teardown of test_unknown*", "E *UnknownFieldWarning: images.create was *"])


def test_a_double_that_fails_inside_fails_its_test_with_the_cause(project: pytest.Pytester) -> None:
    """The client may have swallowed the 500; teardown does not, and shows the traceback of the cause."""
    project.makepyfile(
        SENDING
        + BROKEN
        + """
    def test_it(ycimages):
        assert create(ycimages).status_code == 500
    """
    )
    result = project.runpytest_inprocess()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines([
        "*ERROR at teardown of test_it*",
        "E *LookupError: a bug of ours",
        "The above exception was the direct cause of the following exception:",
        "E *DoubleFailedError: The double failed at 1 call(s); the first was POST /compute/v1/images",
        "*- ycimages: *test_it -*",
        "*POST /compute/v1/images  INTERNAL  The double failed: LookupError: a bug of ours.*",
    ])  # fmt: skip


def test_every_double_is_checked_though_one_has_failed(project: pytest.Pytester) -> None:
    """The first failure does not hide what the others have to say."""
    project.makepyfile(
        SENDING
        + BROKEN
        + """
    def test_it(ycimages, ycimages_factory):
        other = ycimages_factory()
        create(ycimages)
        Client(other.app).get("/compute/v1/images/x?colour=red", headers={"Authorization": "Bearer x"})
    """
    )
    result = project.runpytest_inprocess()
    result.assert_outcomes(passed=1, errors=1, warnings=1)
    result.stdout.fnmatch_lines(["*UnknownFieldWarning: images.get was sent unknown fields*: colour.*"])


def test_every_double_is_closed_though_one_has_failed(project: pytest.Pytester) -> None:
    """A failing check leaves no port open."""
    project.makepyfile(
        SENDING
        + BROKEN
        + """
    import socket

    @pytest.fixture
    def outlives():
        doubles = []
        yield doubles
        for double in doubles:
            with pytest.raises(OSError):
                socket.create_connection((double.host, double.port))
        print("both are closed")

    def test_it(outlives, ycimages, ycimages_factory):
        outlives += ycimages, ycimages_factory()
        assert all(double.port for double in outlives)  # which is when each begins to listen
        create(ycimages)
    """
    )
    result = project.runpytest_inprocess("-s")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*both are closed*"])


def test_a_thread_that_still_calls_does_no_harm(project: pytest.Pytester) -> None:
    """A client left running is cut off when its test ends: no warning, no hang, no trace in the next test."""
    project.makepyfile("""
    from http.client import HTTPException
    from threading import Event, Thread
    from urllib.request import urlopen

    import pytest

    @pytest.fixture
    def thread():
        threads = []
        yield threads
        threads[0].join(10)
        assert not threads[0].is_alive()

    def test_leaves_a_thread(thread, ycimages):
        called = Event()

        def run():
            try:
                while True:
                    with urlopen(f"{ycimages.url}/endpoints") as reply:
                        reply.read()
                    called.set()
            except (OSError, HTTPException):
                pass

        thread.append(Thread(target=run, daemon=True))
        thread[0].start()
        assert called.wait(10)

    def test_next(ycimages):
        assert len(ycimages.calls) == 0
    """)
    project.runpytest_inprocess("-W", "error").assert_outcomes(passed=2)
