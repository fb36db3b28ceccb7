"""httpcore without sockets: its own pools, on a network that is none. What needs an async library is not in here."""

from __future__ import annotations

import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import httpcore

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pytest_ycimages.server.in_process.line import Line
    from pytest_ycimages.server.in_process.origin import Origin


class Pool(httpcore.ConnectionPool):
    """A pool of connections that are no sockets.

    Args:
        origin: the double.
        connect: makes a connection to it.
        **settings: what else httpcore's own takes.
    """

    def __init__(self, origin: Origin, connect: Callable[[], Line], **settings: Any) -> None:
        super().__init__(no_tls(), network_backend=_Network(origin, connect), **settings)


def no_tls() -> ssl.SSLContext:
    """What pools want to have; it is never used, and loading certificates would take long."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class _Network(httpcore.NetworkBackend):
    def __init__(self, origin: Origin, connect: Callable[[], Line]) -> None:
        self._origin = origin
        self._connect = connect

    def connect_tcp(self, *_: Any, **__: Any) -> httpcore.NetworkStream:
        with errors(httpcore.ConnectError):
            return _Stream(self._origin, self._connect())


class _Stream(httpcore.NetworkStream):
    def __init__(self, origin: Origin, line: Line) -> None:
        self._origin = origin
        self._line = line

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with errors(httpcore.ReadError):
            return self._origin.receive(self._line, max_bytes, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        with errors(httpcore.WriteError):
            self._line.send(buffer)

    def close(self) -> None:
        self._line.leave()

    def start_tls(self, *_: Any, **__: Any) -> Self:
        return self

    def get_extra_info(self, info: str) -> Any:
        return self._line.is_readable() if info == "is_readable" else None


@contextmanager
def errors(kind: type[httpcore.NetworkError], text: str | None = None) -> Generator[None]:
    """Raise what httpcore raises for a socket's errors: with their text, or with `text`, as it does for anyio's."""
    try:
        yield
    except TimeoutError as error:
        raise httpcore.ReadTimeout(str(error) if text is None else text) from error
    except OSError as error:
        raise kind(str(error) if text is None else text) from error
