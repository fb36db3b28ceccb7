"""The fixtures of the plugin, for each scope. Heavy imports are inside them."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ycimages.plugin.cassettes import cassette_path, has_cassette, settings_of_markers
from pytest_ycimages.plugin.experiments import keep_report, options_of
from pytest_ycimages.plugin.nodes import CURRENT, SHARED, Node, fixtures, node_of, owners, scopes_of, suffix
from pytest_ycimages.plugin.settings import ini, seed_option

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from datetime import datetime

    from pytest_ycimages.cassette.handle import Cassette
    from pytest_ycimages.double import Double, DoubleFactory
    from pytest_ycimages.experiment.client import Client
    from pytest_ycimages.experiment.command import Command
    from pytest_ycimages.experiment.experiment import ExperimentRunner
    from pytest_ycimages.experiment.report import Report
    from pytest_ycimages.settings import Settings
    from pytest_ycimages.virtual.time import VirtualTime

    Given = Settings | Mapping[str, Any]


@pytest.fixture(scope="session")
def ycimages_settings() -> Given:
    """Return the settings of doubles: a fixture to override, with `return {"timing": 30}`.

    A class, a module or a conftest may return a dict or `Settings`. The command line and the marker win over it; it
    wins over the ini file. For doubles that several tests share, it needs at least their scope.
    """
    return {}


# Doubles.


@pytest.fixture
def ycimages_factory(request: pytest.FixtureRequest, ycimages_settings: Given) -> Generator[DoubleFactory]:
    """Make more doubles in one test: `ycimages_factory(timing=30)` starts one, and teardown closes it."""
    __tracebackhide__ = True
    yield from _doubles(request, ycimages_settings)


@pytest.fixture(scope="class")
def ycimages_factory_class(request: pytest.FixtureRequest, ycimages_settings: Given) -> Generator[DoubleFactory]:
    """Make doubles that the tests of a class share: `ycimages_factory_class(timing=30)` starts one."""
    __tracebackhide__ = True
    yield from _doubles(request, ycimages_settings)


@pytest.fixture(scope="module")
def ycimages_factory_module(request: pytest.FixtureRequest, ycimages_settings: Given) -> Generator[DoubleFactory]:
    """Make doubles that the tests of a module share: `ycimages_factory_module(timing=30)` starts one."""
    __tracebackhide__ = True
    yield from _doubles(request, ycimages_settings)


@pytest.fixture(scope="session")
def ycimages_factory_session(request: pytest.FixtureRequest, ycimages_settings: Given) -> Generator[DoubleFactory]:
    """Make doubles that all tests share: `ycimages_factory_session(timing=30)` starts one."""
    __tracebackhide__ = True
    yield from _doubles(request, ycimages_settings)


def _doubles(request: pytest.FixtureRequest, settings: Given) -> Generator[DoubleFactory]:
    from pytest_ycimages.plugin.doubles import Doubles  # noqa: PLC0415 - heavy

    time = f"ycimages_time{suffix(request.scope)}"
    if time in request.fixturenames:
        request.getfixturevalue(time)  # virtual time begins before the doubles and ends after them
    __tracebackhide__ = True
    doubles = Doubles(request.session.stash[CURRENT], request.scope, settings)
    yield doubles.make
    doubles.close()


@pytest.fixture
def ycimages(ycimages_factory: DoubleFactory) -> Double:
    """Start a test double of the image API for one test: `bake(ycimages.url, ycimages.token)`.

    It has a port and a state of its own, and is checked at teardown.
    """
    __tracebackhide__ = True
    return ycimages_factory()


@pytest.fixture(scope="class")
def ycimages_class(request: pytest.FixtureRequest, ycimages_factory_class: DoubleFactory) -> Generator[Double]:
    """Start a double that the tests of a class share: `bake(ycimages_class.url, ycimages_class.token)`.

    A `unittest.TestCase` finds it as `self.ycimages_class`.
    """
    import unittest  # noqa: PLC0415 - only for its classes

    __tracebackhide__ = True
    double = ycimages_factory_class()
    cls: Any = request.cls
    if cls is None or not issubclass(cls, unittest.TestCase):
        yield double
    else:  # its tests take no arguments
        cls.ycimages_class = double
        yield double
        del cls.ycimages_class


@pytest.fixture(scope="module")
def ycimages_module(ycimages_factory_module: DoubleFactory) -> Double:
    """Start a double that the tests of a module share: `bake(ycimages_module.url, ycimages_module.token)`.

    It is checked when the last of them has ended.
    """
    __tracebackhide__ = True
    return ycimages_factory_module()


@pytest.fixture(scope="session")
def ycimages_session(ycimages_factory_session: DoubleFactory) -> Double:
    """Start a double that all tests share: `start_my_server(image_api=ycimages_session.url)`.

    Each worker of pytest-xdist has one. It is checked at the end of the run.
    """
    __tracebackhide__ = True
    return ycimages_factory_session()


# Virtual time.


@pytest.fixture
def ycimages_time(request: pytest.FixtureRequest, ycimages_settings: Given) -> Generator[VirtualTime]:
    """Start virtual time, in which waits take none: `time.sleep(60); assert ycimages_time.elapsed == 60`.

    Waits move the one clock that client and doubles share. A test that records a service in another process, or
    compares its answers, has real time instead. Where virtual time was begun for a wider scope, it is the same.
    """
    yield from _time(request, ycimages_settings)


@pytest.fixture(scope="class")
def ycimages_time_class(request: pytest.FixtureRequest, ycimages_settings: Given) -> Generator[VirtualTime]:
    """Start virtual time for all tests of a class, and their fixtures: `assert ycimages_time_class.elapsed >= 60`."""
    yield from _time(request, ycimages_settings)


@pytest.fixture(scope="module")
def ycimages_time_module(request: pytest.FixtureRequest, ycimages_settings: Given) -> Generator[VirtualTime]:
    """Start virtual time for all tests of a module, and their fixtures: `assert ycimages_time_module.elapsed >= 60`."""
    yield from _time(request, ycimages_settings)


@pytest.fixture(scope="session")
def ycimages_time_session(request: pytest.FixtureRequest, ycimages_settings: Given) -> Generator[VirtualTime]:
    """Start virtual time for all tests, and their fixtures: `assert ycimages_time_session.elapsed >= 60`."""
    yield from _time(request, ycimages_settings)


def _time(request: pytest.FixtureRequest, settings: Given) -> Generator[VirtualTime]:
    from pytest_ycimages.cloud import clock  # noqa: PLC0415 - only for tests that use time
    from pytest_ycimages.virtual.time import RealTime, VirtualTime  # noqa: PLC0415 - as above

    item = request.session.stash[CURRENT]
    if isinstance(clock.shared, VirtualTime):
        yield clock.shared
        return
    time: VirtualTime
    if _sends(item, settings):
        time = RealTime()
    else:
        plugins = request.config.pluginmanager.list_plugin_distinfo()  # those installed, and no module of the tests
        real = [plugin.__name__ for plugin, _ in plugins if isinstance(plugin, ModuleType)]
        time = VirtualTime(_moment_of_shared(item), real=real)
    with time:
        yield time


def _moment_of_shared(item: pytest.Item) -> datetime | None:
    """Return the time of the doubles that a test shares with others, which must not go back; None for none."""
    if not item.session.stash.get(SHARED, None):
        return None
    from pytest_ycimages.plugin.doubles import latest_moment  # noqa: PLC0415 - only for tests with doubles

    return latest_moment(item)


def _sends(item: pytest.Item, settings: Given) -> bool:
    nodes = owners(item)
    if not nodes:
        return False
    from pytest_ycimages.plugin.modes import sends  # noqa: PLC0415 - only for tests with doubles

    return any(sends(node, settings) for node in nodes)


# What a double can do besides.


def _double_of(request: pytest.FixtureRequest) -> tuple[Double, Node]:
    """Return the double of a test: its own, unless it asks for one of a wider scope only; and what owns it."""
    item = request.session.stash[CURRENT]
    scope = "function" if "ycimages" in fixtures(item) else next(iter(scopes_of(item)), "function")
    if scope != "function" and f"ycimages_{scope}" not in fixtures(item):  # doubles of a factory: which of them?
        pytest.fail(
            f"{request.fixturename} takes the double of `ycimages_{scope}`, and this test uses only "
            f"`ycimages_factory_{scope}`. Use the double's own method: `with double.intercept():` or "
            "`with double.through_vcrpy():`.",
            pytrace=False,
        )
    double: Double = request.getfixturevalue(f"ycimages{suffix(scope)}")
    return double, node_of(item, scope)


@pytest.fixture
def ycimages_intercept(request: pytest.FixtureRequest) -> Generator[Double]:
    """Answer the real host names with the test's double: `bake(ycimages_intercept.token)` calls it at any address.

    This holds for every HTTP client of this process. It is the double of `ycimages_class`, `ycimages_module` or
    `ycimages_session` in a test that uses no `ycimages`.
    """
    double, _ = _double_of(request)
    with double.intercept():
        yield double


@pytest.fixture
def ycimages_cassette(request: pytest.FixtureRequest) -> Generator[Cassette]:
    """Replay a cassette to clients with fixed host names, through vcrpy: `len(ycimages_cassette.interactions)`.

    vcrpy routes every HTTP client in the process to the test's double, whatever host it calls. With
    `--ycimages-mode=record`, the cassette is recorded instead.
    """
    from pytest_ycimages.cassette.handle import Cassette  # noqa: PLC0415 - only for tests with cassettes
    from pytest_ycimages.cassette.model import CassetteMetadata, Origin  # noqa: PLC0415 - only for tests with cassettes

    double, node = _double_of(request)
    is_fake = double.settings.mode == "fake"
    if is_fake and not isinstance(node, pytest.Item) and not has_cassette(node):
        pytest.fail(
            "ycimages_cassette takes the double that this test shares with others, which has no cassette: mark their "
            'class or module with @pytest.mark.ycimages_cassette, or give ycimages_settings {"mode": "replay"} for '
            "the session.",
            pytrace=False,
        )
    with double.through_vcrpy():
        # a fake was chosen for this test, which then has an empty cassette
        yield Cassette(cassette_path(node), CassetteMetadata(Origin.FAKE), tuple) if is_fake else double.cassette


@pytest.fixture
def ycimages_experiment(request: pytest.FixtureRequest, ycimages_settings: Given) -> ExperimentRunner:
    """Find what breaks a client: `ycimages_experiment(bake, depth=2, judges=["no_duplicates"]).assert_ok()`.

    Takes what `run_experiment` takes; the settings and the seed of the test's doubles hold for those of the experiment,
    which are always fakes. Marked with @pytest.mark.ycimages_experiment(shards="auto"), it spreads the search over the
    workers of pytest-xdist.

    The client may name fixtures as its parameters. Those of function scope are made anew for each trial.
    """
    from pytest_ycimages.experiment.experiment import run_experiment  # noqa: PLC0415 - heavy, so only for its tests
    from pytest_ycimages.plugin.trials import TrialFixtures  # noqa: PLC0415 - only for experiments
    from pytest_ycimages.settings import CassetteSettings, given  # noqa: PLC0415 - nothing else than the fake is tried

    config = request.config
    of_test = (seed_option(config), *settings_of_markers(request.node, "ycimages"), ycimages_settings, ini(config))

    def experiment(client: Client | Command, **options: Any) -> Report:
        sources = given(options.pop("settings", {}), *of_test)
        settings = {name: value for name, value in sources.items() if name not in CassetteSettings.model_fields}
        options.setdefault("fixtures", TrialFixtures(request))
        report = run_experiment(client, settings=settings, **options_of(request, options))
        keep_report(request.node, report)
        return report

    return experiment
