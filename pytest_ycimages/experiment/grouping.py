"""Groups what failed by its cause: a flaw is reported once, with the shortest and mildest scenario that shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_ycimages.experiment.candidates import Candidate
    from pytest_ycimages.experiment.scenario import PlannedFault, Scenario
    from pytest_ycimages.experiment.search import Tried

Cause = tuple[str, str]
"""A judge's name, and what it says is the cause."""


class Group(NamedTuple):
    """The scenarios that show one flaw.

    Attributes:
        cause: the judge and the cause.
        scenarios: the scenarios, the shortest and mildest first.
    """

    cause: Cause
    scenarios: tuple[Scenario, ...]


def groups_of(tried: Iterable[Tried], candidates: Sequence[Candidate]) -> list[Group]:
    """The flaws, in the order of their shortest and mildest scenarios.

    A trial that several judges are not content with counts for the first of them: the others see what follows from the
    same flaw.
    """
    ranks = ranks_of(candidates)
    failing = sorted(
        (each for each in tried if each.summary.struck and each.summary.failures),
        key=lambda each: mildness(each.scenario, ranks),
    )
    found: dict[Cause, list[Scenario]] = {}
    for scenario, summary in failing:
        found.setdefault(summary.failures[0], []).append(scenario)
    return [Group(cause, tuple(scenarios)) for cause, scenarios in found.items()]


def ranks_of(candidates: Sequence[Candidate]) -> Mapping[str, int]:
    """How mild each fault is: its place among the candidates."""
    return {_name(each): number for number, each in reversed(list(enumerate(candidates)))}


def _name(each: Candidate | PlannedFault) -> str:
    return f"{each.fault} {each.lasts}"


def mildness(scenario: Scenario, ranks: Mapping[str, int]) -> tuple[object, ...]:
    """What orders scenarios from the shortest and mildest on."""
    return (
        len(scenario),
        sum(_rank(each, ranks) for each in scenario.faults),
        [(_rank(each, ranks), each.nth, each.method, each.commit != "before") for each in scenario.faults],
    )


def _rank(planned: PlannedFault, ranks: Mapping[str, int]) -> int:
    return ranks.get(_name(planned), len(ranks))
