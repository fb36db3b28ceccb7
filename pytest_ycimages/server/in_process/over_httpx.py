"""httpx without sockets: its own transports, on pools of httpcore's whose connections are none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import httpx

from pytest_ycimages.server.in_process.over_httpcore import Pool
from pytest_ycimages.server.in_process.over_httpcore_async import AsyncPool

if TYPE_CHECKING:
    from pytest_ycimages.server.in_process.origin import Origin

_LIMITS: Final = httpx.Limits(max_connections=100, max_keepalive_connections=20)
"""httpx's own."""


class Transport(httpx.HTTPTransport):
    """What a client takes as its transport."""

    def __init__(self, origin: Origin, limits: httpx.Limits = _LIMITS) -> None:
        super().__init__(verify=False)  # there is no TLS, and loading certificates takes long
        self._pool = Pool(origin, origin.connect, **_settings(limits))


class AsyncTransport(httpx.AsyncHTTPTransport):
    """What an async client takes as its transport."""

    def __init__(self, origin: Origin, limits: httpx.Limits = _LIMITS) -> None:
        super().__init__(verify=False)  # likewise
        self._pool = AsyncPool(origin, origin.connect, **_settings(limits))


def _settings(limits: httpx.Limits) -> dict[str, Any]:
    return {
        "max_connections": limits.max_connections,
        "max_keepalive_connections": limits.max_keepalive_connections,
        "keepalive_expiry": limits.keepalive_expiry,
    }
