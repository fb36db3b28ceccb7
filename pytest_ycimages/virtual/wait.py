"""One wait of one thread, and how it blocks for real while it lasts."""

from __future__ import annotations

import _thread
import select
import socket
from enum import Enum
from itertools import count
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence

    from pytest_ycimages.server.activity import Serving

_numbers: Final = count()


class Outcome(Enum):
    """How a wait ended."""

    RELEASED = "what it waited for has come"
    DUE = "its time is up"
    BEYOND = "its time would be up beyond the horizon"
    SHUT = "the double has been closed: nobody is left to wait for"
    OVER = "virtual time is over: wait on in real time"
    STUCK = "nothing has happened for long"
    EVICTED = "the trial that the thread belonged to is over"


class Evicted(BaseException):
    """Ends a thread of the client's whose trial is over. No error: a client that catches errors must not catch it."""


class Alarm:
    """Wakes a thread that blocks until there is something to read. A thread has one, and keeps it."""

    def __init__(self) -> None:
        self._rings, self._bell = socket.socketpair()
        self._bell.settimeout(0)

    def ring(self) -> None:
        """Wake the thread."""
        self._rings.send(b"x")

    def block(self, descriptors: Sequence[int], seconds: float) -> bool:
        """Block until it rings, or for some real seconds; tell whether there is something to read."""
        bell = self._bell.fileno()
        ready = _ready((*descriptors, bell), seconds)
        if bell in ready:
            self._bell.recv(64)
        return any(descriptor in ready for descriptor in descriptors)

    def close(self) -> None:
        """Close what it holds."""
        self._rings.close()
        self._bell.close()


def _ready(descriptors: Sequence[int], seconds: float) -> list[int]:
    if not hasattr(select, "poll"):
        return select.select(descriptors, [], [], seconds)[0]
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return [descriptor for descriptor, _ in poll.poll(seconds * 1000)]


class Releaser(Protocol):
    """Who ends waits."""

    def release(self, wait: Wait) -> None:
        """End a wait from outside."""


class Wait:
    """One wait.

    A `threading.Condition` takes it for the lock that it releases to let a waiting thread go.

    Attributes:
        thread: the client's thread that waits; None when it is none of the client's.
        connection: the connection of a double that waits before it answers.
        what: what it waits for, in words.
        deadline: the microsecond of virtual time at which it ends by itself; None: never.
        descriptors: files that end it once there is something to read.
        outcome: how it ended; None while it lasts.
        patience: real seconds in which nothing happens, after which it ends as stuck; None: it never does.
    """

    __slots__ = (
        "_afterwards",
        "_alarm",
        "_foreign",
        "_gate",
        "_number",
        "_releaser",
        "connection",
        "deadline",
        "descriptors",
        "outcome",
        "patience",
        "thread",
        "what",
    )

    def __init__(  # noqa: PLR0913, PLR0917 - a wait is all of these
        self,
        releaser: Releaser,
        thread: threading.Thread | None,
        connection: Serving | None,
        what: str,
        deadline: int | None,
        descriptors: tuple[int, ...],
        foreign: Callable[[], bool] | None,
    ) -> None:
        self._releaser = releaser
        self._number = next(_numbers)
        self._gate = _closed_gate()
        self._afterwards: _thread.LockType | None = None
        self._alarm: Alarm | None = None
        self._foreign = foreign
        self.thread = thread
        self.connection = connection
        self.what = what
        self.deadline = deadline
        self.descriptors = descriptors
        self.outcome: Outcome | None = None
        self.patience: float | None = None

    def order(self) -> tuple[int, int]:
        """Which of two waits with a deadline ends first: the earlier, then the one that began first."""
        return self.deadline or 0, self._number

    def has_ended(self) -> bool:
        """Whether it has ended; any thread may end it at any time."""
        return self.outcome is not None

    def is_shut(self) -> bool:
        """Whether the connection that waits is to end, as its double is being closed."""
        return self.connection is not None and self.connection.is_shut

    def is_foreign(self) -> bool:
        """Whether somebody else than a double may write to one of the files. Found out when it is first asked."""
        if callable(self._foreign):
            self._foreign = _yes if self._foreign() else None
        return self._foreign is not None

    def release(self) -> None:
        """End it from outside.

        Raises:
            RuntimeError: it has ended already.
        """
        self._releaser.release(self)

    def prepare(self, alarm: Callable[[], Alarm]) -> None:
        """Make ready to block."""
        if self.descriptors:
            self._alarm = alarm()

    def block(self, seconds: float) -> bool:
        """Block until woken, or for some real seconds; tell whether something came to be read."""
        if self._alarm is not None:
            return self._alarm.block(self.descriptors, seconds)
        self._gate.acquire(timeout=seconds)
        return False

    def wake(self) -> None:
        """Let the thread that blocks go on."""
        if self.outcome is Outcome.OVER:
            self._afterwards = _closed_gate()
        if self._alarm is not None:
            self._alarm.ring()
        elif self._gate.locked():
            self._gate.release()

    def release_for_real(self) -> None:
        """End it from outside once virtual time is over.

        Raises:
            RuntimeError: it has ended already.
        """
        if self._afterwards is None:
            raise RuntimeError("the wait has ended already")
        self._afterwards.release()

    def acquire_for_real(self, seconds: float | None) -> bool:
        """Wait on in real time, once virtual time is over, until it is released."""
        return self._afterwards is not None and self._afterwards.acquire(timeout=-1 if seconds is None else seconds)


def _closed_gate() -> _thread.LockType:
    gate = _thread.allocate_lock()
    gate.acquire()
    return gate


def _yes() -> bool:
    return True
