"""Several reports side by side, and what is shown of a long timeline."""

from __future__ import annotations

import pytest

from pytest_ycimages import run_experiment, slow
from pytest_ycimages.experiment.html import Comparison
from pytest_ycimages.experiment.timeline import Moment, shown_moments

from .few_reports import report_of
from .small_clients import careful


def compared(*names: str) -> Comparison:
    """The small clients of these names."""
    return Comparison(tuple(map(report_of, names)))


@pytest.mark.costly
def test_each_flaw_stands_once_with_the_clients_that_have_it() -> None:
    """By judge and cause, whatever the ids are; each with its place in the client's report."""
    comparison = compared("duplicates", "untruthful", "careful")
    assert comparison.labels == ("A", "B", "C")
    assert [(flaw.judge, flaw.places) for flaw in comparison.flaws] == [
        ("no_duplicates", (1, 1, None)),
        ("truthful", (None, 2, None)),
    ]


@pytest.mark.costly
def test_each_fault_stands_once_with_how_each_client_fared() -> None:
    """A fault that struck only one of them as well."""
    slowed = run_experiment(careful, faults=[slow(99)])
    comparison = Comparison((report_of("careful"), slowed))
    fared = {each.fault: each.rows for each in comparison.faults}
    assert fared["slow(seconds=99)"] == (None, slowed.faults[0])
    assert fared["slow(seconds=5)"][1] is None


@pytest.mark.costly
def test_clients_are_compared_as_a_whole() -> None:
    """How often they succeeded, and after how long."""
    (overall,) = compared("careful").overall
    rows = report_of("careful").faults
    assert overall.trials == sum(row.trials for row in rows)
    assert 0 < overall.succeeded < overall.trials
    assert overall.median is not None
    assert overall.median >= report_of("careful").baseline.seconds
    (nothing,) = compared("hostile").overall
    assert (nothing.trials, nothing.median) == (0, None)


@pytest.mark.costly
def test_what_was_not_tried_alike_is_told() -> None:
    """The seed, the depth, the judges, the settings, and whether there was time."""
    first = run_experiment(careful, depth=0)
    other = run_experiment(careful, depth=1, seed=3, judges=["truthful"], settings={"timing": 9}, budget=0)
    assert Comparison((first, first)).differences == []
    assert len(Comparison((first, other)).differences) == 5


@pytest.mark.costly
def test_more_clients_than_letters_have_numbers() -> None:
    """All labels differ."""
    labels = Comparison((report_of("careful"),) * 30).labels
    assert labels[25:28] == ("Z", "#27", "#28")
    assert len(set(labels)) == 30


def moments(count: int, *proving: int) -> list[Moment]:
    """A timeline of so many moments, of which some prove something."""
    return [Moment(at=place, asked=str(place), told="", happened="", proves=place in proving) for place in range(count)]


def polls(*asked: str, proves: bool = False) -> list[Moment]:
    """A timeline in which one thing after the other is asked, a second apart."""
    return [Moment(at=place, asked=each, told="", happened="", proves=proves) for place, each in enumerate(asked)]


def words(timeline: list[Moment], ends: int = 30) -> list[str]:
    """What is shown of it."""
    return [line.moment.asked if line.moment else line.words for line in shown_moments(timeline, ends)]


def test_many_equal_calls_in_a_row_are_shown_as_one() -> None:
    """Two are shown, and so is everything that is not equal, and whatever proves something."""
    assert words(polls("a", "b", "b", "a")) == ["a", "b", "b", "a"]
    assert words(polls("a", "b", "b", "b", "a", "a", "a", "a")) == [
        *("a", "b", "2 more like it, to +3.000s"),
        *("a", "3 more like it, to +7.000s"),
    ]
    assert words(polls("b", "b", "b", "b", proves=True)) == ["b", "b", "b", "b"]


def test_calls_that_are_shown_as_one_count_each_when_they_are_left_out() -> None:
    """So the sum is right."""
    timeline = polls("a", "b", *"cccc", "d", "e")
    assert words(timeline, ends=2) == ["a", "b", "4 calls left out", "d", "e"]
    assert words(timeline, ends=1) == ["a", "6 calls left out", "e"]


@pytest.mark.parametrize("count", [0, 1, 59, 60])
def test_a_short_timeline_is_shown_whole(count: int) -> None:
    """Nothing is left out."""
    assert [shown.moment for shown in shown_moments(moments(count))] == moments(count)


def test_of_a_long_timeline_the_ends_and_the_proof_are_shown() -> None:
    """With how many are left out between."""
    shown = shown_moments(moments(1000, 500), ends=3)
    assert [each.moment.asked if each.moment else each.left_out for each in shown] == [
        *("0", "1", "2"),
        497,
        "500",
        496,
        *("997", "998", "999"),
    ]


def test_a_timeline_in_which_everything_proves_something_is_cut_as_well() -> None:
    """The first of what proves it will do."""
    assert len(shown_moments(moments(1000, *range(1000)), ends=3)) == 3 + 6 + 1 + 3
