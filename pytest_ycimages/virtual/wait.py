"""A single wait of one thread: how it blocks, wakes and ends, and how a thread is interrupted."""

from __future__ import annotations

import _thread
import ctypes
import socket
import threading
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Final

from pytest_ycimages.server import activity

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pytest_ycimages.server.activity import Serving

_RECHECK: Final = 1.0
"""Real seconds after which a thread that waits returns to Python, as some systems deliver signals only then."""


class Outcome(Enum):
    """How a wait ended."""

    RELEASED = "what it waited for has come"
    DUE = "its time is up"
    FAILED = "it cannot end, or would end beyond the horizon"
    SHUT = "the double has been closed"
    OVER = "virtual time is over: wait on in real time"
    STUCK = "nothing has happened for long"
    EVICTED = "the trial that the thread belonged to is over"


class Evicted(BaseException):
    """Raised in a thread of a client whose trial is over; not an `Exception`, so that no client catches it."""


class GivenUp(BaseException):
    """Raised in place of `VirtualTimeError` once the client has caught one and makes no progress all the same."""


class Alarm:
    """A socket pair that wakes a thread while it blocks on file descriptors. Each thread has one."""

    def __init__(self) -> None:
        self._rings, self._bell = socket.socketpair()
        self._bell.settimeout(0)

    def ring(self) -> None:
        """Wake the thread."""
        self._rings.send(b"x")

    def block(self, descriptors: Sequence[int]) -> bool:
        """Block until it rings, or for a real second; return whether a descriptor is readable."""
        bell = self._bell.fileno()
        ready = activity.readable((*descriptors, bell), _RECHECK)
        if bell in ready:
            self._bell.recv(64)
        return any(descriptor in ready for descriptor in descriptors)

    def close(self) -> None:
        """Close both sockets."""
        self._rings.close()
        self._bell.close()


def _closed_gate() -> _thread.LockType:
    gate = _thread.allocate_lock()
    gate.acquire()
    return gate


@dataclass(slots=True, eq=False, repr=False)
class Wait:
    """One wait.

    `threading.Condition` treats it as the lock that it releases to let a waiting thread continue.

    Attributes:
        thread: the waiting thread of the client; None for any other thread.
        connection: the connection of a double that waits before it answers.
        what: what it waits for, in words.
        deadline: the microsecond of virtual time at which it ends by itself; None: never.
        descriptors: file descriptors that end it once one is readable.
        foreign: whether a peer other than a double may write to one of these, or what determines it.
        end: ends it from outside.
        outcome: how it ended; None while it lasts.
        error: what the waiting thread is to raise when it has failed.
        patience: real seconds without progress after which it ends as stuck; None: never.
    """

    thread: threading.Thread | None
    connection: Serving | None
    what: str
    deadline: int | None
    descriptors: tuple[int, ...]
    foreign: Callable[[], bool] | bool
    end: Callable[[Wait], None]
    outcome: Outcome | None = None
    error: BaseException | None = None
    patience: float | None = None
    _number: int = field(default_factory=partial(next, count()))
    _gate: _thread.LockType = field(default_factory=_closed_gate)
    _afterwards: _thread.LockType | None = None
    _alarm: Alarm | None = None

    def order(self) -> tuple[int, int, int]:
        """Return the sort key of waits with a deadline: the earlier ends first.

        Of equal deadlines, that of a double ends first, so that an answer at the end of a time limit is in time; the
        limit of a watched thread last; else the one that began first.
        """
        rank = 2 if self.patience is not None else int(self.connection is None)
        return self.deadline or 0, rank, self._number

    def left(self, now: int) -> float | None:
        """Return the seconds that it has left at the microsecond `now`, or None when it has no deadline."""
        return None if self.deadline is None else max(0, self.deadline - now) / MICROSECOND

    def has_ended(self) -> bool:
        """Return whether it has ended; any thread may end it at any time."""
        return self.outcome is not None

    def is_shut(self) -> bool:
        """Return whether the waiting connection is to end because its double is closing."""
        return self.connection is not None and self.connection.is_shut

    def is_foreign(self) -> bool:
        """Return whether a peer other than a double may write to a descriptor. Determined at the first call."""
        if callable(self.foreign):
            self.foreign = self.foreign()
        return self.foreign

    def beyond(self, horizon: float) -> str:
        """Return the error for a wait that would end beyond the horizon, in virtual seconds."""
        return (
            f"The client still waits after {horizon:.0f} virtual seconds: {self.what}. A wait without an end of its "
            "own would last for ever. Give the client a deadline, or raise the limit: "
            f"ycimages_time.horizon = {horizon * 10:.0f}."
        )

    def release(self) -> None:
        """End it from outside.

        Raises:
            RuntimeError: it has ended already.
        """
        self.end(self)

    def prepare(self, alarms: Mapping[int, Alarm]) -> None:
        """Set the alarm of the calling thread, before blocking."""
        if self.descriptors:
            self._alarm = alarms[threading.get_ident()]

    def block(self) -> bool:
        """Block until woken, or for a real second; return whether a descriptor became readable."""
        if self._alarm is not None:
            return self._alarm.block(self.descriptors)
        self._gate.acquire(timeout=_RECHECK)
        return False

    def wake(self) -> None:
        """Let the blocked thread continue."""
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
        """Wait on in real time after virtual time has ended; return whether it was released."""
        return self._afterwards is not None and self._afterwards.acquire(timeout=-1 if seconds is None else seconds)


_set_exception = ctypes.pythonapi.PyThreadState_SetAsyncExc
_set_exception.argtypes = (ctypes.c_ulong, ctypes.py_object)


class _Noticed(BaseException):
    """Clears the interpreter's flag for pending exceptions."""


def interrupt(ident: int, error: type[BaseException]) -> None:
    """Raise `error` in a thread when it next runs Python code.

    A thread that blocks for ever never does. Up to CPython 3.12 one flag, shared by all threads, announces the pending
    exception and stays set until some thread raises. While it is set, CPython 3.11 never returns from a call that is
    traced (`sys.settrace`, a debugger, coverage). So the calling thread raises as well, which clears the flag.

    Args:
        ident: the identifier of the thread; one that has ended is ignored.
        error: the exception to raise.
    """
    try:
        _set_exception(ident, error)
        _set_exception(threading.get_ident(), _Noticed)
        while True:
            pass
    except _Noticed:
        return


MICROSECOND: Final = 10**6
"""Virtual time counts in microseconds: their number in a second."""


def microseconds(seconds: float) -> int:
    """Round seconds to the nearest microsecond, and to at least one when there are any."""
    return max(1, round(seconds * MICROSECOND)) if seconds > 0 else 0


_ZERO_WAITS: Final = 2_000
_COMPUTED_ZERO_WAITS: Final = 100
"""The zero-length waits of a thread at one moment before one takes time; fewer where the zero was computed."""


class ZeroWaits:
    """Counts waits of no time, and lets one take a microsecond after many that a thread has made at one moment.

    Code that loops until a limit has passed would loop for ever if time stopped exactly at the limit.
    """

    def __init__(self) -> None:
        self._made: dict[int, tuple[int, int]] = {}

    def length(self, ident: int, seconds: float, now: int) -> float:
        """Return the seconds that another wait of a thread takes at the microsecond `now`."""
        moment, count = self._made.get(ident, (now, 0))
        count = count + 1 if moment == now else 1
        self._made[ident] = now, count
        most = _ZERO_WAITS if isinstance(seconds, int) else _COMPUTED_ZERO_WAITS
        return 1 / MICROSECOND if count > most else seconds

    def end(self, ident: int) -> None:
        """Begin to count anew: the thread has made a wait that takes time."""
        self._made.pop(ident, None)
