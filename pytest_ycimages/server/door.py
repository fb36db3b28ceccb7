"""The door of this process: one proxy port, which leads to the double that answers the service's names at present.

It stays open once it has been used. So a client that keeps the proxy which it has found, such as a channel of gRPC that
is older than the test, reaches the double of each test in turn.
"""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack, contextmanager
from functools import cache, partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pytest_ycimages.api.message import json_bytes
from pytest_ycimages.hosts import LOOPBACK
from pytest_ycimages.network import environment
from pytest_ycimages.network.patching import replace, when_imported
from pytest_ycimages.server import activity
from pytest_ycimages.server.http import HttpReply
from pytest_ycimages.server.listener import Listener
from pytest_ycimages.server.protocols import speak
from pytest_ycimages.server.tunnel import Tunnels, certificates

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from pytest_ycimages.server.app import App
    from pytest_ycimages.server.connection import Connection
    from pytest_ycimages.server.http import HttpRequest

_FIRST: Final = 1_000_001
"""The number of the first connection, so that none has one of the double's own port."""
_PATIENCE: Final = 0.1
"""Seconds that the end waits for threads; those that are late end with their double."""
_NOTICE: Final = 2.0
"""Seconds that a client of gRPC has to notice the end; it takes one millisecond on a machine that is not busy."""
_GONE: Final = "No double of pytest-ycimages answers at this port at present: the test that it led to has ended."
_IN_CLEAR: Final = frozenset({"http_proxy", "HTTP_PROXY"})
"""Variables that this process is not given: libraries would ask for plain HTTP of other hosts, too."""
_ROOTS: Final = "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"

_lock: Final = threading.Lock()
_doors: Final[dict[int, Listener]] = {}
"""The door of a process. One that was forked needs another."""


def _unanswered(_: HttpRequest) -> HttpReply:
    return HttpReply(503, (("content-type", "application/json"),), json_bytes({"error": _GONE}))


def _unled(connection: Connection, data: bytes) -> bytes:
    """Serve a connection while no double answers."""
    if data[:1] == b"C":
        Tunnels(passes_own=True).open(connection, data)
        return b""
    return data


def _door() -> Listener | None:
    """Return the door; None: no port may be opened here."""
    with _lock:
        if (found := _doors.get(os.getpid())) is None:
            try:
                found = _doors[os.getpid()] = Listener(_unanswered, LOOPBACK[0], 0, _unled, first=_FIRST)
            except Exception:  # noqa: BLE001 - a suite that forbids sockets raises what it likes
                return None
        return found


@contextmanager
def led_to(app: App, served: Iterable[str], allowed: Iterable[str]) -> Generator[None]:
    """Lead the clients of this process, and the processes that it starts, to a double while the context lasts.

    Args:
        app: answers the requests.
        served: host names or globs that lead to the double.
        allowed: those of other hosts that processes may reach.
    """
    door = _door()
    if door is None:
        yield
        return
    served = tuple(served)
    variables = environment.proxy_variables(f"{door.host}:{door.port}", served, allowed, certificates())
    own = {name: value for name, value in variables.items() if name not in _IN_CLEAR}
    tunnels = Tunnels(served, allowed, passes_own=True)
    with ExitStack() as stack:
        environment.begin(door.host)
        stack.callback(environment.end, door.host)
        environment.lead(own)
        stack.callback(environment.stop_leading, own)
        if _ROOTS in own:
            when_imported({"grpc"}, lambda _: _trust(own[_ROOTS], stack), stack)
        activity.led[:] = served
        stack.callback(activity.led.clear)
        idle, admission = door.serves, app.admission
        app.admission = admission.also(served)
        stack.callback(setattr, app, "admission", admission)
        door.serves = app.answer, partial(speak, app, tunnels=tunnels)
        stack.callback(door.hang_up, _PATIENCE, _NOTICE)
        stack.callback(setattr, door, "serves", idle)
        door.hang_up(_PATIENCE)  # what was passed on to the service itself
        yield


def _trust(path: str, stack: ExitStack) -> None:
    """Let credentials that a client makes now trust the double: gRPC reads its variable but once in a process."""
    import grpc  # noqa: PLC0415 - the client has imported it

    original: Any = grpc.ssl_channel_credentials
    if hasattr(original, "__wrapped__"):
        return

    @wraps(original)
    def credentials(root_certificates: bytes | None = None, *args: Any, **options: Any) -> Any:
        return original(_read(path) if root_certificates is None else root_certificates, *args, **options)

    replace(stack, grpc, "ssl_channel_credentials", credentials)


@cache
def _read(path: str) -> bytes:
    return Path(path).read_bytes()
