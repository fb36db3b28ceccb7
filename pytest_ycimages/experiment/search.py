"""The search for what breaks a client: every fault at every call, then one more wherever the client went on.

The journal of a shorter scenario says which calls can be struck. Three rules keep the number of trials small, and skip
only what another trial shows:

* What fails is not extended. A flaw is mended first; the next run finds what it hid.
* A fault is added only after the last one, so that no pair is tried twice.
* Of scenarios that differ in the last fault alone, and after which the client made the same calls at the same moments
  and met the same end and the same truth, only the mildest is extended. Nor is a fault that changed nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from pytest_ycimages.errors import UsageError
from pytest_ycimages.experiment.scenario import Scenario
from pytest_ycimages.faults.fault import Hidden, Planned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_ycimages.experiment.progress import Spot, Summary
    from pytest_ycimages.experiment.report import ReportedFault
    from pytest_ycimages.experiment.scenario import Candidate, PlannedFault

    Try = Callable[[Sequence[Scenario]], list[Summary]]
    """Tries scenarios, in their order; returns fewer summaries when the time is over."""

_T = TypeVar("_T")
Cause = tuple[str, str]
"""A judge's name, and the cause that it names."""


@dataclass(frozen=True, slots=True, order=True)
class Shard:
    """The part of a search that one of several machines tries.

    Attributes:
        number: which of the parts, counted from 1.
        count: how many there are.
    """

    number: int = 1
    count: int = 1

    def part_of(self, values: Sequence[_T]) -> list[_T]:
        """Return every `count`-th value, from the `number`-th on."""
        return list(values[self.number - 1 :: self.count])

    def within(self, other: Shard) -> Shard:
        """Return this part of another part."""
        return Shard((self.number - 1) * other.count + other.number, self.count * other.count)

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


WHOLE: Final = Shard()


def shard_of(value: Any) -> Shard:
    """Return a shard that is written as `3/8`; all of the search for None; otherwise raise UsageError."""
    if value is None or isinstance(value, Shard):
        return WHOLE if value is None else value
    written = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", value) if isinstance(value, str) else None
    if written is None:
        raise UsageError(f"invalid shard {value!r}: expected a number and how many there are, such as '3/8'.")
    number, count = map(int, written.groups())
    if not 1 <= number <= count:
        right = "two numbers from 1 on, such as '1/8'" if count == 0 else f"one from '1/{count}' to '{count}/{count}'"
        raise UsageError(f"invalid shard {value!r}: expected {right}.")
    return Shard(number, count)


class Tried(NamedTuple):
    """A scenario, the summary of its trial, and the rank of each of its faults: the mildest has 0."""

    scenario: Scenario
    summary: Summary
    ranks: tuple[int, ...]

    @property
    def flaw(self) -> Cause | None:
        """Return the gravest judge that failed it, and the cause; None for a trial in which a fault never struck."""
        return next(iter(self.summary.failures), None) if self.summary.struck else None


BASELINE: Final = Scenario()


@dataclass
class Search:
    """One search. The order of its scenarios depends only on the client and the candidates.

    Attributes:
        candidates: the faults to try, the mildest first; after the baseline, those for the transports of the client.
        attempt: tries scenarios.
        shard: the part of the last wave that is tried here.
        tried: each scenario that was tried, by its words.
        unextended: how many scenarios were not extended because another one stands for them.
        split: the words of the wave of which a shard tries its part; None before it is reached.
        shared: how many scenarios were tried before that wave: the same ones in every shard.
    """

    candidates: Sequence[Candidate]
    attempt: Try
    shard: Shard = WHOLE
    tried: dict[str, Tried] = field(default_factory=dict)
    unextended: int = 0
    split: tuple[str, ...] | None = None
    shared: int = 0

    def __post_init__(self) -> None:
        self._ranks = Ranks(self.candidates)

    def exhaust(self, depth: int, *, split: bool = False) -> bool:
        """Try all scenarios of up to `depth` faults; return whether there was time for all of them.

        Args:
            depth: the most faults of a scenario.
            split: whether a shard tries only its part of the scenarios of `depth` faults.
        """
        wave = [BASELINE]
        if not self.try_all(wave):
            return False
        spoken = {None, *(spot.transport for spot in self.summary(BASELINE).spots)}
        self.candidates = [each for each in self.candidates if each.over in spoken]
        for number in range(1, depth + 1):
            wave = [child for parent in self._representatives(wave) for child in self._children(parent)]
            if number < depth and not self.try_all(wave):
                return False
        return self.try_all(wave, split=split)

    def try_all(self, wave: Sequence[Scenario], *, split: bool = False) -> bool:
        """Try scenarios, or the shard's part of them; return whether there was time for all of these."""
        by_words = {str(scenario): scenario for scenario in wave}  # two candidates may be equal
        new = [scenario for words, scenario in by_words.items() if words not in self.tried]
        if split:
            self.split, self.shared = tuple(map(str, new)), len(self.tried)
            new = self.shard.part_of(new)
        found = self.attempt(new)
        for scenario, summary in zip(new, found, strict=False):
            self.tried[str(scenario)] = Tried(scenario, summary, self._ranks.of(scenario))
        return len(found) == len(new)

    def summary(self, scenario: Scenario) -> Summary:
        """Return the summary of a scenario."""
        return self.tried[str(scenario)].summary

    def _representatives(self, wave: Sequence[Scenario]) -> Iterator[Scenario]:
        """Yield the scenarios to extend: of all after which the client went on alike, the first."""
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
        """Return whether all went as without the last fault, and that has nothing in store."""
        if not scenario.faults or isinstance(scenario.faults[-1].fault.effect, Planned | Hidden):
            return False
        return self.summary(Scenario(scenario.faults[:-1])).story == summary.story

    def _children(self, parent: Scenario) -> Iterator[Scenario]:
        """Yield a scenario with one fault more, at each of the calls that came after its last."""
        for spot in self.summary(parent).spots:
            for candidate in self.candidates:
                for planned in candidate.at(*spot):
                    child = Scenario((*parent.faults, planned))
                    if not self._fails_with_less(child):
                        yield child

    def _fails_with_less(self, scenario: Scenario) -> bool:
        known = (self.tried.get(str(each)) for each in _without_one(scenario))
        return any(each is not None and each.summary.failures for each in known)


def _alike(scenario: Scenario, summary: Summary) -> tuple[object, ...]:
    if not scenario.faults:
        return (summary.sequel,)
    last = scenario.faults[-1]
    return str(Scenario(scenario.faults[:-1])), last.method, last.nth, summary.sequel


def _without_one(scenario: Scenario) -> Iterator[Scenario]:
    faults = scenario.faults
    return (Scenario((*faults[:place], *faults[place + 1 :])) for place in range(len(faults)))


# Which scenarios are the milder ones.


class Ranks:
    """How mild each fault is: its place among the candidates."""

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        self._places = {_name(each): number for number, each in reversed(list(enumerate(candidates)))}

    def of(self, scenario: Scenario) -> tuple[int, ...]:
        """Return the rank of each fault of a scenario."""
        return tuple(self._places.get(_name(each), len(self._places)) for each in scenario.faults)


def _name(each: Candidate | PlannedFault) -> str:
    return f"{each.fault} {each.lasts}"


def mildness(faults: Sequence[PlannedFault | ReportedFault], ranks: Sequence[int]) -> tuple[object, ...]:
    """Return the key that sorts scenarios, the shortest and mildest first, by their faults and the ranks of these."""
    placed = zip(ranks, faults, strict=True)
    return (
        len(faults),
        sum(ranks),
        [(rank, each.nth, each.method, each.commit != "before") for rank, each in placed],
    )


def shrunk(scenario: Scenario, candidates: Sequence[Candidate], fails: Callable[[Scenario], bool]) -> Scenario:
    """Return the shortest and mildest scenario that can be reached from `scenario` by steps that all fail."""
    ranks = Ranks(candidates)

    def key(scenario: Scenario) -> tuple[object, ...]:
        return mildness(scenario.faults, ranks.of(scenario))

    while True:
        present = key(scenario)
        smaller = (each for each in _simpler(scenario, candidates) if key(each) < present)
        found = next((each for each in smaller if fails(each)), None)
        if found is None:
            return scenario
        scenario = found


def _simpler(scenario: Scenario, candidates: Sequence[Candidate]) -> Iterator[Scenario]:
    """Yield what is one step simpler: a fault less, then a milder fault at the same call, then an earlier call."""
    faults = scenario.faults
    yield from _without_one(scenario)
    for place, planned in enumerate(faults):
        for candidate in candidates:
            for other in candidate.at(planned.method, planned.nth):
                if other != planned:
                    yield Scenario((*faults[:place], other, *faults[place + 1 :]))
    for place, planned in enumerate(faults):
        for nth in range(1, planned.nth):
            yield Scenario((*faults[:place], replace(planned, nth=nth), *faults[place + 1 :]))


# Random scenarios.

_MORE: Final = 3
"""By how many faults the largest scenario exceeds the depth that was searched."""


def random_scenarios(
    spots: Sequence[Spot], candidates: Sequence[Candidate], *, beyond: int, examples: int, seed: int
) -> list[Scenario]:
    """Return at most `examples` scenarios of more than `beyond` faults, each at its own call; by Hypothesis.

    There are none if faults can strike no more than `beyond` calls.

    Raises:
        UsageError: Hypothesis is not installed.
    """
    try:
        import hypothesis  # noqa: PLC0415 - an optional extra
        from hypothesis import strategies as st  # noqa: PLC0415 - an optional extra
    except ImportError:
        raise UsageError(
            "Random scenarios need Hypothesis: pip install 'pytest-ycimages[hypothesis]'. Without it, an experiment "
            "tries every scenario up to its depth: random=0."
        ) from None
    plans = [planned for spot in spots for candidate in candidates for planned in candidate.at(*spot)]
    calls = len({(each.method, each.nth) for each in plans})
    if calls <= beyond:
        return []
    by_call = st.lists(
        st.sampled_from(plans),
        min_size=beyond + 1,
        max_size=min(beyond + _MORE, calls),
        unique_by=lambda each: (each.method, each.nth),
    )
    found: dict[str, Scenario] = {}

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(by_call)
    def collect(faults: list[PlannedFault]) -> None:
        scenario = Scenario(tuple(sorted(faults, key=lambda each: (each.method, each.nth))))
        found.setdefault(str(scenario), scenario)

    collect()
    return list(found.values())
