"""The virtual time that lasts at present, for what stays behind when it ends: functions and queues that were kept.

What code has got from `time` or `queue` during one virtual time serves it in the next one too, and in real time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.virtual.scheduler import Scheduler


class Rule(NamedTuple):
    """A virtual time, as far as the client's functions need to know it.

    Attributes:
        scheduler: what moves it.
        is_real: whether a module, by its name, has real time whatever thread calls it.
    """

    scheduler: Scheduler
    is_real: Callable[[str], bool]


at_present: Rule | None = None
"""The virtual time that lasts; None while there is none."""
