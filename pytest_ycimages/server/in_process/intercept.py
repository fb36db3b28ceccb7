"""The service's own host names, answered by a double in this process, for clients that nobody can tell of it.

While an interception lasts, each client library is patched at the one place where it opens a connection or takes one
from a pool, and only connections to these host names lead to the double. The patches are on the libraries' classes, so
a session that was made before does as one that is made meanwhile.

No library is imported for this. Those that are there are patched at once, and the others when the client imports them:
a finder in `sys.meta_path` waits for them as long as the interception lasts.

No connection that is kept survives a change of sides. One that was opened to the real host before is left alone or
closed, never used meanwhile; and those to the double are cut at the end, whoever keeps them, so that the next request
of the same session opens another.
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
from pytest_ycimages.server.in_process.imported import when_imported
from pytest_ycimages.settings import HOSTS, is_one_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from pytest_ycimages.server.in_process.line import Line
    from pytest_ycimages.server.in_process.origin import Origin

_PATCHES: Final = {
    "http.client": "intercept_http_client",
    "urllib3": "intercept_urllib3",
    "httpcore": "intercept_httpcore",
    "aiohttp": "intercept_aiohttp",
}
"""Which module of this room patches which library. urllib.request is on http.client, requests on urllib3, httpx on
httpcore."""

_beginning: Final = threading.Lock()
_present: Interception | None = None


class Interception:
    """Host names that lead to a double, while this context lasts.

    Args:
        origin: the double.
        hosts: more host names or globs than `HOSTS`, as `host_names` reads them.
        name: says which double this is.

    Attributes:
        origin: the double.
        name: as it was given.

    Raises:
        UsageError: when it begins, another lasts.
    """

    def __init__(self, origin: Origin, hosts: Iterable[str] = (), *, name: str) -> None:
        self.origin = origin
        self._hosts = (*HOSTS, *hosts)
        self.name = name
        self._is_over = False
        self._patched: set[str] = set()
        self._lines: WeakSet[Line] = WeakSet()
        self._stack = ExitStack()
        self.lock = threading.RLock()
        """Held for moments only, and never while anything is imported or waited for."""
        self.is_for = lru_cache(self._is_for)

    def _is_for(self, host: str) -> bool:
        """Whether a host name leads to the double."""
        return is_one_of(host, self._hosts)

    def connect(self) -> Line:
        """A new connection to the double.

        Raises:
            ConnectionRefusedError: nobody is let in at present, or the interception is over.
        """
        with self.lock:
            if self._is_over:
                raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
            line = self.origin.connect()
            self._lines.add(line)
            return line

    def __enter__(self) -> Self:
        """Begin."""
        global _present  # noqa: PLW0603 - the libraries' classes are there once in a process, and so is this
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
        """End: what was patched is as it was, and every connection to the double is cut."""
        with self.lock:
            self._is_over = True
            for line in list(self._lines):
                line.cut()
            self._stack.close()

    def _patch(self, library: str) -> None:
        patching: Any = import_module(f"{__package__}.{_PATCHES[library]}")
        with self.lock:
            if not self._is_over and library not in self._patched:
                self._patched.add(library)
                patching.patch(self, self._stack)


def _forget() -> None:
    global _present  # noqa: PLW0603 - see above
    _present = None


def replace(stack: ExitStack, owner: type, name: str, value: object) -> None:
    """Set an attribute of a class until `stack` unwinds. One that was inherited is inherited again then."""
    if name in vars(owner):
        stack.callback(setattr, owner, name, vars(owner)[name])
    else:
        stack.callback(delattr, owner, name)
    setattr(owner, name, value)
