"""Experiments in pytest: the shards that a test of one is split into, and the report that they make together.

The workers of pytest-xdist may be on other machines. So what they find goes to the controller in the reports of tests.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_ycimages.experiment.report import Report
    from pytest_ycimages.experiment.search import Shard

FIXTURE: Final = "ycimages_experiment"
MARKER: Final = (
    "ycimages_experiment(shards): split a test of an experiment for the workers of pytest-xdist, by default into as "
    "many parts as it has workers"
)
_WORKERS: Final = "ycimages_workers"
_PARTS: Final = "ycimages_parts"
"""The attribute of a test's report that has what its experiments found."""
_HAS_FOUND: Final = "ycimages_has_experiment"
_FOUND: Final = pytest.StashKey[tuple[str, ...]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options for the machines of a CI matrix, and for what they keep."""
    group = parser.getgroup("ycimages")
    group.addoption(
        "--ycimages-report-dir",
        metavar="DIR",
        help="the folder for a page of each failing test with a double, and for the reports and tests of experiments",
    )
    group.addoption(
        "--ycimages-shard",
        metavar="K/N",
        help="try only the K-th of N parts of each experiment, and write it to --ycimages-report-dir",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Raise pytest.UsageError if the shard of the command line is invalid, or goes nowhere."""
    given: str | None = config.option.ycimages_shard
    if given is None:
        return
    from pytest_ycimages.errors import UsageError  # noqa: PLC0415 - only for shards
    from pytest_ycimages.experiment.search import shard_of  # noqa: PLC0415 - only for shards

    try:
        shard_of(given)
    except UsageError as error:
        raise pytest.UsageError(f"--ycimages-shard: {error}") from None
    if not config.option.ycimages_report_dir:
        raise pytest.UsageError(
            f"--ycimages-shard={given} needs --ycimages-report-dir=DIR: `ycimages experiment merge` makes one report "
            "of the files that are written there."
        )


def writes_results(config: pytest.Config) -> bool:
    """Return whether what tests show is written where continuous integration looks."""
    given = ("ycimages_report_dir", "xmlpath", "htmlpath")
    return any(getattr(config.option, each, None) for each in given) or os.environ.get("GITHUB_ACTIONS") == "true"


# Splitting.


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist among how many the tests are distributed."""
    option = node.config.option
    distributes = getattr(option, "dist", "no") not in {"no", "each"}  # `each` runs every test on every worker
    node.workerinput[_WORKERS] = node.workerinput["workercount"] if distributes else 1


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Split a marked test into one for each shard, if pytest-xdist distributes them."""
    if FIXTURE not in metafunc.fixturenames:
        return
    mark = metafunc.definition.get_closest_marker(FIXTURE)
    workers: int = getattr(metafunc.config, "workerinput", {}).get(_WORKERS, 1)
    if mark is None or workers == 1:
        return
    asked = mark.kwargs.get("shards", "auto")
    count = workers if asked == "auto" else asked
    if count > 1:
        from pytest_ycimages.experiment.search import Shard  # noqa: PLC0415 - only for shards

        shards = [Shard(number, count) for number in range(1, count + 1)]
        metafunc.parametrize(FIXTURE, shards, indirect=True, ids=map(_label, shards))


def _label(shard: Shard) -> str:
    return f"shard{shard.number}of{shard.count}"


def options_of(request: pytest.FixtureRequest, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of an experiment, with the shard of this test and of the command line."""
    split: Shard | None = getattr(request, "param", None)
    asked = options.get("shard") or request.config.option.ycimages_shard
    if split is None:
        return options | {"shard": asked}
    from pytest_ycimages.experiment.search import shard_of  # noqa: PLC0415 - only for shards

    options = options | {"shard": split.within(shard_of(asked))}
    return options | {"workers": 1} if options.get("workers") == "auto" else options  # these are the processes


# Reports.


def keep_report(item: pytest.Item, report: Report) -> None:
    """Keep the report of an experiment for the report of its test."""
    from pytest_ycimages.experiment.report import report_json  # noqa: PLC0415 - only for experiments

    before: tuple[str, ...] = item.stash.get(_FOUND, ())
    item.stash[_FOUND] = (*before, report_json(report))


def found_in(item: pytest.Item) -> Iterator[dict[str, Any]]:
    """Yield the report of each experiment of a test, as values of JSON; of a shard, that of its part."""
    found: tuple[str, ...] = item.stash.get(_FOUND, ())
    for document in map(json.loads, found):
        yield document.get("report", document)


def has_experiment(report: pytest.TestReport) -> bool:
    """Return whether a test has experimented."""
    return getattr(report, _HAS_FOUND, False)


def add_parts(item: pytest.Item, report: pytest.TestReport) -> None:
    """Add what the experiments of a test have found to its report, which goes to the controller."""
    if _FOUND in item.stash:
        setattr(report, _HAS_FOUND, True)
    if report.when == "teardown" and _FOUND in item.stash:
        found: tuple[str, ...] = item.stash[_FOUND]
        split: Shard | None = getattr(item, "callspec", None) and item.callspec.params.get(FIXTURE)  # type: ignore[attr-defined]  # of functions
        whole = _unsplit(item.nodeid, split) if split else item.nodeid
        count = split.count if split else 1
        setattr(report, _PARTS, {"test": whole, "count": count, "texts": list(found)})
        del item.stash[_FOUND]


def _unsplit(nodeid: str, split: Shard) -> str:
    """Return the id of a test as it is without shards."""
    name, _, rest = nodeid.partition("[")
    ids = [each for each in rest.removesuffix("]").split("-") if each != _label(split)]
    return f"{name}[{'-'.join(ids)}]" if ids else name


class _Merge:
    """The experiments of one test, found by its shards.

    Args:
        count: into how many shards it is split.

    Attributes:
        texts: for each shard, by its test's id, what its experiments found, as JSON.
        refused: why all of its shards do not make one report.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.texts: dict[str, list[str]] = {}
        self.refused: list[str] = []

    def reports(self) -> Iterator[str | Report]:
        """Yield the report of each experiment, or why there is none."""
        from pytest_ycimages.errors import UsageError  # noqa: PLC0415 - only for experiments
        from pytest_ycimages.experiment.shards import merged, part_from_json  # noqa: PLC0415 - only for experiments

        for number in range(max(map(len, self.texts.values()))):
            found = {test: texts[number] for test, texts in self.texts.items() if number < len(texts)}
            if len(found) < self.count:
                yield (
                    f"{self.count - len(found)} of {self.count} shards have not come to their end, or were not "
                    "selected: the whole has no report."
                )
                continue
            try:
                yield merged([(test, part_from_json(text)) for test, text in found.items()])
            except UsageError as error:
                self.refused.append(str(error))
                yield str(error)


class ExperimentReports:
    """Makes the report of each experiment that was split, in the process that has the reports of all tests.

    Attributes:
        merged: the reports of the experiments of each test, or why there is none.
    """

    def __init__(self) -> None:
        self._merges: dict[str, _Merge] = {}
        self.merged: dict[str, list[str | Report]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect what the experiments of a test have found."""
        sent = getattr(report, _PARTS, None)
        if sent:
            merge = self._merges.setdefault(sent["test"], _Merge(sent["count"]))
            merge.texts[report.nodeid] = sent["texts"]  # of the latest attempt

    def texts(self) -> Iterator[tuple[str, list[str]]]:
        """Yield the reports of tests that experimented, as JSON: of one that was split, the report of the whole."""
        from pytest_ycimages.experiment.report import report_json  # noqa: PLC0415 - only for experiments

        for test, merge in sorted(self._merges.items()):
            if test in self.merged:
                whole = [report_json(each) for each in self.merged[test] if not isinstance(each, str)]
                yield from [(test, whole)] if whole else []
            else:
                yield from ((test, texts) for _, texts in sorted(merge.texts.items()))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Make the reports; the run fails if all shards of an experiment do not make one."""
        if session.config.option.ycimages_shard is None:  # else other machines have the rest
            split = {test: each for test, each in self._merges.items() if each.count > 1}
            self.merged = {test: list(each.reports()) for test, each in sorted(split.items())}
            if any(each.refused for each in split.values()) and session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Show the reports."""
        for test, reports in self.merged.items():
            terminalreporter.section(f"ycimages: experiments of {test}")
            for report in reports:
                terminalreporter.line(str(report))
