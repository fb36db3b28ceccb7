"""httpcore and httpx in process: their own pools on a network without sockets.

httpx and anyio are imported only where they are used: a program may have httpcore without them.
"""

from __future__ import annotations

import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Self
from weakref import WeakKeyDictionary

import httpcore

from pytest_ycimages.api.message import SECOND
from pytest_ycimages.network.patching import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import ExitStack

    import httpx

    from pytest_ycimages.server.in_process.connection import Endpoint, InProcessConnection, Pending
    from pytest_ycimages.server.in_process.intercept import Interception

    Connect = Callable[[], InProcessConnection]

_SETTINGS: Final = ("max_connections", "max_keepalive_connections", "keepalive_expiry", "retries")
"""The settings that a replacing pool takes from the one that it replaces."""
_LIMITS: Final = {"max_connections": 100, "max_keepalive_connections": 20, "keepalive_expiry": 5.0}
"""The defaults of httpx."""


def httpx_transport(endpoint: Endpoint) -> httpx.HTTPTransport:
    """Return a transport of httpx whose connections lead to `endpoint`."""
    import httpx  # noqa: PLC0415 - only for users of httpx

    transport = httpx.HTTPTransport(verify=False)
    transport._pool = Pool(endpoint.connect, **_LIMITS)  # noqa: SLF001 - it takes no pool
    return transport


def httpx_async_transport(endpoint: Endpoint) -> httpx.AsyncHTTPTransport:
    """Return an async transport of httpx whose connections lead to `endpoint`."""
    import httpx  # noqa: PLC0415 - only for users of httpx

    transport = httpx.AsyncHTTPTransport(verify=False)
    transport._pool = AsyncPool(endpoint.connect, **_LIMITS)  # noqa: SLF001 - as above
    return transport


def patch(interception: Interception, stack: ExitStack) -> None:
    """Patch httpcore until `stack` unwinds."""
    is_for = interception.is_for
    handle, handle_async = httpcore.ConnectionPool.handle_request, httpcore.AsyncConnectionPool.handle_async_request
    pools, async_pools = _Replacements(interception, Pool), _Replacements(interception, AsyncPool)

    def handle_request(self: httpcore.ConnectionPool, request: httpcore.Request) -> httpcore.Response:
        if isinstance(self, Pool) or not is_for(request.url.host.decode("ascii")):
            return handle(self, request)
        return handle(pools.of(self), request)

    async def handle_async_request(self: httpcore.AsyncConnectionPool, request: httpcore.Request) -> httpcore.Response:
        if isinstance(self, AsyncPool) or not is_for(request.url.host.decode("ascii")):
            return await handle_async(self, request)
        return await handle_async(async_pools.of(self), request)

    replace(stack, httpcore.ConnectionPool, "handle_request", handle_request)
    replace(stack, httpcore.AsyncConnectionPool, "handle_async_request", handle_async_request)


class _Replacements:
    """For each pool of a client, one whose connections lead to the double; both live equally long."""

    def __init__(self, interception: Interception, make: Callable[..., Any]) -> None:
        self._interception = interception
        self._make = make
        self._pools: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()

    def of(self, pool: Any) -> Any:
        with self._interception.lock:
            if pool not in self._pools:
                settings = {name: getattr(pool, f"_{name}") for name in _SETTINGS}  # it has no public names for them
                self._pools[pool] = self._make(self._interception.connect, **settings)
            return self._pools[pool]


class Pool(httpcore.ConnectionPool):
    """A pool of in-process connections.

    Args:
        connect: returns a new connection to the double.
        **settings: more settings of httpcore.
    """

    def __init__(self, connect: Connect, **settings: Any) -> None:
        super().__init__(_no_tls(), network_backend=_Network(connect), **settings)


class AsyncPool(httpcore.AsyncConnectionPool):
    """The same as `Pool`, for async clients."""

    def __init__(self, connect: Connect, **settings: Any) -> None:
        super().__init__(_no_tls(), network_backend=_AsyncNetwork(connect), **settings)


def _no_tls() -> ssl.SSLContext:
    """A context that pools require and never use; loading certificates would take long."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class _Way:
    """The way of a pool to the double."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect


class _Network(_Way, httpcore.NetworkBackend):
    def connect_tcp(self, *_: Any, **__: Any) -> httpcore.NetworkStream:
        with _errors(httpcore.ConnectError):
            return _Stream(self._connect())


class _AsyncNetwork(_Way, httpcore.AsyncNetworkBackend):
    async def connect_tcp(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        with _errors(httpcore.ConnectError, "All connection attempts failed"):
            return _AsyncStream(self._connect())


class _End:
    """The client's end of a connection."""

    def __init__(self, connection: InProcessConnection) -> None:
        self._connection = connection

    def get_extra_info(self, info: str) -> Any:
        return self._connection.is_readable() if info == "is_readable" else None


class _Stream(_End, httpcore.NetworkStream):
    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with _errors(httpcore.ReadError):
            return self._connection.receive(max_bytes, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        with _errors(httpcore.WriteError):
            self._connection.send(buffer)

    def close(self) -> None:
        self._connection.close()

    def start_tls(self, *_: Any, **__: Any) -> Self:
        return self


class _AsyncStream(_End, httpcore.AsyncNetworkStream):
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        import anyio.lowlevel  # noqa: PLC0415 - only async clients have it

        clock = self._connection.endpoint.clock
        deadline = None if timeout is None else clock.now() + round(timeout * SECOND)
        await anyio.lowlevel.checkpoint()  # other tasks run, as they do when a socket is read
        with _errors(httpcore.ReadError, ""):
            while not isinstance(received := self._connection.recv(max_bytes), bytes):
                await self._wait(received, deadline)
                if received.is_late(deadline):
                    raise TimeoutError("timed out")
            return received

    async def _wait(self, pending: Pending, deadline: int | None) -> None:
        """Wait without blocking the event loop, unless waits take no real time."""
        import anyio  # noqa: PLC0415 - as above

        clock = self._connection.endpoint.clock
        if clock.is_moved_by_waits:
            self._connection.endpoint.wait_until(pending.ends_at(deadline))
        elif pending.until is None and deadline is None:
            await anyio.sleep_forever()  # until the task is cancelled
        else:
            await anyio.sleep((pending.ends_at(deadline) - clock.now()) / SECOND)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        with _errors(httpcore.WriteError, ""):
            self._connection.send(buffer)

    async def aclose(self) -> None:
        self._connection.close()

    async def start_tls(self, *_: Any, **__: Any) -> Self:
        return self


@contextmanager
def _errors(kind: type[httpcore.NetworkError], text: str | None = None) -> Generator[None]:
    """Raise httpcore's errors for those of a socket: with their text, or with `text`, as its anyio backend does."""
    try:
        yield
    except TimeoutError as error:
        raise httpcore.ReadTimeout(str(error) if text is None else text) from error
    except OSError as error:
        raise kind(str(error) if text is None else text) from error
