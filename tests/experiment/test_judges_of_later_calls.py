"""The judges of what a client does when its operation is over: other operations, a look at the image, nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from pytest_ycimages import (
    PlannedFault,
    Scenario,
    TrialLimits,
    bad_gateway,
    cancels,
    finishes,
    image_seen_late,
    no_orphans,
    operation_fails,
    operation_lost,
    operation_never_ends,
    polite,
    rate_limited,
    refuse,
    reset,
    slow,
    unavailable,
)
from pytest_ycimages.experiment.judges import DEFAULT_JUDGES, failures, judged
from pytest_ycimages.experiment.trials import TrialRunner
from pytest_ycimages.settings import Settings

from .judging import at, client, said, trial
from .later_clients import (
    CancelsLabels,
    ClearsUp,
    CuriousOfLabels,
    Dawdles,
    DawdlesAfterLabels,
    DawdlesBeforeLabels,
    DawdlesTooLong,
    Labels,
    LabelsInTime,
    LabelsOrFails,
    Verifies,
)

if TYPE_CHECKING:
    from .flawed_clients import Baker


@pytest.mark.parametrize(
    ("kind", "faults"),
    [
        (Labels, []),
        (Labels, [at(operation_fails(), "images.update")]),
        (LabelsInTime, [at(operation_never_ends(), "images.update")]),
        (ClearsUp, [at(operation_lost(), "images.create")]),
    ],
)
def test_another_operation_of_the_image_is_not_taken_for_its_creation(
    kind: type[Baker], faults: list[PlannedFault]
) -> None:
    """Who polls, cancels or waits for an update or a deletion does not do so with what is done."""
    assert failures(DEFAULT_JUDGES, trial(client(kind), *faults)) == ()


def test_an_update_that_is_done_is_not_to_be_asked_for_either() -> None:
    """It is an operation like any other."""
    assert said(polite, trial(client(CuriousOfLabels))) == "polls after done"
    assert said(cancels, trial(client(CancelsLabels))) == "cancels what is over"


def test_to_cancel_an_update_is_not_to_clear_up_the_image() -> None:
    """Not even when no answer to that ever comes."""
    never = at(operation_never_ends(), "images.update")
    outage = PlannedFault(unavailable(), "operations.cancel", 1, "after", lasts=True)
    for faults in ([never], [never, outage]):
        assert said(no_orphans, trial(client(LabelsOrFails), *faults)) == "failed and left an image that it knew of"


TOO_LATE: Final = "goes on after it was told of the end"


@pytest.mark.parametrize(
    ("kind", "faults", "expected"),
    [
        (Verifies, [at(slow(120), "images.get")], "content"),
        (Verifies, [at(slow(120), "images.get", lasts=True)], "content"),
        (Verifies, [at(unavailable(), "images.get", lasts=True)], "content"),
        (Verifies, [at(bad_gateway(), "images.get", lasts=True)], "content"),
        (Verifies, [at(reset(), "images.get", lasts=True)], "content"),
        (Verifies, [at(refuse(seconds=90), "images.get")], "content"),
        (Verifies, [at(rate_limited(retry_after=300), "images.get")], "content"),
        (Verifies, [at(image_seen_late(seconds=90), "images.create")], "content"),
        (LabelsInTime, [at(operation_never_ends(), "images.update")], "content"),
        (Dawdles, [at(unavailable(), "images.get")], "content"),
        (DawdlesTooLong, [], TOO_LATE),
        (DawdlesTooLong, [at(unavailable(), "images.get")], TOO_LATE),
        (DawdlesTooLong, [at(slow(20), "images.get")], TOO_LATE),
        (DawdlesBeforeLabels, [], "content"),
        (DawdlesAfterLabels, [], TOO_LATE),
    ],
)
def test_only_time_that_a_client_has_to_itself_counts_after_the_end(
    kind: type[Baker], faults: list[PlannedFault], expected: str
) -> None:
    """And not what a fault, a call or another operation takes."""
    assert said(finishes(), trial(client(kind), *faults)) == expected


def test_the_time_that_an_update_takes_does_not_count() -> None:
    """However long it is."""
    (made,) = TrialRunner(client(Labels), Settings(timing=250), TrialLimits()).trials([Scenario()])
    assert made.succeeded
    assert said(finishes(), made) == "content"


def test_what_a_client_had_to_itself_is_told_in_seconds() -> None:
    """And the calls that prove it: the one that told it, and the last."""
    verdict = judged(finishes(), trial(client(DawdlesTooLong), at(slow(20), "images.get")))
    assert verdict is not None
    assert verdict.explanation.startswith("The client went on for 61 seconds after")
    assert verdict.proof == (4, 5)
