"""Targets beside what was measured, and the tables that show both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True)
class Goal:
    """One target and what was measured against it.

    Attributes:
        subject: what is held to it, such as `unused plugin`.
        what: the figure, in the words of its column.
        measured: the figure itself.
        limit: the most, or the least, that it may be.
        unit: of both figures, such as ` ms` or `x`.
        least: whether `limit` is the least instead of the most.
        noise: how far the figure may be off, where that could turn the verdict.
    """

    subject: str
    what: str
    measured: float
    limit: float
    unit: str
    least: bool = False
    noise: float = 0.0

    @property
    def met(self) -> bool:
        """Whether the figure is on the right side of its limit."""
        return self.measured >= self.limit if self.least else self.measured <= self.limit

    def target(self) -> str:
        """The figure and its limit."""
        return f"{self.what} {'>=' if self.least else '<='} {self.limit:g}{self.unit}"

    def verdict(self) -> str:
        """Met or missed, and by how much."""
        margin = abs(self.measured - self.limit)
        word = "[green]met[/]" if self.met else "[red]missed[/]"
        unsure = ", within the noise" if margin < self.noise else ""
        share = f" ({margin / self.limit:.0%})" if self.limit else ""
        return f"{word} by {margin:.2f}{self.unit}{share}{unsure}"


class Sheet:
    """A table of measurements. A row that is held to targets shows them, and how they were met, at its end.

    Attributes:
        goals: the targets of all rows.
    """

    def __init__(self, title: str, columns: Sequence[str], *, note: str = "") -> None:
        self.goals: list[Goal] = []
        self._title = title
        self._columns = columns
        self._note = note
        self._rows: list[tuple[list[str], list[Goal]]] = []

    def row(self, *cells: str | float, goals: Iterable[Goal] = ()) -> None:
        """Add a row: its subject, its figures, and the targets it is held to."""
        held = list(goals)
        self.goals += held
        self._rows.append(([cell if isinstance(cell, str) else figure(cell) for cell in cells], held))

    def table(self) -> Table:
        """The table, ready to print."""
        table = Table(title=self._title, caption=self._note or None, title_justify="left", caption_justify="left")
        for number, column in enumerate(self._columns):
            table.add_column(column, justify="right" if number and self.goals else "left", no_wrap=bool(number))
        if self.goals:
            table.add_column("target", no_wrap=True)
            table.add_column("verdict", no_wrap=True)
        for cells, held in self._rows:
            beside = ["\n".join(goal.target() for goal in held), "\n".join(goal.verdict() for goal in held)]
            table.add_row(*cells, *(beside if self.goals else ()))
        return table


def figure(value: float) -> str:
    """A number with three digits that count."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}"


def summary(goals: Sequence[Goal]) -> Table:
    """All targets, one a line."""
    table = Table(
        title=f"Targets: {sum(goal.met for goal in goals)} of {len(goals)} met",
        title_justify="left",
        caption="Those in milliseconds were set on a machine whose pytest run without a plugin takes 169 ms",
        caption_justify="left",
    )
    for column in ("subject", "measured", "target", "verdict"):
        table.add_column(column, justify="right" if column == "measured" else "left", no_wrap=True)
    for goal in goals:
        table.add_row(goal.subject, f"{figure(goal.measured)}{goal.unit}", goal.target(), goal.verdict())
    return table
