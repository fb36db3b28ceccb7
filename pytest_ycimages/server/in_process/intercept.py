"""Interception of the service's own host names for every HTTP client in this process.

Each client library is patched, on its classes, where it opens a connection or takes one from a pool; sessions that
exist already are intercepted too. Only connections to these host names lead to the double. No library is imported for
this: libraries that are loaded are patched at once, others when the client imports them.

A kept connection never changes sides. Connections to the real host are not used during an interception, and those to
the double are aborted at its end, so that the next request of the same session opens another.
"""

from __future__ import annotations

import errno
import os
import threading
from contextlib import ExitStack
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Self
from weakref import WeakSet

from pytest_ycimages.errors import UsageError
from pytest_ycimages.hosts import HOSTS, METADATA_HOST, is_one_of
from pytest_ycimages.network.patching import when_imported

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from pytest_ycimages.server.in_process.connection import Endpoint, InProcessConnection

_PATCHES: Final = {
    "http.client": ("http_client", "patch_http_client"),
    "urllib3": ("http_client", "patch_urllib3"),
    "httpcore": ("httpcore", "patch"),
    "aiohttp": ("aiohttp", "patch"),
}
"""The function of this package that patches a library. urllib.request is built on http.client, requests on urllib3,
httpx on httpcore."""

_beginning: Final = threading.Lock()
_present: Interception | None = None


class Interception:
    """A context in which host names lead to a double.

    Args:
        endpoint: the double.
        hosts: more host names or globs than `HOSTS`, as `host_names` reads them.
        name: the double's name in errors.

    Raises:
        UsageError: on entry, another interception is in force.
    """

    def __init__(self, endpoint: Endpoint, hosts: Iterable[str] = (), *, name: str) -> None:
        self._endpoint = endpoint
        self.name = name
        self._is_over = False
        self._patched: set[str] = set()
        self._connections: WeakSet[InProcessConnection] = WeakSet()
        self._stack = ExitStack()
        self.lock = threading.RLock()
        """Held for moments only, never during an import or a wait."""
        led = (*HOSTS, METADATA_HOST, *hosts)
        self.is_for: Callable[[str], bool] = lru_cache(lambda host: is_one_of(host, led))
        """Returns whether a host name leads to the double."""

    def connect(self) -> InProcessConnection:
        """Return a new connection to the double.

        Raises:
            ConnectionRefusedError: connections are refused at present, or the interception is over.
        """
        with self.lock:
            if self._is_over:
                raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
            connection = self._endpoint.connect()
            self._connections.add(connection)
            return connection

    def __enter__(self) -> Self:
        """Begin."""
        global _present  # noqa: PLW0603 - one in a process, as are the libraries' classes
        with _beginning:
            if _present is not None:
                raise UsageError(
                    f"{self.name} cannot answer the real host names: {_present.name} does so already, and a host "
                    "name leads to one double only. Use that double, or let its `intercept()` end first."
                )
            _present = self
        self._stack.callback(_forget)
        try:
            when_imported(_PATCHES, self._patch, self._stack)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End: restore the libraries and abort every connection to the double."""
        with self.lock:
            self._is_over = True
            for connection in list(self._connections):
                connection.abort()
            self._stack.close()

    def _patch(self, library: str) -> None:
        module, function = _PATCHES[library]
        patch: Any = getattr(import_module(f"{__package__}.{module}"), function)
        with self.lock:
            if not self._is_over and library not in self._patched:
                self._patched.add(library)
                patch(self, self._stack)


def _forget() -> None:
    global _present  # noqa: PLW0603 - see above
    _present = None
