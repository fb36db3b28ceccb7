"""httpcore without sockets, for whoever awaits: its own pools, on a network that is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import anyio
import anyio.lowlevel
import httpcore

from pytest_ycimages.api.message import SECOND
from pytest_ycimages.server.in_process.origin import end_of, is_late
from pytest_ycimages.server.in_process.over_httpcore import errors, no_tls

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.server.in_process.line import Line, Silence
    from pytest_ycimages.server.in_process.origin import Origin


class AsyncPool(httpcore.AsyncConnectionPool):
    """A pool of connections that are no sockets.

    Args:
        origin: the double.
        connect: makes a connection to it.
        **settings: what else httpcore's own takes.

    Attributes:
        is_in_process: tells it from other pools, without importing this module.
    """

    is_in_process = True

    def __init__(self, origin: Origin, connect: Callable[[], Line], **settings: Any) -> None:
        super().__init__(no_tls(), network_backend=_AsyncNetwork(origin, connect), **settings)


class _AsyncNetwork(httpcore.AsyncNetworkBackend):
    def __init__(self, origin: Origin, connect: Callable[[], Line]) -> None:
        self._origin = origin
        self._connect = connect

    async def connect_tcp(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        with errors(httpcore.ConnectError, "All connection attempts failed"):
            return _AsyncStream(self._origin, self._connect())


class _AsyncStream(httpcore.AsyncNetworkStream):
    def __init__(self, origin: Origin, line: Line) -> None:
        self._origin = origin
        self._line = line

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        clock = self._origin.clock
        deadline = None if timeout is None else clock.now() + round(timeout * SECOND)
        await anyio.lowlevel.checkpoint()  # others have their turn, as they have when a socket is read
        with errors(httpcore.ReadError, ""):
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
        with errors(httpcore.WriteError, ""):
            self._line.send(buffer)

    async def aclose(self) -> None:
        self._line.leave()

    async def start_tls(self, *_: Any, **__: Any) -> Self:
        return self

    def get_extra_info(self, info: str) -> Any:
        return self._line.is_readable() if info == "is_readable" else None
