"""urllib3 without sockets: its own pools and connections, and only what they connect to is not a socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import urllib3
from urllib3 import connection
from urllib3.exceptions import NewConnectionError

from pytest_ycimages.server.in_process.plug import Plug

if TYPE_CHECKING:
    import socket

    from pytest_ycimages.server.in_process.origin import Origin


def pool_manager(origin: Origin, **settings: Any) -> urllib3.PoolManager:
    """A pool manager whose connections lead to `origin`, whatever the host; TLS is taken as given.

    The classes have the names of urllib3's own, which stand in the texts of its errors.
    """

    def connected(asking: connection.HTTPConnection) -> socket.socket:
        try:
            line = origin.connect()
        except OSError as error:
            raise NewConnectionError(asking, f"Failed to establish a new connection: {error}") from error
        return cast("socket.socket", Plug(origin, line, asking.timeout))

    class HTTPConnection(connection.HTTPConnection):
        _new_conn = connected
        is_connected = property(_is_connected)

        def connect(self) -> None:
            self.sock = self._new_conn()

    class HTTPSConnection(connection.HTTPSConnection):
        _new_conn = connected
        is_connected = property(_is_connected)

        def connect(self) -> None:
            self.sock = self._new_conn()
            self.is_verified = True

    class HTTPConnectionPool(urllib3.HTTPConnectionPool):
        ConnectionCls = HTTPConnection

    class HTTPSConnectionPool(urllib3.HTTPSConnectionPool):
        ConnectionCls = HTTPSConnection

    manager = urllib3.PoolManager(**settings)
    manager.pool_classes_by_scheme = {"http": HTTPConnectionPool, "https": HTTPSConnectionPool}
    return manager


def _is_connected(asking: connection.HTTPConnection) -> bool:
    plug = cast("Plug | None", asking.sock)
    return plug is not None and not plug.is_readable()
