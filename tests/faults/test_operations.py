"""Faults of the operation that a call starts, and of what can be seen of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_ycimages import (
    AfterPolls,
    Double,
    always,
    cancel_ignored,
    first,
    image_seen_late,
    operation_fails,
    operation_lost,
    operation_never_ends,
    operation_seen_late,
    operation_slow,
)
from tests.client import Cloud

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def double() -> Iterator[Double]:
    """A double whose time the test moves, and whose operations take ten seconds."""
    double = Double(clock="manual", timing=10)
    yield double
    double.check()


@pytest.fixture
def client(double: Double) -> Cloud:
    """A client of it."""
    return Cloud(double)


@pytest.mark.parametrize("at", [0, 3, 10, 20])
@pytest.mark.parametrize("rollback", [0, 2, 1000])
def test_an_operation_fails_when_it_is_told_to(double: Double, client: Cloud, at: float, rollback: float) -> None:
    """It shows its error then, and is done when that is undone."""
    double.inject(operation_fails("RESOURCE_EXHAUSTED", "no space", after=at, rollback=rollback), when=first(1))
    operation = client.create().json
    if at:
        double.clock.advance(at - 0.001)
        assert not client.operation(operation["id"]).keys() & {"error", "response"}
        double.clock.advance(0.001)
    seen = client.operation(operation["id"])
    assert (seen["error"]["code"], seen["error"]["message"], seen["done"]) == (8, "no space", rollback == 0)
    double.clock.advance(rollback)
    assert client.operation(operation["id"])["done"]
    assert not double.images


def test_an_operation_fails_when_it_would_have_ended(double: Double, client: Cloud) -> None:
    """Unless told otherwise; and the next one does not."""
    double.inject(operation_fails(), when=first(1))
    failing, other = client.create().json, client.create().json
    double.clock.advance(10)
    assert client.operation(failing["id"])["error"]["code"] == 13
    assert "response" in client.operation(other["id"])


def test_an_operation_fails_after_polls(double: Double, client: Cloud) -> None:
    """Its time may be any timing."""
    double.inject(operation_fails(after=AfterPolls(2)))
    operation = client.create().json
    assert [client.operation(operation["id"])["done"] for _ in range(2)] == [False, True]


def test_an_operation_never_ends(double: Double, client: Cloud) -> None:
    """But it can be cancelled."""
    double.inject(operation_never_ends())
    operation = client.create().json
    double.clock.advance(10**6)
    assert not client.operation(operation["id"])["done"]
    assert client.cancel(operation["id"])["error"]["code"] == 1


def test_an_operation_takes_as_long_as_it_is_told_to(double: Double, client: Cloud) -> None:
    """And succeeds; the next one takes as long as the setting says."""
    double.inject(operation_slow(360), when=first(1))
    slow, other = client.create().json, client.create().json
    double.clock.advance(10)
    assert [client.operation(each["id"])["done"] for each in (slow, other)] == [False, True]
    double.clock.advance(349.999)
    assert not client.operation(slow["id"])["done"]
    double.clock.advance(0.001)
    assert client.operation(slow["id"])["response"]["status"] == "READY"


def test_a_cancel_is_ignored(double: Double, client: Cloud) -> None:
    """The operation goes on to its end."""
    double.inject(cancel_ignored(), on="images.create")
    operation = client.create().json
    assert "error" not in client.cancel(operation["id"])
    double.clock.advance(10)
    assert "response" in client.operation(operation["id"])


def test_an_operation_is_lost_for_a_while(double: Double, client: Cloud) -> None:
    """The journal has the fault with each poll that finds nothing."""
    double.inject(operation_lost(after=2, seconds=5))
    operation = client.create().json
    seen = []
    for _ in range(5):
        seen.append(client.operation(operation["id"]).get("code"))
        double.clock.advance(2)
    assert seen == [None, 5, 5, 5, None]
    polls = double.calls.of("operations.get")
    assert [call.fault for call in polls] == ["", *["operation_lost(after=2, seconds=5)"] * 3, ""]
    assert [call.done for call in polls] == [False, None, None, None, False]


def test_an_operation_is_lost_for_good(double: Double, client: Cloud) -> None:
    """The image is made all the same."""
    double.inject(operation_lost())
    operation = client.create().json
    double.clock.advance(10**9)
    assert client.operation(operation["id"])["code"] == 5
    assert [image.status for image in double.images.values()] == ["READY"]


def test_an_operation_is_seen_late_by_reads(double: Double, client: Cloud) -> None:
    """Each of its own; and only those count that find something."""
    double.timing = AfterPolls(2)
    double.inject(operation_seen_late(reads=2), when=first(2))
    for operation in (client.create().json, client.create().json):
        assert [client.operation(operation["id"]).get("done") for _ in range(4)] == [None, None, False, True]


def test_an_operation_is_seen_late_by_seconds(double: Double, client: Cloud) -> None:
    """However often it is looked for."""
    double.inject(operation_seen_late(seconds=3))
    operation = client.create().json
    assert [client.operation(operation["id"]).get("code") for _ in range(3)] == [5, 5, 5]
    double.clock.advance(3)
    assert "done" in client.operation(operation["id"])


@pytest.mark.parametrize("late", [image_seen_late(reads=2), image_seen_late(seconds=15)], ids=str)
def test_an_image_is_seen_late_though_its_operation_is_done(double: Double, client: Cloud, late: object) -> None:
    """As on a replica that is behind."""
    double.inject(late)  # type: ignore[arg-type]
    operation = client.create().json
    double.clock.advance(10)
    assert client.operation(operation["id"])["done"]
    assert [client.image(operation["metadata"]["imageId"]).get("code") for _ in range(2)] == [5, 5]
    double.clock.advance(5)
    assert client.image(operation["metadata"]["imageId"])["status"] == "READY"
    assert all(call.status.name == "NOT_FOUND" for call in double.calls.of("images.get")[:2])


def test_who_may_not_look_is_told_so_and_uses_no_look_up(double: Double, client: Cloud) -> None:
    """Whether there is something to find or not is none of its business."""
    double.inject(operation_seen_late(reads=1))
    operation = client.create().json
    assert client.using(Authorization=None).operation(operation["id"])["code"] == 16
    assert client.operation(operation["id"])["code"] == 5
    assert "done" in client.operation(operation["id"])


def test_a_call_that_is_refused_starts_no_operation(double: Double, client: Cloud) -> None:
    """So nothing goes wrong with it, and the account says why."""
    failing = double.inject(operation_fails(), on="images.create", expect=False)
    client.using(Authorization=None).create()
    assert (failing.struck, failing.considered) == (0, 1)
    assert "the call was refused" in failing.nearest
    assert double.calls[0].fault == ""
    assert not double.upcoming


def test_a_call_that_is_answered_as_one_before_starts_no_operation(double: Double, client: Cloud) -> None:
    """Its Idempotency-Key says that it is the same."""
    failing = double.inject(operation_fails())
    late = double.inject(operation_seen_late(reads=1), expect=False)
    one, other = (client.using(Idempotency_Key="k").create().json for _ in range(2))
    assert one["id"] == other["id"]
    assert failing.struck == 1
    assert failing.passed.total() == 1
    assert not late.struck
    assert not double.upcoming


def test_what_is_asked_of_the_next_operation_waits_for_one_that_no_fault_strikes(double: Double, client: Cloud) -> None:
    """A fault comes first, and takes nothing away."""
    double.next_operation("images.create", timing=0)
    double.inject(operation_never_ends(), when=first(1))
    assert [client.create().json["done"] for _ in range(2)] == [False, True]


def test_a_fault_strikes_updates_and_deletes_too(double: Double, client: Cloud) -> None:
    """Whatever starts an operation."""
    operation = client.create().json
    double.clock.advance(10)
    double.inject(operation_fails("ABORTED"), on="images.delete", when=always())
    deleted = client.delete(operation["metadata"]["imageId"]).json
    double.clock.advance(10)
    assert client.operation(deleted["id"])["error"]["code"] == 10
    assert double.images
