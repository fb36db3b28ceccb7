"""Shrinks a scenario that fails: fewer faults, milder ones, earlier calls, as long as it fails for the same cause."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_ycimages.experiment.grouping import mildness, ranks_of
from pytest_ycimages.experiment.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_ycimages.experiment.candidates import Candidate
    from pytest_ycimages.experiment.scenario import PlannedFault


def shrunk(scenario: Scenario, candidates: Sequence[Candidate], fails: Callable[[Scenario], bool]) -> Scenario:
    """The shortest and mildest scenario that can be reached from `scenario` by steps which all fail.

    Args:
        scenario: what fails.
        candidates: the faults there are, the mildest first.
        fails: whether a scenario fails for the same cause.
    """
    ranks = ranks_of(candidates)
    while True:
        smaller = (each for each in _simpler(scenario, candidates) if mildness(each, ranks) < mildness(scenario, ranks))
        found = next((each for each in smaller if fails(each)), None)
        if found is None:
            return scenario
        scenario = found


def _simpler(scenario: Scenario, candidates: Sequence[Candidate]) -> Iterator[Scenario]:
    """What is one step simpler: first a fault less, then a milder fault at the same call, then an earlier call."""
    faults = scenario.faults
    for place in range(len(faults)):
        yield Scenario((*faults[:place], *faults[place + 1 :]))
    for place, planned in enumerate(faults):
        for other in _milder(planned, candidates):
            yield Scenario((*faults[:place], other, *faults[place + 1 :]))
    for place, planned in enumerate(faults):
        for nth in range(1, planned.nth):
            yield Scenario((*faults[:place], replace(planned, nth=nth), *faults[place + 1 :]))


def _milder(planned: PlannedFault, candidates: Sequence[Candidate]) -> Iterator[PlannedFault]:
    return (
        other for candidate in candidates for other in candidate.at(planned.method, planned.nth) if other != planned
    )
