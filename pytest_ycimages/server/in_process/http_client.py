"""http.client, urllib3 and requests in process: their own machinery over fake sockets.

urllib.request is built on http.client, and requests on urllib3. No library but http.client is imported by this module.
"""

from __future__ import annotations

import io
import os
import socket
import sys
from functools import cache
from http.client import HTTPConnection, HTTPSConnection
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit
from weakref import WeakSet

from pytest_ycimages.network.patching import replace

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    import requests.adapters
    import urllib3
    import urllib3.connection
    from _typeshed import ReadableBuffer, WriteableBuffer

    from pytest_ycimages.server.in_process.connection import Endpoint, InProcessConnection
    from pytest_ycimages.server.in_process.intercept import Interception


_RECEIVE: Final = 64 * 2**10


class FakeSocket:
    """The client's end of an in-process connection, with the methods of a socket that HTTP clients call.

    Args:
        connection: the connection.
        timeout: the client's time-out in seconds; None: none.
    """

    def __init__(self, connection: InProcessConnection, timeout: float | None) -> None:
        self._connection = connection
        self._timeout = timeout
        self._files = 0
        self._is_closed = False

    def settimeout(self, timeout: float | None) -> None:
        """Set the client's time-out."""
        self._timeout = timeout

    def gettimeout(self) -> float | None:
        """Return the client's time-out."""
        return self._timeout

    def sendall(self, data: ReadableBuffer) -> None:
        """Send data."""
        self._connection.send(bytes(data))

    def recv(self, most: int = _RECEIVE) -> bytes:
        """Return the next bytes, as `InProcessConnection.receive` does."""
        return self._connection.receive(most, self._timeout)

    def is_readable(self) -> bool:
        """Return whether there is something to read, the end included."""
        return self._connection.is_readable()

    def makefile(self, mode: str = "rb", buffering: int = -1) -> io.BufferedReader:
        """Return a file to read from. The connection lasts as long as the file."""
        self._files += 1
        return io.BufferedReader(_SocketFile(self), _RECEIVE)

    def release(self) -> None:
        """Note that a file was closed."""
        self._files -= 1
        self._close_if_done()

    def shutdown(self, how: int) -> None:
        """Close the connection."""
        self._connection.close()

    def close(self) -> None:
        """Close the connection once every file is closed too."""
        self._is_closed = True
        self._close_if_done()

    def _close_if_done(self) -> None:
        if self._is_closed and not self._files:
            self._connection.close()


class _SocketFile(io.RawIOBase):
    def __init__(self, sock: FakeSocket) -> None:
        super().__init__()
        self._sock = sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        room = memoryview(buffer).cast("B")
        data = self._sock.recv(len(room))
        room[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._sock.release()


def urllib3_pool_manager(endpoint: Endpoint, **settings: Any) -> urllib3.PoolManager:
    """Return a pool manager whose connections lead to `endpoint`, whatever the host; TLS is taken as given.

    The classes have the names of urllib3's own, which its error texts quote.
    """
    import urllib3  # noqa: PLC0415 - only for users of urllib3
    from urllib3 import connection  # noqa: PLC0415 - as above
    from urllib3.exceptions import NewConnectionError  # noqa: PLC0415 - as above

    def new_socket(self: connection.HTTPConnection) -> socket.socket:
        try:
            opened = endpoint.connect()
        except OSError as error:
            raise NewConnectionError(self, f"Failed to establish a new connection: {error}") from error
        return cast("socket.socket", FakeSocket(opened, self.timeout))

    def connect(self: connection.HTTPConnection) -> None:
        self.sock = new_socket(self)
        self.is_verified = isinstance(self, connection.HTTPSConnection)

    def is_usable(self: connection.HTTPConnection) -> bool:
        sock = cast("FakeSocket | None", self.sock)
        return sock is not None and not sock.is_readable()

    ways = {"_new_conn": new_socket, "connect": connect, "is_connected": property(is_usable)}

    class HTTPConnectionPool(urllib3.HTTPConnectionPool):
        ConnectionCls = type("HTTPConnection", (connection.HTTPConnection,), ways)

    class HTTPSConnectionPool(urllib3.HTTPSConnectionPool):
        ConnectionCls = type("HTTPSConnection", (connection.HTTPSConnection,), ways)

    manager = urllib3.PoolManager(**settings)
    manager.pool_classes_by_scheme = {"http": HTTPConnectionPool, "https": HTTPSConnectionPool}
    return manager


def requests_adapter(endpoint: Endpoint) -> requests.adapters.HTTPAdapter:
    """Return an adapter of requests, on urllib3's pools, whose connections lead to `endpoint`."""
    from requests.adapters import HTTPAdapter  # noqa: PLC0415 - only for users of requests

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **settings: Any) -> None:
            pools = urllib3_pool_manager(endpoint, num_pools=connections, maxsize=maxsize, block=block, **settings)
            self.poolmanager = pools

        def proxy_manager_for(self, proxy: str, **settings: Any) -> urllib3.PoolManager:
            """Return the same pools: a proxy of the environment is ignored."""
            pools: urllib3.PoolManager = self.poolmanager
            return pools

    return Adapter()


def patch_http_client(interception: Interception, stack: ExitStack) -> None:
    """Patch http.client until `stack` unwinds."""
    sockets = FakeSockets(interception)
    putrequest = HTTPConnection.putrequest

    def put(self: HTTPConnection, method: str, url: str, *more: Any, **options: Any) -> None:
        with interception.lock:  # a request begins either before the fake sockets are removed, or after
            sockets.change_side(self, url)
            putrequest(self, method, url, *more, **options)

    for kind in (HTTPConnection, HTTPSConnection):
        replace(stack, kind, "connect", sockets.connecting(kind.connect))
    replace(stack, HTTPConnection, "putrequest", put)
    stack.callback(sockets.remove)


def patch_urllib3(interception: Interception, stack: ExitStack) -> None:
    """Patch urllib3 until `stack` unwinds. Its connections are http.client's as well, and so patched twice."""
    from urllib3 import connection  # noqa: PLC0415 - only for users of urllib3
    from urllib3.exceptions import NewConnectionError  # noqa: PLC0415 - as above

    class PoolSockets(FakeSockets):
        """Fake sockets of urllib3, which has errors and marks of its own."""

        def connect(self, client: Any) -> None:
            try:
                super().connect(client)
            except OSError as error:
                raise NewConnectionError(client, f"Failed to establish a new connection: {error}") from error
            client.is_verified = isinstance(client, connection.HTTPSConnection)
            client._has_connected_to_proxy = bool(client.proxy)  # noqa: SLF001 - as its own `connect` does

    sockets = PoolSockets(interception)
    known: Any = connection.HTTPConnection.is_connected

    def is_connected(self: connection.HTTPConnection) -> bool:
        sock: Any = self.sock
        if isinstance(sock, FakeSocket):
            return not sock.is_readable()
        return bool(known.fget(self))

    for kind in (connection.HTTPConnection, connection.HTTPSConnection):
        replace(stack, kind, "connect", sockets.connecting(kind.connect))
    replace(stack, connection.HTTPConnection, "is_connected", property(is_connected))


class FakeSockets:
    """The fake sockets in connections of http.client's kind, during an interception."""

    def __init__(self, interception: Interception) -> None:
        self._interception = interception
        self._connected: WeakSet[HTTPConnection] = WeakSet()

    def connecting(self, connect: Callable[[Any], None]) -> Callable[[HTTPConnection], None]:
        """Return the method `connect`, replaced for hosts that lead to the double."""

        def connect_or_fake(client: HTTPConnection) -> None:
            if self.is_for(client):
                self.connect(client)
            else:
                connect(client)

        return connect_or_fake

    def is_for(self, client: HTTPConnection, url: str = "") -> bool:
        """Return whether a connection, or a request for `url` over it, is for a host that leads to the double.

        A proxy on the way changes nothing: the client asks it for a tunnel to the host, or for a URL that names it.
        """
        if not getattr(client, "is_intercepted", True):  # the recorder's own connections
            return False
        asked = urlsplit(url).hostname if url.startswith(("http://", "https://")) else None
        known: Any = client
        return self._interception.is_for(asked or known._tunnel_host or client.host)  # noqa: SLF001 - it has no other name

    def connect(self, client: HTTPConnection) -> None:
        """Connect to the double.

        Raises:
            ConnectionRefusedError: connections are refused at present.
        """
        timeout: Any = client.timeout  # a number, None, or the mark of the default
        seconds = timeout if timeout is None or isinstance(timeout, int | float) else socket.getdefaulttimeout()
        with self._interception.lock:
            fake = _InterceptedSocket(self._interception.connect(), seconds)
            client.sock = cast("socket.socket", fake)
            self._connected.add(client)

    def change_side(self, client: HTTPConnection, url: str) -> None:
        """Drop a kept connection that leads to the real host or to the double, and must not."""
        is_fake, must_be = isinstance(client.sock, _InterceptedSocket), self.is_for(client, url)
        if is_fake == must_be or (must_be and isinstance(client.sock, FakeSocket)):  # the latter is a test's own
            return
        kept: Any = client.sock
        client.sock = cast("socket.socket", None)  # then it connects again by itself
        if kept is not None:
            kept.close()
        if must_be and not self.is_for(client):  # by itself it would connect to a proxy
            self.connect(client)

    def remove(self) -> None:
        """Remove the fake sockets of idle connections, which then connect again. One in use finds its own dead."""
        for client in list(self._connected):
            known: Any = client
            if isinstance(client.sock, _InterceptedSocket) and known._HTTPConnection__state == "Idle":  # noqa: SLF001 - as above
                client.sock = cast("socket.socket", None)


class _InterceptedSocket(FakeSocket):
    """A fake socket of an interception, as opposed to one that a test asked for."""

    def fileno(self) -> int:
        """Return a readable descriptor, so that urllib3 finds the connection dead after the interception."""
        return _dead()


@cache
def _dead() -> int:
    """A descriptor whose other end is closed: one for the whole process, never closed."""
    if sys.platform == "win32":  # where only sockets can be selected
        ours, theirs = socket.socketpair()
        theirs.close()
        return ours.detach()
    ours, theirs = os.pipe()
    os.close(theirs)
    return ours
