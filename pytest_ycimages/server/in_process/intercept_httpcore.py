"""httpcore, and with it httpx: for some hosts, a pool has another beside it, whose connections are no sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

import httpcore

from pytest_ycimages.server.in_process.intercept import replace
from pytest_ycimages.server.in_process.over_httpcore import Pool

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from pytest_ycimages.server.in_process.intercept import Interception

_SETTINGS: Final = ("max_connections", "max_keepalive_connections", "keepalive_expiry", "retries")
"""What a pool takes from the one that it stands beside."""


def patch(interception: Interception, stack: ExitStack) -> None:
    """Patch it until `stack` unwinds."""
    is_for = interception.is_for
    handle, handle_async = httpcore.ConnectionPool.handle_request, httpcore.AsyncConnectionPool.handle_async_request
    pools = _Pools(interception, Pool)
    async_pools = _Pools(interception, _async_pool)

    def handle_request(self: httpcore.ConnectionPool, request: httpcore.Request) -> httpcore.Response:
        if isinstance(self, Pool) or not is_for(request.url.host.decode("ascii")):
            return handle(self, request)
        return handle(pools.beside(self), request)

    async def handle_async_request(self: httpcore.AsyncConnectionPool, request: httpcore.Request) -> httpcore.Response:
        if getattr(self, "is_in_process", False) or not is_for(request.url.host.decode("ascii")):
            return await handle_async(self, request)
        return await handle_async(async_pools.beside(self), request)

    replace(stack, httpcore.ConnectionPool, "handle_request", handle_request)
    replace(stack, httpcore.AsyncConnectionPool, "handle_async_request", handle_async_request)


class _Pools:
    """The pools that stand beside others, for as long as these are there."""

    def __init__(self, interception: Interception, make: Callable[..., Any]) -> None:
        self._interception = interception
        self._make = make
        self._pools: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()

    def beside(self, pool: Any) -> Any:
        with self._interception.lock:
            if pool not in self._pools:
                settings = {name: getattr(pool, f"_{name}") for name in _SETTINGS}  # it tells nobody else
                self._pools[pool] = self._make(self._interception.origin, self._interception.connect, **settings)
            return self._pools[pool]


def _async_pool(*given: Any, **settings: Any) -> httpcore.AsyncConnectionPool:
    from pytest_ycimages.server.in_process.over_httpcore_async import AsyncPool  # noqa: PLC0415 - only who awaits has anyio

    return AsyncPool(*given, **settings)
