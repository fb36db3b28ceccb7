"""This machine's addresses in `no_proxy` while a double is open, so that no proxy of the environment stands between.

Clients read these variables at different moments: requests with each request, httpx when a client is made, gRPC when a
channel is made, and other processes when they start. So they are set as soon as a double starts.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import Counter
from typing import Final

from pytest_ycimages.hosts import LOOPBACK

_NAMES: Final = ("no_proxy", "NO_PROXY", "no_grpc_proxy")
"""curl and Python prefer the first of them, Go the second, and gRPC the third if it is set."""
_ALL: Final = "*"

_lock: Final = threading.RLock()
_open: Final = Counter[str]()
"""The hosts that the open doubles listen on."""
_written: Final[dict[str, dict[str, str | None]]] = {name: {} for name in _NAMES}
"""For each variable, the values that were written to it, and what each of them replaced."""


def begin(host: str) -> None:
    """Let no proxy apply to this machine and `host` until `end` is called with the same host."""
    with _lock:
        if not _open.total():
            settle()
        _open[host] += 1
        ensure()


def end(host: str) -> None:
    """Restore the variables once no other double is open. A variable that was changed meanwhile keeps the change."""
    with _lock:
        _open[host] -= 1
        if not _open.total():
            _open.clear()
            _restore()


def ensure() -> None:
    """Let no proxy apply to this machine again, if the test has changed the variables since a double was opened."""
    with _lock:
        if not _open.total() or _asks_the_system():
            return
        hosts = (*LOOPBACK, *(host for host in _open if host not in LOOPBACK))
        given = {name: os.environ.get(name) for name in _NAMES}
        others = given["no_proxy"] or given["NO_PROXY"] or ""
        for name, value in given.items():
            if name != "no_grpc_proxy":
                extended = _extended(value or others, hosts)
            elif value is not None or others.strip() == _ALL:  # which gRPC does not understand
                extended = _extended(value or "", hosts, wildcard="")
            else:
                continue
            if extended != value:
                while extended in _written[name]:  # each is written once, so that what it replaced is known
                    extended += f",{hosts[0]}"
                _written[name][extended] = value
                os.environ[name] = extended


def settle() -> None:
    """Restore the variables where a test has put back a value from the time of its double, and forget these values."""
    with _lock:
        if not _open.total():
            _restore()
            for values in _written.values():
                values.clear()


def _restore() -> None:
    for name, values in _written.items():
        while (value := os.environ.get(name)) is not None and value in values:
            replaced = values[value]
            if replaced is None:
                del os.environ[name]
            else:
                os.environ[name] = replaced


def _extended(value: str, hosts: tuple[str, ...], wildcard: str = _ALL) -> str:
    """Return a list of hosts with `hosts` in it, unless it is the wildcard, which stands for all."""
    if value and value.strip() == wildcard:
        return value
    known = {entry.strip().lower() for entry in value.split(",")}
    return ",".join([*filter(None, [value.strip(" ,")]), *(host for host in hosts if host not in known)])


def _asks_the_system() -> bool:
    """Return whether clients ask the system for its proxies, as Python does on macOS and Windows.

    It does so while the environment has none of these variables, and setting one would hide the system's proxies from
    requests to other hosts.
    """
    if sys.platform not in {"darwin", "win32"}:
        return False
    return not any(name.lower().endswith("_proxy") and value for name, value in os.environ.items())
