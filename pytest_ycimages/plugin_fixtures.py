"""The fixtures of the plugin. Heavy imports are inside them."""

from __future__ import annotations

from contextlib import ExitStack
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ycimages.plugin_cassettes import DOUBLES, guard
from pytest_ycimages.plugin_settings import ini, markers, seed_option

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from pytest_ycimages.double import Double
    from pytest_ycimages.errors import YCImagesError
    from pytest_ycimages.experiment.report import Report
    from pytest_ycimages.settings import Settings
    from pytest_ycimages.virtual.time import VirtualTime


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
    from pytest_ycimages.plugin_doubles import finish, new_double  # noqa: PLC0415 - heavy

    if "ycimages_time" in request.fixturenames:
        request.getfixturevalue("ycimages_time")  # virtual time begins before the doubles and ends after them
    item: pytest.Item = request.node
    doubles: list[Double] = []
    item.stash[DOUBLES] = doubles
    guards = ExitStack()
    refusals: list[YCImagesError] = []

    def factory(**settings: Any) -> Double:
        __tracebackhide__ = True
        double = new_double(item, len(doubles) + 1, settings, ycimages_settings)
        doubles.append(double)
        if double.settings.mode in {"replay", "verify"}:
            guards.enter_context(guard(double.settings, refusals))
        return double.start()

    with guards:
        yield factory
    __tracebackhide__ = True
    finish(item, doubles, refusals)


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
    of_test = (seed_option(config), *markers(request.node, "ycimages"), ycimages_settings, ini(config))

    def experiment(client: Callable[[str, str], Any], **options: Any) -> Report:
        sources = given(options.pop("settings", {}), *of_test)
        settings = {name: value for name, value in sources.items() if name not in CassetteSettings.model_fields}
        return run_experiment(client, settings=settings, **options)

    return experiment
