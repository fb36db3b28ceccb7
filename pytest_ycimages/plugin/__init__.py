"""The pytest plugin: its hooks, which register options and markers and add report sections."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_ycimages.plugin.cassettes import (
    MARKER,
    add_cassette_options,
    check_orphans_setting,
    pytest_collection_modifyitems,
    pytest_make_collect_report,
    pytest_sessionfinish,
    pytest_terminal_summary,
    pytest_testnodedown,
    record_end,
)
from pytest_ycimages.plugin.configuration import warn_of_unused
from pytest_ycimages.plugin.experiments import (
    SHARDS_MARKER,
    ExperimentReports,
    add_parts,
    add_result_options,
    check_result_options,
    pytest_generate_tests,
    tell_workers,
    writes_results,
)
from pytest_ycimages.plugin.fixtures import (
    ycimages,
    ycimages_cassette,
    ycimages_class,
    ycimages_experiment,
    ycimages_factory,
    ycimages_factory_class,
    ycimages_factory_module,
    ycimages_factory_session,
    ycimages_intercept,
    ycimages_module,
    ycimages_session,
    ycimages_settings,
    ycimages_time,
    ycimages_time_class,
    ycimages_time_module,
    ycimages_time_session,
)
from pytest_ycimages.plugin.page import add_page_option, check_page_option, pytest_exception_interact
from pytest_ycimages.plugin.scopes import DOUBLES, PASSED, SHARED, advise, begin_test, scopes_of, suspend_time
from pytest_ycimages.plugin.settings import SEED, add_settings_options, check_settings

if TYPE_CHECKING:
    from collections.abc import Generator


__all__ = [
    "pytest_collection_modifyitems",
    "pytest_exception_interact",
    "pytest_generate_tests",
    "pytest_make_collect_report",
    "pytest_sessionfinish",
    "pytest_terminal_summary",
    "pytest_testnodedown",
    "ycimages",
    "ycimages_cassette",
    "ycimages_class",
    "ycimages_experiment",
    "ycimages_factory",
    "ycimages_factory_class",
    "ycimages_factory_module",
    "ycimages_factory_session",
    "ycimages_intercept",
    "ycimages_module",
    "ycimages_session",
    "ycimages_settings",
    "ycimages_time",
    "ycimages_time_class",
    "ycimages_time_module",
    "ycimages_time_session",
]

MARKERS: Final = (
    (
        "ycimages(**settings): set up the doubles of a test, a class or a module, such as "
        "@pytest.mark.ycimages(timing=30, contract='current')"
    ),
    MARKER,
    SHARDS_MARKER,
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and the ini values."""
    group = parser.getgroup("ycimages", "test double of the Yandex Compute Cloud image API")
    add_settings_options(parser, group)
    add_cassette_options(parser, group)
    add_result_options(group)
    add_page_option(group)


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers and choose the seed: a random one is the same in all workers of pytest-xdist."""
    for text in MARKERS:
        config.addinivalue_line("markers", text)
    check_settings(config)
    check_result_options(config)
    check_page_option(config)
    if not hasattr(config, "workerinput"):
        experiments = ExperimentReports()
        config.pluginmanager.register(experiments, "ycimages-experiments")
        if writes_results(config):
            from pytest_ycimages.plugin.results import Results  # noqa: PLC0415 - only for such runs

            config.pluginmanager.register(Results(config, experiments), "ycimages-results")
    check_orphans_setting(config)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Send the seed to a worker of pytest-xdist, and among how many tests are distributed."""
    tell_workers(node)
    node.workerinput["ycimages_seed"] = node.config.stash[SEED]


def pytest_report_header(config: pytest.Config) -> str:
    """Print the seed in force, and the mode of the run."""
    mode = config.option.ycimages_mode or config.getini("ycimages_mode")
    return f"ycimages: seed {config.stash[SEED]}" + (f", mode {mode}" if mode else "")


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
        record_end(item)
    elif not report.passed:
        item.stash[PASSED] = False
    if DOUBLES in item.stash or item.stash.get(SHARED, None):
        from pytest_ycimages.plugin.failures import note_result  # noqa: PLC0415 - only for tests with doubles

        note_result(item, report, call.excinfo)
    if writes_results(item.config):
        from pytest_ycimages.plugin.results import add_details  # noqa: PLC0415 - only for such runs

        add_details(item, report)
    add_parts(item, report)
    return report
