"""When a fault strikes: each schedule, how they combine, and what `per` counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

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
    script,
    stale,
)
from tests.faults.asking import Decider, asked

if TYPE_CHECKING:
    from pytest_ycimages.faults.schedules import When


@pytest.mark.parametrize(
    ("when", "struck"),
    [
        (always(), [1, 2, 3, 4, 5, 6]),
        (first(2), [1, 2]),
        (nth(2), [2]),
        (nth(1, 6, 9), [1, 6]),
        (every(1), [1, 2, 3, 4, 5, 6]),
        (every(3), [3, 6]),
        (after(0), [1, 2, 3, 4, 5, 6]),
        (after(4), [5, 6]),
        (chance(0), []),
        (chance(1), [1, 2, 3, 4, 5, 6]),
        (script([True, False, True]), [1, 3]),
        (script([False, True], then=True), [2, 3, 4, 5, 6]),
        (first(4) & after(2), [3, 4]),
        (first(1) | nth(5), [1, 5]),
        (~first(4), [5, 6]),
        (~(first(2) | every(2)), [3, 5]),
        (first(4) & ~nth(2) | nth(6), [1, 3, 4, 6]),
    ],
    ids=str,
)
def test_a_schedule_says_which_of_six_calls_are_struck(when: When, struck: list[int]) -> None:
    """Counted from 1."""
    calls = [asked(name=number) for number in range(6)]
    assert Decider(Rule(internal(), when=when)).struck(*calls) == struck


def test_a_time_begins_with_its_start_and_is_over_at_its_end() -> None:
    """In seconds since the double began."""
    decider = Decider(Rule(internal(), when=between(1, 2.5)))
    times = (0.999, 1, 2, 2.499, 2.5, 3)
    assert [at for at in times if decider.decide(asked(), at)] == [1, 2, 2.499]


def test_a_rate_limit_has_a_window_that_slides() -> None:
    """A call that came exactly so long ago counts no more, so that who waits as long as told is let in."""
    decider = Decider(Rule(internal(), when=over_rate(2, per=0.3)))
    times = (0.1, 0.2, 0.3, 0.6, 0.65, 0.7, 1.0)
    assert [at for at in times if decider.decide(asked(), at)] == [0.3, 0.7]


def test_a_rate_limit_counts_what_it_struck() -> None:
    """Who goes on at once is never let in again."""
    decider = Decider(Rule(internal(), when=over_rate(1, per=1)))
    assert [number for number in range(6) if decider.decide(asked(), number / 2)] == [1, 2, 3, 4, 5]


def test_a_rule_counts_its_calls_together() -> None:
    """Whichever they are."""
    calls = [asked(name="a"), asked(name="b"), asked("images.get"), asked(name="a")]
    assert Decider(Rule(internal(), when=first(2))).struck(*calls) == [1, 2]


def test_attempts_are_counted_for_each_call() -> None:
    """The same call made again."""
    calls = [asked(name="a"), asked(name="b"), asked(name="a"), asked(name="b"), asked(name="a")]
    assert Decider(Rule(internal(), when=nth(2), per="call")).struck(*calls) == [3, 4]


def test_calls_are_counted_for_each_connection() -> None:
    """The first over each, for instance."""
    calls = [asked(connection=each) for each in (1, 1, 2, 1, 3)]
    assert Decider(Rule(internal(), when=first(1), per="connection")).struck(*calls) == [1, 3, 5]


def test_a_stale_connection_is_one_that_was_used() -> None:
    """A new one is none of the rule's business, and does not count."""
    decider = Decider(Rule(stale(), when=first(1)))
    assert decider.struck(asked(served=0), asked(served=1), asked(served=2)) == [2]
    assert decider.injections[0].passed == {"its connection was new": 1, "`when` said no": 1}


def test_a_chance_is_about_what_it_says() -> None:
    """Over ten thousand calls."""
    calls = [asked("endpoints.list", name=number) for number in range(10_000)]
    struck = Decider(Rule(internal(), when=chance(0.3))).struck(*calls)
    assert len(struck) == pytest.approx(3000, rel=0.05)


def test_chances_of_different_rules_are_independent() -> None:
    """Each call has one with each."""
    calls = [asked("endpoints.list", name=number) for number in range(2_000)]
    rules = Rule(internal(), when=chance(0.5)), Rule(internal(), on="endpoints.*", when=chance(0.5))
    one, other = (set(Decider(rule).struck(*calls)) for rule in rules)
    assert len(one & other) == pytest.approx(500, rel=0.15)


def test_a_predicate_has_the_same_chance_in_every_run() -> None:
    """Its address has no part in it."""

    def rule() -> Rule:
        return Rule(internal(), on=lambda _: True, when=chance(0.5))

    calls = [asked("endpoints.list", name=number) for number in range(50)]
    keep = rule()
    assert Decider(rule()).struck(*calls) == Decider(keep).struck(*calls)
    assert " at 0x" not in str(keep)
