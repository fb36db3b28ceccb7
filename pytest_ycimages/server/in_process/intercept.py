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
import sys
import threading
from contextlib import ExitStack
from functools import lru_cache
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from typing import TYPE_CHECKING, Any, Final, Self
from weakref import WeakSet

from pytest_ycimages.errors import UsageError
from pytest_ycimages.hosts import HOSTS, is_one_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType, TracebackType

    from pytest_ycimages.server.in_process.connection import Endpoint, InProcessConnection

    Notify = Callable[[str], None]

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
        self.endpoint = endpoint
        self._hosts = (*HOSTS, *hosts)
        self.name = name
        self._is_over = False
        self._patched: set[str] = set()
        self._connections: WeakSet[InProcessConnection] = WeakSet()
        self._stack = ExitStack()
        self.lock = threading.RLock()
        """Held for moments only, never during an import or a wait."""
        self.is_for = lru_cache(self._is_for)

    def _is_for(self, host: str) -> bool:
        """Return whether a host name leads to the double."""
        return is_one_of(host, self._hosts)

    def connect(self) -> InProcessConnection:
        """Return a new connection to the double.

        Raises:
            ConnectionRefusedError: connections are refused at present, or the interception is over.
        """
        with self.lock:
            if self._is_over:
                raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
            connection = self.endpoint.connect()
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


def replace(stack: ExitStack, owner: type, name: str, value: object) -> None:
    """Set an attribute of a class until `stack` unwinds; an inherited attribute is inherited again then."""
    if name in vars(owner):
        stack.callback(setattr, owner, name, vars(owner)[name])
    else:
        stack.callback(delattr, owner, name)
    setattr(owner, name, value)


def when_imported(names: Collection[str], notify: Notify, stack: ExitStack) -> None:
    """Call `notify` for each of these modules: at once if it is loaded, else after its import, until `stack` unwinds.

    Args:
        names: the modules; a package is loaded once its `__init__` has run.
        notify: called with the name, maybe more than once, on the thread that imports it.
        stack: when to stop.
    """
    finder = _Finder(names, notify)
    sys.meta_path.insert(0, finder)
    stack.callback(sys.meta_path.remove, finder)
    for name in names:
        if name in sys.modules:
            import_module(name)  # waits for another thread that is importing it
            notify(name)


class _Finder(MetaPathFinder):
    """Finds what the other finders find, with a loader that notifies."""

    def __init__(self, names: Collection[str], notify: Notify) -> None:
        self._names = names
        self._notify = notify

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self._names:
            return None
        others = [finder for finder in sys.meta_path if finder is not self]
        spec = next((found for finder in others if (found := finder.find_spec(fullname, path, target))), None)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, self._notify)
        return spec


class _Loader(Loader):
    """Loads as another loader does, then notifies. The module sees only the other."""

    def __init__(self, loader: Loader, notify: Notify) -> None:
        self._loader = loader
        self._notify = notify

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._notify(module.__name__)
