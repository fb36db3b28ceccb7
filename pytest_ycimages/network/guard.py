"""Guard that refuses connections and name look-ups: of a replay, beyond this machine; of a test, to the real service.

Python reports every such attempt, of any thread and caller, by its audit events. An audit hook cannot be removed, so
there is one, which does nothing unless something is guarded. What it does not see is patched: sockets that are given a
name to connect to, the loops of uvloop, and channels of gRPC. Other code that does not use Python's sockets, such as a
resolver in C, is not seen.
"""

from __future__ import annotations

import _socket
import functools
import gc
import os
import socket
import stat
import subprocess
import sys
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final

from pytest_ycimages.errors import NetworkRefusedError, RealHostRefusedError, YCImagesError
from pytest_ycimages.hosts import is_one_of, is_this_machine
from pytest_ycimages.network.environment import is_direct, own_proxies
from pytest_ycimages.network.patching import replace, when_imported

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    Check = Callable[[str, str, int | None], None]

_EVENTS: Final = {
    "socket.connect": (1, "connect to"),
    "socket.sendto": (1, "send to"),
    "socket.sendmsg": (1, "send to"),
    "socket.getaddrinfo": (0, "look up the address of"),
    "socket.gethostbyname": (0, "look up the address of"),
    "socket.gethostbyaddr": (0, "look up the name of"),
    "socket.getnameinfo": (0, "look up the name of"),
}
"""The events of outgoing traffic, the index of their address argument, and the action in words."""

_METHODS: Final = {"connect": "connect to", "connect_ex": "connect to", "sendto": "send to"}
"""The methods of a socket that look up names, and the action in words; the address is the last argument."""
_OF_LOOPS: Final = {
    "getaddrinfo": (0, "host", "look up the address of"),
    "create_connection": (1, "host", "connect to"),
    "sock_connect": (1, "address", "connect to"),
    "create_datagram_endpoint": (2, "remote_addr", "send to"),
}
"""The methods of an event loop in C, the place and the name of their address argument, and the action in words."""
_LIBRARIES: Final = ("uvloop", "grpc._channel", "grpc.aio._channel")
"""The modules that are patched once they are imported."""
_NOWHERE: Final = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - addresses of this machine, and nothing binds to them
_ADVICE: Final = (
    "a double of the service is open in this process, and this would go to the service itself. Use the fixture "
    "ycimages_intercept, or `with double.intercept():`, which answers these host names; or give the client the address "
    "of the double: ycimages.url, or ycimages.grpc_endpoint for gRPC. If the request is meant for the service, allow "
    "this host: allowed_hosts=[{!r}]; or all of them: real_hosts='allow'."
)

_PROXIES: Final = ("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "HTTP_PROXY", "grpc_proxy")
_OF_GRPC: Final = (("grpc_proxy", "https_proxy", "http_proxy"), ("no_grpc_proxy", "no_proxy"))
"""The variables in which gRPC looks for its proxy and for the exceptions from it, in its order."""
_REFUSING: Final = "http://nothing-leaves-while-a-cassette-is-replayed.localhost:9"
"""A proxy that does not exist: clients quote its name in their errors, and it is on this machine by its domain."""
_ENV: Final = 10
"""The index of the environment among the arguments of Popen."""

own: Final = threading.local()
"""`own.sending` is true on a thread that sends a request to the service on purpose, as a recording does."""
_lock: Final = threading.Lock()
_checks: Final[list[Check]] = []
"""The checks of each attempt at present."""
_hooks: Final[list[object]] = []
"""The hook, once it is installed."""
_patches: Final[list[ExitStack]] = []
"""The patches, while there are checks."""


@contextmanager
def network_refused(
    allowed: Iterable[str], on_refusal: Callable[[NetworkRefusedError], object], advice: str = ""
) -> Generator[None]:
    """Refuse outgoing traffic while the context lasts, on every thread.

    On this machine, the listeners of this process are reached, such as doubles and servers of the test.

    Args:
        allowed: names of hosts, or globs, that may be reached.
        on_refusal: called with each refusal, as a client may swallow the error.
        advice: what to do about one.
    """
    patterns = tuple(allowed)

    def check(doing: str, host: str, port: int | None) -> None:
        __tracebackhide__ = True
        is_here = _is_here(host)
        if is_one_of(host, patterns) or (is_here and (not port or is_own_port(port))):
            return
        where, why = f"{host!r}", "and then nothing leaves this machine"
        if is_here:
            where, why = f"port {port} of {host!r}", "and no server of this process listens there; it may be a proxy"
        refusal = NetworkRefusedError(
            f"Refused to {doing} {where}: a cassette is being replayed, {why}. "
            f"{advice}If this host does not belong to the cassette, allow it: allowed_hosts=[{host!r}], or the ini "
            "value ycimages_allowed_hosts."
        )
        on_refusal(refusal)
        raise refusal

    with _checking(check), ExitStack() as stack:
        _replace(stack, subprocess.Popen, "__init__", _without_network(subprocess.Popen.__init__, patterns))
        yield


@contextmanager
def real_hosts_refused(
    hosts: Iterable[str], allowed: Iterable[str], on_refusal: Callable[[RealHostRefusedError], object]
) -> Generator[None]:
    """Refuse connections to the real service, and look-ups of its names, while the context lasts, on every thread.

    Args:
        hosts: names of hosts, or globs, that belong to the service.
        allowed: those that may be reached.
        on_refusal: called with each refusal, as a client may swallow the error.
    """
    refused, patterns = tuple(hosts), tuple(allowed)

    def check(doing: str, host: str, _: int | None) -> None:
        __tracebackhide__ = True
        if is_one_of(host, refused) and not is_one_of(host, patterns):
            refusal = RealHostRefusedError(f"Refused to {doing} {host!r}: {_ADVICE.format(host)}")
            on_refusal(refusal)
            raise refusal

    with _checking(check):
        yield


@contextmanager
def _checking(check: Check) -> Generator[None]:
    """Ask `check` about each attempt of any thread while the context lasts."""
    with _lock:
        if not _hooks:
            _hooks.append(_audit)
            sys.addaudithook(_audit)
        if not _checks:
            _patches.append(_patched())
        _checks.append(check)
    try:
        yield
    finally:
        with _lock:
            _checks.remove(check)
            if not _checks:
                _patches.pop().close()


def _ask(doing: str, host: str | None, port: object = None) -> None:
    """Ask the checks. Patches that another library has put back later find none."""
    __tracebackhide__ = True
    if _checks and host is not None and not getattr(own, "sending", False):
        number = int(port) if isinstance(port, int) or (isinstance(port, str) and port.isdecimal()) else None
        for check in tuple(_checks):
            check(doing, host, number)


def _audit(event: str, args: tuple[Any, ...]) -> None:
    __tracebackhide__ = True
    if _checks and event in _EVENTS:
        place, doing = _EVENTS[event]
        _ask(doing, *_host_and_port(args[place]))


def _patched() -> ExitStack:
    """Patch what the audit events do not show, until the result is closed."""
    kind: object = socket.socket  # which a test may have replaced
    with ExitStack() as stack:
        if isinstance(kind, type):
            for name, doing in _METHODS.items():
                _replace(stack, kind, name, _of_socket(getattr(kind, name), doing))
        late = stack.enter_context(ExitStack())  # for libraries that are imported later
        when_imported(_LIBRARIES, lambda library: _patch_library(library, late), stack)
        return stack.pop_all()


def _replace(stack: ExitStack, owner: type, name: str, value: object) -> None:
    """Set an attribute of a class until `stack` unwinds, unless another has replaced it meanwhile."""
    undo = ExitStack()
    replace(undo, owner, name, value)
    stack.callback(lambda: undo.close() if vars(owner).get(name) is value else None)


def _of_socket(method: Callable[..., Any], doing: str) -> Callable[..., Any]:
    def guarded(sock: socket.socket, *args: Any) -> Any:
        __tracebackhide__ = True
        if args and isinstance(args[-1], tuple):
            try:
                _ask(doing, *_host_and_port(args[-1]))
            except YCImagesError:
                sock.close()  # clients do so after an OSError only
                raise
        return method(sock, *args)

    return guarded


def _patch_library(library: str, stack: ExitStack) -> None:
    if library == "uvloop":
        loop: Any = sys.modules["uvloop"].Loop
        for name, (place, named, doing) in _OF_LOOPS.items():
            _replace(stack, loop, name, _of_loop(getattr(loop, name), place, named, doing))
    else:
        channel: Any = sys.modules[library].Channel
        _replace(stack, channel, "__init__", _of_channel(channel.__init__))


def _of_loop(method: Callable[..., Any], place: int, named: str, doing: str) -> Callable[..., Any]:
    async def guarded(loop: object, *args: Any, **options: Any) -> Any:
        __tracebackhide__ = True
        address = args[place] if len(args) > place else options.get(named)
        if isinstance(address, tuple):
            _ask(doing, *_host_and_port(address))
        else:
            port = args[place + 1] if len(args) > place + 1 else options.get("port")
            _ask(doing, _host_and_port(address)[0], port if doing == "connect to" else None)
        return await method(loop, *args, **options)

    return guarded


def _of_channel(init: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(init)
    def guarded(channel: object, target: str, *args: Any, **options: Any) -> None:
        __tracebackhide__ = True
        chosen = (args[0] if args else options.get("options")) or ()
        if not target.startswith(("unix:", "unix-abstract:")) and not _asks_a_double(target, chosen):
            host, _, port = target.rpartition("/")[2].removeprefix("dns:").removeprefix("ipv4:").rpartition(":")
            _ask("open a gRPC channel to", (host or port).strip("[]"), port if host else None)
        init(channel, target, *args, **options)

    return guarded


def _asks_a_double(target: str, options: Iterable[tuple[str, Any]]) -> bool:
    """Return whether a channel of gRPC will ask a double for a tunnel, by the variables that it reads now."""
    proxy, exceptions = (next(filter(None, map(os.environ.get, names)), "") for names in _OF_GRPC)
    if proxy not in own_proxies or not dict(options).get("grpc.enable_http_proxy", 1):
        return False
    return not is_direct(target.rpartition("/")[2].removeprefix("dns:"), exceptions)


def _without_network(start: Callable[..., None], allowed: tuple[str, ...]) -> Callable[..., None]:
    """Return `Popen.__init__` whose processes have a proxy that refuses, as far as they heed its variables."""
    direct = ",".join(("127.0.0.1", "localhost", "::1", *(host.removeprefix("*") for host in allowed)))
    proxies = dict.fromkeys(_PROXIES, _REFUSING) | {"no_proxy": direct, "NO_PROXY": direct}

    def started(process: object, *args: Any, **options: Any) -> None:
        given = list(args)
        env = given.pop(_ENV) if len(given) > _ENV else options.pop("env", None)
        env = dict(os.environ if env is None else env)
        if env.get("https_proxy") not in own_proxies:  # that of a double, which refuses in its turn
            env |= proxies
        if len(args) > _ENV:
            start(process, *given[:_ENV], env, *given[_ENV:], **options)
        else:
            start(process, *args, **options, env=env)

    return started


def _host_and_port(address: object) -> tuple[str | None, object]:
    """Return the host and the port of an address, or a name; None for a local path."""
    if isinstance(address, tuple):
        return (_host_and_port(address[0])[0], address[1] if len(address) > 1 else None) if address else (None, None)
    if isinstance(address, bytes):
        return address.decode("ascii", "replace"), None
    return (address if isinstance(address, str) and not address.startswith(("/", "\0")) else None), None


def _is_here(host: str) -> bool:
    plain = host.partition("%")[0]
    return plain in _NOWHERE or is_this_machine(plain)


def is_own_port(port: int) -> bool:
    """Return whether a socket of this process listens on a port, or receives datagrams there."""
    found = (_socket_of(descriptor) for descriptor in _descriptors())
    return any(is_open and name[1] == port for name, is_open in found if name)


def is_own_socket(address: tuple[Any, ...]) -> bool:
    """Return whether a socket of this process has this address."""
    return any(name and name[:2] == address[:2] for name, _ in map(_socket_of, _descriptors()))


def _descriptors() -> list[int]:
    """Return the descriptors of this process that may be sockets."""
    if os.name == "posix":
        return [int(name) for name in os.listdir("/dev/fd")]  # noqa: PTH208 - names alone
    return [each.fileno() for each in gc.get_objects() if isinstance(each, socket.socket)]


def _socket_of(descriptor: int) -> tuple[tuple[Any, ...], bool]:
    """Return the address of a socket, empty if it has none, and whether it listens or receives datagrams."""
    has_modes = os.name == "posix"
    try:
        if has_modes and not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            return (), False
        is_blocking = has_modes and os.get_blocking(descriptor)
        sock = _socket.socket(fileno=descriptor)
    except OSError:  # it has been closed
        return (), False
    try:
        name = sock.getsockname()
        receives = sock.type == socket.SOCK_DGRAM or sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        return (name, bool(receives)) if isinstance(name, tuple) else ((), False)
    except OSError:
        return (), False
    finally:
        sock.detach()
        if is_blocking and socket.getdefaulttimeout() is not None:
            os.set_blocking(descriptor, True)
