"""The pytest plugin: options, markers, fixtures and report sections. Heavy imports are inside the fixtures."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

import pytest

from pytest_ycimages.plugin_cassettes import (
    DOUBLES,
    MARKER,
    PASSED,
    add_cassette_options,
    cassette_path,
    check_orphans_setting,
    fixtures,
    guard,
    pytest_collection_modifyitems,
    pytest_make_collect_report,
    pytest_sessionfinish,
    pytest_terminal_summary,
    pytest_testnodedown,
    record_end,
    settings_of_markers,
    ycimages_cassette,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from pytest_ycimages.double import Double
    from pytest_ycimages.errors import YCImagesError
    from pytest_ycimages.experiment.report import Report
    from pytest_ycimages.settings import Settings
    from pytest_ycimages.virtual.time import VirtualTime


__all__ = [
    "pytest_collection_modifyitems",
    "pytest_make_collect_report",
    "pytest_sessionfinish",
    "pytest_terminal_summary",
    "pytest_testnodedown",
    "ycimages_cassette",
]
_INI = {
    "mode": "which backend answers, as --ycimages-mode says (default: fake)",
    "upstream": "the address that is recorded or compared with, or `none` for the service's own (default: none)",
    "replay_pace": "how replayed operations progress: by `state`, by `time`, or `auto` (default: auto)",
    "volatile": "fields of requests that differ from run to run, FIELD=PATTERN a line (default: none)",
    "unused_interactions": "interactions that no request used `fail` the test, `warn`, or `ignore` (default: fail)",
    "scrub": "names of more fields whose values are redacted in cassettes (default: none)",
    "keep": "names of fields beyond the contract whose values cassettes keep (default: none)",
    "pseudonyms": "`true` for recordings that give folders, clouds and accounts other ids (default: False)",
    "max_age": "days after which a cassette has expired, or `none` (default: none)",
    "expired": "a cassette that has expired lets the test `fail`, `warn`, or `ignore` (default: warn)",
    "allowed_hosts": "hosts that may be reached while a cassette is replayed, globs too (default: none)",
    "seed": "the seed of ids and tokens: an integer, or `random` (default: 0)",
    "contract": "`page` for the specification page, `current` for today's API (default: page)",
    "auth": "`any` takes every bearer token, `strict` only the double's own, `off` needs none (default: any)",
    "timing": "how long operations take: seconds, or such as AfterPolls(3) or REALISTIC (default: AfterPolls(1))",
    "latency": "how late responses are: seconds, or such as uniform(0.1, 0.4) (default: 0)",
    "latency_order": "what comes first in a late call: `effect_first` or `latency_first` (default: effect_first)",
    "outcome": "how operations end: Success(), or such as Failure('UNAVAILABLE', 'try again') (default: Success())",
    "rollback": "seconds that undoing a failed or cancelled operation takes (default: 0)",
    "cancel": "cancelling an operation `wins`, comes `late`, `loses`, is `too_late` or `refused` (default: wins)",
    "cancel_delay": "seconds until a `late` cancel takes effect (default: 5)",
    "faults": "the faults of every test, a rule a line, such as slow(2), when=chance(0.1) (default: none)",
    "clock": "`real`, or `manual` to move it with clock.advance(seconds) (default: real)",
    "unknown_fields": "`warn` about fields that the contract lacks, `ignore` or `reject` them (default: warn)",
    "unknown_resources": "`accept` sources and folders that were not added, or answer `not_found` (default: accept)",
    "idempotency_key_format": "`any` takes every key, `uuid` only UUIDs (default: any)",
    "idempotency_key_reuse": "a key that was sent with another request: `first` or `reject` (default: first)",
    "poll_interval": "whole seconds that answers to polls ask clients to wait, or `none` (default: none)",
    "quotas": "`default` for the service's own, `none` for none (default: none)",
    "served_hosts": "more host names or globs that the `Host` of a request may have, one a line (default: none)",
    "intercept_hosts": "more host names or globs that `ycimages_intercept` answers, one a line (default: none)",
    "violation_paths": "how violations spell fields: `camelCase` or `snake_case` (default: camelCase)",
}
"""The settings that an ini file may give, each as `ycimages_<name>`."""

_LINES = frozenset({"faults", "intercept_hosts", "served_hosts", "volatile"})
"""Settings that take several values, one a line."""
_SEED = pytest.StashKey[str]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and the ini values."""
    group = parser.getgroup("ycimages", "test double of the Yandex Compute Cloud image API")
    group.addoption(
        "--ycimages-seed",
        metavar="SEED",
        help="the seed of every double: an integer, or `random` to draw one and print it (default: ini, then 0)",
    )
    add_cassette_options(parser, group)
    for name, text in _INI.items():
        kind: Literal["linelist", "string"] = "linelist" if name in _LINES else "string"
        parser.addini(f"ycimages_{name}", f"ycimages: {text}", kind)


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers and choose the seed: a random one is the same in all workers of pytest-xdist."""
    config.addinivalue_line(
        "markers", "ycimages(**settings): settings of the test's doubles, such as timing=30 or contract='current'"
    )
    config.addinivalue_line("markers", MARKER)
    option, ini = config.option.ycimages_seed, config.getini("ycimages_seed")
    source, seed = ("--ycimages-seed", option) if option else ("ycimages_seed", ini or "0")
    if seed == "random":
        from pytest_ycimages.cloud.ids import random_seed  # noqa: PLC0415 - only for random seeds

        seed = getattr(config, "workerinput", {}).get("ycimages_seed") or str(random_seed())
    try:
        int(seed)
    except ValueError:
        raise pytest.UsageError(f"{source}={seed}: the seed is an integer, or the word `random`.") from None
    check_orphans_setting(config)
    config.stash[_SEED] = seed


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Send the seed to a worker of pytest-xdist."""
    node.workerinput["ycimages_seed"] = node.config.stash[_SEED]


def pytest_report_header(config: pytest.Config) -> str:
    """Print the seed in force, and the mode of the run."""
    mode = config.option.ycimages_mode or config.getini("ycimages_mode")
    return f"ycimages: seed {config.stash[_SEED]}" + (f", mode {mode}" if mode else "")


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Print at any verbosity how many tests will send requests, where to, and with which kind of credential.

    Under pytest-xdist the first worker prints it: all collect the same tests, and the controller collects none.
    """
    if any("ycimages_factory" in fixtures(item) for item in session.items):
        from pytest_ycimages.plugin_modes import announcements, show  # noqa: PLC0415 - only for tests with doubles

        lines = announcements(session.items)
        worker = getattr(session.config, "workerinput", {}).get("workerid", "gw0")
        if worker == "gw0" and not session.config.option.collectonly:
            show(session.config, lines)


@pytest.fixture
def ycimages_settings() -> Settings | Mapping[str, Any]:
    """Return the settings of doubles: override it in a module, class or conftest with a dict or `Settings`.

    The command line and the marker win over it; it wins over the ini file.
    """
    return {}


@pytest.fixture
def ycimages_factory(
    request: pytest.FixtureRequest, ycimages_settings: Settings | Mapping[str, Any]
) -> Generator[Callable[..., Double]]:
    """Make more doubles in one test: `ycimages_factory(**settings)` starts one, and it is closed at teardown."""
    from pytest_ycimages.plugin_doubles import finish  # noqa: PLC0415 - heavy

    if "ycimages_time" in request.fixturenames:
        request.getfixturevalue("ycimages_time")  # virtual time begins before the doubles and ends after them
    item: pytest.Item = request.node
    doubles: list[Double] = []
    item.stash[DOUBLES] = doubles
    guards = ExitStack()
    refusals: list[YCImagesError] = []

    def factory(**settings: Any) -> Double:
        __tracebackhide__ = True
        double = _new_double(item, len(doubles) + 1, settings, ycimages_settings)
        doubles.append(double)
        if double.settings.mode in {"replay", "verify"}:
            guards.enter_context(guard(double.settings, refusals))
        return double.start()

    with guards:
        yield factory
    __tracebackhide__ = True
    finish(item, doubles, refusals)


def _new_double(
    item: pytest.Item, number: int, settings: Mapping[str, Any], fixture: Settings | Mapping[str, Any]
) -> Double:
    """Return the n-th double of a test.

    Raises:
        CassetteError: its cassette cannot be replayed or recorded.
    """
    __tracebackhide__ = True
    from pytest_ycimages.errors import CassetteError  # noqa: PLC0415 - only for tests that use it
    from pytest_ycimages.plugin_doubles import make_double  # noqa: PLC0415 - heavy
    from pytest_ycimages.plugin_modes import asks_for_cassette  # noqa: PLC0415 - only for tests with doubles
    from pytest_ycimages.settings import merged  # noqa: PLC0415 - heavy

    made = merged(*_sources(item, settings, fixture))
    if made.mode != "fake" and made.cassette is None:
        made = merged({"cassette": cassette_path(item, number)}, made)
    try:
        return make_double(item, made.decided(), _name(item) if number == 1 else f"{_name(item)} #{number}")
    except CassetteError as error:  # its text is complete without a traceback
        if not asks_for_cassette(item, settings, fixture):
            error.add_note(
                "It asks for no cassette: mark it with @pytest.mark.ycimages_cassette, or record it with "
                "--ycimages-mode=record-all"
            )
        raise error.with_traceback(None) from None


def _sources(
    item: pytest.Item, settings: Mapping[str, Any], fixture: Settings | Mapping[str, Any]
) -> list[Settings | Mapping[str, Any]]:
    """Return the settings of a test's double by precedence: command line > marker > fixture > ini."""
    from pytest_ycimages.plugin_modes import mode_of  # noqa: PLC0415 - only for tests with doubles

    mode = {"mode": mode_of(item, settings, fixture)}
    upstream = item.config.option.ycimages_upstream
    command_line = _seed_option(item.config) | ({"upstream": upstream} if upstream else {})
    return [mode, settings, command_line, *_markers(item), fixture, _ini(item.config)]


def _markers(item: pytest.Item, *kinds: str) -> list[dict[str, Any]]:
    for marker in item.iter_markers("ycimages"):
        if marker.args:
            raise pytest.UsageError(
                f"@pytest.mark.ycimages takes settings by name, such as timing=30; it was given {marker.args!r}."
            )
    return settings_of_markers(item, *kinds)


def _seed_option(config: pytest.Config) -> dict[str, str]:
    return {"seed": config.stash[_SEED]} if config.option.ycimages_seed else {}


def _ini(config: pytest.Config) -> dict[str, Any]:
    values = {name: value for name in _INI if (value := config.getini(f"ycimages_{name}"))}
    return values | {"seed": config.stash[_SEED]}


def _name(item: pytest.Item) -> str:
    """Return the name of the test's first double, which its ids depend on: the marker's `name`, or the test's."""
    names = (marker.kwargs.get("name") for marker in item.iter_markers("ycimages"))
    return next(filter(None, names), item.nodeid)


@pytest.fixture
def ycimages_time(
    request: pytest.FixtureRequest, ycimages_settings: Settings | Mapping[str, Any]
) -> Generator[VirtualTime]:
    """Start virtual time: waits take no real time, and move the one clock that client and doubles share.

    A test that records a service in another process, or compares its answers, has real time instead.
    """
    from pytest_ycimages.virtual.time import RealTime, VirtualTime  # noqa: PLC0415 - only for tests that use time

    time: VirtualTime
    if _sends(request, ycimages_settings):
        time = RealTime()
    else:
        plugins = request.config.pluginmanager.list_plugin_distinfo()  # those installed, and no module of the tests
        time = VirtualTime(real=[plugin.__name__ for plugin, _ in plugins if isinstance(plugin, ModuleType)])
    with time:
        yield time


def _sends(request: pytest.FixtureRequest, fixture: Settings | Mapping[str, Any]) -> bool:
    if "ycimages_factory" not in request.fixturenames:
        return False
    from pytest_ycimages.plugin_modes import sends  # noqa: PLC0415 - only for tests with doubles

    return sends(request.node, fixture)


@pytest.fixture
def ycimages(ycimages_factory: Callable[..., Double]) -> Double:
    """Start a test double of the image API with a port and a state of its own, checked at teardown."""
    __tracebackhide__ = True
    return ycimages_factory()


@pytest.fixture
def ycimages_intercept(ycimages: Double) -> Generator[Double]:
    """Answer the host names of the real service with the test's double, for every HTTP client of this process."""
    with ycimages.intercept():
        yield ycimages


@pytest.fixture
def ycimages_experiment(
    request: pytest.FixtureRequest, ycimages_settings: Settings | Mapping[str, Any]
) -> Callable[..., Report]:
    """Find what breaks a client: `ycimages_experiment(client, faults=, depth=, judges=).assert_ok()`.

    Takes what `run_experiment` takes; the settings and the seed of the test's doubles hold for those of the experiment,
    which are always fakes.
    """
    from pytest_ycimages.experiment.experiment import run_experiment  # noqa: PLC0415 - heavy, so only for its tests
    from pytest_ycimages.settings import CassetteSettings, given  # noqa: PLC0415 - nothing else than the fake is tried

    config = request.config
    of_test = (_seed_option(config), *_markers(request.node, "ycimages"), ycimages_settings, _ini(config))

    def experiment(client: Callable[[str, str], Any], **options: Any) -> Report:
        sources = given(options.pop("settings", {}), *of_test)
        settings = {name: value for name, value in sources.items() if name not in CassetteSettings.model_fields}
        return run_experiment(client, settings=settings, **options)

    return experiment


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Record that a test function has returned."""
    result = yield
    item.stash.setdefault(PASSED, True)
    return result


def pytest_unconfigure(config: pytest.Config) -> None:
    """Drop the recordings of a test that was stopped in its teardown."""
    if "pytest_ycimages.plugin_doubles" in sys.modules:
        from pytest_ycimages.plugin_doubles import finish_recordings  # noqa: PLC0415 - only for tests with doubles

        finish_recordings(config, whole=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the timelines of the test's doubles to a failure, and finish its recordings."""
    report = yield
    if report.when == "setup" and PASSED in item.stash:
        del item.stash[PASSED]  # left by an earlier run of the same test
    if report.when == "teardown":
        record_end(item)
        if DOUBLES in item.stash:
            from pytest_ycimages.plugin_doubles import report_recordings  # noqa: PLC0415 - only for tests with doubles

            report_recordings(item, report)
    elif not report.passed:
        item.stash[PASSED] = False
    if report.failed:
        for double in item.stash.get(DOUBLES, []):
            from pytest_ycimages.plugin_doubles import timeline  # noqa: PLC0415 - only for failures

            seed = double.settings.seed
            report.sections.append(
                (f"ycimages: {double.name}", f"{timeline(double)}\nreproduce with: --ycimages-seed={seed}")
            )
    return report
