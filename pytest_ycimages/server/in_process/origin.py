"""A double as clients in its own process reach it: at any address, over connections that are no sockets."""

from __future__ import annotations

import errno
import os
from itertools import count
from typing import TYPE_CHECKING

from pytest_ycimages.api.message import SECOND
from pytest_ycimages.errors import UsageError
from pytest_ycimages.server.in_process.line import Line

if TYPE_CHECKING:
    from pytest_ycimages.cloud.clock import Clock
    from pytest_ycimages.pipeline import Pipeline
    from pytest_ycimages.server.app import App
    from pytest_ycimages.server.in_process.line import Silence


class Origin:
    """Where connections lead.

    Attributes:
        app: what answers.
    """

    def __init__(self, app: App) -> None:
        self.app = app
        self._numbers = count(-1, -1)  # those of sockets are positive
        self._shut: tuple[Pipeline, int] | None = None

    @property
    def clock(self) -> Clock:
        """The double's time."""
        return self.app.pipeline.clock

    def shut(self, seconds: float) -> None:
        """Let nobody in for so many seconds on the double's clock, or until the double is reset."""
        self._shut = self.app.pipeline, self.clock.now() + round(seconds * SECOND)

    def check_open(self) -> None:
        """Raise unless it lets people in.

        Raises:
            ConnectionRefusedError: it does not.
        """
        if self._shut is not None and self._shut[0] is self.app.pipeline and self.clock.now() < self._shut[1]:
            raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))

    def connect(self) -> Line:
        """A new connection.

        Raises:
            ConnectionRefusedError: nobody is let in at present.
        """
        self.check_open()
        return Line(self, next(self._numbers))

    def wait_until(self, moment: int) -> None:
        """Come back at `moment`, in nanoseconds since the epoch."""
        self.clock.wait_until(moment, self.app.pipeline.delays.pause_for_real)

    def receive(self, line: Line, most: int, timeout: float | None) -> bytes:
        """What arrives next, up to `most` bytes, for a client that blocks; `b""` when the connection was closed.

        Args:
            line: the connection.
            most: bytes.
            timeout: seconds on the double's clock for which the client waits; None: for ever.

        Raises:
            ConnectionResetError: the connection was reset.
            TimeoutError: the time-out is over.
            UsageError: the client would wait for ever.
        """
        deadline = None if timeout is None else self.clock.now() + round(timeout * SECOND)
        while not isinstance(taken := line.take(most), bytes):
            end = end_of(taken, deadline)
            self.wait_until(end)
            if is_late(taken, deadline):
                raise TimeoutError("timed out")
            line.reach(end)
        return taken


def end_of(silence: Silence, deadline: int | None) -> int:
    """When a client that waits no longer than until `deadline`, if at all, goes on; nanoseconds since the epoch.

    Raises:
        UsageError: it never would.
    """
    moments = [moment for moment in (silence.until, deadline) if moment is not None]
    if not moments:
        raise UsageError(for_ever(is_hang=silence.is_hang))
    return min(moments)


def is_late(silence: Silence, deadline: int | None) -> bool:
    """Whether a client that waits no longer than until `deadline` goes on without anything."""
    return deadline is not None and (silence.until is None or deadline < silence.until)


def for_ever(*, is_hang: bool) -> str:
    """What to say of a wait without an end."""
    if not is_hang:
        return "The client waits for an answer, and has asked for nothing: in process, that never ends."
    return (
        "The answer hangs, and the client has no time-out: a hang without a time-out never ends, and in process nobody "
        "else can end it. Give the client a time-out; or let the fault end by itself: stall(seconds=60)."
    )
