"""In-process connections: the same requests, replies and faults as over a socket, on the thread of the client."""

from __future__ import annotations

import errno
import os
from collections import deque
from itertools import count
from typing import TYPE_CHECKING, Final, NamedTuple, assert_never

from pytest_ycimages.api.message import SECOND
from pytest_ycimages.errors import UsageError
from pytest_ycimages.server.http1 import CONTINUE, RequestReader, encoded
from pytest_ycimages.server.transmission import Due, End, Pause, Shut, Until, awaited, transmission

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_ycimages.cloud.clock import Clock
    from pytest_ycimages.pipeline import Pipeline
    from pytest_ycimages.server.app import App
    from pytest_ycimages.server.http import HttpRequest

_Step = bytes | Until | Pause | Shut | End


class Pending(NamedTuple):
    """The result of `recv` while there is nothing to read.

    Attributes:
        until: when there will be, in nanoseconds since the epoch; None: never.
        is_hang: whether the client waits for an answer; if not, it has sent no request.
    """

    until: int | None
    is_hang: bool = True

    def ends_at(self, deadline: int | None) -> int:
        """Return when a client with a deadline, if any, goes on; in nanoseconds since the epoch.

        Raises:
            UsageError: it never would.
        """
        moments = [moment for moment in (self.until, deadline) if moment is not None]
        if not moments:
            raise UsageError(_ENDLESS_HANG if self.is_hang else _NO_REQUEST)
        return min(moments)

    def is_late(self, deadline: int | None) -> bool:
        """Return whether the deadline is over before there is anything to read."""
        return deadline is not None and (self.until is None or deadline < self.until)


_FORKED: Final = (
    "Refused to answer in process: process {} was forked from process {}, where the double is. What is called here "
    "would change a copy, and the test would see nothing of it. Give the client in the forked process the address "
    "ycimages.url, read before the fork."
)
_NO_REQUEST: Final = "The client waits for an answer but has sent no request: in process, that wait never ends."
_ENDLESS_HANG: Final = (
    "The answer hangs and the client has no time-out: in process, that wait never ends. Give the client a time-out, or "
    "let the fault end by itself: stall(seconds=60)."
)


class Endpoint:
    """A double as in-process clients reach it, at any address.

    Attributes:
        app: answers the requests.
    """

    def __init__(self, app: App) -> None:
        self.app = app
        self._numbers = count(-1, -1)  # those of sockets are positive
        self._shut: tuple[Pipeline, int] | None = None
        self._process = os.getpid()

    @property
    def clock(self) -> Clock:
        """The double's time."""
        return self.app.pipeline.clock

    def shut(self, seconds: float) -> None:
        """Refuse connections for seconds on the double's clock, or until the double is reset."""
        self._shut = self.app.pipeline, self.clock.now() + round(seconds * SECOND)

    def check_process(self) -> None:
        """Raise in a process that was forked from that of the double, and has a copy of it.

        Raises:
            UsageError: this is such a process.
        """
        if os.getpid() != self._process:
            raise UsageError(_FORKED.format(os.getpid(), self._process))

    def check_open(self) -> None:
        """Raise if connections are refused at present.

        Raises:
            ConnectionRefusedError: they are.
            UsageError: this process was forked from that of the double.
        """
        self.check_process()
        if self._shut is not None and self._shut[0] is self.app.pipeline and self.clock.now() < self._shut[1]:
            raise os_error(errno.ECONNREFUSED)

    def connect(self) -> InProcessConnection:
        """Return a new connection.

        Raises:
            ConnectionRefusedError: connections are refused at present.
        """
        self.check_open()
        return InProcessConnection(self, next(self._numbers))

    def wait_until(self, moment: int) -> None:
        """Wait until `moment`, in nanoseconds since the epoch."""
        self.clock.wait_until(moment, self.app.pipeline.delays.pause_for_real)


class InProcessConnection:
    """A connection without a socket. It never waits: `recv` says until when there is nothing to read.

    Args:
        endpoint: the double at its other end.
        number: tells it from other connections.

    Attributes:
        endpoint: the double at its other end.
        is_aborted: whether the double has gone from there.
    """

    def __init__(self, endpoint: Endpoint, number: int) -> None:
        self.endpoint = endpoint
        self.is_aborted = False
        self._reader = RequestReader(number)
        self._requests: deque[HttpRequest] = deque()
        self._steps: Iterator[_Step] | None = None
        self._arrived = bytearray()
        self._until: int | None = None
        self._is_deciding = False
        self._end: End | None = None

    # The client's side.

    def send(self, data: bytes) -> None:
        """Take bytes of the client; requests are answered at once, unless their calls wait before they happen.

        Raises:
            ConnectionResetError: the connection was reset.
            BrokenPipeError: it was closed.
            UsageError: this process was forked from that of the double.
        """
        self.endpoint.check_process()
        if self._end is End.RESET:
            raise os_error(errno.ECONNRESET)
        if self._end is End.CLOSED:
            raise os_error(errno.EPIPE)
        self._requests += self._reader.feed(data)
        if self._reader.expects_continue:
            self._reader.expects_continue = False
            self._arrived += CONTINUE
        self._advance()

    def recv(self, most: int) -> bytes | Pending:
        """Return up to `most` bytes that have arrived; `b""` when the connection was closed.

        Raises:
            ConnectionResetError: the connection was reset.
        """
        self._advance()
        if self._arrived:
            received = bytes(self._arrived[:most])
            del self._arrived[:most]
            return received
        if self._end is End.RESET:
            raise os_error(errno.ECONNRESET)
        if self._end is End.CLOSED:
            return b""
        return Pending(self._until, is_hang=self._end is End.SILENT or self._until is not None)

    def receive(self, most: int, timeout: float | None) -> bytes:
        """Return the next bytes for a client that blocks; `b""` when the connection was closed.

        Args:
            most: the most bytes to return.
            timeout: the client's time-out in seconds on the double's clock; None: none.

        Raises:
            ConnectionResetError: the connection was reset.
            TimeoutError: the time-out is over.
            UsageError: the client would wait for ever.
        """
        deadline = None if timeout is None else self.endpoint.clock.now() + round(timeout * SECOND)
        while not isinstance(received := self.recv(most), bytes):
            end = received.ends_at(deadline)
            self.endpoint.wait_until(end)
            if received.is_late(deadline):
                raise TimeoutError("timed out")
            if self._until is not None and self._until <= end:  # a closed double does not really wait
                self._until = None
        return received

    def close(self) -> None:
        """Close the client's side. The requests that it has sent are decided all the same, at once."""
        while self._end is None and (self._is_deciding or self._requests):
            self._until = None
            self._advance()
        self._end = self._closed()

    def abort(self) -> None:
        """Remove the double from the other end: calls that have not happened yet never will. On any thread."""
        self.is_aborted = True
        self._end = self._closed()

    def is_readable(self) -> bool:
        """Return whether there is something to read, the end included."""
        self._advance()
        return bool(self._arrived) or self._end in {End.CLOSED, End.RESET}

    # The double's side.

    def _closed(self) -> End:
        return End.RESET if self._end is End.RESET else End.CLOSED

    def _advance(self) -> None:
        """Do all steps whose time has come."""
        while self._end is None:
            if self._until is not None:
                if self.endpoint.clock.now() < self._until:
                    return
                self._until = None
            if self._steps is None:
                if not self._requests:
                    return
                self._steps = self._answered(self._requests.popleft())
            step = next(self._steps, None)
            if step is None:
                self._steps = None
            else:
                self._do(step)

    def _do(self, step: _Step) -> None:
        match step:
            case bytes():
                self._arrived += step
            case Until(moment):
                self._until = moment
            case Pause(seconds):
                self._until = self.endpoint.clock.now() + round(seconds * SECOND)
            case Shut(seconds):
                self.endpoint.shut(seconds)
            case End():
                self._end = step
            case _:
                assert_never(step)

    def _answered(self, request: HttpRequest) -> Iterator[_Step]:
        self._is_deciding = True
        try:
            reply = yield from awaited(self.endpoint.app.answering(request))
        finally:  # an interrupt, too, ends it: a client that closes its side would wait for ever
            self._is_deciding = False
        for step in transmission(*encoded(reply, request), reply):
            if not isinstance(step, Due):
                yield step
            elif reply.moment is not None:
                yield Until(reply.moment(step.share))
        if not request.keep_alive:
            yield End.CLOSED


def os_error(number: int) -> OSError:
    """Return the error of the operating system with this number."""
    return OSError(number, os.strerror(number))
