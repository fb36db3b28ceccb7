"""aiohttp without sockets: its own connector and protocol, and only the transport between them is none."""

from __future__ import annotations

import asyncio
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.helpers import TimerContext

from pytest_ycimages.api.message import SECOND
from pytest_ycimages.errors import UsageError
from pytest_ycimages.server.in_process.origin import end_of, is_late

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aiohttp import ClientRequest, ClientTimeout
    from aiohttp.connector import Connection
    from aiohttp.helpers import BaseTimerContext
    from aiohttp.tracing import Trace

    from pytest_ycimages.server.in_process.line import Line, Silence
    from pytest_ycimages.server.in_process.origin import Origin

_RECEIVE: Final = 64 * 2**10


class Connector(aiohttp.BaseConnector):
    """What a session takes as its connector."""

    def __init__(self, origin: Origin, **settings: Any) -> None:
        super().__init__(**settings)
        self._origin = origin

    async def connect(self, req: ClientRequest, traces: list[Trace], timeout: ClientTimeout) -> Connection:
        """A connection from the pool or a new one."""
        connection = await super().connect(req, traces, timeout)
        leads_to(self._origin, connection, timeout)
        return connection

    async def _create_connection(
        self, req: ClientRequest, traces: list[Trace], timeout: ClientTimeout
    ) -> ResponseHandler:
        return connected(self._origin, self._origin.connect, req, self._loop)


def connected(
    origin: Origin, connect: Callable[[], Line], req: ClientRequest, loop: asyncio.AbstractEventLoop
) -> ResponseHandler:
    """A new connection, as a connector makes it for a request.

    Args:
        origin: the double.
        connect: makes a connection to it.
        req: the request.
        loop: the loop that runs.

    Raises:
        ClientConnectorError: nobody is let in at present.
    """
    try:
        line = connect()
    except OSError as error:
        told = type(error)(error.errno, f"Connect call failed {req.host, req.port}")  # as asyncio words it
        raise aiohttp.ClientConnectorError(req.connection_key, told) from error
    protocol = _Protocol(loop)
    protocol.connection_made(_Transport(loop, origin, line, protocol))
    return protocol


def leads_to(origin: Origin, connection: Connection, timeout: ClientTimeout) -> bool:
    """Tell whether a connection is no socket; if so, let the time-outs of a request that begins count for it."""
    protocol = connection.protocol
    if not isinstance(protocol, _Protocol):
        return False
    protocol.total = timeout.total
    protocol.began_at = origin.clock.now()
    return True


class _Protocol(ResponseHandler):
    """aiohttp's protocol, which keeps what it is told of the client's time-outs.

    Attributes:
        total: seconds that a request may take altogether; None: as many as it likes.
        began_at: when the request began, in nanoseconds since the epoch on the double's clock.
        heard_at: when it was sent, or something last arrived, likewise.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self.total: float | None = None
        self.began_at = 0
        self.heard_at = 0
        self._total_timer: BaseTimerContext | None = None

    def set_response_params(self, *, timer: BaseTimerContext | None = None, **params: Any) -> None:
        """Keep the timer of the request."""
        self._total_timer = timer
        super().set_response_params(timer=timer, **params)

    def patience(self) -> tuple[str, int] | None:
        """Which of the client's time-outs is over first, and when, in nanoseconds since the epoch; None: none."""
        found = []
        if self.read_timeout:
            found.append(("sock_read", self.heard_at + round(self.read_timeout * SECOND)))
        if self.total:
            found.append(("total", self.began_at + round(self.total * SECOND)))
        return min(found, key=itemgetter(1), default=None)

    def give_up(self, timeout: str) -> None:
        """Let one of the client's time-outs be over."""
        if timeout == "sock_read" or not isinstance(self._total_timer, TimerContext):
            self._on_read_timeout()
        else:
            self._total_timer.timeout()


class _Transport(asyncio.Transport):
    """Between aiohttp's protocol and a connection that is no socket. Nothing here blocks."""

    def __init__(self, loop: asyncio.AbstractEventLoop, origin: Origin, line: Line, protocol: _Protocol) -> None:
        super().__init__()
        self._loop = loop
        self._origin = origin
        self._line = line
        self._protocol = protocol
        self._is_closing = False
        self._is_paused = False
        self._has_given_up = False
        self._next: asyncio.Handle | None = None

    # What aiohttp calls.

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send `data`; what it is answered arrives later, as it would from a socket."""
        try:
            self._protocol.heard_at = self._origin.clock.now()
            self._line.send(bytes(data))
        except OSError as error:
            self._lose(error)
        else:
            self._soon()

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Send all of them."""
        self.write(b"".join(list_of_data))

    def is_closing(self) -> bool:
        """Whether it is closed, or will be as soon as the loop has a moment."""
        return self._is_closing or self._line.is_cut

    def close(self) -> None:
        """Leave."""
        self._lose(None)

    def abort(self) -> None:
        """Leave."""
        self._lose(None)

    def pause_reading(self) -> None:
        """Let nothing arrive for the time being."""
        self._is_paused = True

    def resume_reading(self) -> None:
        """Let what comes arrive again."""
        self._is_paused = False
        self._soon()

    def get_write_buffer_size(self) -> int:
        """Nothing is ever left to send."""
        return 0

    # What arrives.

    def _soon(self) -> None:
        if not self._is_closing:
            self._after(self._loop.call_soon(self._arrive))

    def _after(self, handle: asyncio.Handle) -> None:
        if self._next is not None:
            self._next.cancel()
        self._next = handle

    def _arrive(self) -> None:
        """Hand on what has arrived, and come again when something will."""
        while not (self._is_closing or self._is_paused or self._has_given_up):
            try:
                taken = self._line.take(_RECEIVE)
            except OSError as error:
                self._lose(error)
                return
            if isinstance(taken, bytes):
                if not taken:
                    self._protocol.eof_received()
                    self._lose(None)
                    return
                self._protocol.heard_at = self._origin.clock.now()
                self._protocol.data_received(taken)
            elif not self._is_over(taken):
                return

    def _is_over(self, silence: Silence) -> bool:
        """Wait while nothing arrives; tell whether that took no time, so that something may have arrived now."""
        clock = self._origin.clock
        if not silence.is_hang:
            return False  # the client has asked for nothing
        if not clock.is_moved_by_waits:
            if silence.until is not None:
                left = (silence.until - clock.now()) / SECOND
                self._after(self._loop.call_later(max(0, left), self._arrive))
            return False  # the client's own time-outs are timers of the same loop
        name, deadline = self._protocol.patience() or ("", None)
        try:
            self._origin.wait_until(end_of(silence, deadline))
        except UsageError as error:
            self._lose(error)
            return False
        if is_late(silence, deadline):
            self._has_given_up = True
            self._protocol.give_up(name)
            return False
        return True

    def _lose(self, error: Exception | None) -> None:
        if self._is_closing:
            return
        self._is_closing = True
        self._line.leave()
        self._after(self._loop.call_soon(self._protocol.connection_lost, error))
