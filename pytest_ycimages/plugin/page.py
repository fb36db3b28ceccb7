"""`--ycimages-page`: the doubles of a failing test stay open until its user has looked at their live pages."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_ycimages.plugin.nodes import DOUBLES, SHARED, suspend_time

if TYPE_CHECKING:
    from collections.abc import Iterator

_WORKERS: Final = (
    "--ycimages-page waits for Enter at each failing test, and workers of pytest-xdist have no terminal to press it "
    "in. Run it without -n and --dist, such as: pytest -p no:xdist --ycimages-page -x"
)
_NO_TERMINAL: Final = (
    "--ycimages-page waits for Enter at each failing test, and the input of this run is not a terminal. Run it in one; "
    "elsewhere, --ycimages-report-dir=DIR writes a page for each failing test."
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.getgroup("ycimages").addoption(
        "--ycimages-page",
        action="store_true",
        help="keep the doubles of a failing test open until Enter is pressed, and print the addresses of their pages",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse the option where Enter cannot be pressed.

    Raises:
        pytest.UsageError: the tests run in workers, or the input is not a terminal.
    """
    option = config.option
    if not option.ycimages_page:
        return
    if hasattr(config, "workerinput") or getattr(option, "numprocesses", None) or getattr(option, "dist", "no") != "no":
        raise pytest.UsageError(_WORKERS)
    with _terminal(config):
        is_terminal = sys.stdin.isatty()
    if not is_terminal:
        raise pytest.UsageError(_NO_TERMINAL)


def pytest_exception_interact(node: pytest.Item | pytest.Collector, report: Any) -> None:
    """Wait for Enter at a test that has failed while its doubles are open. Ctrl-C ends the run."""
    if not node.config.option.ycimages_page or not isinstance(node, pytest.Item) or report.when == "teardown":
        return
    if DOUBLES not in node.stash and not node.stash.get(SHARED, None):
        return
    from pytest_ycimages.plugin.doubles import doubles_of  # noqa: PLC0415 - only for tests with doubles

    pages = [double.page for doubles in doubles_of(node) if not doubles.is_closed for double in doubles.all]
    if not pages:
        return
    reporter: Any = node.config.pluginmanager.getplugin("terminalreporter")
    suspend_time(is_suspended=True)
    try:
        with _terminal(node.config):
            reporter.ensure_newline()
            reporter.write_line(f"{report.nodeid} failed: {report.longrepr.reprcrash.message.partition(chr(10))[0]}")
            for page in pages:
                reporter.write_line(f"watch it at {page}", bold=True)
            reporter.write_line("Press Enter to go on, or Ctrl-C to end the run.")
            reporter.flush()
            sys.stdin.readline()
    finally:
        suspend_time(is_suspended=False)


@contextmanager
def _terminal(config: pytest.Config) -> Iterator[None]:
    """Give the terminal back to the user for a while."""
    capture: Any = config.pluginmanager.getplugin("capturemanager")
    if capture is None:
        yield
        return
    with capture.global_and_fixture_disabled():  # which goes on as before
        capture.suspend_global_capture(in_=True)
        yield
