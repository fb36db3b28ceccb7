"""Experiments do not care what a client is written with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from pytest_ycimages import hang, operation_fails, operation_never_ends, reset, run_experiment, truncate, unavailable

from .library_clients import over_httpx, over_requests, waits_for_ever

if TYPE_CHECKING:
    from pytest_ycimages.experiment.client import Client


FEW: Final = (unavailable(), reset(), truncate(), hang(), operation_fails(), operation_never_ends())


@pytest.mark.costly
@pytest.mark.parametrize("faults", [FEW, pytest.param(None, marks=pytest.mark.slow)], ids=["few", "default"])
@pytest.mark.parametrize("client", [over_requests, over_httpx])
def test_a_right_client_has_no_finding_whatever_it_is_written_with(client: Client, faults: object) -> None:
    """Over requests, and over httpx in an event loop."""
    report = run_experiment(client, faults=faults)
    report.assert_ok()
    assert report.baseline.succeeded


@pytest.mark.costly
def test_an_async_client_that_waits_for_ever_is_told_from_one_that_ends() -> None:
    """At once, and without a word from its loop."""
    report = run_experiment(waits_for_ever, depth=0)
    (finding,) = report.findings
    assert (finding.judge, finding.cause) == ("finishes(within=3600)", "does not end")
    assert finding.trial.outcome.limit == "seconds"
    assert finding.trial.seconds == 3600
