"""Settings as they may be written: as JSON where JSON has a form for them, else as text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pytest_ycimages.cloud.per_method import PerMethod
from pytest_ycimages.cloud.quotas import Quotas

if TYPE_CHECKING:
    from pytest_ycimages.control.controlled import Controlled

CHANGEABLE = ("timing", "outcome", "rollback", "cancel", "cancel_delay", "latency")
"""The settings that a double lets be changed while it runs."""


def settings_now(double: Controlled) -> dict[str, Any]:
    """Every setting as it is in force now, whatever the double was made with."""
    made = {name: getattr(double.settings, name) for name in type(double.settings).model_fields}
    changed = CHANGEABLE if double.settings.mode == "fake" else ()
    now = {name: getattr(double, name) for name in changed}
    faults = [account.rule for account in double.accounts if account.in_force]
    return {name: written(value) for name, value in {**made, **now, "faults": faults}.items()}


def written(value: object) -> Any:
    """A value as it may be written."""
    if isinstance(value, PerMethod):
        return {pattern: written(each) for pattern, each in value.patterns}
    if isinstance(value, Mapping):
        return {str(name): written(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [written(each) for each in value]
    if isinstance(value, Quotas):
        return asdict(value)
    plain = value is None or isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))
    return value if plain else str(value)
