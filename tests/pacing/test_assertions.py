"""Assertions about a client's pace, and what they say when they fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from pytest_ycimages import UsageError
from tests.pacing.waiting import polls

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages import Pacing
    from tests.pacing.waiting import Waiting

GOLDEN: Final = """\
Expected a poll every 2s (pauses), give or take 0.001s; poll 3 came 3.5s after poll 2.
operation <operation> (image <image>): 4 polls, the first after 2.000s, pauses of 2.000s to 3.500s, growth 1.16, \
jitter 50.8%, 1 after done
    start  +0.250s     images.create
         1  +2.250s     after 2.000s    OK  running
         2  +4.500s     after 2.000s    OK  running
         3  +8.250s     after 3.500s    OK  succeeded  <-- here
         4  +10.500s    after 2.000s    OK  succeeded
If that is what the client should do, write assert_every(3.5)."""


def said(check: Callable[[], object]) -> str:
    """What an assertion that fails says."""
    with pytest.raises(AssertionError) as failure:
        check()
    return str(failure.value)


def pacing_of(*times: float, latency: float = 0) -> Pacing:
    """How a client paced itself that polled at these times."""
    return polls(*times, latency=latency).pacing["fd8"]


STEADY: Final = pacing_of(0, 1, 2, 3, 4)
DOUBLING: Final = pacing_of(0, 1, 3, 7, 15, 23)
DRAWN: Final = pacing_of(0, 1.1, 3, 7.3, 14.9, 31)


def test_a_failure_shows_the_polls_the_expectation_the_offender_and_the_way_out(
    waiting: Callable[..., Waiting],
) -> None:
    """The whole text, as a reader meets it."""
    client = waiting(latency=0.25, timing=8).poll(2, 2, 3.5, 2)
    text = said(lambda: client.pacing.assert_every(2)).replace(client.id, "<operation>")
    assert text.replace(client.image_id, "<image>") == GOLDEN


def test_every_takes_a_steady_client() -> None:
    """Within the tolerance, which is a millisecond unless given."""
    STEADY.assert_every(1)
    STEADY.assert_every(1.001)
    STEADY.assert_every(1.5, tolerance=0.5)
    assert "poll 2 came 1s after poll 1" in said(lambda: STEADY.assert_every(1.0011))
    assert "poll 3 came 2s after poll 2" in said(lambda: DOUBLING.assert_every(1))


def test_every_measures_pauses_or_intervals() -> None:
    """A client that sleeps, and one that keeps to a timetable; the text says when the other one fits."""
    sleeping = pacing_of(0, 1.5, 3, 4.5, latency=0.5)
    sleeping.assert_every(1)
    sleeping.assert_every(1.5, measured="intervals")
    assert 'write measured="intervals" if they are meant' in said(lambda: sleeping.assert_every(1.5))
    assert 'write measured="pauses" if they are meant' in said(lambda: sleeping.assert_every(1, measured="intervals"))
    with pytest.raises(UsageError, match=r"invalid measured='gaps': expected \"pauses\" or"):
        sleeping.assert_every(1, measured="gaps")  # type: ignore[arg-type]  # tests are not always type-checked


def test_no_faster_than_looks_at_intervals() -> None:
    """The load is what counts; a client with few polls is not too fast."""
    STEADY.assert_no_faster_than(1)
    STEADY.assert_no_faster_than(1.001)
    pacing_of(0, 1.5, latency=1).assert_no_faster_than(1.5)
    pacing_of(0).assert_no_faster_than(60)
    text = said(lambda: pacing_of(0, 2, 3.5).assert_no_faster_than(2))
    assert text.startswith("Expected at least 2s from the start of a poll to the next; poll 3 came only 1.5s after")


def test_backs_off_takes_what_grows() -> None:
    """By any factor, by a given one, by at least one; up to a cap."""
    DOUBLING.assert_backs_off()
    DOUBLING.assert_backs_off(2, cap=8)
    DOUBLING.assert_backs_off(at_least=2, cap=8)
    DOUBLING.assert_backs_off(at_least=1.5, cap=8)
    DRAWN.assert_backs_off(2, tolerance=0.2)
    pacing_of(0, 1, 4, 13).assert_backs_off(3)


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (STEADY.assert_backs_off, "the pauses to grow; poll 5 came after a pause of 1s, which is no longer than"),
        (pacing_of(0, 2, 3).assert_backs_off, "at least as long as the one before, give or take 1%; poll 3 came"),
        (lambda: STEADY.assert_backs_off(2), "to be 2 times the one before, give or take 1%; poll 3 came after"),
        (lambda: DOUBLING.assert_backs_off(2), "poll 6 came after a pause of 8s, where 16s was expected"),
        (lambda: DOUBLING.assert_backs_off(2, cap=4), "poll 5 came after a pause of 8s, where 4s was expected"),
        (lambda: DOUBLING.assert_backs_off(at_least=1, cap=4), "poll 5 came after a pause of 8s, where at least 4s"),
        (lambda: DOUBLING.assert_backs_off(1.5), "poll 3 came after a pause of 2s, where 1.5s was expected"),
        (lambda: DOUBLING.assert_backs_off(at_least=3), "poll 3 came after a pause of 2s, where at least 3s was"),
        (lambda: DRAWN.assert_backs_off(2), "allow for it with `tolerance`; if it has a limit, give `cap`"),
    ],
)  # fmt: skip
def test_backs_off_refuses_what_does_not(check: Callable[[], object], text: str) -> None:
    """And names the pause."""
    assert text in said(check)


def test_backs_off_takes_one_factor() -> None:
    """Exactly, or at least."""
    with pytest.raises(UsageError, match="but not both"):
        DOUBLING.assert_backs_off(2, at_least=2)


def test_jitters_takes_what_is_spread() -> None:
    """And refuses what is not, or too much, or cannot be told."""
    DRAWN.assert_jitters()
    DRAWN.assert_jitters(0.03, at_most=0.3)
    assert "the jitter is 0.0%" in said(STEADY.assert_jitters)
    assert "the jitter is 0.0%" in said(DOUBLING.assert_jitters)
    assert "by at least 1.0% and at most 2.0%" in said(lambda: DRAWN.assert_jitters(at_most=0.02))
    assert "one pause is zero" in said(pacing_of(0, 1, 1, 3, 5).assert_jitters)


def test_stops_when_done_refuses_the_first_poll_too_many(waiting: Callable[..., Waiting]) -> None:
    """A client that has not seen the end has not polled beyond it."""
    waiting(timing=3).poll(1, 2).pacing.assert_stops_when_done()
    waiting().poll(1, 2).pacing.assert_stops_when_done()
    text = said(waiting(timing=3).poll(1, 2, 1, 1).pacing.assert_stops_when_done)
    assert "poll 3 came though the answer at +3.000s had shown the operation done" in text
    assert text.count("<-- here") == 1


def test_obeys_hints_refuses_the_first_poll_that_is_too_early(waiting: Callable[..., Waiting]) -> None:
    """And a test in which nobody asked for anything, as it proves nothing."""
    waiting(poll_interval=3).poll(1, 3, 4).pacing.assert_obeys_hints()
    text = said(waiting(poll_interval=3).poll(1, 3, 2, 1).pacing.assert_obeys_hints)
    assert "poll 3 came too early: x-operation-poll-interval 3.000s at +4.000s: waited 2.000s, NOT obeyed." in text
    assert text.count("NOT obeyed") == 3
    assert text.endswith("\nLet the client read x-operation-poll-interval.")
    assert "give the double the setting poll_interval=2" in said(waiting().poll(1).pacing.assert_obeys_hints).lower()


@pytest.mark.parametrize(
    ("check", "needed"),
    [
        (lambda pacing: pacing.assert_every(1), 2),
        (lambda pacing: pacing.assert_backs_off(), 3),
        (lambda pacing: pacing.assert_jitters(), 4),
    ],
)
def test_too_few_polls_prove_nothing(
    waiting: Callable[..., Waiting], check: Callable[[Pacing], object], needed: int
) -> None:
    """So that a test whose operation is done too soon does not pass by accident."""
    pauses = [1, 2, 5.5, 7]
    check_it = waiting().poll(*pauses[: needed - 1]).pacing
    text = said(lambda: check(check_it))
    assert f"that takes {needed} polls, and there are {needed - 1}" in text
    assert f"Let the operation take longer, such as timing=AfterPolls({needed + 1})." in text


@pytest.mark.costly
def test_a_long_story_is_cut_around_the_poll_that_is_wrong() -> None:
    """Hundreds of polls hide nothing."""
    pacing = pacing_of(*range(150), *range(151, 251))
    text = said(lambda: pacing.assert_every(1))
    assert text.count("\n") < 30
    assert "... 140 earlier polls" in text
    assert "... 90 later polls" in text
    assert "       151  +151.000s   after 2.000s    OK  running  <-- here" in text
    assert "... 230 earlier polls" in str(pacing)


def test_a_report_says_what_there_is(waiting: Callable[..., Waiting]) -> None:
    """One line, whatever is missing."""
    assert waiting().pacing.summary == "never polled"
    assert waiting().poll(1).pacing.summary == "1 poll, the first after 1.000s, done never shown"
    assert waiting(poll_interval=2).poll(1, 1).pacing.summary == (
        "2 polls, the first after 1.000s, pauses of 1.000s, done never shown, 1 of 2 hints obeyed"
    )
    assert str(waiting().pacing).endswith(": never polled\n    start  +0.000s     images.create")
