"""Experiments in pytest: the shards that a test of one is split into, and the report that they make together.

The workers of pytest-xdist may be on other machines. So what they find goes to the controller in the reports of tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_ycimages.experiment.plan import Shard
    from pytest_ycimages.experiment.report import Report

FIXTURE: Final = "ycimages_experiment"
SHARDS_MARKER: Final = (
    "ycimages_experiment(shards): split a test of an experiment for the workers of pytest-xdist, by default into as "
    "many parts as it has workers"
)
_WORKERS: Final = "ycimages_workers"
_PARTS: Final = "ycimages_parts"
"""The attribute of a test's report that has what its experiments found."""
_FOUND: Final = pytest.StashKey[list[str]]()


def add_shard_option(group: pytest.OptionGroup) -> None:
    """Add the option for the machines of a CI matrix."""
    group.addoption(
        "--ycimages-shard",
        metavar="K/N",
        help="try only the K-th of N parts of each experiment, and write it to --ycimages-report-dir",
    )


def check_shard_option(config: pytest.Config) -> None:
    """Raise pytest.UsageError if the shard of the command line is invalid."""
    given: str | None = config.option.ycimages_shard
    if given is not None:
        from pytest_ycimages.errors import UsageError  # noqa: PLC0415 - only for shards
        from pytest_ycimages.experiment.plan import shard_of  # noqa: PLC0415 - only for shards

        try:
            shard_of(given)
        except UsageError as error:
            raise pytest.UsageError(f"--ycimages-shard: {error}") from None


# Splitting.


def tell_workers(node: Any) -> None:
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
        from pytest_ycimages.experiment.plan import Shard  # noqa: PLC0415 - only for shards

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
    from pytest_ycimages.experiment.plan import shard_of  # noqa: PLC0415 - only for shards

    options = options | {"shard": split.within(shard_of(asked))}
    return options | {"workers": 1} if options.get("workers") == "auto" else options  # these are the processes


# Reports.


def keep_report(item: pytest.Item, report: Report) -> None:
    """Keep the report of an experiment for the report of its test."""
    from pytest_ycimages.experiment.report import report_json  # noqa: PLC0415 - only for experiments

    item.stash.setdefault(_FOUND, []).append(report_json(report))


def add_parts(item: pytest.Item, report: pytest.TestReport) -> None:
    """Add what the experiments of a test have found to its report, which goes to the controller."""
    if report.when == "teardown" and _FOUND in item.stash:
        split: Shard | None = getattr(item, "callspec", None) and item.callspec.params.get(FIXTURE)  # type: ignore[attr-defined]  # of functions
        whole = _unsplit(item.nodeid, split) if split else item.nodeid
        count = split.count if split else 1
        setattr(report, _PARTS, {"test": whole, "count": count, "texts": item.stash[_FOUND]})
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
