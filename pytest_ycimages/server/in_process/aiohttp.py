"""aiohttp in process: its own connectors and protocol, over a transport without a socket."""

from __future__ import annotations

import asyncio
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from aiohttp import TCPConnector
from aiohttp.client_proto import ResponseHandler
from aiohttp.helpers import TimerContext

from pytest_ycimages.api.message import SECOND
from pytest_ycimages.errors import UsageError
from pytest_ycimages.network.patching import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import ExitStack

    from aiohttp import ClientRequest, ClientTimeout
    from aiohttp.connector import Connection
    from aiohttp.helpers import BaseTimerContext
    from aiohttp.tracing import Trace

    from pytest_ycimages.server.in_process.connection import Endpoint, InProcessConnection, Pending
    from pytest_ycimages.server.in_process.intercept import Interception

_RECEIVE: Final = 64 * 2**10


class Connector(aiohttp.BaseConnector):
    """A connector of a session, whose connections lead to `endpoint`."""

    def __init__(self, endpoint: Endpoint, **settings: Any) -> None:
        super().__init__(**settings)
        self._endpoint = endpoint

    async def connect(self, req: ClientRequest, traces: list[Trace], timeout: ClientTimeout) -> Connection:
        """Return a connection from the pool or a new one."""
        connection = await super().connect(req, traces, timeout)
        leads_to_double(connection, timeout)
        return connection

    async def _create_connection(
        self, req: ClientRequest, traces: list[Trace], timeout: ClientTimeout
    ) -> ResponseHandler:
        return connected(self._endpoint.connect, req, self._loop)


def connected(
    connect: Callable[[], InProcessConnection], req: ClientRequest, loop: asyncio.AbstractEventLoop
) -> ResponseHandler:
    """Return a new connection, as a connector makes it for a request.

    Args:
        connect: returns a new connection to the double.
        req: the request.
        loop: the running loop.

    Raises:
        ClientConnectorError: connections are refused at present.
    """
    try:
        opened = connect()
    except OSError as error:
        failed = type(error)(error.errno, f"Connect call failed {req.host, req.port}")  # the words of asyncio
        raise aiohttp.ClientConnectorError(req.connection_key, failed) from error
    protocol = _Protocol(loop, opened.endpoint)
    protocol.connection_made(_Transport(loop, opened, protocol))
    return protocol


def leads_to_double(connection: Connection, timeout: ClientTimeout) -> bool:
    """Return whether a connection is in process; if so, begin to count the time-outs of a request on it."""
    protocol = connection.protocol
    if not isinstance(protocol, _Protocol):
        return False
    protocol.total = timeout.total
    protocol.began_at = protocol.endpoint.clock.now()
    return True


class _Protocol(ResponseHandler):
    """aiohttp's protocol, with the client's time-outs.

    Attributes:
        endpoint: the double.
        total: the time-out of a whole request in seconds; None: none.
        began_at: when the request began, in nanoseconds since the epoch on the double's clock.
        heard_at: when it was sent or bytes last arrived, in the same unit.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, endpoint: Endpoint) -> None:
        super().__init__(loop=loop)
        self.endpoint = endpoint
        self.total: float | None = None
        self.began_at = 0
        self.heard_at = 0
        self._total_timer: BaseTimerContext | None = None

    def set_response_params(self, *, timer: BaseTimerContext | None = None, **params: Any) -> None:
        """Keep the timer of the request."""
        self._total_timer = timer
        super().set_response_params(timer=timer, **params)

    def patience(self) -> tuple[str, int] | None:
        """Return the client's first time-out and its end in nanoseconds since the epoch; None: there is none."""
        found = []
        if self.read_timeout:
            found.append(("sock_read", self.heard_at + round(self.read_timeout * SECOND)))
        if self.total:
            found.append(("total", self.began_at + round(self.total * SECOND)))
        return min(found, key=itemgetter(1), default=None)

    def give_up(self, timeout: str) -> None:
        """End the request by one of the client's time-outs."""
        if timeout == "sock_read" or not isinstance(self._total_timer, TimerContext):
            self._on_read_timeout()
        else:
            self._total_timer.timeout()


class _Transport(asyncio.Transport):
    """The transport between aiohttp's protocol and an in-process connection. It never blocks."""

    def __init__(self, loop: asyncio.AbstractEventLoop, connection: InProcessConnection, protocol: _Protocol) -> None:
        super().__init__()
        self._loop = loop
        self._endpoint = connection.endpoint
        self._connection = connection
        self._protocol = protocol
        self._is_closing = False
        self._is_paused = False
        self._has_given_up = False
        self._next: asyncio.Handle | None = None

    # Called by aiohttp.

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send `data`; the answer arrives later, as it would from a socket."""
        try:
            self._protocol.heard_at = self._endpoint.clock.now()
            self._connection.send(bytes(data))
        except OSError as error:
            self._lose(error)
        else:
            self._soon()

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Send all of them."""
        self.write(b"".join(list_of_data))

    def is_closing(self) -> bool:
        """Return whether it is closed or about to close."""
        return self._is_closing or self._connection.is_aborted

    def close(self) -> None:
        """Close the connection."""
        self._lose(None)

    abort = close

    def pause_reading(self) -> None:
        """Hold arriving bytes back."""
        self._is_paused = True

    def resume_reading(self) -> None:
        """Pass arriving bytes on again."""
        self._is_paused = False
        self._soon()

    def get_write_buffer_size(self) -> int:
        """Return 0: all bytes are sent at once."""
        return 0

    # Arriving bytes.

    def _soon(self) -> None:
        if not self._is_closing:
            self._after(self._loop.call_soon(self._arrive))

    def _after(self, handle: asyncio.Handle) -> None:
        if self._next is not None:
            self._next.cancel()
        self._next = handle

    def _arrive(self) -> None:
        """Pass on the bytes that have arrived, and schedule the next call."""
        while not (self._is_closing or self._is_paused or self._has_given_up):
            try:
                received = self._connection.recv(_RECEIVE)
            except OSError as error:
                self._lose(error)
                return
            if isinstance(received, bytes):
                if not received:
                    self._protocol.eof_received()
                    self._lose(None)
                    return
                self._protocol.heard_at = self._endpoint.clock.now()
                self._protocol.data_received(received)
            elif not self._is_over(received):
                return

    def _is_over(self, pending: Pending) -> bool:
        """Wait while there is nothing to read; return whether there may be something now."""
        clock = self._endpoint.clock
        if not pending.is_hang:
            return False  # no request has been sent
        if not clock.is_moved_by_waits:
            if pending.until is not None:
                left = (pending.until - clock.now()) / SECOND
                self._after(self._loop.call_later(max(0, left), self._arrive))
            return False  # the client's own time-outs are timers of the same loop
        name, deadline = self._protocol.patience() or ("", None)
        try:
            self._endpoint.wait_until(pending.ends_at(deadline))
        except UsageError as error:
            self._lose(error)
            return False
        if pending.is_late(deadline):
            self._has_given_up = True
            self._protocol.give_up(name)
            return False
        return True

    def _lose(self, error: Exception | None) -> None:
        if self._is_closing:
            return
        self._is_closing = True
        self._connection.close()
        self._after(self._loop.call_soon(self._protocol.connection_lost, error))


def patch(interception: Interception, stack: ExitStack) -> None:
    """Patch aiohttp until `stack` unwinds."""
    connect, create = TCPConnector.connect, TCPConnector._create_connection  # noqa: SLF001 - made to be overridden

    async def connect_or_fake(
        self: TCPConnector, req: ClientRequest, traces: list[Trace], timeout: ClientTimeout
    ) -> Connection:
        connection = await connect(self, req, traces, timeout)
        if not interception.is_for(req.host or "") or type(self)._create_connection is not create_connection:  # noqa: SLF001 - as above
            return connection  # a subclass with a way of its own is left alone
        while not leads_to_double(connection, timeout):  # it was kept since before
            connection.close()
            connection = await connect(self, req, traces, timeout)
        return connection

    async def create_connection(
        self: TCPConnector, req: ClientRequest, traces: list[Trace], timeout: ClientTimeout
    ) -> ResponseHandler:
        if not interception.is_for(req.host or ""):
            return await create(self, req, traces, timeout)
        return connected(interception.connect, req, self._loop)

    replace(stack, TCPConnector, "connect", connect_or_fake)
    replace(stack, TCPConnector, "_create_connection", create_connection)
