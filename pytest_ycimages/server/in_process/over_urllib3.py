"""urllib3 without sockets: its own pools and connections, and only what they connect to is not a socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError

from pytest_ycimages.server.in_process.plug import Plug

if TYPE_CHECKING:
    import socket

    from pytest_ycimages.server.in_process.origin import Origin


def pool_manager(origin: Origin, **settings: Any) -> PoolManager:
    """A pool manager whose connections lead to `origin`, whatever the host; TLS is taken as given."""

    def connected(connection: HTTPConnection) -> socket.socket:
        try:
            line = origin.connect()
        except OSError as error:
            raise NewConnectionError(connection, f"Failed to establish a new connection: {error}") from error
        return cast("socket.socket", Plug(origin, line, connection.timeout))

    class Connection(HTTPConnection):
        _new_conn = connected
        is_connected = property(_is_connected)

    class SecureConnection(HTTPSConnection):
        _new_conn = connected
        is_connected = property(_is_connected)

        def connect(self) -> None:
            self.sock = self._new_conn()
            self.is_verified = True

    class Pool(HTTPConnectionPool):
        ConnectionCls = Connection

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = SecureConnection

    manager = PoolManager(**settings)
    manager.pool_classes_by_scheme = {"http": Pool, "https": SecurePool}
    return manager


def _is_connected(connection: HTTPConnection) -> bool:
    plug = cast("Plug | None", connection.sock)
    return plug is not None and not plug.is_readable()
