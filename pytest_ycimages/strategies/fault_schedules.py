"""Hypothesis strategies for timings and fault rules: any fault of the catalogue, at any calls that it can strike."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, get_args

from hypothesis import strategies as st

from pytest_ycimages.api.methods import METHODS, matching
from pytest_ycimages.cloud.script import Script, Stage
from pytest_ycimages.cloud.timing import After, AfterPolls, BySource, Immediate, LogNormal, Never, PerGiB, Uniform
from pytest_ycimages.errors import UsageError, unknown_word
from pytest_ycimages.faults.catalogue import CATALOGUE, METHODS_OF
from pytest_ycimages.faults.fault import Fault, arguments_of
from pytest_ycimages.faults.rule import Per, Rule
from pytest_ycimages.faults.schedules import after, always, between, chance, every, first, nth, over_rate, script
from pytest_ycimages.text_values import LONGEST, is_seconds

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from pytest_ycimages.cloud.timing import Timing
    from pytest_ycimages.faults.schedules import When

_POLLS: Final = 10
_STAGES: Final = 3
_SOURCES: Final = ("disk", "snapshot", "image", "uri", "other")


def timings(*, longest: float = 3600, ending: bool = False) -> SearchStrategy[Timing]:
    """Return a strategy of timings for `Double(timing=...)`, which shrinks towards the default, `AfterPolls(1)`.

    Args:
        longest: the most seconds of a bound, median or stage.
        ending: whether every operation ends by itself, as polls show.

    Raises:
        UsageError: `longest` is not a number of seconds above zero.
    """
    if not is_seconds(longest) or not 0 < longest <= LONGEST:
        raise UsageError(f"invalid timings(longest={longest!r}): expected seconds above zero, such as 600")
    plain = plain_timings(longest, ending=ending)
    kinds = st.dictionaries(st.sampled_from(_SOURCES), plain, min_size=1).map(lambda given: BySource(**given))
    return st.one_of(plain, kinds, _scripts(longest, ending=ending))


def plain_timings(longest: float, *, ending: bool = False) -> SearchStrategy[Timing]:
    """Return a strategy of the timings that can be written as text."""
    return st.one_of(
        st.just(AfterPolls(1)),
        st.builds(AfterPolls, st.integers(1, _POLLS)),
        st.builds(Immediate),
        *([] if ending else [st.builds(Never)]),
        _clocked(longest),
    )


def seconds_up_to(longest: float) -> SearchStrategy[float]:
    """Return a strategy of durations in seconds: whole ones first, else to the millisecond."""
    whole = st.integers(0, int(longest))
    return st.one_of(whole, st.integers(0, int(longest * 1000)).map(lambda number: number / 1000))


def _clocked(longest: float) -> SearchStrategy[Timing]:
    seconds = seconds_up_to(longest)
    positive = seconds.map(lambda number: number or min(1.0, longest))
    bounds = st.tuples(seconds, seconds).map(sorted)
    spread = st.integers(0, 20).map(lambda number: number / 10)
    return st.one_of(
        st.builds(After, seconds),
        bounds.map(lambda pair: Uniform(*pair)),
        st.builds(lambda median, sigma: LogNormal(median, sigma, cap=longest), positive, spread),
        st.builds(PerGiB, seconds, seconds),
    )


def _scripts(longest: float, *, ending: bool) -> SearchStrategy[Timing]:
    """Stories that begin as anything does which is not over, and end as one of them can."""
    lasting = seconds_up_to(longest).map(lambda number: number or min(1.0, longest))
    metadata = st.none() | st.integers(0, 100).map(lambda percent: {"progressPercent": percent})
    running = st.builds(lambda seconds, shown: Stage("running", seconds, metadata=shown), lasting, metadata)
    vanished = st.builds(lambda seconds: Stage("vanished", seconds), lasting)
    failing = st.builds(lambda seconds: Stage("failing", seconds), lasting)
    before = st.lists(running | vanished, max_size=_STAGES)
    ends = ("succeeded", "failed") if ending else ("succeeded", "failed", "running", "vanished", "failing", "empty")

    def story(stages: list[Stage], last: str, error: list[Stage]) -> Script:
        return Script(*stages, *(error if last == "failed" else ()), Stage(last))

    return st.builds(story, before, st.sampled_from(ends), st.lists(failing, max_size=1))


_CALLS: Final = 6
"""The last call of a method that a schedule counts to by itself."""


def values_of(fault: str, /) -> SearchStrategy[dict[str, Any]]:
    """Return a strategy for the arguments of a fault of the catalogue: each required one, and any of the others."""
    required: dict[str, SearchStrategy[Any]] = {}
    optional: dict[str, SearchStrategy[Any]] = {}
    for name, (parameter, kind) in arguments_of(inspect.unwrap(CATALOGUE[fault])).items():
        (required if parameter.default is parameter.empty else optional)[name] = st.sampled_from(kind.values)
    if set(optional) == {"reads", "seconds"}:  # one of the two is required
        return st.one_of([st.fixed_dictionaries({each: drawn}) for each, drawn in optional.items()])
    return st.fixed_dictionaries(required, optional=optional)


def fault_schedules(
    faults: Iterable[str | Fault] | None = None, *, on: str = "*", min_size: int = 0, max_size: int = 3
) -> SearchStrategy[list[Rule]]:
    """Return a strategy for lists of rules, for `Double(faults=...)`.

    No rule has to strike. Lists shrink towards no fault at all, and each rule towards the mildest fault of the first
    call.

    Args:
        faults: names of the catalogue, such as `"reset"`, for faults with random arguments; or faults such as
            `reset(after=10)`. None: the whole catalogue.
        on: a method word or glob: the methods that they may strike.
        min_size: the least number of rules.
        max_size: the greatest number of rules.

    Raises:
        UsageError: a name that does not exist, or no fault that can strike any of the methods.
    """
    chosen = faults if isinstance(faults, Iterable) and not isinstance(faults, str) else (faults,)
    able = [drawn for each in (CATALOGUE if faults is None else chosen) if (drawn := _drawn(each, on)) is not None]
    if not able:
        named = "" if faults is None else f"{faults!r}, "
        raise UsageError(f"invalid fault_schedules({named}on={on!r}): expected a fault that can strike these methods")
    rules = st.one_of(able).flatmap(lambda fault: _rules(fault, on))
    return st.lists(rules, min_size=min_size, max_size=max_size)


def _drawn(fault: Any, on: str) -> SearchStrategy[Fault] | None:
    """Return a strategy for a fault, or for one of that name; None if it cannot strike any of the methods."""
    if not isinstance(fault, Fault) and fault not in CATALOGUE:
        raise unknown_word("fault", fault, CATALOGUE)
    if matching(on).isdisjoint(fault.methods if isinstance(fault, Fault) else METHODS_OF[fault]):
        return None
    if isinstance(fault, Fault):
        return st.just(fault)
    return values_of(fault).map(lambda values: CATALOGUE[fault](**values))


def schedules(calls: int = _CALLS) -> SearchStrategy[When]:
    """Return a strategy for schedules and their combinations.

    Args:
        calls: the last call that they count to.
    """
    number = st.integers(1, calls)
    simple: SearchStrategy[When] = st.one_of(
        st.just(nth(1)),
        st.builds(nth, number),
        st.builds(first, number),
        st.lists(number, min_size=2, max_size=3, unique=True).map(lambda several: nth(*sorted(several))),
        st.builds(every, number),
        st.builds(after, st.integers(0, calls)),
        st.builds(always),
        st.integers(0, 100).map(lambda percent: chance(percent / 100)),
        st.builds(lambda start, long: between(start, start + long), st.integers(0, 600), st.integers(1, 600)),
        st.builds(script, st.lists(st.booleans(), min_size=1, max_size=calls), then=st.booleans()),
        st.builds(over_rate, st.integers(0, calls), per=st.integers(1, 60)),
    )
    return simple | st.one_of(
        st.builds(lambda left, right: left & ~right, simple, simple),
        st.builds(lambda left, right: left | right, simple, simple),
    )


@st.composite
def _rules(draw: st.DrawFn, fault: Fault, on: str) -> Rule:
    words = sorted(matching(on) & set(fault.methods), key=METHODS.index)
    return Rule(
        fault,
        on=draw(st.sampled_from([*words, on])),
        when=draw(schedules()),
        commit=draw(st.sampled_from(fault.commits)),
        per=draw(st.sampled_from(get_args(Per))),
        expect=False,
    )
