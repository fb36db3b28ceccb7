"""Cassettes in pytest: which test has which cassette, and when the usage of a run is known and reported.

Facts that are not certain are not reported, because `ycimages cassette prune` removes files by them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_ycimages.plugin.configuration import names_in, wrong_arguments, wrong_markers
from pytest_ycimages.plugin.nodes import (
    DOUBLES,
    PASSED,
    Node,
    count_sharing,
    defined_name,
    fixtures,
    mark_alike,
    node_of,
    owners,
    part_of,
    scopes_of,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from pathlib import Path

    from pytest_ycimages.cassette.usage import CassetteUsage
    from pytest_ycimages.double import Double


MARKER: Final = (
    "ycimages_cassette(name, **settings): replay a cassette, such as @pytest.mark.ycimages_cassette('bake'); without a "
    "name, one that is named after the test"
)
MODES: Final = ("fake", "replay", "record", "missing", "record-all", "verify")
"""The modes of a run."""
CASSETTE_KEYS: Final = ("ycimages_cassette_dir", "ycimages_orphans")
"""The keys of the configuration that are not settings."""
_ORPHANS_WORDS: Final = ("fail", "warn", "ignore")

_USAGE: pytest.StashKey[CassetteUsage] = pytest.StashKey()
_ORPHANS: pytest.StashKey[list[Path]] = pytest.StashKey()
_INCOMPLETE: Final = pytest.StashKey[bool]()
"""Whether a module of tests could not be collected, or skipped itself."""
_OWN: Final = pytest.StashKey[dict[str, tuple[Node, str]]]()
"""The files of a test's cassettes, whether they exist or not -> what owns each, and the scope of its doubles."""
REFUSED: Final = pytest.StashKey[str]()
"""Why a test may not have its cassette: another test's has the same name but for case."""
_ENDED: Final = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and ini values of cassettes that are not settings, or that settings also have as options."""
    group = parser.getgroup("ycimages")
    group.addoption(
        "--ycimages-mode",
        choices=MODES,
        help="which backend answers: `record` records the tests with a cassette, `missing` those of them whose "
        "cassette does not exist, `record-all` every test with a double, also those that ask for no cassette; a test "
        "that is pinned with mode='fake' keeps the fake (default: ini, then replay for tests with a cassette, else "
        "fake)",
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


def pytest_configure(config: pytest.Config) -> None:
    """Raise an error for an unknown value of `ycimages_orphans`."""
    given = config.getini("ycimages_orphans")
    if given and given not in _ORPHANS_WORDS:
        from pytest_ycimages.errors import unknown_word  # noqa: PLC0415 - only for errors

        raise pytest.UsageError(f"ycimages_orphans = {given}: {unknown_word('value', given, _ORPHANS_WORDS)}")


# The cassette of a test.


def has_cassette(node: Node) -> bool:
    """Return whether a test, or all tests of a class or a module, use a cassette."""
    return "ycimages_cassette" in fixtures(node) or node.get_closest_marker("ycimages_cassette") is not None


def _cassette_dir(config: pytest.Config) -> Path:
    given: str | None = config.option.ycimages_cassette_dir
    if given:
        return config.invocation_params.dir / given
    return config.rootpath / str(config.getini("ycimages_cassette_dir") or "cassettes")


def cassette_path(node: Node, number: int = 1, part: str = "") -> Path:
    """Return the file of the cassette of the n-th double of a test, class, module or session.

    Args:
        node: what owns the double.
        number: the number of the double.
        part: what its name has beyond that of its node; see `part_of`.
    """
    from pytest_ycimages.cassette.handle import named, numbered, of_test  # noqa: PLC0415 - only for tests with cassettes

    marker = node.get_closest_marker("ycimages_cassette")
    directory = _cassette_dir(node.config)
    if marker is not None and names_in(marker):
        return numbered(named(directory, names_in(marker)[0]), number)
    own = defined_name(node)
    part = part.replace(" #", ".")
    return numbered(of_test(directory, own.module, own.parts, part=part, is_alike=own.is_alike), number)


def settings_of_markers(node: Node, *kinds: str) -> list[dict[str, Any]]:
    """Return the settings of a node's markers, the closest of each kind first: all keywords but the name.

    Raises:
        pytest.UsageError: a marker that was added after the collection has arguments that it does not take.
    """
    markers = [marker for kind in kinds or ("ycimages", "ycimages_cassette") for marker in node.iter_markers(kind)]
    for marker in markers:
        if problem := wrong_arguments(marker):
            raise pytest.UsageError(f"@pytest.mark.{marker.name}: {problem}")
    return [{key: value for key, value in marker.kwargs.items() if key != "name"} for marker in markers]


# The usage of a run.


def record_usage(config: pytest.Config, double: Double) -> None:
    """Record which interactions were left unused by a passed test, or by all tests that share a double."""
    usage = config.stash.get(_USAGE, None)
    if usage is not None and double.settings.mode in {"replay", "verify"}:
        cassette = double.cassette
        usage.use(str(cassette.path.absolute()), len(cassette.interactions), cassette.unused)


def record_end(item: pytest.Item) -> None:
    """Record that a test has ended, and that it has passed, once each, even if the test is run again."""
    usage = item.config.stash.get(_USAGE, None)
    if usage is not None:
        if not item.stash.get(_ENDED, False):
            usage.ended += 1
            for path, (node, scope) in item.stash.get(_OWN, {}).items():
                doubles = node.stash[DOUBLES][scope].all if scope in node.stash.get(DOUBLES, {}) else []
                if doubles and not has_cassette(node) and all(double.settings.mode == "fake" for double in doubles):
                    usage.left[path] += 1
        item.stash[_ENDED] = True
        if _OWN in item.stash and item.stash.get(PASSED, False):
            usage.passed.update(item.stash[_OWN].keys())
            del item.stash[_OWN]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Add the usage of a worker of pytest-xdist."""
    sent = getattr(node, "workeroutput", {}).get("ycimages_cassettes")
    if sent:
        from pytest_ycimages.cassette.usage import CassetteUsage  # noqa: PLC0415 - only for runs with cassettes

        node.config.stash.setdefault(_USAGE, CassetteUsage()).add(CassetteUsage(sent))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, pytest.CollectReport, Any]:
    """Refuse misspelt markers, and record modules that were not collected, and names that differ by case only."""
    report = yield
    problems = wrong_markers(collector.config, report.result) if report.passed else ""
    if problems:
        report.outcome, report.longrepr, report.result = "failed", problems, []
    if not report.passed:
        collector.config.stash[_INCOMPLETE] = True
        return report
    mark_alike(report.result)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None]:
    """Record which cassettes belong to tests, before any test is deselected."""
    for_all = (config.option.ycimages_mode or config.getini("ycimages_mode") or "fake") != "fake"
    candidates = [item for item in items if has_cassette(item) or scopes_of(item)]
    if (candidates and for_all) or any(map(_any_cassette, candidates)) or _cassette_dir(config).is_dir():
        from pytest_ycimages.cassette.usage import CassetteUsage  # noqa: PLC0415 - only for runs with cassettes

        usage = config.stash.setdefault(_USAGE, CassetteUsage())
        usage.collected = len(items)
        for item in candidates:
            item.stash[_OWN] = _own_cassettes(item)
            usage.belonging.update(item.stash[_OWN].keys())
        _refuse_alike(item for item in candidates if for_all or _any_cassette(item))
    count_sharing(config, candidates)
    return (yield)


def _refuse_alike(items: Iterable[pytest.Item]) -> None:
    """Refuse cassettes that are one file where case is ignored: names that markers give, or modules with such names."""
    known = dict[str, tuple[str, Node]]()
    for item in items:
        for path, (node, _) in item.stash[_OWN].items():
            other, first = known.setdefault(path.casefold(), (path, node))
            if other != path:
                text = (
                    f"The cassettes of {first.nodeid} and {node.nodeid} differ by case only, so they are one file on "
                    f"many systems: {other} and {path}. Give one of them another name, such as "
                    '@pytest.mark.ycimages_cassette("another").'
                )
                if not hasattr(item.config, "workerinput"):
                    raise pytest.UsageError(text)
                first.stash[REFUSED] = node.stash[REFUSED] = text  # an error of a worker's collection is not shown


def _any_cassette(item: pytest.Item) -> bool:
    return any(map(has_cassette, (item, *owners(item))))


def _own_cassettes(item: pytest.Item) -> dict[str, tuple[Node, str]]:
    own = ((node_of(item, scope), scope) for scope in scopes_of(item) or ["function"])
    return {str(cassette_path(node, part=part_of(item, scope)).absolute()): (node, scope) for node, scope in own}


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Send the usage to the controller of pytest-xdist, or write it to a file; fail for cassettes that no test uses."""
    config = session.config
    usage = config.stash.get(_USAGE, None)
    if usage is None:
        return
    from pytest_ycimages.cassette.handle import opened  # noqa: PLC0415 - only for runs with cassettes
    from pytest_ycimages.cassette.usage import write_usage  # noqa: PLC0415 - only for runs with cassettes

    usage.opened.update(map(str, opened))
    usage.incomplete |= config.stash.get(_INCOMPLETE, False)
    if hasattr(config, "workeroutput"):
        config.workeroutput["ycimages_cassettes"] = usage.to_worker_output()
        return
    orphans = usage.orphans(_cassette_dir(config)) if usage.is_whole and _runs_all_tests(session) else None
    config.stash[_ORPHANS] = orphans or []
    if orphans and config.getini("ycimages_orphans") == "fail":
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    cache = getattr(config, "cache", None)  # absent under -p no:cacheprovider
    if cache is not None:
        write_usage(cache.mkdir("ycimages") / "usage.json", usage.known(), orphans)


def _runs_all_tests(session: pytest.Session) -> bool:
    """Return whether a run passed and was not narrowed to some tests: otherwise orphans are not known."""
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
