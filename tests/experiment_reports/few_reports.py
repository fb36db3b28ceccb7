"""Reports for the tests of what is made of them, each made once."""

from __future__ import annotations

from functools import cache
from typing import Final

from pytest_ycimages import Report, operation_fails, operation_never_ends, reset, run_experiment, slow, unavailable

from . import small_clients

FEW: Final = (slow(5), unavailable(), reset(), operation_fails(), operation_never_ends())


@cache
def report_of(name: str) -> Report:
    """The report of one of the small clients."""
    return run_experiment(getattr(small_clients, name), faults=FEW)
