"""One connection to a double that is no socket: bytes go in, and it tells what arrives, and when. It never waits."""

from __future__ import annotations

import errno
import os
from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_ycimages.api.message import SECOND
from pytest_ycimages.server.http import head
from pytest_ycimages.server.in_process.carriage import End, Pause, Shut, Until, carried
from pytest_ycimages.server.request_reader import RequestReader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_ycimages.server.http import HttpReply
    from pytest_ycimages.server.in_process.carriage import Step
    from pytest_ycimages.server.in_process.origin import Origin
    from pytest_ycimages.server.request_reader import Incoming

_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class Silence(NamedTuple):
    """Nothing arrives now.

    Attributes:
        until: when something will, in nanoseconds since the epoch; None: never.
        is_hang: whether the client has been left to wait for an answer, rather than nothing asked.
    """

    until: int | None
    is_hang: bool = True


class Line:
    """A connection.

    Args:
        origin: the double that is at its other end.
        number: a number for it.

    Attributes:
        is_cut: whether there is no double at its other end any more.
    """

    def __init__(self, origin: Origin, number: int) -> None:
        self.is_cut = False
        self._origin = origin
        self._reader = RequestReader(number)
        self._waiting: deque[Incoming] = deque()
        self._steps: Iterator[Step] | None = None
        self._arrived = bytearray()
        self._until: int | None = None
        self._hangs = False
        self._is_deciding = False
        self._end: End | None = None

    # What the client does.

    def send(self, data: bytes) -> None:
        """Take what the client sends; whatever is asked with it happens now, unless it is to wait before.

        Raises:
            ConnectionResetError: the connection was reset.
            BrokenPipeError: it was closed.
        """
        if self._end is End.RESET:
            raise _error(ConnectionResetError, errno.ECONNRESET)
        if self._end is End.CLOSED:
            raise _error(BrokenPipeError, errno.EPIPE)
        self._waiting += self._reader.feed(data)
        if self._reader.expects_continue:
            self._reader.expects_continue = False
            self._arrived += _CONTINUE
        self._advance()

    def take(self, most: int) -> bytes | Silence:
        """What has arrived, up to `most` bytes; nothing, `b""`, when the connection was closed.

        Raises:
            ConnectionResetError: the connection was reset.
        """
        self._advance()
        if self._arrived:
            taken = bytes(self._arrived[:most])
            del self._arrived[:most]
            return taken
        if self._end is End.RESET:
            raise _error(ConnectionResetError, errno.ECONNRESET)
        if self._end is End.CLOSED:
            return b""
        return Silence(self._until, is_hang=self._hangs or self._until is not None)

    def reach(self, moment: int) -> None:
        """Take it for `moment`, in nanoseconds since the epoch: a double that is closed lets nobody wait for it."""
        if self._until is not None and self._until <= moment:
            self._until = None

    def leave(self) -> None:
        """Let the client go. What it has asked for happens all the same, at once."""
        while self._end is None and (self._is_deciding or (self._waiting and not self._hangs)):
            self._until = None
            self._advance()
        self._end = self._end or End.CLOSED

    def cut(self) -> None:
        """Take the double away from its other end: what has not happened yet never will. On any thread."""
        self.is_cut = True
        self._end = self._end or End.CLOSED

    def is_readable(self) -> bool:
        """Whether there is something to take, the end included."""
        self._advance()
        return bool(self._arrived) or self._end is not None

    # What the double does.

    def _advance(self) -> None:
        """Go on as far as time allows."""
        while self._end is None and not self._hangs:
            if self._until is not None:
                if self._origin.clock.now() < self._until:
                    return
                self._until = None
            if self._steps is None:
                if not self._waiting:
                    return
                self._steps = self._answered(self._waiting.popleft())
            step = next(self._steps, None)
            if step is None:
                self._steps = None
            else:
                self._do(step)

    def _do(self, step: Step) -> None:
        match step:
            case bytes():
                self._arrived += step
            case Until(moment):
                self._until = moment
            case Pause(seconds):
                self._hangs = seconds == float("inf")
                if not self._hangs:
                    self._until = self._origin.clock.now() + round(seconds * SECOND)
            case Shut(seconds):
                self._origin.shut(seconds)
            case End():
                self._end = step

    def _answered(self, incoming: Incoming) -> Iterator[Step]:
        self._is_deciding = True
        answering = self._origin.app.answering(incoming.request)
        reply: HttpReply | None = None
        while reply is None:
            try:
                yield Until(next(answering).moment())
            except StopIteration as end:
                reply = end.value
        self._is_deciding = False
        first = head(reply, keep_alive=incoming.keep_alive, old=incoming.old)
        yield from carried(first, b"" if incoming.request.method == "HEAD" else reply.body, reply)
        if not incoming.keep_alive:
            yield End.CLOSED


def _error(kind: type[OSError], number: int) -> OSError:
    return kind(number, os.strerror(number))
