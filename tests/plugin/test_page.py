"""`--ycimages-page`: a failing test waits with its doubles open, in a terminal and nowhere else."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest
import requests

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS: Final = """
import pytest
import requests


@pytest.fixture
def broken(ycimages):
    raise RuntimeError("no setup")


def test_first(ycimages, ycimages_time):
    requests.get(f"{ycimages.url}/endpoints")
    assert "this" == "that"


def test_second(broken):
    pass


def test_third(ycimages):
    pass


def test_fourth():
    assert not "a double"
"""
PAGE: Final = re.compile(rb"watch it at (http://\S+)/_ycimages/")


class Terminal:
    """A run of pytest in a terminal of its own."""

    def __init__(self, *arguments: str) -> None:
        self._terminal, self._inner = os.openpty()
        command = [sys.executable, "-m", "pytest", "-p", "no:randomly", "--ycimages-page", *arguments]
        inner = self._inner  # which stays open here: some systems take the first that closes it for the last
        self.process = subprocess.Popen(command, stdin=inner, stdout=inner, stderr=inner)  # noqa: S603 - our own
        self.text = b""

    def page(self) -> str:
        """Read up to the next address of a page, and return that of its double."""
        start = len(self.text)
        while not (found := PAGE.search(self.text, start)) or b"end the run" not in self.text[found.end() :]:
            assert self._read(), self.text.decode()
        return found[1].decode()

    def press(self, key: bytes) -> None:
        """Press a key."""
        os.write(self._terminal, key)

    def end(self) -> tuple[int, str]:
        """Return the exit code and all that was printed."""
        while self._read():
            pass
        return self.process.wait(), self.text.decode()

    def _read(self) -> bytes:
        """Read what comes next; nothing once the run has ended and all was read."""
        while True:
            has_ended = self.process.poll() is not None
            if select.select([self._terminal], [], [], 0 if has_ended else 0.1)[0]:
                more = os.read(self._terminal, 2**16)
                self.text += more
                return more
            if has_ended:
                return b""

    def close(self) -> None:
        """End the run."""
        self.process.kill()
        self.process.wait()
        os.close(self._terminal)
        os.close(self._inner)


@pytest.fixture
def terminal(pytester: pytest.Pytester) -> Iterator[Terminal]:
    """The tests above, run in a terminal."""
    pytester.makepyfile(TESTS)
    terminal = Terminal()
    yield terminal
    terminal.close()


@pytest.mark.costly
@pytest.mark.skipif(not hasattr(os, "openpty"), reason="there are no terminals of this kind here")
def test_the_doubles_of_a_failing_test_stay_open_until_enter(terminal: Terminal) -> None:
    """Also those of a test whose setup fails; others do not wait."""
    first = terminal.page()
    assert [call["method"] for call in requests.get(f"{first}/_ycimages/calls", timeout=20).json()["calls"]] == [
        "endpoints.list"
    ]
    assert requests.get(first, headers={"Accept": "text/html"}, timeout=20).text.startswith("<!doctype html>")
    terminal.press(b"\n")
    second = terminal.page()
    assert second != first
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{first}/_ycimages/health", timeout=20)
    terminal.press(b"\n")
    code, text = terminal.end()
    assert code == 1
    assert "2 failed, 1 passed, 1 error" in text
    assert "test_first failed: AssertionError: assert 'this' == 'that'" in text


@pytest.mark.costly
@pytest.mark.skipif(not hasattr(os, "openpty"), reason="there are no terminals of this kind here")
def test_ctrl_c_ends_the_run(terminal: Terminal) -> None:
    """In good order: its fixtures are torn down."""
    terminal.page()
    terminal.process.send_signal(signal.SIGINT)  # as a terminal does that controls it
    code, text = terminal.end()
    assert (code, "KeyboardInterrupt" in text) == (2, True)


def test_it_is_refused_where_enter_cannot_be_pressed(project: pytest.Pytester) -> None:
    """Without a terminal, and with workers; each time with what to do."""
    project.makepyfile(TESTS)
    result = project.runpytest_inprocess("--ycimages-page")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--ycimages-page waits for Enter*not a terminal*--ycimages-report-dir=DIR*"])
    result = project.runpytest_inprocess("--ycimages-page", "-n", "1")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--ycimages-page waits for Enter*pytest-xdist*without -n*"])
