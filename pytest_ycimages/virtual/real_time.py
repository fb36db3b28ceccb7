"""Real time in the place of virtual time, for tests whose service is another process."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from pytest_ycimages.api.message import SECOND
from pytest_ycimages.cloud.clock import checked_step, machine_time
from pytest_ycimages.server import activity
from pytest_ycimages.virtual.frozen import real_monotonic
from pytest_ycimages.virtual.time import VirtualTime

if TYPE_CHECKING:
    from types import TracebackType


class RealTime(VirtualTime):
    """Time that passes by itself, with the methods of virtual time: waits wait, and `advance` sleeps."""

    def __init__(self) -> None:
        super().__init__()
        self._began = real_monotonic()

    def __enter__(self) -> Self:
        """Start."""
        self._began = real_monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Change nothing: time goes on."""

    @property
    def elapsed(self) -> float:
        """The seconds that have passed since the start."""
        return real_monotonic() - self._began

    def now(self) -> int:
        """Return the machine's time, in nanoseconds since the epoch."""
        return machine_time()

    def advance(self, seconds: float) -> None:
        """Wait for so many real seconds.

        Raises:
            UsageError: `seconds` is negative, infinite or not a number.
        """
        time.sleep(checked_step(seconds) / SECOND)

    def wait_until(self, moment: int, descriptors: tuple[int, ...] = ()) -> None:
        """Wait until `moment`, in nanoseconds since the epoch, or until a file descriptor is readable."""
        left = max(0, moment - machine_time()) / SECOND
        if descriptors:
            activity.wait_readable(descriptors[0], left)
        else:
            time.sleep(left)
