"""urllib3, and with it requests: connections to some hosts get a plug in the place of a socket.

TLS is taken as given. Its connections are http.client's as well, which is patched for what they have in common.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError

from pytest_ycimages.server.in_process.intercept import replace
from pytest_ycimages.server.in_process.intercept_http_client import Plugs
from pytest_ycimages.server.in_process.plug import Plug

if TYPE_CHECKING:
    from contextlib import ExitStack

    from pytest_ycimages.server.in_process.intercept import Interception


def patch(interception: Interception, stack: ExitStack) -> None:
    """Patch it until `stack` unwinds."""
    plugs = _Plugs(interception)
    known: Any = HTTPConnection.is_connected

    def is_connected(self: HTTPConnection) -> bool:
        sock: Any = self.sock
        if isinstance(sock, Plug):
            return not sock.is_readable()
        return bool(known.fget(self))

    for kind in (HTTPConnection, HTTPSConnection):
        replace(stack, kind, "connect", plugs.connecting(kind.connect))
    replace(stack, HTTPConnection, "is_connected", property(is_connected))


class _Plugs(Plugs):
    """Those of urllib3, which has errors and marks of its own."""

    def plug(self, connection: Any) -> None:
        """Connect to the double.

        Raises:
            NewConnectionError: nobody is let in at present.
        """
        try:
            super().plug(connection)
        except OSError as error:
            raise NewConnectionError(connection, f"Failed to establish a new connection: {error}") from error
        connection.is_verified = isinstance(connection, HTTPSConnection)
        connection._has_connected_to_proxy = bool(connection.proxy)  # noqa: SLF001 - as its own `connect` does
