"""The table of behaviours on a terminal: an area at a time, marks in colour, and how many there are of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from pytest_ycimages.fidelity import MEANINGS, Mark, read_table, render

if TYPE_CHECKING:
    from pytest_ycimages.fidelity import Behaviour, Table

_COLOURS: Final = {
    Mark.PAGE: "green",
    Mark.OBSERVED: "cyan",
    Mark.DOCUMENTED: "blue",
    Mark.INFERRED: "yellow",
    Mark.SETTING: "magenta",
}


def show_behaviours(mark: str | None, *, markdown: bool) -> None:
    """Print the table.

    Args:
        mark: leave out behaviours that have another mark.
        markdown: print the page of the documentation, rather than for people at a terminal.
    """
    table = read_table()
    if mark is not None:
        table = table.marked(Mark(mark))
    if markdown:
        click.echo(render(table), nl=False)
    else:
        _print(table, Console(highlight=False, emoji=False))


def _print(table: Table, console: Console) -> None:
    for area, title in table.areas.items():
        rows = table.of(area)
        if rows:
            console.print(_grid(title, rows))
    if table.gaps:
        console.print(_gaps(table))
    for mark, count in table.counts().items():
        if count:
            console.print(f"[{_COLOURS[mark]}]{count:>4} {mark:<11}[/] {escape(MEANINGS[mark])}")
    console.print(f"{len(table.behaviours):>4} behaviours, each with a test that proves it")


def _grid(title: str, rows: tuple[Behaviour, ...]) -> Grid:
    grid = Grid("behaviour", "what the double does", "known by", "source", title=title)
    grid.title_justify, grid.title_style = "left", "bold"
    for row in rows:
        setting = f"\n{row.setting}" if row.setting else ""
        known = f"[{_COLOURS[row.mark]}]{row.mark}{setting}[/]"
        grid.add_row(escape(row.id), escape(row.does), known, escape(row.source))
    return grid


def _gaps(table: Table) -> Grid:
    grid = Grid("of the service", "what the double does instead", "source", title="Not in the double")
    grid.title_justify, grid.title_style = "left", "bold"
    for gap in table.gaps:
        grid.add_row(escape(gap.what), escape(gap.instead), escape(gap.source))
    return grid
