"""The folder of `--ycimages-report-dir`: a page for each failing test, the reports of experiments, and their index.

Each file is written at once, under a name that no other has. A list of them lets the next run remove them first, and
nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote

import pytest

from pytest_ycimages.errors import UsageError
from pytest_ycimages.experiment.html import report_html
from pytest_ycimages.experiment.printable import printable, storable, write_whole
from pytest_ycimages.experiment.report import report_from_json
from pytest_ycimages.experiment.shards import shard_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

_LIST: Final = ".ycimages-files"
_OURS: Final = re.compile(r"(?:test|experiment|index)[-.][\w.+-]*\.(?:html|json|py)", re.ASCII)
_MOST: Final = 100_000
"""The most characters of a text."""
_LONGEST: Final = 80
"""How much of the id of a test is in the name of its files."""


@dataclass(slots=True)
class FailedTest:
    """A test that failed, as its page shows it.

    Attributes:
        test: its id.
        file: the name of its page.
        texts: what it says, each with a heading.
        doubles: the state of each of its doubles, as JSON has it.
    """

    test: str
    file: str
    texts: list[tuple[str, str]] = field(default_factory=list)
    doubles: list[dict[str, Any]] = field(default_factory=list)


class Shown(NamedTuple):
    """A test, as the index shows it: its id, its texts with their headings, and links with their words."""

    test: str
    texts: list[tuple[str, str]]
    links: list[tuple[str, str]]


class ReportFolder:
    """The folder of the results of a run.

    Args:
        path: where it is.
        shard: which part of the experiments this run tries, such as `3/8`; None for all.

    Attributes:
        shown: what the index shows.
        problems: why files could not be written.
    """

    def __init__(self, path: Path, shard: str | None) -> None:
        of_shard = f"-{shard.replace('/', '-of-')}" if shard else ""
        self.path = path
        self.index = path / f"index{of_shard}.html"
        self.shown: list[Shown] = []
        self.problems: list[str] = []
        self._list = path / f"{_LIST}{of_shard}"
        self._names: set[str] = set()

    def begin(self) -> None:
        """Create the folder, and remove the files of the run before.

        Raises:
            pytest.UsageError: it cannot be written to.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if self._list.exists():
                for name in self._list.read_text(encoding="utf-8", errors="replace").splitlines():
                    if _OURS.fullmatch(name):
                        (self.path / name).unlink(missing_ok=True)
            self._list.write_text("", encoding="utf-8")
        except OSError as error:
            raise pytest.UsageError(
                f"--ycimages-report-dir: {self.path} cannot be written to: {error.strerror}. Name another folder."
            ) from None

    def new_test(self, test: str) -> FailedTest:
        """Return a test that fails, whose page has a name from now on."""
        return FailedTest(test, self._free(f"test-{_slug(test)}", ".html"))

    def write_test(self, failed: FailedTest) -> None:
        """Write the page of a test that failed, which shows its double; that of each further double beside it."""
        from pytest_ycimages.control.page import render  # noqa: PLC0415 - only for tests that failed

        links = []
        for number, double in enumerate(failed.doubles, 1):
            name = failed.file if number == 1 else self._free(failed.file.removesuffix(".html"), ".html")
            self._write(name, render(double, f"{failed.test} failed"))
            links.append((name, f"calls, operations and faults of {double['state']['double']['name']}"))
        self.shown.append(Shown(failed.test, failed.texts, links))

    def write_experiments(self, test: str, texts: Sequence[str]) -> None:
        """Write the reports of the experiments of a test, from JSON, and the tests that they found."""
        links = [link for number, text in enumerate(texts, 1) for link in self._experiment(test, number, text)]
        self.shown.append(Shown(test, [], links))

    def _experiment(self, test: str, number: int, text: str) -> Iterator[tuple[str, str]]:
        """Write what is known of an experiment; yield links, each with its words."""
        stem = f"experiment-{_slug(test)}" + (f"-{number}" if number > 1 else "")
        shard = shard_in(text)
        if shard is not None:
            name = self._free(f"{stem}.shard-{shard.number}-of-{shard.count}", ".json")
            yield self._write(name, text), f"shard {shard}, for `ycimages experiment merge`"
            return
        report = report_from_json(text)
        stem = self._free(stem, ".json").removesuffix(".json")
        try:
            yield self._write(f"{stem}.html", report_html(report)), "the report of the experiment"
        except UsageError as error:  # without jinja2
            self.problems.append(str(error))
        yield self._write(f"{stem}.json", text), "the same as JSON"
        for place, finding in enumerate(report.findings, 1):
            if finding.test:
                name = self._write(f"{stem}-finding-{place}.py", finding.test)
                yield name, f"a test of finding {place}, {finding.judge}: {finding.cause}"

    def end(self) -> None:
        """Write the index."""
        self._write(self.index.name, index_page(self.shown))

    def _free(self, stem: str, suffix: str) -> str:
        """Return a name that no file of this run has."""
        number = 1
        name = f"{stem}{suffix}"
        while name in self._names:
            number += 1
            name = f"{stem}-{number}{suffix}"
        self._names.add(name)
        return name

    def _write(self, name: str, text: str) -> str:
        try:
            with self._list.open("a", encoding="utf-8") as file:
                file.write(f"{name}\n")
            write_whole(self.path / name, text)
        except OSError as error:
            self.problems.append(f"{self.path / name} cannot be written: {error.strerror}.")
        return name


def _slug(test: str) -> str:
    """Return the id of a test as a part of a name of a file, which differs from those of other tests."""
    plain = re.sub(r"[^\w.]+", "-", test, flags=re.ASCII).strip("-.")
    return f"{plain[-_LONGEST:]}-{hashlib.blake2b(test.encode('utf-8', 'surrogatepass'), digest_size=4).hexdigest()}"


_STYLE: Final = """
:root { color-scheme: light dark }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem }
h2 { font-size: 1.1rem; margin-top: 2rem; overflow-wrap: anywhere }
pre { overflow: auto; padding: .75rem; border: 1px solid; border-radius: .4rem }
summary { cursor: pointer }
"""


def index_page(shown: Iterable[Shown]) -> str:
    """Return a page that shows tests, each with its texts and links. It loads nothing."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    parts = [_section(each) for each in shown]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{digest}'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Failing tests and experiments</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>Failing tests and experiments</h1>\n{''.join(parts) or '<p>No test failed.</p>'}</body>\n</html>\n"
    )


def _section(each: Shown) -> str:
    links = "".join(
        f'<li><a href="{quote(name)}">{_escaped(words)}</a></li>\n' for name, words in dict.fromkeys(each.links)
    )
    texts = "".join(
        f'<details open><summary>{_escaped(heading)}</summary><pre tabindex="0">{_escaped(text)}</pre></details>\n'
        for heading, text in each.texts
    )
    return f"<section>\n<h2>{_escaped(each.test)}</h2>\n<ul>\n{links}</ul>\n{texts}</section>\n"


def _escaped(text: str) -> str:
    return html.escape(printable(storable(text), _MOST))
