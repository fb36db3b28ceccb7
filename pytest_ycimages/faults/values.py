"""What faults are given, checked when they are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_ycimages.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping


def given(**arguments: Any) -> Mapping[str, Any]:
    """The arguments that say something, for people to read."""
    return {name: value for name, value in arguments.items() if value is not None and value != ""}


def is_number(value: object) -> bool:
    """Whether it is one; True and False are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def checked_seconds(fault: str, name: str, value: float) -> float:
    """`value`, if it is a length of time.

    Raises:
        UsageError: it is none.
    """
    if not is_number(value) or not value >= 0:
        raise UsageError(f"{fault}({name}={value!r}) cannot be: it takes seconds, zero or more.")
    return value


def whole_bytes(fault: str, name: str, value: int) -> int:
    """`value`, if it is a number of bytes.

    Raises:
        UsageError: it is none.
    """
    if type(value) is not int or value < 0:
        raise UsageError(f"{fault}({name}={value!r}) cannot be: it takes a whole number of bytes, zero or more.")
    return value
