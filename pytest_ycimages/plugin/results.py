"""Results where continuous integration looks: JUnit XML, pytest-html, annotations of GitHub, and a folder of pages.

Loaded for runs that write one of these. Under pytest-xdist, what a worker knows comes to the controller in the reports
of tests, and the controller writes: the workers may be on other machines.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote
from xml.etree.ElementTree import Element

import pytest

from pytest_ycimages.experiment.printable import printable, storable
from pytest_ycimages.plugin.experiments import ExperimentReports, found_in, has_experiment
from pytest_ycimages.plugin.report_folder import FailedTest, ReportFolder
from pytest_ycimages.plugin.settings import SEED
from pytest_ycimages.redaction.printing import printed

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

_DOUBLES: Final = "ycimages_doubles"
"""The attribute of a failing test's report that has what its doubles are at that moment, as JSON."""
_SECTION: Final = "ycimages: "
_CALLS: Final = 500
"""The most calls of a double on a page."""
_MOST: Final = 100_000
"""The most characters of a text."""
_NO_XML: Final = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML cannot have, not even escaped."""
_ANNOTATED_LINES: Final = 20
_ANNOTATION: Final = 4_000


# In the process that runs a test.


def add_details(item: pytest.Item, report: pytest.TestReport) -> None:
    """Add to the report of a test what the files of this run show of it."""
    from pytest_ycimages.plugin.doubles import doubles_of  # noqa: PLC0415 - only when a test has run

    option = item.config.option
    owned = [(doubles, double) for doubles in doubles_of(item) for double in doubles.all]
    if report.failed and option.ycimages_report_dir and owned:
        from pytest_ycimages.control.live import snapshot  # noqa: PLC0415 - its models take long to build

        states = [snapshot(double, after=doubles.calls_before(double), most=_CALLS) for doubles, double in owned]
        setattr(report, _DOUBLES, json.dumps(_redacted(states)))
    if report.when == "teardown" and getattr(option, "xmlpath", None):
        reports = list(found_in(item))
        seeds = dict.fromkeys(
            str(each) for each in (*(d.settings.seed for _, d in owned), *(r["seed"] for r in reports))
        )
        properties = [("ycimages_seed", seed) for seed in seeds]
        for each in reports:
            properties += (("ycimages_finding", f"{one['judge']}: {one['cause']}") for one in each["findings"])
        report.user_properties += [(name, _xml(value)) for name, value in properties]


def _redacted(value: Any) -> Any:
    """Return a value of JSON with its texts redacted as what is printed is."""
    if isinstance(value, str):
        return storable(printed(value))
    if isinstance(value, dict):
        return {name: _redacted(each) for name, each in value.items()}
    return [_redacted(each) for each in value] if isinstance(value, list) else value


def _xml(text: str) -> str:
    """Return a text for XML: what it cannot have is written as an escape."""
    return _NO_XML.sub(lambda found: repr(found[0])[1:-1], printed(text))


# In the process that has the reports of all tests.


def _journal(report: pytest.TestReport) -> Iterator[tuple[str, str]]:
    """Yield the sections that the plugin has added to a report."""
    return (each for each in report.sections if each[0].startswith(_SECTION))


class Results:
    """Writes results where continuous integration looks."""

    def __init__(self, config: pytest.Config, experiments: ExperimentReports) -> None:
        self._config = config
        self._experiments = experiments
        self._failing: dict[tuple[str, str], FailedTest] = {}
        self._annotations: list[str] = []
        given: str | None = config.option.ycimages_report_dir
        self._folder = (
            ReportFolder(config.invocation_params.dir / given, config.option.ycimages_shard) if given else None
        )

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Begin the folder, and add the seed to what pytest-html says of the environment."""
        key = getattr(sys.modules.get("pytest_metadata.plugin"), "metadata_key", None)
        if key is not None and key in self._config.stash:
            self._config.stash[key]["ycimages seed"] = self._config.stash[SEED]
        if self._folder and not self._config.option.collectonly:
            self._folder.begin()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None]:
        """Add the journal to JUnit XML, a link to pytest-html, and note what is to be annotated or written."""
        worker = getattr(report, "worker_id", "")
        if report.failed:
            self._note(report, worker)
        if report.when == "teardown":  # after it, JUnit XML has closed the test
            self._add_to_junit(report)
        yield
        if report.when != "teardown":
            self._add_to_junit(report)
        elif self._folder and (failed := self._failing.pop((report.nodeid, worker), None)):
            self._folder.write_test(failed)

    def _note(self, report: pytest.TestReport, worker: str) -> None:
        sections = [(name, _text(text)) for name, text in _journal(report)]
        if not sections and not has_experiment(report):
            return
        if os.environ.get("GITHUB_ACTIONS") == "true":
            self._annotations.append(annotation(report, self._config.rootpath, sections))
        if self._folder is None:
            return
        failed = self._failing.get((report.nodeid, worker))
        if failed is None:
            failed = self._folder.new_test(report.nodeid)
            self._failing[report.nodeid, worker] = failed
        failed.texts += [(f"{report.when} failed", _text(report.longreprtext)), *sections]
        failed.doubles = json.loads(getattr(report, _DOUBLES, "[]")) or failed.doubles
        self._link(report, failed)

    def _link(self, report: pytest.TestReport, failed: FailedTest) -> None:
        page: str | None = getattr(self._config.option, "htmlpath", None)
        if page and self._folder:
            folder = os.path.relpath(self._folder.path, Path(os.path.expandvars(page)).expanduser().absolute().parent)
            file = failed.file if failed.doubles else self._folder.index.name
            address = quote(f"{Path(folder).as_posix()}/{file}")
            link = {"name": "ycimages", "format_type": "url", "content": address, "mime_type": None, "extension": None}
            report.extras = [*getattr(report, "extras", []), link]  # type: ignore[attr-defined]  # of pytest-html

    def _add_to_junit(self, report: pytest.TestReport) -> None:
        """Add the journal of a failing test to the standard output that its JUnit XML has."""
        xml: Any = next(
            (each for each in self._config.pluginmanager.get_plugins() if type(each).__name__ == "LogXML"), None
        )
        sections = list(_journal(report)) if report.failed else []
        if xml is None or not sections:
            return
        element = Element("system-out")
        element.text = "\n".join(_xml(f"{name}\n{text}\n") for name, text in sections)
        xml.node_reporter(report).append(element)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Write the reports of experiments, and the page that links to everything."""
        if self._folder and not self._config.option.collectonly:
            for failed in self._failing.values():  # the run was stopped before their end
                self._folder.write_test(failed)
            for test, texts in self._experiments.texts():
                self._folder.write_experiments(test, texts)
            self._folder.end()

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say where the folder is, and print the annotations."""
        if self._folder and self._folder.shown:
            terminalreporter.line(f"ycimages: failing tests and experiments are in {self._folder.index}")
        for problem in self._folder.problems if self._folder else ():
            terminalreporter.line(f"ycimages: {problem}", red=True)
        for each in self._annotations:
            terminalreporter.line(each)


def _text(text: str) -> str:
    return printable(storable(printed(text)), _MOST)


# Annotations: https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands


def annotation(report: pytest.TestReport, root: Path, sections: list[tuple[str, str]]) -> str:
    """Return the command by which GitHub shows a failing test at its line, with the last calls of its doubles."""
    path, line = _place(report, root)
    file = os.path.relpath(path, os.environ.get("GITHUB_WORKSPACE", "") or root)
    crash = getattr(report.longrepr, "reprcrash", None)
    said = _text(crash.message if crash else report.longreprtext).splitlines()
    lines = [*said[:_ANNOTATED_LINES], *(line for name, text in sections for line in ("", name, *_last(text)))]
    message = _text("\n".join(lines)[:_ANNOTATION])
    properties = {"file": Path(file).as_posix(), "line": str(line), "title": report.nodeid}
    given = ",".join(f"{name}={_escaped(value, ':,')}" for name, value in properties.items())
    return f"::error {given}::{_escaped(message)}"


def _last(text: str) -> list[str]:
    lines = text.splitlines()
    left_out = len(lines) - _ANNOTATED_LINES
    return [lines[0], f"... {left_out} more", *lines[left_out:]] if left_out > 1 else lines


def _escaped(text: str, others: str = "") -> str:
    """Return a text as a workflow command takes it; in a property, colons and commas are escaped as well."""
    return "".join(f"%{ord(each):02X}" if each in f"%\r\n{others}" else each for each in text)


def _place(report: pytest.TestReport, root: Path) -> tuple[Path, int]:
    """Return the line of the test that failed, or else its first line."""
    file, line, _ = report.location
    path = root / file
    traceback = getattr(report.longrepr, "reprtraceback", None)
    for entry in reversed(getattr(traceback, "reprentries", [])):
        where = getattr(entry, "reprfileloc", None)
        if where is not None and path in {root / where.path, Path.cwd() / where.path}:
            return path, where.lineno
    return path, (line or 0) + 1
