"""Several reports side by side: which flaw each client has, and how each fared under each fault."""

from __future__ import annotations

from itertools import chain
from statistics import median
from string import ascii_uppercase
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_ycimages.experiment.report import FaultRow, Report


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
