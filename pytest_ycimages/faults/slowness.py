"""Faults that make answers late."""

from __future__ import annotations

from pytest_ycimages.errors import UsageError
from pytest_ycimages.faults.fault import Fault, Late
from pytest_ycimages.faults.values import checked_seconds


def slow(seconds: float) -> Fault:
    """The answer is so many seconds late, on the double's clock."""
    checked_seconds("slow", "seconds", seconds, forever="hang()")
    return Fault("slow", {"seconds": seconds}, Late(seconds), ("after",))


def ramp(start: float, end: float, *, over: float) -> Fault:
    """Answers get later and later.

    Args:
        start: seconds by which the first one is late.
        end: seconds by which they are late at last.
        over: seconds that it takes from the one to the other, on the double's clock.
    """
    if checked_seconds("ramp", "over", over) == 0:
        raise UsageError(f"ramp({start!r}, {end!r}, over=0) cannot be: growing takes time. At once: slow({end!r}).")
    effect = Late(checked_seconds("ramp", "start", start), checked_seconds("ramp", "end", end), over)
    return Fault("ramp", {"start": start, "end": end, "over": over}, effect, ("after",))
