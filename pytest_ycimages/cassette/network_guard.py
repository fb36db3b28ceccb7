"""Guard that refuses connections and name look-ups beyond this machine while a cassette is replayed.

Python reports every such attempt, of any caller, by its audit events. An audit hook cannot be removed, so there is one,
which does nothing unless a replay goes on. A socket that is given a name to connect to reports it only after the
look-up, so its methods are patched as well. Code that does not use Python's sockets, such as a resolver in C, is not
seen.
"""

from __future__ import annotations

import socket
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final
from unittest import mock

from pytest_ycimages.errors import NetworkRefusedError
from pytest_ycimages.hosts import is_loopback, is_one_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    Check = Callable[[str, tuple[Any, ...]], None]

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

_METHODS: Final = {"connect": "socket.connect", "connect_ex": "socket.connect", "sendto": "socket.sendto"}
"""The methods of a socket that look up names, and their events; the address is the last argument."""
_NOWHERE: Final = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - addresses of this machine, and nothing binds to them
_checks: Final[list[Check]] = []
"""The checks of each attempt at present."""
_hooks: Final[list[object]] = []
"""The hook, once it is installed."""


@contextmanager
def network_refused(
    allowed: Iterable[str], on_refusal: Callable[[NetworkRefusedError], object], advice: str = ""
) -> Generator[None]:
    """Refuse outgoing traffic while the context lasts, on every thread.

    Args:
        allowed: names of hosts, or globs, that may be reached.
        on_refusal: called with each refusal, as a client may swallow the error.
        advice: what to do about one.
    """
    patterns = tuple(allowed)

    def check(event: str, args: tuple[Any, ...]) -> None:
        __tracebackhide__ = True
        place, doing = _EVENTS[event]
        host = _host(args[place])
        if host is None or _is_here(host) or is_one_of(host, patterns):
            return
        refusal = NetworkRefusedError(
            f"Refused to {doing} {host!r}: a cassette is being replayed, and then nothing leaves this machine. "
            f"{advice}If this host does not belong to the cassette, allow it: allowed_hosts=[...], or the ini "
            "value ycimages_allowed_hosts."
        )
        on_refusal(refusal)
        raise refusal

    if not _hooks:
        _hooks.append(_audit)
        sys.addaudithook(_audit)
    with ExitStack() as stack:
        _checks.append(check)
        stack.callback(_checks.remove, check)
        for name, event in _METHODS.items():
            method = _guarded(getattr(socket.socket, name), event, check)
            stack.enter_context(mock.patch.object(socket.socket, name, method))
        yield


def _guarded(method: Callable[..., Any], event: str, check: Check) -> Callable[..., Any]:
    def guarded(sock: socket.socket, *args: Any) -> Any:
        __tracebackhide__ = True
        if args and isinstance(args[-1], tuple):
            check(event, (sock, args[-1]))
        return method(sock, *args)

    return guarded


def _audit(event: str, args: tuple[Any, ...]) -> None:
    __tracebackhide__ = True
    if _checks and event in _EVENTS:
        for check in tuple(_checks):
            check(event, args)


def _host(address: object) -> str | None:
    """Return the host of an address, or a name; None for a local path."""
    if isinstance(address, tuple):
        return _host(address[0]) if address else None
    if isinstance(address, bytes):
        return address.decode("ascii", "replace")
    return address if isinstance(address, str) and not address.startswith(("/", "\0")) else None


def _is_here(host: str) -> bool:
    return host in _NOWHERE or is_loopback(host.partition("%")[0].lower())
