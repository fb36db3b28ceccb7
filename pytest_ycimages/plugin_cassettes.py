"""The part of pytest's door that has to do with cassettes: which test has which, what was used, and what was not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from pytest_ycimages.cassette.handle import Cassette
    from pytest_ycimages.cassettes_of_run import CassettesOfRun
    from pytest_ycimages.double import Double
    from pytest_ycimages.errors import YCImagesError
    from pytest_ycimages.settings import Settings

MARKER: Final = (
    "ycimages_cassette(name, **settings): let the test's doubles replay a cassette; without a name, one that is named "
    "after the test"
)
_ORPHANS_WORDS: Final = ("fail", "warn", "ignore")
DOUBLES: pytest.StashKey[list[Double]] = pytest.StashKey()
"""Those of a test."""
PASSED: Final = pytest.StashKey[bool]()
"""Whether a test has come to its good end; False as soon as it is known that it does not."""
_CASSETTES: pytest.StashKey[CassettesOfRun] = pytest.StashKey()
_ORPHANS: pytest.StashKey[list[Path]] = pytest.StashKey()
_TORN: Final = pytest.StashKey[bool]()
"""Whether a part of the tests could not be collected, or did not want to be."""
_OWN: Final = pytest.StashKey[str]()
"""The file of a test's own cassette, whether there is one or not."""
_ENDED: Final = pytest.StashKey[bool]()


def add_cassette_options(parser: pytest.Parser, group: pytest.OptionGroup) -> None:
    """Add the options and ini values that are no settings of a double, or that settings have as options too."""
    group.addoption(
        "--ycimages-mode",
        choices=("fake", "replay", "record", "verify"),
        help="what stands behind `ycimages`; a test that is pinned with mode='fake' keeps the fake (default: ini, then "
        "replay for tests with a cassette, else fake)",
    )
    group.addoption(
        "--ycimages-upstream",
        metavar="URL",
        help="what is recorded, or compared with a cassette (default: ini, then the service itself to record, the fake "
        "to compare)",
    )
    group.addoption(
        "--ycimages-cassette-dir",
        metavar="DIR",
        help="the folder of the cassettes (default: ini, then `cassettes` below the rootdir)",
    )
    parser.addini("ycimages_cassette_dir", "ycimages: the folder of the cassettes (default: cassettes)", "string")
    parser.addini(
        "ycimages_orphans", "ycimages: cassettes that no test uses `fail` the run, `warn`, or `ignore` (default: warn)"
    )


def check_orphans_setting(config: pytest.Config) -> None:
    """Refuse a word that `ycimages_orphans` does not know."""
    given = config.getini("ycimages_orphans")
    if given and given not in _ORPHANS_WORDS:
        from pytest_ycimages.errors import unknown_word  # noqa: PLC0415 - only for errors

        raise pytest.UsageError(f"ycimages_orphans = {given}: {unknown_word('value', given, _ORPHANS_WORDS)}")


# Which test has which.


def fixtures(item: pytest.Item) -> Sequence[str]:
    """The names of the fixtures that a test is known to use before it runs."""
    names: Sequence[str] = getattr(item, "fixturenames", ())
    return names


def has_cassette(item: pytest.Item) -> bool:
    """Whether a test has asked for a cassette."""
    return "ycimages_cassette" in fixtures(item) or item.get_closest_marker("ycimages_cassette") is not None


def _cassette_dir(config: pytest.Config) -> Path:
    given = config.option.ycimages_cassette_dir
    return (
        config.invocation_params.dir / given
        if given
        else config.rootpath / (config.getini("ycimages_cassette_dir") or "cassettes")
    )


def cassette_path(item: pytest.Item, number: int = 1) -> Path:
    """The file of the cassette of a test's n-th double."""
    from pytest_ycimages.cassette.handle import named, numbered, of_test  # noqa: PLC0415 - only for who has a cassette

    marker = item.get_closest_marker("ycimages_cassette")
    names = (*marker.args, *([marker.kwargs["name"]] if "name" in marker.kwargs else [])) if marker else ()
    if len(names) > 1 or not all(isinstance(name, str) for name in names):
        raise pytest.UsageError(f"@pytest.mark.ycimages_cassette takes one name; it was given {names!r}.")
    directory = _cassette_dir(item.config)
    return numbered(named(directory, names[0]) if names else of_test(directory, item.nodeid), number)


def guard(settings: Settings, refusals: list[YCImagesError]) -> AbstractContextManager[None]:
    """Nothing leaves this machine while a test replays."""
    from pytest_ycimages.cassette.network_guard import network_refused  # noqa: PLC0415 - likewise

    return network_refused(settings.allowed_hosts, refusals.append)


def without_name(marker: pytest.Mark) -> dict[str, Any]:
    """The settings that a marker gives besides the cassette's name."""
    return {key: value for key, value in marker.kwargs.items() if key != "name"}


# What a test makes of its own.


def note_use(item: pytest.Item, double: Double) -> None:
    """Remember what a test that passed has left unused of its cassette."""
    if double.settings.mode in {"replay", "verify"} and item.stash.get(PASSED, False):
        run = item.config.stash.get(_CASSETTES, None)
        cassette = double.cassette
        if run is not None:
            run.use(cassette.path, len(cassette.interactions), cassette.unused)


def note_end(item: pytest.Item) -> None:
    """Remember that a test has come to an end, and whether all is known of how it uses its cassette."""
    run = item.config.stash.get(_CASSETTES, None)
    if run is not None:
        run.ended += not item.stash.get(_ENDED, False)
        item.stash[_ENDED] = True  # once, however often it is run again
        if _OWN in item.stash and item.stash.get(PASSED, False):
            run.passed[item.stash[_OWN]] += 1
            del item.stash[_OWN]  # likewise


# What the client is led by.


@pytest.fixture
def ycimages_cassette(request: pytest.FixtureRequest, ycimages: Double) -> Generator[Cassette]:
    """This test's cassette, for clients whose host names cannot be changed: vcrpy leads them to `ycimages`.

    It is replayed, unless the test is told to record it.
    """
    from pytest_ycimages.cassette.handle import Cassette  # noqa: PLC0415 - only for who asks for it
    from pytest_ycimages.cassette.model import CassetteMetadata, Origin  # noqa: PLC0415 - likewise

    with ycimages.through_vcrpy():
        if ycimages.settings.mode == "fake":  # which was asked for: then there is none
            yield Cassette(cassette_path(request.node), CassetteMetadata(Origin.FAKE), tuple)
        else:
            yield ycimages.cassette


# What the run makes of them.


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Hear from a worker of pytest-xdist which cassettes its tests have to do with."""
    told = getattr(node, "workeroutput", {}).get("ycimages_cassettes")
    if told:
        from pytest_ycimages.cassettes_of_run import CassettesOfRun  # noqa: PLC0415 - only for runs with cassettes

        node.config.stash.setdefault(_CASSETTES, CassettesOfRun()).add(CassettesOfRun.heard(told))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, pytest.CollectReport, Any]:
    """Remember that a part of the tests could not be collected, or did not want to be."""
    report = yield
    if not report.passed:
        collector.config.stash[_TORN] = True
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None]:
    """Remember which cassettes belong to tests, before anybody leaves out some of these."""
    everybody = (config.option.ycimages_mode or config.getini("ycimages_mode") or "fake") != "fake"
    may = [item for item in items if has_cassette(item) or "ycimages_factory" in fixtures(item)]
    if may and (everybody or any(map(has_cassette, may))):
        from pytest_ycimages.cassettes_of_run import CassettesOfRun  # noqa: PLC0415 - only for runs with cassettes

        run = config.stash.setdefault(_CASSETTES, CassettesOfRun())
        run.collected = len(items)
        for item in may:
            item.stash[_OWN] = str(cassette_path(item).absolute())
            run.belonging[item.stash[_OWN]] += 1
    return (yield)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the controller of pytest-xdist, or write down, what was used; fail for cassettes that no test uses."""
    config = session.config
    run = config.stash.get(_CASSETTES, None)
    if run is None:
        return
    from pytest_ycimages.cassette.handle import opened  # noqa: PLC0415 - only for runs with cassettes

    run.opened.update(map(str, opened))
    run.torn |= config.stash.get(_TORN, False)
    if hasattr(config, "workeroutput"):
        config.workeroutput["ycimages_cassettes"] = run.told()
        return
    orphans = run.orphans(_cassette_dir(config)) if run.is_whole and _is_of_all(session) else None
    config.stash[_ORPHANS] = orphans or []
    if orphans and config.getini("ycimages_orphans") == "fail":
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    cache = getattr(config, "cache", None)  # which there is not without pytest's own plugin
    if cache is not None:
        from pytest_ycimages.cassette.handle import write_usage  # noqa: PLC0415 - only for runs with cassettes

        write_usage(cache.mkdir("ycimages") / "usage.json", run.known(), orphans)


def _is_of_all(session: pytest.Session) -> bool:
    """Whether a run was told to run all tests, as they are, and went well: only then it is known what none uses."""
    config, sources = session.config, pytest.Config.ArgsSource
    elsewhere = config.args_source is sources.INVOCATION_DIR and config.invocation_params.dir != config.rootpath
    narrowed = ("ignore", "ignore_glob", "deselect", "lf", "collectonly", "setuponly", "setupplan")
    return (
        session.exitstatus == pytest.ExitCode.OK
        and config.args_source is not sources.ARGS
        and not elsewhere
        and config.option.ycimages_mode != "fake"
        and not any(getattr(config.option, name, None) for name in narrowed)
    )


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Name the cassettes that no test uses."""
    orphans = config.stash.get(_ORPHANS, [])
    if orphans and config.getini("ycimages_orphans") != "ignore":
        terminalreporter.section("ycimages: cassettes that no test uses")
        for orphan in orphans:
            terminalreporter.line(str(orphan))
        terminalreporter.line("remove them with: ycimages cassette prune; or say ycimages_orphans = ignore")
