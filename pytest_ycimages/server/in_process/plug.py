"""What `http.client` takes for a socket: a connection that is none, with a time-out on the double's clock."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

    from pytest_ycimages.server.in_process.line import Line
    from pytest_ycimages.server.in_process.origin import Origin

_RECEIVE: Final = 64 * 2**10


class Plug:
    """The client's end of a connection, with those methods of a socket that HTTP clients call.

    Args:
        origin: the double.
        line: the connection.
        timeout: seconds that the client waits for something to arrive; None: for ever.
    """

    def __init__(self, origin: Origin, line: Line, timeout: float | None) -> None:
        self._origin = origin
        self._line = line
        self._timeout = timeout
        self._files = 0
        self._is_closed = False

    def settimeout(self, timeout: float | None) -> None:
        """Set the seconds that the client waits for something to arrive; None: for ever."""
        self._timeout = timeout

    def gettimeout(self) -> float | None:
        """The seconds that the client waits."""
        return self._timeout

    def sendall(self, data: ReadableBuffer) -> None:
        """Send `data`."""
        self._line.send(bytes(data))

    def recv(self, most: int = _RECEIVE) -> bytes:
        """What arrives next.

        Raises:
            ConnectionResetError: the connection was reset.
            TimeoutError: the time-out is over.
            UsageError: the client would wait for ever.
        """
        return self._origin.receive(self._line, most, self._timeout)

    def is_readable(self) -> bool:
        """Whether there is something to receive, the end included."""
        return self._line.is_readable()

    def makefile(self, mode: str = "rb", buffering: int = -1) -> io.BufferedReader:  # noqa: ARG002 - a socket's
        """A file that reads what arrives. The connection lasts as long as it does."""
        self._files += 1
        return io.BufferedReader(_Arrivals(self), _RECEIVE)

    def release(self) -> None:
        """Tell that a file is closed."""
        self._files -= 1
        self._leave_if_done()

    def shutdown(self, how: int) -> None:  # noqa: ARG002 - likewise
        """Leave."""
        self._line.leave()

    def close(self) -> None:
        """Leave, once every file is closed too."""
        self._is_closed = True
        self._leave_if_done()

    def _leave_if_done(self) -> None:
        if self._is_closed and not self._files:
            self._line.leave()


class _Arrivals(io.RawIOBase):
    """What arrives, as a file."""

    def __init__(self, plug: Plug) -> None:
        super().__init__()
        self._plug = plug

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        room = memoryview(buffer).cast("B")
        data = self._plug.recv(len(room))
        room[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._plug.release()
