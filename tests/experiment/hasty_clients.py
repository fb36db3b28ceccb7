"""Clients that ask again and again for as long as they are let, each with other pauses."""

from __future__ import annotations

import time
from typing import Any

from .flawed_clients import Baker


class PollsWithoutAPause(Baker):
    """Asks for its operation until that is over, and never waits."""

    pause = 0.0

    def wait(self, operation: Any) -> Any:
        """Poll until it is over."""
        while not self.is_over(operation):
            if self.pause:
                time.sleep(self.pause)
            operation = self.poll(operation["id"])
        return operation


class PollsEverySecond(PollsWithoutAPause):
    """Likewise, with pauses."""

    pause = 1.0


class WaitsOnceAndThenNever(PollsWithoutAPause):
    """Waits before its first poll, and for no other."""

    def wait(self, operation: Any) -> Any:
        """Poll until it is over."""
        time.sleep(1)
        return super().wait(operation)


class ConnectsEverySecond(Baker):
    """Tries to get through for as long as it takes, without longer and longer pauses."""

    attempts = 1
    pause = 1.0

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Call until there is an answer."""
        while True:
            try:
                return super().call(*args, **kwargs)
            except OSError:
                time.sleep(self.pause)


class ConnectsAHundredTimesASecond(ConnectsEverySecond):
    """Likewise, and hardly rests."""

    pause = 0.01
