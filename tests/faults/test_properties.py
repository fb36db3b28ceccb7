"""Laws of the decision, for any rules and any calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ycimages import (
    Rule,
    after,
    always,
    between,
    chance,
    every,
    first,
    internal,
    nth,
    over_rate,
    reset,
    script,
    slow,
    stale,
    unavailable,
)
from tests.faults.asking import FIELDS, Decider, asked

if TYPE_CHECKING:
    from pytest_ycimages.api.exchange import Request
    from pytest_ycimages.faults.rule import Per

SCHEDULES = st.recursive(
    st.one_of(
        st.just(always()),
        st.builds(first, st.integers(1, 4)),
        st.builds(nth, st.integers(1, 6)),
        st.builds(every, st.integers(1, 4)),
        st.builds(after, st.integers(0, 4)),
        st.builds(chance, st.sampled_from([0.0, 0.2, 0.5, 0.8, 1.0])),
        st.builds(between, st.integers(0, 4), st.integers(5, 9)),
        st.builds(script, st.lists(st.booleans(), min_size=1, max_size=4), then=st.booleans()),
        st.builds(over_rate, st.integers(0, 3), per=st.integers(1, 3)),
    ),
    lambda inner: st.one_of(
        st.builds(lambda left, right: left & right, inner, inner),
        st.builds(lambda left, right: left | right, inner, inner),
        st.builds(lambda what: ~what, inner),
    ),
    max_leaves=3,
)
FAULTS = st.sampled_from([reset(), unavailable(), internal(), slow(1), stale()])
PER: Final[st.SearchStrategy[Per]] = st.sampled_from(["rule", "call", "connection"])
ON = st.sampled_from(["*", "images.*", "images.create", "operations.get"])
WHERE = st.sampled_from([{}, {"folderId": "b1g"}, {"folderId": "other"}, {"header.x-client": "a*"}])


@st.composite
def rules(draw: st.DrawFn, *, free: bool = False) -> Rule:
    """A rule; a free one counts nothing across calls."""
    when = draw(st.builds(chance, st.floats(0, 1))) if free else draw(SCHEDULES)
    per = "call" if free else draw(PER)
    fault = draw(FAULTS) if not free else draw(st.sampled_from([reset(), unavailable()]))
    where = draw(WHERE)
    return Rule(fault, "images.create" if "folderId" in where else draw(ON), when, per=per, where=where)


CALLS = st.lists(
    st.builds(
        lambda method, name, connection, served, client: asked(
            method, name=name, connection=connection, served=served, headers={"x-client": client}
        ),
        st.sampled_from(sorted(FIELDS)),
        st.integers(0, 3),
        st.integers(1, 2),
        st.integers(0, 1),
        st.sampled_from(["ab", "b"]),
    ),
    max_size=25,
)


def decided(decider: Decider, calls: list[Request]) -> list[tuple[str, float] | None]:
    """Which rule strikes each of the calls, of which one comes every half second."""
    strikes = [decider.decide(call, number / 2) for number, call in enumerate(calls)]
    return [(str(each.injection.rule), each.late) if each else None for each in strikes]


@pytest.mark.costly
@given(st.lists(rules(), max_size=5), CALLS, st.integers())
def test_two_doubles_with_one_seed_decide_alike(laid: list[Rule], calls: list[Request], seed: int) -> None:
    """Whatever the rules and the calls."""
    assert decided(Decider(*laid, seed=str(seed)), calls) == decided(Decider(*laid, seed=str(seed)), calls)


@pytest.mark.costly
@given(st.lists(rules(free=True), max_size=4), CALLS, st.randoms(use_true_random=False))
def test_the_order_of_calls_has_no_part_in_a_chance(laid: list[Rule], calls: list[Request], shuffle: object) -> None:
    """Nor in what counts the attempts of one call: each attempt meets the same fault."""

    def met(ordered: list[Request]) -> dict[object, list[object]]:
        found: dict[object, list[object]] = {}
        for call, strike in zip(ordered, decided(Decider(*laid), ordered), strict=True):
            found.setdefault((call.method, call.identity), []).append(strike)
        return found

    like = {(call.method, call.identity): call for call in calls}  # attempts of one call are alike
    calls = [like[call.method, call.identity] for call in calls]
    other = list(calls)
    shuffle.shuffle(other)  # type: ignore[attr-defined]
    assert met(calls) == met(other)


@pytest.mark.costly
@given(st.lists(rules(), min_size=1, max_size=5), CALLS, st.data())
def test_a_rule_that_never_struck_has_had_no_part(laid: list[Rule], calls: list[Request], data: st.DataObject) -> None:
    """Without it, all is the same; and so it is when it is there and taken out of force."""
    decider = Decider(*laid)
    found = decided(decider, calls)
    idle = [number for number, each in enumerate(decider.injections) if not each.struck]
    if not idle:
        return
    left_out = data.draw(st.sampled_from(idle))
    assert decided(Decider(*laid[:left_out], *laid[left_out + 1 :]), calls) == found
    removed = Decider(*laid)
    removed.injections[left_out].remove()
    assert decided(removed, calls) == found


@pytest.mark.costly
@given(st.lists(rules(), max_size=5), CALLS)
def test_an_account_adds_up(laid: list[Rule], calls: list[Request]) -> None:
    """A call strikes at most one rule, and each that a rule was about is struck or passed."""
    decider = Decider(*laid)
    struck = sum(each is not None for each in decided(decider, calls))
    assert sum(each.struck for each in decider.injections) == struck
    for each in decider.injections:
        passed = each.passed["`when` said no"] + each.passed["another rule struck first"]
        assert each.considered == each.struck + passed


@pytest.mark.costly
@settings(max_examples=20)
@given(st.floats(0.05, 0.95), st.integers())
def test_a_chance_is_near_what_it_says(probability: float, seed: int) -> None:
    """Over a thousand calls, within five standard deviations."""
    calls = [asked("endpoints.list", name=number) for number in range(1000)]
    struck = len(Decider(Rule(internal(), when=chance(probability)), seed=str(seed)).struck(*calls))
    assert abs(struck / 1000 - probability) < 5 * (probability * (1 - probability) / 1000) ** 0.5
