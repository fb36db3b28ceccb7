"""Faults, schedules and rules that cannot be are refused when they are written, with what could be."""

from __future__ import annotations

import math
from typing import Any

import pytest

import pytest_ycimages
from pytest_ycimages import Rule, UsageError, error, garble, operation_lost, reset, slow, stall, unavailable


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda y: y.error("UNAVAILABEL"), "Did you mean 'UNAVAILABLE'?"),
        (lambda y: y.error("OK"), "OK is not an error"),
        (lambda y: y.error(99), "99"),
        (lambda y: y.error([]), r"\[\]"),
        (lambda y: y.error("ABORTED", 5), "invalid message=5"),
        (lambda y: y.error("ABORTED", details=[{}]), "@type"),
        (lambda y: y.error("ABORTED", details=5), "details=5"),
        (lambda y: y.unavailable(retry_after=1.5), "whole seconds"),
        (lambda y: y.unavailable(retry_after=-1), "whole seconds"),
        (lambda y: y.quota_exceeded(""), "name of a quota"),
        (lambda y: y.quota_exceeded(limit=-1), "zero or more"),
        (lambda y: y.reset(after=-1), "whole number of bytes"),
        (lambda y: y.reset(after=1.5), "whole number of bytes"),
        (lambda y: y.reset(after=True), "whole number of bytes"),
        (lambda y: y.truncate(length=-1), "whole number of bytes"),
        (lambda y: y.stall(after=-1), "whole number of bytes"),
        (lambda y: y.stall(seconds=-1), "expected seconds"),
        (lambda y: y.stall(seconds=math.inf), r"without an end: hang\(\), stall\(\)"),
        (lambda y: y.trickle(0), r"or hang\(\)"),
        (lambda y: y.trickle(math.inf), "bytes per second"),
        (lambda y: y.trickle(math.nan), "bytes per second"),
        (lambda y: y.garble("byte"), "Did you mean 'bytes'?"),
        (lambda y: y.refuse(math.nan), "expected seconds"),
        (lambda y: y.refuse(math.inf), "expected seconds"),
        (lambda y: y.refuse("5x"), "expected seconds"),
        (lambda y: y.slow(-0.1), "expected seconds"),
        (lambda y: y.slow(math.inf), r"without an end: hang\(\)"),
        (lambda y: y.slow(1e300), "expected seconds"),
        (lambda y: y.ramp(1, 2, over=0), r"seconds above zero.*slow\("),
        (lambda y: y.ramp(1, -2, over=1), "expected seconds"),
        (lambda y: y.operation_fails("OK"), "OK"),
        (lambda y: y.operation_fails(rollback=math.inf), r"or operation_never_ends\(\)"),
        (lambda y: y.operation_fails(after="Sometimes()"), "timing"),
        (lambda y: y.operation_lost(after=math.inf), "expected seconds"),
        (lambda y: y.operation_seen_late(), "expected one of them"),
        (lambda y: y.operation_seen_late(reads=1, seconds=1), "expected one of them"),
        (lambda y: y.image_seen_late(reads=0), "1 or more"),
        (lambda y: y.image_seen_late(seconds=-1), "expected seconds"),
        (lambda y: y.first(0), "1 or more"),
        (lambda y: y.first(1.0), "whole number"),
        (lambda y: y.nth(), "whole number"),
        (lambda y: y.nth(1, 0), "1 or more"),
        (lambda y: y.every(1.5), "whole number"),
        (lambda y: y.after(-1), "0 or more"),
        (lambda y: y.chance(1.1), "between 0 and 1"),
        (lambda y: y.chance(math.nan), "between 0 and 1"),
        (lambda y: y.between(5, 5), "the earlier one first"),
        (lambda y: y.between(-1, 5), "the earlier one first"),
        (lambda y: y.script([1, 0]), "True to strike"),
        (lambda y: y.script([]), "expected a list of steps"),
        (lambda y: y.script(5), "expected a list of steps"),
        (lambda y: y.over_rate(-1), "whole number of calls"),
        (lambda y: y.over_rate(1, per=0), "seconds"),
        (lambda y: y.first(1) & 2, "invalid schedule 2"),
        (lambda y: y.first(1) | y.reset(), "invalid schedule reset"),
        (lambda y: y.Rule(y.reset), "invalid fault"),
        (lambda y: y.Rule("reset()"), "invalid fault"),
        (lambda y: y.Rule(y.reset(), on="images.creat"), "Did you mean 'images.create'?"),
        (lambda y: y.Rule(y.reset(), on=5), "invalid on=5"),
        (lambda y: y.Rule(y.reset(), on="unrouted"), "cannot strike on='unrouted'"),
        (lambda y: y.Rule(y.reset(), when=y.first), "expected a schedule"),
        (lambda y: y.Rule(y.reset(), when=2), "expected a schedule"),
        (lambda y: y.Rule(y.reset(), commit="later"), "Known: after, before"),
        (lambda y: y.Rule(y.reset(), per="attempt"), "Known: call, connection, rule"),
        (lambda y: y.Rule(y.reset(), expect="no"), "invalid expect='no'"),
        (lambda y: y.Rule(y.reset(), where="name=web"), "expected a dict"),
        (lambda y: y.Rule(y.reset(), where={"minDiskSize": 5}), "expected two texts"),
        (lambda y: y.Rule(y.reset(), on="images.create", where={"folder": "a"}), "Did you mean 'folderId'?"),
        (lambda y: y.Rule(y.reset(), on="images.get", where={"name": "a"}), "Known: header.<name>, imageId"),
        (lambda y: y.Rule(y.stale(), commit="after"), "only before it"),
        (lambda y: y.Rule(y.slow(1), commit="before"), "only after it"),
        (lambda y: y.Rule(y.trickle(1), commit="before"), "only after it"),
        (lambda y: y.Rule(y.cancel_ignored(), on="images.delete"), "only images.create"),
        (lambda y: y.Rule(y.operation_fails(), on="operations.get"), "images.create, images.delete, images.update"),
    ],
)
def test_what_cannot_be_is_refused(make: Any, says: str) -> None:
    """With what was asked, and what would be right."""
    with pytest.raises(UsageError, match=says):
        make(pytest_ycimages)


def test_a_fault_that_does_nothing_else_strikes_before_the_commit() -> None:
    """Unless it can only strike after, or damages a right answer."""
    assert [Rule(fault).commit for fault in (reset(), slow(1), garble(), stall(), stall(seconds=1))] == [
        "before", "after", "after", "before", "after",
    ]  # fmt: skip


def test_a_fault_is_written_as_it_is_made() -> None:
    """What is as it would be anyway is left out."""
    assert [str(each) for each in (reset(), reset(after=3), unavailable(), operation_lost(), error(14))] == [
        "reset()", "reset(after=3)", "unavailable()", "operation_lost()", "error(code='UNAVAILABLE')",
    ]  # fmt: skip
