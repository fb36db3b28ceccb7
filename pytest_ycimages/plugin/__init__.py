"""The pytest plugin: its parts and markers, and the hooks that follow a test from its setup to its report."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_ycimages.plugin import cassettes, experiments, fixtures, page, settings
from pytest_ycimages.plugin.configuration import warn_of_unused
from pytest_ycimages.plugin.nodes import DOUBLES, PASSED, SHARED, advise, begin_test, scopes_of, suspend_time

if TYPE_CHECKING:
    from collections.abc import Generator

PARTS: Final = (settings, cassettes, experiments, page, fixtures)
"""The modules that have options, hooks or fixtures: each is a plugin of its own."""
MARKERS: Final = (settings.MARKER, cassettes.MARKER, experiments.MARKER)


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Register the parts, whose options pytest then adds."""
    for part in PARTS:
        pluginmanager.register(part, part.__name__)


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, and what writes the results of a run where the reports of all tests come."""
    for text in MARKERS:
        config.addinivalue_line("markers", text)
    if not hasattr(config, "workerinput"):
        reports = experiments.ExperimentReports()
        config.pluginmanager.register(reports, "ycimages-experiments")
        if experiments.writes_results(config):
            from pytest_ycimages.plugin.results import Results  # noqa: PLC0415 - only for such runs

            config.pluginmanager.register(Results(config, reports), "ycimages-results")


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Print at any verbosity how many tests will send requests, where to, and with which kind of credential.

    Under pytest-xdist the first worker prints it: all collect the same tests, and the controller collects none.
    """
    if any(map(scopes_of, session.items)):
        from pytest_ycimages.plugin.modes import announcements, show  # noqa: PLC0415 - only for tests with doubles

        lines = announcements(session.items)
        worker = getattr(session.config, "workerinput", {}).get("workerid", "gw0")
        if worker == "gw0" and not session.config.option.collectonly:
            show(session.config, lines)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Record that a test begins."""
    begin_test(item)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Record that a test function has returned."""
    result = yield
    item.stash.setdefault(PASSED, True)
    return result


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, Any, Any]:
    """Check the doubles that a test shares with others, and warn about its markers if it has passed without any."""
    has_double = DOUBLES in item.stash or bool(item.stash.get(SHARED, None))
    warn_of_unused(item, is_unused=item.stash.get(PASSED, False) and not has_double)
    __tracebackhide__ = True
    try:
        if not item.stash.get(SHARED, None):
            return (yield)
        from pytest_ycimages.plugin.doubles import checking_shared  # noqa: PLC0415 - only for tests with doubles

        with checking_shared(item):
            return (yield)
    finally:
        suspend_time(is_suspended=True)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Drop the recordings of a test that was stopped in its teardown."""
    if "pytest_ycimages.plugin.recordings" in sys.modules:
        from pytest_ycimages.plugin.recordings import finish_recordings  # noqa: PLC0415 - only for tests with doubles

        finish_recordings(config, has_passed=False, at_once=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the timelines of the test's doubles to a failure, and finish its recordings."""
    advise(call)
    report = yield
    if report.when == "setup" and PASSED in item.stash:
        del item.stash[PASSED]  # left by an earlier run of the same test
    if report.when == "teardown":
        cassettes.record_end(item)
    elif not report.passed:
        item.stash[PASSED] = False
    if DOUBLES in item.stash or item.stash.get(SHARED, None):
        from pytest_ycimages.plugin.failures import note_result  # noqa: PLC0415 - only for tests with doubles

        note_result(item, report, call.excinfo)
    if experiments.writes_results(item.config):
        from pytest_ycimages.plugin.results import add_details  # noqa: PLC0415 - only for such runs

        add_details(item, report)
    experiments.add_parts(item, report)
    return report
