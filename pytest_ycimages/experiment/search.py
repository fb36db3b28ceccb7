"""Searches for what breaks a client: every fault at every call, then one more wherever the client went on.

The journal of a shorter scenario says which calls there are to strike. Three rules keep the number of trials small
without keeping anything from being found that is not shown by another trial:

* What fails is not extended. A flaw is mended first; what it hid is found by the next run.
* A fault is added only after the last one, so that no pair is tried twice.
* Of scenarios that differ in the last fault alone, and after which the client made the same calls at the same moments
  and met the same end and the same truth, only the mildest is extended. So it is with a fault that changed nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_ycimages.experiment.scenario import Scenario
from pytest_ycimages.faults.fault import Hidden, Planned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_ycimages.experiment.candidates import Candidate
    from pytest_ycimages.experiment.summary import Summary

    Try = Callable[[Sequence[Scenario]], list[Summary]]
    """Tries scenarios, in their order; comes back with fewer when there is no time left."""


class Tried(NamedTuple):
    """A scenario, and what came of it."""

    scenario: Scenario
    summary: Summary


BASELINE: Final = Scenario()


@dataclass(slots=True)
class Search:
    """One search. Scenarios are tried in an order that depends on nothing but the client and the candidates.

    Attributes:
        candidates: the faults to try, the mildest first.
        attempt: tries scenarios.
        tried: what came of each scenario, by its words, in the order in which they were tried.
        unextended: how many scenarios were not extended because another one stands for them.
    """

    candidates: Sequence[Candidate]
    attempt: Try
    tried: dict[str, Tried] = field(default_factory=dict)
    unextended: int = 0

    def exhaust(self, depth: int) -> bool:
        """Try all scenarios of up to `depth` faults; tell whether there was time for all of them."""
        wave = [BASELINE]
        for _ in range(depth):
            if not self.try_all(wave):
                return False
            wave = [child for parent in self._representatives(wave) for child in self._children(parent)]
        return self.try_all(wave)

    def try_all(self, wave: Sequence[Scenario]) -> bool:
        """Try scenarios; tell whether there was time for all of them."""
        by_words = {str(scenario): scenario for scenario in wave}  # two candidates may come to the same
        new = [scenario for words, scenario in by_words.items() if words not in self.tried]
        found = self.attempt(new)
        for scenario, summary in zip(new, found, strict=False):
            self.tried[str(scenario)] = Tried(scenario, summary)
        return len(found) == len(new)

    def summary(self, scenario: Scenario) -> Summary:
        """What came of a scenario that was tried."""
        return self.tried[str(scenario)].summary

    def _representatives(self, wave: Sequence[Scenario]) -> Iterator[Scenario]:
        """Those to extend: of all after which the client went on alike, the first."""
        seen: set[tuple[object, ...]] = set()
        for scenario in wave:
            summary = self.summary(scenario)
            if not summary.struck or summary.failures:
                continue
            key = _alike(scenario, summary)
            if key in seen or self._changed_nothing(scenario, summary):
                self.unextended += 1
                continue
            seen.add(key)
            yield scenario

    def _changed_nothing(self, scenario: Scenario, summary: Summary) -> bool:
        """Whether all went as without the last fault, and that has nothing in store."""
        if not scenario.faults or isinstance(scenario.faults[-1].fault.effect, Planned | Hidden):
            return False
        return self.summary(Scenario(scenario.faults[:-1])).story == summary.story

    def _children(self, parent: Scenario) -> Iterator[Scenario]:
        """A scenario and one fault more, at each of the calls that came after its last."""
        for spot in self.summary(parent).spots:
            for candidate in self.candidates:
                for planned in candidate.at(spot.method, spot.nth):
                    child = Scenario((*parent.faults, planned))
                    if not self._fails_with_less(child):
                        yield child

    def _fails_with_less(self, scenario: Scenario) -> bool:
        faults = scenario.faults
        shorter = (Scenario((*faults[:place], *faults[place + 1 :])) for place in range(len(faults)))
        known = (self.tried.get(str(each)) for each in shorter)
        return any(each is not None and each.summary.failures for each in known)


def _alike(scenario: Scenario, summary: Summary) -> tuple[object, ...]:
    if not scenario.faults:
        return (summary.sequel,)
    last = scenario.faults[-1]
    return str(Scenario(scenario.faults[:-1])), last.method, last.nth, summary.sequel
