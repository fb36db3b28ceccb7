"""While a cassette is replayed, nothing leaves this machine: neither a connection nor a look-up of a name.

Python itself tells of every such attempt, whoever makes it and however it came by the function: by its audit events. A
hook for these stays for good once it is there, so there is one, which does nothing while nobody replays. A socket that
is given a name to connect to tells of it only when it has looked it up, so its methods are guarded besides, by patches
that go again. What does not go through Python's sockets, such as a resolver written in C, is not seen.
"""

from __future__ import annotations

import socket
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final
from unittest import mock

from pytest_ycimages.cassette.requests import is_loopback
from pytest_ycimages.errors import NetworkRefusedError
from pytest_ycimages.host_names import is_one_of

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
"""Which events tell of something that leaves, at which place they say where to, and what it is in words."""

_METHODS: Final = {"connect": "socket.connect", "connect_ex": "socket.connect", "sendto": "socket.sendto"}
"""The methods of a socket that look up names, and their events; the address comes last."""
_NOWHERE: Final = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - addresses of this machine, and nothing binds to them
_checks: Final[list[Check]] = []
"""What looks at each attempt at present."""
_hooks: Final[list[object]] = []
"""The hook, once it is there."""


@contextmanager
def network_refused(
    allowed: Iterable[str], told: Callable[[NetworkRefusedError], object], advice: str = ""
) -> Generator[None]:
    """Refuse whatever would leave this machine, for as long as the context lasts, on every thread.

    Args:
        allowed: names of hosts, or globs, that may be reached all the same.
        told: called with each refusal, for a client may swallow what it is raised.
        advice: what to do about one, in the words of whoever asks for this.
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
            f"{advice}If this host has nothing to do with the cassette, allow it: allowed_hosts=[...], or the ini "
            "value ycimages_allowed_hosts."
        )
        told(refusal)
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
    """The host of an address: that of a socket's, or a name; None for what leads nowhere, as a file's name does."""
    if isinstance(address, tuple):
        return _host(address[0]) if address else None
    if isinstance(address, bytes):
        return address.decode("ascii", "replace")
    return address if isinstance(address, str) and not address.startswith(("/", "\0")) else None


def _is_here(host: str) -> bool:
    return host in _NOWHERE or is_loopback(host.partition("%")[0].lower())
