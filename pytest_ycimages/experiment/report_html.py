"""Reports as one HTML page that needs no network, no other file, and no script but for its copy buttons."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from statistics import median
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pytest_ycimages.errors import UsageError
from pytest_ycimages.experiment.comparison import Comparison
from pytest_ycimages.experiment.legible import legible
from pytest_ycimages.experiment.plot import axis_of
from pytest_ycimages.experiment.storing import stored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jinja2 import Environment

    from pytest_ycimages.experiment.report import Report
    from pytest_ycimages.experiment.stored_report import StoredMoment, StoredReport

_PAGE: Final = "page"
"""The folder beside this module that has the template, the style sheet and the script."""
_WHOLE: Final = 40
"""How many moments of a timeline are shown at either end. Those that prove a verdict are always shown."""


def report_html(*reports: Report | StoredReport, command: str = "") -> str:
    """One page for one report, or for several side by side.

    Args:
        reports: the reports, or what `report_from_json` has read; that of the client that it is about first.
        command: the command that repeats it, if there is one.

    Raises:
        UsageError: there is no report, or jinja2 is not installed.
    """
    if not reports:
        raise UsageError("There is no report to make a page of. Give one, or several to compare.")
    comparison = Comparison(tuple(map(stored, reports)))
    style, script = _text("report.css"), _text("report.js")
    axis = axis_of(each for report in comparison.reports for row in report.faults for each in row.seconds)
    return (
        _environment()
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


def check_installed() -> None:
    """Check that a page can be made.

    Raises:
        UsageError: jinja2 is not installed.
    """
    _environment()


class Shown(NamedTuple):
    """A moment of a timeline that is shown, or how many are left out there."""

    moment: StoredMoment | None
    left_out: int = 0


def shown_moments(moments: Sequence[StoredMoment]) -> list[Shown]:
    """What is shown of a timeline: its beginning, its end, and what proves the verdict."""
    found: list[Shown] = []
    for place, moment in enumerate(moments):
        if place < _WHOLE or place >= len(moments) - _WHOLE or moment.proves:
            found.append(Shown(moment))
        elif found[-1].moment is None:
            found[-1] = Shown(None, found[-1].left_out + 1)
        else:
            found.append(Shown(None, 1))
    return found


def _environment() -> Environment:
    try:
        import jinja2  # noqa: PLC0415 - an optional extra
    except ImportError:
        raise UsageError(
            "An HTML report takes jinja2: pip install 'pytest-ycimages[report]'. JSON and the terminal do without."
        ) from None
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_text),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    filters: dict[str, Any] = {
        "legible": legible,
        "median": median,
        "seconds": _seconds,
        "shown_moments": shown_moments,
    }
    environment.filters.update(filters)
    return environment


def _text(name: str) -> str:
    return (files(__package__) / _PAGE / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    """The text as a content security policy names it: nothing else on the page is run, or obeyed as style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _seconds(value: float) -> str:
    """Seconds as briefly as they can be told without rounding below the millisecond."""
    return f"{value:,.3f}".rstrip("0").rstrip(".") + " s"
