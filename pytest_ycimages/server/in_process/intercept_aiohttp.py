"""aiohttp: its own connectors, whose connections to some hosts are no sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import TCPConnector

from pytest_ycimages.server.in_process.intercept import replace
from pytest_ycimages.server.in_process.over_aiohttp import connected, leads_to

if TYPE_CHECKING:
    from contextlib import ExitStack

    from aiohttp import ClientRequest, ClientTimeout
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

    from pytest_ycimages.server.in_process.intercept import Interception


def patch(interception: Interception, stack: ExitStack) -> None:
    """Patch it until `stack` unwinds."""
    connect, create = TCPConnector.connect, TCPConnector._create_connection  # noqa: SLF001 - made to be overridden

    async def connect_or_leave(
        self: TCPConnector, req: ClientRequest, traces: list[Trace], timeout: ClientTimeout
    ) -> Connection:
        connection = await connect(self, req, traces, timeout)
        if not interception.is_for(req.host or "") or type(self)._create_connection is not create_connection:  # noqa: SLF001 - likewise
            return connection  # the latter goes a way of its own
        while not leads_to(interception.origin, connection, timeout):  # it was kept since before
            connection.close()
            connection = await connect(self, req, traces, timeout)
        return connection

    async def create_connection(
        self: TCPConnector, req: ClientRequest, traces: list[Trace], timeout: ClientTimeout
    ) -> ResponseHandler:
        if not interception.is_for(req.host or ""):
            return await create(self, req, traces, timeout)
        return connected(interception.origin, interception.connect, req, self._loop)

    replace(stack, TCPConnector, "connect", connect_or_leave)
    replace(stack, TCPConnector, "_create_connection", create_connection)
