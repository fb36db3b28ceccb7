"""Reports as one HTML page, one or several side by side.

A page needs no network and no other file; its only script is for its copy buttons.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from functools import cache
from importlib.resources import files
from itertools import chain
from math import log, sqrt
from statistics import median
from string import ascii_uppercase
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_ycimages.errors import UsageError
from pytest_ycimages.experiment.printable import printable
from pytest_ycimages.experiment.timeline import shown_moments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import ModuleType

    from jinja2 import Environment

    from pytest_ycimages.experiment.report import FaultRow, Report

_PAGE: Final = "page"
"""The folder beside this module that has the template, the style sheet and the script."""


def report_html(*reports: Report, command: str = "") -> str:
    """Return one page for one report, or for several side by side; it shows the `command` that repeats it, if given.

    Raises:
        UsageError: no report is given, or jinja2 is not installed.
    """
    if not reports:
        raise UsageError("A page needs a report. Give one, or several to compare.")
    comparison = Comparison(reports)
    style, script = _text("report.css"), _text("report.js")
    axis = axis_of(each for report in comparison.reports for row in report.faults for each in row.seconds)
    return (
        _environment(check_installed())
        .get_template("report.html.jinja")
        .render(
            comparison=comparison,
            reports=list(zip(comparison.labels, comparison.reports, comparison.overall, strict=True)),
            axis=axis,
            style=style,
            script=script,
            policy=f"default-src 'none'; img-src data:; style-src {_digest(style)}; script-src {_digest(script)}",
            command=command,
        )
    )


def check_installed() -> ModuleType:
    """Return jinja2, which makes the pages; raise UsageError if it is not installed."""
    try:
        import jinja2  # noqa: PLC0415 - an optional extra
    except ImportError:
        raise UsageError(
            "An HTML report needs jinja2: pip install 'pytest-ycimages[report]'. JSON and the terminal do without."
        ) from None
    return jinja2


@cache
def _environment(jinja2: ModuleType) -> Environment:
    environment: Environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_text),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "printable": printable,
        "median": median,
        "seconds": _seconds,
        "shown_moments": shown_moments,
    }
    return environment


def _text(name: str) -> str:
    return (files(__package__) / _PAGE / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    """Return the source by which a content security policy allows a text, and nothing else, as style or script."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _seconds(value: float) -> str:
    """Return seconds as text, to the millisecond, without trailing zeros."""
    return f"{value:,.3f}".rstrip("0").rstrip(".") + " s"


# Several reports side by side: which flaw each client has, and how each fared under each fault.


class Flaw(NamedTuple):
    """A flaw of one of the clients: for each client, its number among the findings, if it has it."""

    judge: str
    cause: str
    places: tuple[int | None, ...]


class Fared(NamedTuple):
    """How each client fared under one fault alone; None for a client that it never struck."""

    fault: str
    rows: tuple[FaultRow | None, ...]


class Overall(NamedTuple):
    """A client under all single faults: the median is of the seconds of its successes."""

    trials: int
    succeeded: int
    median: float | None


class Comparison(NamedTuple):
    """Several reports, in the order in which they are shown."""

    reports: tuple[Report, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Return a short name for each: A, B, C."""
        return tuple(map(_label, range(len(self.reports))))

    @property
    def flaws(self) -> list[Flaw]:
        """Return the flaws of all clients, in the order in which they first stand in a report."""
        found = [
            {(each.judge, each.cause): number for number, each in reversed(list(enumerate(report.findings, 1)))}
            for report in self.reports
        ]
        named = dict.fromkeys((each.judge, each.cause) for report in self.reports for each in report.findings)
        return [Flaw(judge, cause, tuple(each.get((judge, cause)) for each in found)) for judge, cause in named]

    @property
    def faults(self) -> list[Fared]:
        """Return the faults that struck any of the clients, in the order in which they first stand in a report."""
        rows = [{row.fault: row for row in report.faults} for report in self.reports]
        return [Fared(fault, tuple(each.get(fault) for each in rows)) for fault in dict.fromkeys(chain(*rows))]

    @property
    def overall(self) -> list[Overall]:
        """Return each client as a whole."""
        return [_overall(report.faults) for report in self.reports]

    @property
    def differences(self) -> list[str]:
        """Return what was not the same for all, so that a comparison says less."""
        asked: dict[str, Callable[[Report], object]] = {
            "the seed": lambda report: report.seed,
            "the depth": lambda report: report.depth,
            "the verb": lambda report: report.verb,
            "the judges": lambda report: report.judges,
            "the settings of the doubles": lambda report: report.settings,
            "whether the search came to its end": lambda report: report.complete,
        }
        first = self.reports[0]
        return [words for words, ask in asked.items() if any(ask(each) != ask(first) for each in self.reports)]


def _label(place: int) -> str:
    return ascii_uppercase[place] if place < len(ascii_uppercase) else f"#{place + 1}"


def _overall(rows: Sequence[FaultRow]) -> Overall:
    seconds = [each for row in rows for each in row.seconds]
    return Overall(
        sum(row.trials for row in rows),
        sum(row.succeeded for row in rows),
        median(seconds) if seconds else None,
    )


# The geometry of the plots: seconds on an axis that has room for one second and for an hour.

_STEPS: Final = (
    (0.1, "0.1 s"),
    (1, "1 s"),
    (10, "10 s"),
    (60, "1 min"),
    (600, "10 min"),
    (3600, "1 h"),
    (36000, "10 h"),
)
"""Where an axis may begin and end, and the label there."""
_SMALLEST: Final = 3.0
"""The radius of a dot that is one trial."""
_GROWTH: Final = 1.0
"""How much a dot grows with the square root of its further trials."""


class Tick(NamedTuple):
    """A mark on an axis: where, from 0 to 1, and its label."""

    at: float
    words: str


class Dot(NamedTuple):
    """Trials that took the same time: where, from 0 to 1, how large, how many, and how many seconds."""

    at: float
    radius: float
    trials: int
    seconds: float


class Strip(NamedTuple):
    """The distribution of some times: a dot for each, and where the least, the median and the most of them are."""

    dots: tuple[Dot, ...]
    least: float
    median: float
    most: float


class Axis(NamedTuple):
    """A logarithmic axis of seconds, with its marks."""

    steps: tuple[tuple[float, str], ...]

    @property
    def ticks(self) -> list[Tick]:
        """Return the marks, from left to right."""
        return [Tick(self.at(seconds), words) for seconds, words in self.steps]

    def at(self, seconds: float) -> float:
        """Return the place of a number of seconds, from 0 to 1."""
        start, end = self.steps[0][0], self.steps[-1][0]
        return log(min(max(seconds, start), end) / start) / log(end / start)

    def strip(self, seconds: Sequence[float]) -> Strip | None:
        """Return the distribution of some times; None without any."""
        if not seconds:
            return None
        dots = (
            Dot(self.at(value), _SMALLEST + _GROWTH * sqrt(count - 1), count, value)
            for value, count in sorted(Counter(seconds).items())
        )
        return Strip(tuple(dots), *(self.at(value) for value in (min(seconds), median(seconds), max(seconds))))


def axis_of(seconds: Iterable[float]) -> Axis:
    """Return the shortest axis that has room for all of these, and for two marks."""
    values = [*seconds] or [1.0]
    start = max((place for place, (at, _) in enumerate(_STEPS) if at <= min(values)), default=0)
    end = min((place for place, (at, _) in enumerate(_STEPS) if at >= max(values)), default=len(_STEPS) - 1)
    start = min(start, len(_STEPS) - 2)
    return Axis(_STEPS[start : max(end, start + 1) + 1])
