"""Activity of the serving threads: virtual time moves only while no request is on its way."""

from __future__ import annotations

import math
import select
from enum import Enum
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Phase(Enum):
    """What the thread of a connection does."""

    LISTENING = "waits for a request"
    DECIDING = "reads or decides"
    WAITING = "lets time pass before the answer"
    ANSWERING = "writes the answer"


class Serving(Protocol):
    """What a serving thread serves: a connection, or a listener that refuses connections for a while.

    Attributes:
        phase: what the thread does.
    """

    phase: Phase

    @property
    def is_shut(self) -> bool:
        """Whether it is to end."""


class Listening(Protocol):
    """A listener that is open."""

    @property
    def host(self) -> str:
        """The address it listens on."""

    @property
    def port(self) -> int:
        """The port it listens on."""

    def is_busy(self, phases: set[Phase]) -> bool:
        """Return whether a connection is in one of `phases`, or a request has arrived that no thread has read."""


_LONGEST: Final = 86_400
"""Seconds of the longest wait that `poll` is asked for."""

listeners: Final[set[Listening]] = set()
"""Every listener that is open. A list of a set is made in one step, whichever thread adds to it meanwhile."""

led: Final[list[str]] = []
"""Host names or globs whose clients are led to a double at present, by the proxy of this process."""

serving: Final[dict[int, Serving]] = {}
"""What each serving thread, by its identifier, serves."""

jobs: Final[set[Serving]] = set()
"""The answers that a recording has on threads of their own, each until it has been sent."""

in_flight: Final[set[str]] = set()
"""The numbers of calls that virtual time waits for, wherever they are on their way; only virtual time adds to it."""

held_back: Final[set[str]] = set()
"""Those of them whose answers a double holds back until a later moment."""

fetching: Final[set[object]] = set()
"""Credentials that are being fetched, each for one of the calls in flight, which is sent only then."""

fetches: Final[set[str]] = set()
"""The numbers of the calls in flight that fetch them."""

unconnected: Final[set[str]] = set()
"""Those of them that have made no progress for a while; they may have no connection while a double refuses any."""

CALL: Final = "ycimages-call"
"""The metadata with the number of such a call."""
TIMEOUT: Final = "ycimages-timeout"
"""The metadata with the virtual seconds that its client gives it."""

observer: Callable[[], None] | None = None
"""Called whenever a connection has come to rest, or has been shut; only virtual time sets it."""


def notify() -> None:
    """Call the observer, if there is one at this moment."""
    observe = observer  # which another thread may take away
    if observe is not None:
        observe()


def is_quiet(*, answered: bool) -> bool:
    """Return whether no double has a request that it has not decided yet, and no call in flight is to be waited for.

    Args:
        answered: ask for more, namely that every answer has been written too.
    """
    busy = {Phase.DECIDING, Phase.ANSWERING} if answered else {Phase.DECIDING}
    if any(job.phase in busy for job in list(jobs)):
        return False
    return not is_in_flight() and not any(listener.is_busy(busy) for listener in list(listeners))


def is_in_flight() -> bool:
    """Return whether a call that virtual time waits for is on its way to a double, in its hands, or on its way back."""
    if in_flight <= held_back or (is_refusing() and in_flight <= held_back | unconnected):
        return False
    return held_back.isdisjoint(fetches) or len(in_flight - held_back) > len(fetching)


def is_refusing() -> bool:
    """Return whether a double refuses connections for a while."""
    return not listeners.isdisjoint(list(serving.values()))


def addresses() -> set[tuple[str, int]]:
    """Return the addresses on which doubles listen."""
    return {(listener.host, listener.port) for listener in list(listeners)}


def readable(descriptors: Iterable[int], seconds: float = 0) -> set[int]:
    """Return those of `descriptors` that have something to read.

    Args:
        descriptors: file descriptors.
        seconds: how long to wait for one of them at most, in the machine's time.
    """
    opened = [descriptor for descriptor in descriptors if descriptor >= 0]  # a closed socket has none
    if not hasattr(select, "poll"):
        return set(select.select(opened, [], [], seconds)[0])
    return _polled(opened, select.POLLIN, seconds)


def writable(descriptor: int) -> bool:
    """Return whether `descriptor` takes bytes: not if the other side is slow to read."""
    if descriptor < 0 or not hasattr(select, "poll"):
        return descriptor < 0 or bool(select.select([], [descriptor], [], 0)[1])
    return bool(_polled([descriptor], select.POLLOUT))


def _polled(descriptors: Iterable[int], events: int, seconds: float = 0) -> set[int]:
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, events)
    return {descriptor for descriptor, _ in poll.poll(math.ceil(min(seconds, _LONGEST) * 1000))}
