"""Seconds as users write them, and the moments that they lead to."""

from __future__ import annotations

import math
from typing import Final, TypeGuard

from pytest_ycimages.api.message import SECOND
from pytest_ycimages.errors import UsageError

LONGEST: Final = 10**11
"""Seconds, some three thousand years: what takes longer is over then, so that every moment can be printed."""


def is_number(value: object) -> TypeGuard[float]:
    """Whether `value` is a number; a bool is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_seconds(value: object) -> TypeGuard[float]:
    """Whether `value` is a number of seconds that something can take: zero or more, and not for ever."""
    return is_number(value) and 0 <= value < math.inf


def seconds_of(name: str, value: object) -> float:
    """Read seconds as users may write them: a number, or one as text.

    Raises:
        UsageError: `value` is none; the text calls it `name`.
    """
    seconds = value
    if isinstance(value, str):
        try:
            seconds = float(value)
        except ValueError:
            seconds = None
    if not is_seconds(seconds):
        raise UsageError(f"{name}={value!r} cannot be: give seconds, zero or more, such as 2.5.")
    return seconds


def nanoseconds(seconds: float) -> int:
    """`seconds` as whole nanoseconds."""
    return round(min(seconds, LONGEST) * SECOND)
