"""The settings that say what becomes of operations: how users may write each of them, and how it is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, get_args

from pytest_ycimages.cloud.ending import Ending, Failure, Success, ending_of
from pytest_ycimages.cloud.per_method import CANCELLED, PerMethod, per_method
from pytest_ycimages.cloud.plan import CancelWord
from pytest_ycimages.cloud.seconds import seconds_of
from pytest_ycimages.cloud.timing import AfterPolls, Timing
from pytest_ycimages.cloud.timing_text import timing_of
from pytest_ycimages.errors import UsageError, unknown_word

if TYPE_CHECKING:
    TimingSetting = Timing | float | str | Mapping[str, Timing | float | str] | PerMethod[Timing]
    OutcomeSetting = Success | Failure | str | Mapping[str, Success | Failure | str] | PerMethod[Ending]
    RollbackSetting = float | str | Mapping[str, float | str] | PerMethod[float]
    CancelSetting = CancelWord | Mapping[str, CancelWord] | PerMethod[CancelWord]
else:  # pydantic reads these with the functions below, and needs no types
    TimingSetting = OutcomeSetting = RollbackSetting = CancelSetting = object

DEFAULT_TIMING: Final = AfterPolls(1)
DEFAULT_OUTCOME: Final = Success()
DEFAULT_CANCEL: Final[CancelWord] = "wins"
DEFAULT_CANCEL_DELAY: Final = 5

_CANCELS: Final[tuple[CancelWord, ...]] = get_args(CancelWord)


def timing_setting(value: object) -> Timing | PerMethod[Timing]:
    """Read the setting `timing`.

    Raises:
        UsageError: it cannot be; the text says what can. So with the others.
    """
    return per_method("timing", value, timing_of, DEFAULT_TIMING)


def outcome_setting(value: object) -> Ending | PerMethod[Ending]:
    """Read the setting `outcome`."""
    return per_method("outcome", value, ending_of, DEFAULT_OUTCOME)


def rollback_setting(value: object) -> float | PerMethod[float]:
    """Read the setting `rollback`."""
    return per_method("rollback", value, rollback_of, 0.0)


def rollback_of(value: object) -> float:
    """Read one value of it."""
    return seconds_of("rollback", value)


def cancel_setting(value: object) -> CancelWord | PerMethod[CancelWord]:
    """Read the setting `cancel`; it can only be about what can be cancelled."""
    return per_method("cancel", value, cancel_of, DEFAULT_CANCEL, CANCELLED)


def cancel_of(value: object) -> CancelWord:
    """Read one value of it."""
    if value not in _CANCELS:
        raise unknown_word("cancel", value, _CANCELS)
    return value


def cancel_delay_setting(value: object) -> float:
    """Read the setting `cancel_delay`."""
    return seconds_of("cancel_delay", value)


def only_one(name: str, value: object) -> object:
    """`value`, which is for one operation.

    Raises:
        UsageError: it is a mapping of methods.
    """
    if isinstance(value, Mapping | PerMethod):
        raise UsageError(
            f"{name}={value!r} speaks of more than one method. The next operation takes one value; `on` says which "
            "methods may start it."
        )
    return value
