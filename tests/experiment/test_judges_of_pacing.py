"""Clients that are ended because of their calls: `finishes` has those that waited, and `bounded` the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_ycimages import bounded, finishes, operation_never_ends, refuse, reset
from pytest_ycimages.experiment.judges import judged

from .flawed_clients import storms
from .hasty_clients import (
    ConnectsAHundredTimesASecond,
    ConnectsEverySecond,
    PollsEverySecond,
    PollsWithoutAPause,
    WaitsOnceAndThenNever,
)
from .judging import at, client, said, trial

if TYPE_CHECKING:
    from pytest_ycimages import PlannedFault

    from .flawed_clients import Baker

NEVER_ENDS = at(operation_never_ends(), "images.create")


@pytest.mark.parametrize(
    ("kind", "faults", "of_finishes", "of_bounded"),
    [
        (PollsWithoutAPause, [], "nothing", "calls too often"),
        (PollsWithoutAPause, [NEVER_ENDS], "nothing", "calls too often"),
        (WaitsOnceAndThenNever, [NEVER_ENDS], "nothing", "calls too often"),
        (PollsEverySecond, [], "content", "content"),
        pytest.param(PollsEverySecond, [NEVER_ENDS], "does not end", "calls too often", marks=pytest.mark.costly),
        (ConnectsEverySecond, [at(refuse(seconds=2000), "images.create")], "does not end", "content"),
        (ConnectsAHundredTimesASecond, [at(refuse(seconds=2000), "images.create")], "nothing", "storms"),
        (ConnectsAHundredTimesASecond, [at(reset(), "images.create")], "content", "content"),
    ],
)
def test_a_client_with_too_many_calls_fails_one_judge(
    kind: type[Baker], faults: list[PlannedFault], of_finishes: str, of_bounded: str
) -> None:
    """Whether it waited tells which; a client that does not end may still make too many calls."""
    made = trial(client(kind), *faults, calls=1000 if kind is PollsEverySecond else 200)
    assert (said(finishes(), made), said(bounded(), made)) == (of_finishes, of_bounded)


@pytest.mark.costly
def test_a_client_that_never_waits_calls_too_often_however_often_it_may() -> None:
    """It was ended before it could make as many calls."""
    verdict = judged(bounded(calls=5000), trial(client(PollsWithoutAPause)))
    assert verdict is not None
    assert verdict.explanation == "The client made 1000 calls without a pause and had not ended."
    assert verdict.proof == (999,)


@pytest.mark.costly
def test_a_client_that_waits_may_make_as_many_calls_as_it_may() -> None:
    """That it does not end is for another judge."""
    assert said(bounded(calls=1000), trial(client(PollsEverySecond), NEVER_ENDS)) == "content"


@pytest.mark.costly
def test_refused_connections_are_told_though_they_are_no_calls() -> None:
    """One call alone would be no reason."""
    verdict = judged(finishes(), trial(client(ConnectsEverySecond), at(refuse(seconds=2000), "images.create")))
    assert verdict is not None
    assert verdict.explanation == (
        "The client made 1 calls and was refused 999 connections in 999 seconds and had not ended."
    )


@pytest.mark.costly
def test_connections_that_are_refused_at_once_are_a_storm() -> None:
    """They are counted."""
    verdict = judged(bounded(), trial(storms, at(refuse(seconds=5), "images.create")))
    assert verdict is not None
    assert verdict.explanation == "The client stormed: it was refused 999 connections, more than 10 in a second."
