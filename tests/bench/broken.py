"""What ends a benchmark early: an answer that is wrong, or a peer that is not installed."""

from __future__ import annotations

from importlib import import_module
from typing import Any


class BrokenError(Exception):
    """The benchmark itself broke, so there is nothing to compare. The text says why."""


def needed(module: str) -> Any:
    """Import a peer: late, so that the rest of the benchmark runs without it.

    Raises:
        BrokenError: it is not installed; the text says how to get it.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise BrokenError(f"{error.name} is not installed. Run `make bench`, or: pip install -e '.[bench]'") from None
