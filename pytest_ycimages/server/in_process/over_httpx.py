"""httpx without sockets: its own transports and pools, on a network of httpcore's that has none."""

from __future__ import annotations

import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Self

import anyio
import anyio.lowlevel
import httpcore
import httpx

from pytest_ycimages.api.message import SECOND
from pytest_ycimages.server.in_process.origin import end_of, is_late

if TYPE_CHECKING:
    from collections.abc import Generator

    from pytest_ycimages.server.in_process.line import Line, Silence
    from pytest_ycimages.server.in_process.origin import Origin

_LIMITS: Final = httpx.Limits(max_connections=100, max_keepalive_connections=20)
"""httpx's own."""


class Transport(httpx.HTTPTransport):
    """What a client takes as its transport."""

    def __init__(self, origin: Origin, limits: httpx.Limits = _LIMITS) -> None:
        super().__init__(verify=False)  # there is no TLS, and loading certificates takes long
        self._pool = httpcore.ConnectionPool(network_backend=_Network(origin), **_settings(limits))


class AsyncTransport(httpx.AsyncHTTPTransport):
    """What an async client takes as its transport."""

    def __init__(self, origin: Origin, limits: httpx.Limits = _LIMITS) -> None:
        super().__init__(verify=False)  # likewise
        self._pool = httpcore.AsyncConnectionPool(network_backend=_AsyncNetwork(origin), **_settings(limits))


def _settings(limits: httpx.Limits) -> dict[str, Any]:
    return {
        "ssl_context": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        "max_connections": limits.max_connections,
        "max_keepalive_connections": limits.max_keepalive_connections,
        "keepalive_expiry": limits.keepalive_expiry,
    }


class _Network(httpcore.NetworkBackend):
    def __init__(self, origin: Origin) -> None:
        self._origin = origin

    def connect_tcp(self, *_: Any, **__: Any) -> httpcore.NetworkStream:
        with _errors(httpcore.ConnectError):
            return _Stream(self._origin, self._origin.connect())


class _Stream(httpcore.NetworkStream):
    def __init__(self, origin: Origin, line: Line) -> None:
        self._origin = origin
        self._line = line

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with _errors(httpcore.ReadError):
            return self._origin.receive(self._line, max_bytes, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        with _errors(httpcore.WriteError):
            self._line.send(buffer)

    def close(self) -> None:
        self._line.leave()

    def start_tls(self, *_: Any, **__: Any) -> Self:
        return self

    def get_extra_info(self, info: str) -> Any:
        return self._line.is_readable() if info == "is_readable" else None


class _AsyncNetwork(httpcore.AsyncNetworkBackend):
    def __init__(self, origin: Origin) -> None:
        self._origin = origin

    async def connect_tcp(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        with _errors(httpcore.ConnectError, "All connection attempts failed"):
            return _AsyncStream(self._origin, self._origin.connect())


class _AsyncStream(httpcore.AsyncNetworkStream):
    def __init__(self, origin: Origin, line: Line) -> None:
        self._origin = origin
        self._line = line

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        clock = self._origin.clock
        deadline = None if timeout is None else clock.now() + round(timeout * SECOND)
        await anyio.lowlevel.checkpoint()  # others have their turn, as they have when a socket is read
        with _errors(httpcore.ReadError, ""):
            while not isinstance(taken := self._line.take(max_bytes), bytes):
                await self._wait(taken, deadline)
                if is_late(taken, deadline):
                    raise TimeoutError("timed out")
            return taken

    async def _wait(self, silence: Silence, deadline: int | None) -> None:
        """Wait without standing in the way of others, unless a wait takes no time."""
        clock = self._origin.clock
        if clock.is_moved_by_waits:
            self._origin.wait_until(end_of(silence, deadline))
        elif silence.until is None and deadline is None:
            await anyio.sleep_forever()  # whoever cancels it ends it
        else:
            await anyio.sleep((end_of(silence, deadline) - clock.now()) / SECOND)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        with _errors(httpcore.WriteError, ""):
            self._line.send(buffer)

    async def aclose(self) -> None:
        self._line.leave()

    async def start_tls(self, *_: Any, **__: Any) -> Self:
        return self

    def get_extra_info(self, info: str) -> Any:
        return self._line.is_readable() if info == "is_readable" else None


@contextmanager
def _errors(kind: type[httpcore.NetworkError], text: str | None = None) -> Generator[None]:
    """Raise what httpcore raises for a socket's errors: with their text, or with `text`, as it does for anyio's."""
    try:
        yield
    except TimeoutError as error:
        raise httpcore.ReadTimeout(str(error) if text is None else text) from error
    except OSError as error:
        raise kind(str(error) if text is None else text) from error
