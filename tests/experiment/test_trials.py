"""One trial: how clients end, how those are ended that do not, and that nothing is left of one in the next."""

from __future__ import annotations

import math
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_ycimages import (
    Double,
    Outcome,
    Scenario,
    TrialLimits,
    UsageError,
    VirtualTime,
    assert_survives,
    finishes,
    nth,
    run_trial,
    unavailable,
)
from pytest_ycimages.cloud import clock
from pytest_ycimages.experiment.progress import summary_of
from pytest_ycimages.experiment.trials import TrialRunner
from pytest_ycimages.settings import Settings
from pytest_ycimages.virtual.frozen import real_monotonic

from . import odd_clients
from .flawed_clients import correct

if TYPE_CHECKING:
    from pytest_ycimages import Trial
    from pytest_ycimages.experiment.client import Client


def trials(client: Client, count: int = 1, *, limits: TrialLimits = TrialLimits()) -> list[Trial]:  # noqa: B008 - frozen
    """Trials in which nothing goes wrong."""
    return TrialRunner(client, Settings(timing=5, unknown_fields="ignore"), limits).trials([Scenario()] * count)


@pytest.mark.parametrize(
    ("client", "outcome"),
    [
        (odd_clients.interrupts, "raised KeyboardInterrupt"),
        (odd_clients.exits, "raised SystemExit: 3"),
        (odd_clients.returns_nothing, "returned None"),
        (odd_clients.returns_what_cannot_be_shown, "returned '<unprintable Shy>'"),
        (odd_clients.raises_what_cannot_be_shown, "raised Shy: <unprintable Shy>"),
        (odd_clients.raises_half_a_character, "raised ValueError: no JSON: \\udc84"),
        pytest.param(
            odd_clients.swallows_everything,
            "did not end within the time that a trial has",
            marks=pytest.mark.costly,  # it calls every ten seconds of an hour
        ),
        (odd_clients.waits_for_an_event, "did not end within the time that a trial has"),
        (odd_clients.waits_for_a_lock, "did not end within the time that a trial has"),
        (odd_clients.hammers, "did not end within the calls that a trial has"),
    ],
)
def test_a_trial_ends_however_the_client_does(client: Client, outcome: str) -> None:
    """And so does the next one, in the same way; no thread of either is left."""
    before = threading.active_count()
    calls = 100 if client is odd_clients.hammers else 400
    first, second = trials(client, 2, limits=TrialLimits(calls=calls))
    assert str(first.outcome) == str(second.outcome) == outcome
    assert first == second
    if client is not odd_clients.waits_for_a_lock:  # which cannot be ended
        assert threading.active_count() == before


@pytest.mark.costly
def test_a_client_that_spins_is_interrupted() -> None:
    """Nothing but real time can tell that it does not end."""
    before = threading.active_count()
    (trial,) = trials(odd_clients.spins, limits=TrialLimits(patience=0.2))
    assert trial.outcome.limit == "stuck"
    assert threading.active_count() == before


def test_hopeless_waits_take_no_patience() -> None:
    """Virtual time has a next moment, so the trial does not wait in real time."""
    made = trials(odd_clients.waits_for_an_event, 20, limits=TrialLimits(patience=math.inf))
    assert {trial.seconds for trial in made} == {3600}


def test_a_client_that_ends_exactly_at_the_limit_has_ended() -> None:
    """Each time, though client and trial wait for the same moment."""
    made = trials(odd_clients.sleeps_for_a_minute, 20, limits=TrialLimits(seconds=60))
    assert {str(trial.outcome) for trial in made} == {"returned 'slept'"}


@pytest.mark.parametrize("client", [odd_clients.leaves_a_poller, odd_clients.leaves_a_pool])
def test_threads_that_a_client_leaves_behind_have_no_part_in_the_next_trial(client: Client) -> None:
    """Each trial sees the calls of its own client alone, at the same moments."""
    first, *others = trials(client, 4)
    assert [str(call) for call in first.calls] != []
    assert all([str(call) for call in other.calls] == [str(call) for call in first.calls] for other in others)
    for pool in odd_clients.POOLS:
        pool.shutdown()
    odd_clients.POOLS.clear()


def test_every_trial_begins_at_the_same_moment() -> None:
    """So it does not matter which trials came before."""
    outcomes = {str(trial.outcome) for trial in trials(odd_clients.tells_the_time, 3)}
    assert outcomes == {"returned '1767225601.5 1.5'"}


def test_a_trial_is_the_same_each_time() -> None:
    """Calls, ids, outcome and truth."""
    first, second = trials(correct, 2)
    assert first == second
    assert list(map(str, first.calls)) == list(map(str, second.calls))
    assert first.succeeded


def test_trials_that_end_differently_are_told_apart() -> None:
    """Else a search would extend only one of their scenarios."""
    (trial,) = trials(correct)
    other = replace(trial, outcome=Outcome("raised", error="RuntimeError: not now"))
    one, two = (summary_of(each, ()) for each in (trial, other))
    assert one.story != two.story
    assert one.sequel != two.sequel


def test_virtual_time_is_over_after_trials() -> None:
    """What comes next has real time."""
    trials(correct)
    assert clock.shared is None


def test_an_error_has_nothing_in_it_that_differs_from_run_to_run() -> None:
    """Neither the port nor where an object lies in memory."""

    def raises(url: str, token: str) -> str:  # noqa: ARG001 - every client takes both
        raise ValueError(f"{object()} at {url}")

    (trial,) = trials(raises)
    assert trial.outcome.error == "ValueError: <object object at 0x...> at http://127.0.0.1:PORT"
    assert "in raises" in trial.outcome.traceback


def test_an_invalid_client_or_double_is_refused(ycimages_time: VirtualTime, ycimages: Double) -> None:  # noqa: ARG001 - it lasts
    """The error says what is."""
    with pytest.raises(UsageError, match="invalid client"):
        assert_survives(5, ycimages)  # type: ignore[arg-type]  # what is tested
    with pytest.raises(UsageError, match="expected the double itself"):
        run_trial(correct, ycimages.url)  # type: ignore[arg-type]  # what is tested


def test_a_trial_takes_virtual_time() -> None:
    """The error says how to come by it."""
    with Double() as double, pytest.raises(UsageError, match="`ycimages_time`"):
        run_trial(correct, double)


def test_in_a_test_the_scenario_is_what_is_injected(ycimages_time: VirtualTime, ycimages: Double) -> None:
    """As far as it struck."""
    ycimages.timing = 5
    ycimages.inject(unavailable(), on="images.create", when=nth(1), commit="after")
    ycimages.inject(unavailable(), on="images.list", expect=False)
    trial = assert_survives(correct, ycimages)
    assert str(trial.scenario) == "unavailable() at call 1 of images.create, after the commit"
    assert trial.seconds == ycimages_time.elapsed == 5.75


@pytest.mark.costly
@pytest.mark.usefixtures("ycimages_time")
def test_what_a_client_does_not_survive_is_told(ycimages: Double) -> None:
    """The judge, why, what goes wrong, and the timeline."""
    with pytest.raises(AssertionError) as raised:
        assert_survives(odd_clients.swallows_everything, ycimages, finishes(within=60))
    text = str(raised.value)
    assert text.startswith("finishes(within=60): The client did not end")
    assert "What goes wrong: nothing goes wrong." in text
    assert "GET /compute/v1/images" in text


def test_real_time_is_told_beside() -> None:
    """It does not count when trials are compared."""
    began = real_monotonic()
    (trial,) = trials(correct)
    assert 0 < trial.real_seconds <= real_monotonic() - began
