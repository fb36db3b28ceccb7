"""What experiments have found in the official Python SDK: the tests that they gave, each expected to fail.

The field report in docs/explanation tells them. Each has been run with yandexcloud 0.228.0, 0.340.0 and 0.413.0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_ycimages import (
    assert_survives,
    finishes,
    goaway,
    hang,
    no_duplicates,
    no_orphans,
    nth,
    operation_never_ends,
    operation_seen_late,
    operation_slow,
    polite,
    rate_limited,
    recovers,
    run_experiment,
    token_expired,
    truncate,
    truthful,
    unavailable,
)
from tests.field_report.sdk_clients import exchanging, plain, retrying

if TYPE_CHECKING:
    from pytest_ycimages import Double, VirtualTime

pytestmark = [
    pytest.mark.costly,
    pytest.mark.ycimages(timing=5.0, unknown_fields="ignore"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of the SDK's own parts
]


def fails(what: str, since: str = "0.228.0") -> pytest.MarkDecorator:
    """Expect a test to fail with the versions that were tried."""
    return pytest.mark.xfail(strict=True, raises=AssertionError, reason=f"yandexcloud {since} to 0.413.0 {what}")


def test_an_experiment_finds_the_false_success_by_itself() -> None:
    """With its shortest schedule, among faults that the client survives or fails honestly."""
    report = run_experiment(
        plain, faults=["operation_never_ends()", "operation_fails()", "unavailable(), on='operations.get'"]
    )
    (finding,) = [each for each in report.findings if each.judge == "truthful"]
    assert str(finding.scenario) == "operation_never_ends() at call 1 of images.create"
    assert finding.cause == "reported success before the image was READY"
    assert finding.trial.run is not None
    assert 300 <= finding.trial.run.seconds < 302
    assert 'ycimages.inject(operation_never_ends(), on="images.create", when=nth(1))' in finding.test


def test_polls_are_repeated() -> None:
    """The SDK's waiter survives every one of these."""
    faults = ["unavailable(), on='operations.get'", "internal(), on='operations.get'", "reset(), on='operations.get'"]
    assert run_experiment(plain, faults=faults).ok


@fails("returns an empty image as a success when its own time is over")
def test_plain_truthful(ycimages_time: VirtualTime, ycimages: Double) -> None:  # noqa: ARG001 - it lets time pass
    """What goes wrong: operation_never_ends() at call 1 of images.create."""
    ycimages.inject(operation_never_ends(), on="images.create", when=nth(1))
    assert_survives(plain, ycimages, truthful)


@fails("does so for an operation that is only slow, too")
def test_plain_truthful_of_a_slow_operation(ycimages_time: VirtualTime, ycimages: Double) -> None:  # noqa: ARG001 - as above
    """What goes wrong: operation_slow(seconds=360) at call 1 of images.create."""
    ycimages.inject(operation_slow(360), on="images.create", when=nth(1))
    assert_survives(plain, ycimages, truthful)


@fails("sends a create that may have happened again, without an idempotency key", "0.340.0")
def test_retrying_no_duplicates(ycimages_time: VirtualTime, ycimages: Double) -> None:  # noqa: ARG001 - as above
    """What goes wrong: unavailable() at call 1 of images.create, after the commit."""
    ycimages.inject(unavailable(), on="images.create", when=nth(1), commit="after")
    assert_survives(retrying, ycimages, no_duplicates)


@fails("leaves it to grpcio, which sends a create again after GOAWAY, without being asked", "0.340.0")
def test_retrying_no_duplicates_after_goaway(ycimages_time: VirtualTime, ycimages: Double) -> None:  # noqa: ARG001 - as above
    """What goes wrong: goaway() at call 1 of images.create, after the commit."""
    ycimages.inject(goaway(), on="images.create", when=nth(1), commit="after")
    assert_survives(retrying, ycimages, no_duplicates)


@fails("gives up at the first NOT_FOUND of an operation")
def test_plain_no_orphans(ycimages_time: VirtualTime, ycimages: Double) -> None:  # noqa: ARG001 - as above
    """What goes wrong: operation_seen_late(reads=1) at call 1 of images.create."""
    ycimages.inject(operation_seen_late(reads=1), on="images.create", when=nth(1))
    assert_survives(plain, ycimages, no_orphans)


@fails("gives its calls no deadline")
@pytest.mark.parametrize("method", ["endpoints.list", "images.create", "operations.get"])
def test_plain_finishes(ycimages_time: VirtualTime, ycimages: Double, method: str) -> None:  # noqa: ARG001 - as above
    """What goes wrong: hang() at call 1."""
    ycimages.inject(hang(), on=method, when=nth(1))
    assert_survives(plain, ycimages, finishes(3600))


@fails("polls again in a fraction of a second, whatever the service asks for")
def test_plain_polite(ycimages_time: VirtualTime, ycimages: Double) -> None:  # noqa: ARG001 - as above
    """What goes wrong: rate_limited(retry_after=7) at call 1 of operations.get."""
    ycimages.inject(rate_limited(retry_after=7), on="operations.get", when=nth(1), commit="before")
    assert_survives(plain, ycimages, polite)


@fails("does not exchange an expired token for a new one")
def test_exchanging_no_orphans(ycimages_time: VirtualTime, ycimages: Double) -> None:  # noqa: ARG001 - as above
    """What goes wrong: token_expired() at call 1 of operations.get."""
    ycimages.inject(token_expired(), on="operations.get", when=nth(1), commit="before")
    assert_survives(exchanging, ycimages, no_orphans)


@fails("asks for a token and for the endpoints once only", "0.340.0")
@pytest.mark.parametrize("method", ["endpoints.list", "tokens.create"])
def test_exchanging_recovers(ycimages_time: VirtualTime, ycimages: Double, method: str) -> None:  # noqa: ARG001 - as above
    """What goes wrong: unavailable() at call 1."""
    ycimages.inject(unavailable(), on=method, when=nth(1), commit="before")
    assert_survives(exchanging, ycimages, recovers)


@fails("raises an AttributeError for half an answer, of which grpcio makes None")
def test_plain_recovers(ycimages_time: VirtualTime, ycimages: Double) -> None:  # noqa: ARG001 - as above
    """What goes wrong: truncate() at call 1 of endpoints.list."""
    ycimages.inject(truncate(), on="endpoints.list", when=nth(1))
    assert_survives(plain, ycimages, recovers)
