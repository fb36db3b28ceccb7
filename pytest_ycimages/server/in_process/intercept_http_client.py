"""http.client, and with it urllib.request: connections to some hosts get a plug in the place of a socket."""

from __future__ import annotations

import os
import socket
import sys
from functools import cache
from http.client import HTTPConnection, HTTPSConnection
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit
from weakref import WeakSet

from pytest_ycimages.server.in_process.intercept import replace
from pytest_ycimages.server.in_process.plug import Plug

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from pytest_ycimages.server.in_process.intercept import Interception


def patch(interception: Interception, stack: ExitStack) -> None:
    """Patch it until `stack` unwinds."""
    plugs = Plugs(interception)
    putrequest = HTTPConnection.putrequest

    def put(self: HTTPConnection, method: str, url: str, *more: Any, **options: Any) -> None:
        with interception.lock:  # a connection begins a request either before the plugs are pulled, or after
            plugs.change_side(self, url)
            putrequest(self, method, url, *more, **options)

    for kind in (HTTPConnection, HTTPSConnection):
        replace(stack, kind, "connect", plugs.connecting(kind.connect))
    replace(stack, HTTPConnection, "putrequest", put)
    stack.callback(plugs.pull)


class Plugs:
    """Which connections of http.client's kind have a plug: urllib3's are such as well.

    Args:
        interception: what leads to the double.
    """

    def __init__(self, interception: Interception) -> None:
        self._interception = interception
        self._plugged: WeakSet[HTTPConnection] = WeakSet()

    def connecting(self, connect: Callable[[Any], None]) -> Callable[[HTTPConnection], None]:
        """What `connect`, a method, is to be: the same, but for hosts that lead to the double."""

        def connect_or_plug(connection: HTTPConnection) -> None:
            if self.is_for(connection):
                self.plug(connection)
            else:
                connect(connection)

        return connect_or_plug

    def is_for(self, connection: HTTPConnection, url: str = "") -> bool:
        """Whether a connection, or a request for `url` over it, is for a host that leads to the double.

        A proxy on the way plays no part: it is asked for a tunnel to the host, or for a URL that names it.
        """
        asked = urlsplit(url).hostname if url.startswith(("http://", "https://")) else None
        known: Any = connection
        return self._interception.is_for(asked or known._tunnel_host or connection.host)  # noqa: SLF001 - it has no other name

    def plug(self, connection: HTTPConnection) -> None:
        """Connect to the double.

        Raises:
            ConnectionRefusedError: nobody is let in at present.
        """
        timeout: Any = connection.timeout  # a number, None, or what stands for the default
        seconds = timeout if timeout is None or isinstance(timeout, int | float) else socket.getdefaulttimeout()
        with self._interception.lock:
            plug = _Plug(self._interception.origin, self._interception.connect(), seconds)
            connection.sock = cast("socket.socket", plug)
            self._plugged.add(connection)

    def change_side(self, connection: HTTPConnection, url: str) -> None:
        """Let go of a connection that was kept, if it leads to the real host or to the double, and must not."""
        has_plug, needs_plug = isinstance(connection.sock, _Plug), self.is_for(connection, url)
        if has_plug == needs_plug or (needs_plug and isinstance(connection.sock, Plug)):  # a test's own way in process
            return
        kept: Any = connection.sock
        connection.sock = cast("socket.socket", None)  # then it connects again by itself
        if kept is not None:
            kept.close()
        if needs_plug and not self.is_for(connection):  # by itself it would connect to a proxy
            self.plug(connection)

    def pull(self) -> None:
        """Leave no plug in a connection that is kept, so that it connects again. One in use finds its plug dead."""
        for connection in list(self._plugged):
            known: Any = connection
            if isinstance(connection.sock, _Plug) and known._HTTPConnection__state == "Idle":  # noqa: SLF001 - likewise
                connection.sock = cast("socket.socket", None)


class _Plug(Plug):
    """A plug of an interception, as opposed to one that a test has asked for."""

    def fileno(self) -> int:
        """What somebody finds readable who asks the system, as urllib3 does when nobody intercepts any more."""
        return _dead()


@cache
def _dead() -> int:
    """A descriptor at whose other end is nobody: one for the whole process, and for good."""
    if sys.platform == "win32":  # where one can only ask for sockets
        ours, theirs = socket.socketpair()
        theirs.close()
        return ours.detach()
    ours, theirs = os.pipe()
    os.close(theirs)
    return ours
