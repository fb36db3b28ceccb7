"""Hypothesis strategies of what a double takes, for properties of one's own, and a state machine to extend.

The one room, beside `experiment/search.py`, that knows Hypothesis: an optional extra.
"""

from __future__ import annotations

try:
    import hypothesis as _hypothesis  # noqa: F401 - so that its absence can be explained
except ModuleNotFoundError as error:
    if error.name != "hypothesis":
        raise
    raise ModuleNotFoundError(
        "pytest_ycimages.strategies needs Hypothesis. Install it with: pip install 'pytest-ycimages[hypothesis]'",
        name="hypothesis",
    ) from None

from pytest_ycimages.strategies.client_machine import ImageClientMachine
from pytest_ycimages.strategies.create_requests import create_requests
from pytest_ycimages.strategies.fault_schedules import fault_schedules, timings

__all__ = ["ImageClientMachine", "create_requests", "fault_schedules", "timings"]
