"""What the serving threads are at, for who has to know that nothing is on its way: virtual time moves only then."""

from __future__ import annotations

import select
from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_ycimages.server.connection import Connection
    from pytest_ycimages.server.listener import Listener


class Phase(Enum):
    """What a connection's thread is at."""

    LISTENING = "waits for a request"
    DECIDING = "reads or decides"
    WAITING = "lets time pass before the answer"
    ANSWERING = "writes the answer"


listeners: Final[set[Listener]] = set()
"""Every listener that is open. A list of a set is made in one step, whichever thread adds to it meanwhile."""

serving: Final[dict[int, Connection | Listener]] = {}
"""What each serving thread, by its identifier, serves."""

observer: Callable[[], None] | None = None
"""Called whenever a connection has come to rest, or has been shut; only virtual time sets it."""


def tell() -> None:
    """Call the observer, if there is one at this moment."""
    observe = observer  # which another thread may take away
    if observe is not None:
        observe()


def is_quiet(*, answered: bool) -> bool:
    """Whether no double has a request that it has not decided yet.

    Args:
        answered: ask for more, namely that every answer has been written too.
    """
    busy = {Phase.DECIDING, Phase.ANSWERING} if answered else {Phase.DECIDING}
    return not any(listener.is_busy(busy) for listener in list(listeners))


def addresses() -> set[tuple[str, int]]:
    """Where the doubles listen."""
    return {(listener.host, listener.port) for listener in list(listeners)}


def readable(descriptors: Iterable[int]) -> set[int]:
    """Those of `descriptors` at which there is something to read, at this moment."""
    opened = [descriptor for descriptor in descriptors if descriptor >= 0]  # a closed socket has none
    if not hasattr(select, "poll"):
        return set(select.select(opened, [], [], 0)[0])
    return _polled(opened, select.POLLIN)


def writable(descriptor: int) -> bool:
    """Whether something can be written at `descriptor`: not if the other side is in no hurry to read."""
    if descriptor < 0 or not hasattr(select, "poll"):
        return descriptor < 0 or bool(select.select([], [descriptor], [], 0)[1])
    return bool(_polled([descriptor], select.POLLOUT))


def _polled(descriptors: Iterable[int], events: int) -> set[int]:
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, events)
    return {descriptor for descriptor, _ in poll.poll(0)}
