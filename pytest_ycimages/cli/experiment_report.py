"""Reports of experiments on a terminal: the findings, how the clients fared, and what to type to see it again."""

from __future__ import annotations

from contextlib import contextmanager
from statistics import median
from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from pytest_ycimages.cli.commands import console
from pytest_ycimages.experiment.printable import printable
from pytest_ycimages.experiment.timeline import shown_moments

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from rich.console import Console

    from pytest_ycimages.experiment.html import Comparison, Fared
    from pytest_ycimages.experiment.report import FaultRow, Finding, Report, ReportedTrial

_BAR: Final = 10
"""How many characters long the bar of a success rate is."""
_ENDS: Final = 10
"""How many calls of a timeline are shown at its beginning, and at its end."""
_LOG: Final = 140
"""The width of a report without a terminal, as in the log of a CI job."""


@contextmanager
def progress_bar(name: str) -> Generator[Callable[[int, int], None] | None]:
    """Yield a function that shows the progress of a search on stderr; None without a terminal.

    It has no thread of its own, which would come under virtual time: it is drawn anew when it is told something.
    """
    output = console(stderr=True)
    if not output.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(
        *columns, console=output, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
    ) as bar:
        task = bar.add_task(printable(name, 60), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total, refresh=True)


def show_reports(comparison: Comparison, command: str) -> None:
    """Print reports.

    Args:
        comparison: the reports, that of the client that it is about first.
        command: what finds the same again; empty if that is not a command.
    """
    output = console(width=_LOG)
    several = len(comparison.reports) > 1
    for label, report in zip(comparison.labels if several else [""], comparison.reports, strict=True):
        output.print(_headline(f"{label}  " if several else "", report))
        for number, finding in enumerate(report.findings, 1):
            _show_finding(output, f"{label}{number}", finding)
    if comparison.faults:
        output.print(_faults(comparison))
    if several:
        _show_differences(output, comparison)
    for label, report in zip(comparison.labels, comparison.reports, strict=True):
        output.print(_counts(f"{label}  " if several else "", report))
    if command:
        output.print(Text(f"The same again: {printable(command)}"), soft_wrap=True)


def _show_differences(output: Console, comparison: Comparison) -> None:
    output.print(_side_by_side(comparison))
    if comparison.differences:
        words = ", ".join(comparison.differences)
        output.print(f"These were not tried alike, so compare them with care: {words} differ.", style="yellow")


def _headline(label: str, report: Report) -> Text:
    text = Text.assemble((f"{label}{printable(report.client)}", "bold"), ": ", _found(report))
    if report.part:
        text.append(f" in shard {report.part}")
    text.append(f" in {report.counts.tried} scenarios of up to {report.depth} fault(s), seed {report.seed}")
    text.append(f", verb {report.verb}{''.join(f', over {each}' for each in report.transports)}")
    if not report.baseline.succeeded:
        words = printable(report.baseline.outcome.words, 300)
        text.append(f"\nNothing went wrong, and it did not succeed: it {words}. See to that first.", "bold yellow")
    if not report.complete:
        text.append("\nThe search was not over when its budget was: give it more, or a file to go on from (--state).")
    return text


def _found(report: Report) -> Text:
    found = len(report.findings)
    words = f"{found} finding{'' if found == 1 else 's'}" if found else "no finding"
    return Text(words, "bold red" if found else "bold green")


def _show_finding(output: Console, number: str, finding: Finding) -> None:
    head = Text.assemble(
        f"\n{number}. ",
        (printable(finding.judge), "bold red"),
        f"  {printable(finding.explanation)}\n",
        ("What goes wrong: ", "bold"),
        printable(finding.scenario.words),
        "\n",
        ("The client ", "bold"),
        printable(finding.trial.outcome.words),
    )
    also = [Text(f"Also {printable(each.judge)}: {printable(each.explanation)}") for each in finding.also]
    output.print(Group(head, *also, _timeline(finding.trial)))
    if finding.others:
        output.print(f"{finding.others} other scenario(s) show the same.", style="dim")
    if finding.test:
        output.print("A test that fails for this reason, ready to be pasted:\n", style="bold")
        code = Syntax("", "python", background_color="default").highlight(printable(finding.test, 20_000))
        output.print(code, soft_wrap=True)


def _timeline(trial: ReportedTrial) -> Padding:
    """The client and the server, side by side."""
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("")
    table.add_column("at", justify="right", no_wrap=True)
    table.add_column("the client asked", style="cyan")
    table.add_column("it was told", style="cyan")
    table.add_column("the server did", style="magenta")
    for line in shown_moments(trial.timeline, _ENDS):
        moment = line.moment
        if moment is None:
            table.add_row("", "", Text(f"... {line.words}", style="dim"), "", "")
            continue
        words = (moment.asked, moment.told, moment.happened)
        mark = Text(">", style="bold red") if moment.proves else ""
        table.add_row(mark, f"+{moment.at:.3f}s", *(Text(printable(each)) for each in words))
    return Padding(table, (1, 0))


def _faults(comparison: Comparison) -> Padding:
    """How the clients fared, fault by fault."""
    several = len(comparison.reports) > 1
    table = Table(title="Fault by fault, one at a time", title_justify="left", title_style="bold", header_style="bold")
    table.add_column("fault", overflow="fold")
    for label in comparison.labels if several else ():
        table.add_column(f"{label}: success, median time", no_wrap=True)
    if not several:
        table.add_column("success", no_wrap=True)
        table.add_column("time to success\nleast / median / most", justify="right", no_wrap=True)
    for fared in comparison.faults:
        table.add_row(Text(printable(fared.fault, 200)), *(_compared(fared) if several else _alone(fared)))
    return Padding(table, (1, 0, 0, 0))


def _alone(fared: Fared) -> Iterable[Text]:
    (row,) = fared.rows
    yield _bar(row)
    seconds = row.seconds if row else ()
    three = (min(seconds), median(seconds), max(seconds)) if seconds else ()
    yield Text(" / ".join(f"{each:.1f}s" for each in three))


def _compared(fared: Fared) -> Iterable[Text]:
    for row in fared.rows:
        time = f"  {median(row.seconds):.1f}s" if row and row.seconds else ""
        yield _bar(row).append(time)


def _bar(row: FaultRow | None) -> Text:
    if row is None or not row.trials:
        return Text("no trial", style="dim")
    full = round(_BAR * row.succeeded / row.trials)
    return Text.assemble(("━" * full, "green"), ("━" * (_BAR - full), "red"), f" {row.succeeded}/{row.trials}")


def _side_by_side(comparison: Comparison) -> Padding:
    """Which client has which flaw, and how each fared as a whole."""
    table = Table(title="Side by side", title_justify="left", title_style="bold", header_style="bold")
    table.add_column("")
    for label, report in zip(comparison.labels, comparison.reports, strict=True):
        table.add_column(Text(f"{label}  {printable(report.client, 200)}"), overflow="fold")
    for flaw in comparison.flaws:
        found = (Text("-", "dim") if place is None else Text(f"finding {place}", "red") for place in flaw.places)
        table.add_row(Text(f"{printable(flaw.judge, 100)}: {printable(flaw.cause, 200)}"), *found)
    table.add_section()
    overall = comparison.overall
    table.add_row("success under a single fault", *(f"{each.succeeded} of {each.trials}" for each in overall))
    medians = ("" if each.median is None else f"{each.median:.3f}s" for each in overall)
    table.add_row("time to success, median", *medians)
    table.add_row("time when nothing goes wrong", *(f"{each.baseline.seconds:.3f}s" for each in comparison.reports))
    return Padding(table, (1, 0, 0, 0))


def _counts(label: str, report: Report) -> Text:
    counts = report.counts
    drawn = f", {counts.random} of them drawn" if counts.random else ""
    return Text.assemble(
        label,
        _found(report),
        f"; {counts.tried} scenarios tried{drawn}; in {counts.failing} a judge was not content, in {counts.unreached} "
        f"a fault never struck; {counts.unextended} not extended, as others stand for them\n",
        f"Judges: {', '.join(f'{printable(each.name)} ({each.scope})' for each in report.judges)}",
    )
