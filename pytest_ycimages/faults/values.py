"""What faults are given, checked when they are written."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pytest_ycimages.cloud.clock import LONGEST, is_number
from pytest_ycimages.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping


def given(**arguments: Any) -> Mapping[str, Any]:
    """The arguments that say something, for people to read."""
    return {name: value for name, value in arguments.items() if value is not None and value != ""}


def checked_seconds(fault: str, name: str, value: float, *, forever: str = "") -> float:
    """`value`, if it is a length of time that something can take.

    Args:
        fault: the function that was given it.
        name: what that calls it.
        value: what it was given.
        forever: what to write instead of a time without an end; empty when there is nothing.

    Raises:
        UsageError: it is none.
    """
    if not is_number(value) or not 0 <= value <= LONGEST:
        instead = f" For good: {forever}." if forever and value == math.inf else ""
        raise UsageError(f"{fault}({name}={value!r}) cannot be: it takes seconds, from 0 to {LONGEST:.0e}.{instead}")
    return value


def seconds_or_forever(fault: str, name: str, value: float) -> float:
    """`value`, if it is a length of time, which may have no end.

    Raises:
        UsageError: it is none.
    """
    return value if value == math.inf else checked_seconds(fault, name, value)


def whole_bytes(fault: str, name: str, value: int) -> int:
    """`value`, if it is a number of bytes.

    Raises:
        UsageError: it is none.
    """
    if type(value) is not int or value < 0:
        raise UsageError(f"{fault}({name}={value!r}) cannot be: it takes a whole number of bytes, zero or more.")
    return value
