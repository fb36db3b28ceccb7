"""Reports as one HTML page that needs no network, no other file, and no script but for its copy buttons."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from pytest_ycimages.errors import UsageError
from pytest_ycimages.experiment.comparison import Comparison
from pytest_ycimages.experiment.excerpt import shown_moments
from pytest_ycimages.experiment.legible import legible
from pytest_ycimages.experiment.plot import axis_of
from pytest_ycimages.experiment.storing import stored

if TYPE_CHECKING:
    from jinja2 import Environment

    from pytest_ycimages.experiment.report import Report
    from pytest_ycimages.experiment.stored_report import StoredReport

_PAGE: Final = "page"
"""The folder beside this module that has the template, the style sheet and the script."""


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
