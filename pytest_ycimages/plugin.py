"""pytest's door: options, markers, fixtures and report sections. Everything heavy is imported inside the fixtures."""

from __future__ import annotations

from contextlib import ExitStack
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from pytest_ycimages.double import Double
    from pytest_ycimages.settings import Settings
    from pytest_ycimages.virtual.time import VirtualTime

_INI = {
    "seed": "what ids and tokens are drawn from: an integer, or `random` (default: 0)",
    "contract": "`page` for the specification page, `current` for today's API (default: page)",
    "auth": "`any` takes every bearer token, `strict` only the double's own, `off` asks for none (default: any)",
    "timing": "how long operations take: seconds, or such as AfterPolls(3) or REALISTIC (default: AfterPolls(1))",
    "latency": "how late calls are answered: seconds, or such as uniform(0.1, 0.4) (default: 0)",
    "latency_order": "what comes first when an answer is late: `effect_first`, `latency_first` (default: effect_first)",
    "outcome": "how operations end: Success(), or such as Failure('UNAVAILABLE', 'try again') (default: Success())",
    "rollback": "seconds that undoing a failed or cancelled operation takes (default: 0)",
    "cancel": "a cancel of what runs `wins`, comes `late`, `loses`, is `too_late` or `refused` (default: wins)",
    "cancel_delay": "seconds until a `late` cancel takes effect (default: 5)",
    "faults": "what goes wrong in every test, a rule a line, such as slow(2), when=chance(0.1) (default: none)",
    "clock": "`real`, or `manual` to move it with clock.advance(seconds) (default: real)",
    "unknown_fields": "`warn` of fields that the contract does not know, `ignore` or `reject` them (default: warn)",
    "unknown_resources": "`accept` sources and folders that nobody added, or answer `not_found` (default: accept)",
    "idempotency_key_format": "`any` takes every key, `uuid` refuses one that is no UUID (default: any)",
    "idempotency_key_reuse": "a key that comes with another request: `first` or `reject` (default: first)",
    "poll_interval": "whole seconds that answers to polls ask clients to wait, or `none` (default: none)",
    "quotas": "`default` for the service's own, `none` for none (default: none)",
    "intercept_hosts": "more host names or globs that `ycimages_intercept` answers, one a line (default: none)",
    "violation_paths": "how violations spell fields: `camelCase` or `snake_case` (default: camelCase)",
}
"""The settings that an ini file may give, each as `ycimages_<name>`."""

_SEED = pytest.StashKey[str]()
_FAILED = pytest.StashKey[bool]()
"""Whether the test itself has failed: then a fault that never struck is no news."""
_DOUBLES = pytest.StashKey[list["Double"]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and the ini values."""
    group = parser.getgroup("ycimages", "test double of the Yandex Compute Cloud image API")
    group.addoption(
        "--ycimages-seed",
        metavar="SEED",
        help="the seed of every double: an integer, or `random` to draw one and print it (default: ini, then 0)",
    )
    for name, text in _INI.items():
        kind: Literal["linelist", "string"] = "linelist" if name in {"faults", "intercept_hosts"} else "string"
        parser.addini(f"ycimages_{name}", f"ycimages: {text}", kind)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and fix the seed: a random one is drawn once, for all workers of pytest-xdist."""
    config.addinivalue_line(
        "markers", "ycimages(**settings): settings of the test's doubles, such as timing=30 or contract='current'"
    )
    option, ini = config.option.ycimages_seed, config.getini("ycimages_seed")
    source, seed = ("--ycimages-seed", option) if option else ("ycimages_seed", ini or "0")
    if seed == "random":
        from pytest_ycimages.cloud.ids import random_seed  # noqa: PLC0415 - only who asks for it pays for it

        seed = getattr(config, "workerinput", {}).get("ycimages_seed") or str(random_seed())
    try:
        int(seed)
    except ValueError:
        raise pytest.UsageError(f"{source}={seed}: the seed is an integer, or the word `random`.") from None
    config.stash[_SEED] = seed


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist the seed."""
    node.workerinput["ycimages_seed"] = node.config.stash[_SEED]


def pytest_report_header(config: pytest.Config) -> str:
    """Say which seed is in force."""
    return f"ycimages: seed {config.stash[_SEED]}"


@pytest.fixture
def ycimages_settings() -> Settings | Mapping[str, Any]:
    """Settings for the doubles of the tests that see this fixture: override it, and return a dict or `Settings`.

    The command line and the marker win over it; it wins over the ini file.
    """
    return {}


@pytest.fixture
def ycimages_factory(
    request: pytest.FixtureRequest, ycimages_settings: Settings | Mapping[str, Any]
) -> Generator[Callable[..., Double]]:
    """Make more doubles in one test: `ycimages_factory(**settings)` starts one, and it is closed at teardown."""
    from pytest_ycimages.double import Double  # noqa: PLC0415 - heavy, so only for tests that use it
    from pytest_ycimages.settings import merged  # noqa: PLC0415 - likewise

    if "ycimages_time" in request.fixturenames:
        request.getfixturevalue("ycimages_time")  # it rules over the doubles, so it begins before them and ends after
    item: pytest.Item = request.node
    config = request.config
    command_line = {"seed": config.stash[_SEED]} if config.option.ycimages_seed else {}
    ini = {name: value for name in _INI if (value := config.getini(f"ycimages_{name}"))}
    ini["seed"] = config.stash[_SEED]
    markers = [_marker_settings(marker) for marker in item.iter_markers("ycimages")]
    doubles: list[Double] = []
    item.stash[_DOUBLES] = doubles

    def factory(**settings: Any) -> Double:
        number = len(doubles) + 1
        name = item.nodeid if number == 1 else f"{item.nodeid} #{number}"
        double = Double(merged(settings, command_line, *markers, ycimages_settings, ini), name=name)
        doubles.append(double)
        return double.start()

    yield factory
    for double in doubles:
        double.close()
    with ExitStack() as checks:  # every double is checked, though another has failed
        for double in reversed(doubles):
            checks.callback(double.check, faults=not item.stash.get(_FAILED, False))


@pytest.fixture
def ycimages_time(pytestconfig: pytest.Config) -> Generator[VirtualTime]:
    """Virtual time: the client's waits take no real time, and move the one clock that client and doubles share."""
    from pytest_ycimages.virtual.time import VirtualTime  # noqa: PLC0415 - heavy, so only for tests that use it

    plugins = pytestconfig.pluginmanager.list_plugin_distinfo()  # those installed, and no module of the test suite
    with VirtualTime(real=[plugin.__name__ for plugin, _ in plugins if isinstance(plugin, ModuleType)]) as virtual_time:
        yield virtual_time


@pytest.fixture
def ycimages(ycimages_factory: Callable[..., Double]) -> Double:
    """A fresh test double of the image API: its own port, its own state, checked at teardown."""
    return ycimages_factory()


@pytest.fixture
def ycimages_intercept(ycimages: Double) -> Generator[Double]:
    """The test's double, which answers the host names of the real service for every HTTP client of this process."""
    with ycimages.intercept():
        yield ycimages


def _marker_settings(marker: pytest.Mark) -> dict[str, Any]:
    if marker.args:
        raise pytest.UsageError(
            f"@pytest.mark.ycimages takes settings by name, such as timing=30; it was given {marker.args!r}."
        )
    return dict(marker.kwargs)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a failure what the test's doubles saw."""
    report = yield
    if report.failed:
        item.stash[_FAILED] = True
        for double in item.stash.get(_DOUBLES, []):
            from pytest_ycimages.timeline import timeline  # noqa: PLC0415 - only for failures

            seed = double.settings.seed
            report.sections.append(
                (f"ycimages: {double.name}", f"{timeline(double)}\nreproduce with: --ycimages-seed={seed}")
            )
    return report
