"""While a cassette is replayed, nothing leaves this machine: neither a connection nor a look-up of a name."""

from __future__ import annotations

import socket
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final
from unittest import mock

from pytest_ycimages.cassette.hosts import is_loopback
from pytest_ycimages.errors import NetworkRefusedError
from pytest_ycimages.host_names import is_one_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

_CONNECTING: Final = {"connect": 0, "connect_ex": 0, "sendto": -1, "sendmsg": 3}
"""The methods of a socket that take an address, and which of their arguments it is."""
_LOOKING_UP: Final = ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getnameinfo", "getfqdn")
_NOWHERE: Final = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - addresses of this machine, and nothing binds to them


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

    def check(host: object, doing: str) -> None:
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
        if not isinstance(name, str) or _is_here(name) or is_one_of(name, allowed):
            return
        refusal = NetworkRefusedError(
            f"Refused to {doing} {name!r}: a cassette is being replayed, and then nothing leaves this machine. "
            f"{advice}If this host has nothing to do with the cassette, allow it: allowed_hosts=[...], or the ini "
            "value ycimages_allowed_hosts."
        )
        told(refusal)
        raise refusal

    with ExitStack() as stack:
        for name, place in _CONNECTING.items():
            if hasattr(socket.socket, name):
                method = _connecting(getattr(socket.socket, name), place, check)
                stack.enter_context(mock.patch.object(socket.socket, name, method))
        for name in _LOOKING_UP:
            stack.enter_context(mock.patch.object(socket, name, _looking_up(getattr(socket, name), check)))
        yield


def _is_here(host: str) -> bool:
    return host in _NOWHERE or is_loopback(host.partition("%")[0].lower())


def _connecting(method: Callable[..., Any], place: int, check: Callable[[object, str], None]) -> Callable[..., Any]:
    def guarded(sock: socket.socket, *args: Any) -> Any:
        address = args[place] if len(args) > place else None
        if sock.family in {socket.AF_INET, socket.AF_INET6} and isinstance(address, tuple) and address:
            check(address[0], "connect to")
        return method(sock, *args)

    return guarded


def _looking_up(function: Callable[..., Any], check: Callable[[object, str], None]) -> Callable[..., Any]:
    def guarded(*args: Any, **kwargs: Any) -> Any:
        host = args[0] if args else kwargs.get("host")
        check(host[0] if isinstance(host, tuple) and host else host, "look up the address of")
        return function(*args, **kwargs)

    return guarded
