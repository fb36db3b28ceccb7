"""What the serving threads are at, for who has to know that nothing is on its way: virtual time moves only then."""

from __future__ import annotations

import select
from enum import Enum
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

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


listeners: Final[WeakSet[Listener]] = WeakSet()
"""Every listener that is open."""

serving: Final[dict[int, Connection | Listener]] = {}
"""What each serving thread, by its identifier, serves."""

observer: Callable[[], None] | None = None
"""Called whenever a connection has begun to listen again; only virtual time sets it."""


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


def readable(descriptors: Iterable[int]) -> bool:
    """Whether there is something to read at any of `descriptors`, at this moment."""
    opened = [descriptor for descriptor in descriptors if descriptor >= 0]  # a closed socket has none
    if not hasattr(select, "poll"):
        return bool(select.select(opened, [], [], 0)[0])
    poll = select.poll()
    for descriptor in opened:
        poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
