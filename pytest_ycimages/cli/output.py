"""The output and the end of a server: a reader that does not read delays neither calls nor the end.

Lines wait in a queue, and a thread writes them. While many wait, lines of calls are dropped and counted.

A thread that is blocked in a write must not hold the lock of `sys.stdout`, which the interpreter takes when it ends. So
the text goes to the file descriptor directly.
"""

from __future__ import annotations

import os
import queue
import select
import signal
import socket
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from pytest_ycimages.cli.commands import console

if TYPE_CHECKING:
    from collections.abc import Callable

CAPACITY: Final = 1000
"""How many lines wait for a reader. While so many wait, further lines are dropped and counted."""

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_PATIENCE: Final = 0.2
"""Seconds that `close` waits for the reader to take more of the last lines."""
_ROUNDS: Final = 25
"""How often it does so for a reader that is slow, but reads."""


class Output:
    """Prints lines to standard output, in order, and never waits for its reader.

    Args:
        on_closed: called, on another thread, when the reader has closed the output.
    """

    def __init__(self, on_closed: Callable[[], object]) -> None:
        self._on_closed = on_closed
        self._console = console(soft_wrap=True)
        self._lines: queue.SimpleQueue[tuple[object, str] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._dropped = 0
        self._descriptor = _descriptor()
        self._writer = threading.Thread(target=self._write_all, name="ycimages:output", daemon=True)
        self._writer.start()
        if self._descriptor is not None and hasattr(select, "poll"):
            threading.Thread(target=self._watch, name="ycimages:reader", daemon=True).start()

    def print(self, line: object, style: str = "", *, keep: bool = False) -> None:
        """Print a value as a line. The writing thread makes the text of it.

        Args:
            line: the value.
            style: a style of rich.
            keep: whether the line waits for its reader in any case; else it is dropped while `CAPACITY` lines wait.
        """
        with self._lock:
            if not keep and self._lines.qsize() >= CAPACITY:
                self._dropped += 1
                return
            self._tell_of_dropped()
            self._lines.put((line, style))

    def close(self) -> None:
        """Write the lines that wait. Give up when none is read for 0.2 seconds, or after five seconds."""
        with self._lock:
            self._tell_of_dropped()
            self._lines.put(None)
        waiting = -1
        for _ in range(_ROUNDS):
            self._writer.join(_PATIENCE)
            if not self._writer.is_alive() or self._lines.qsize() == waiting:
                return
            waiting = self._lines.qsize()

    def _tell_of_dropped(self) -> None:
        if self._dropped:
            text = f"{self._dropped} lines are missing here: the output was not read in time"
            self._lines.put((text, "yellow"))
            self._dropped = 0

    def _write_all(self) -> None:
        while (item := self._lines.get()) is not None:
            try:
                self._write(self._rendered(*item))
            except OSError:  # the reader has closed the output
                self._on_closed()

    def _rendered(self, line: object, style: str) -> str:
        if self._console.color_system is None:  # a pipe or a file, where a style shows nothing and costs most
            return f"{line}\n"
        with self._console.capture() as captured:
            self._console.print(str(line), style=style, markup=False)
        return captured.get()

    def _write(self, text: str) -> None:
        if self._descriptor is None:
            if sys.stdout is not None:
                sys.stdout.write(text)
            return
        rest = text.encode(self._console.encoding, "backslashreplace")
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:  # another process has made the shared output non-blocking
                select.select([], [self._descriptor], [])

    def _watch(self) -> None:
        """Wait until the reader closes the output, which is an error on its descriptor."""
        poll = select.poll()
        poll.register(self._descriptor or 0, 0)
        if poll.poll():
            self._on_closed()


class Stop:
    """The end of a server: the first SIGINT or SIGTERM, or `notify`. A second signal ends the process by itself.

    A signal may arrive on any thread and between any two instructions, so nothing here takes a lock: the signal puts a
    byte into a socket, which wakes the main thread.
    """

    def __init__(self) -> None:
        self._waiting, self._waking = socket.socketpair()
        self._waking.settimeout(0)

    def listen(self) -> None:
        """Take the signals. Only the main thread can."""
        signal.set_wakeup_fd(self._waking.fileno(), warn_on_full_buffer=False)
        for number in _SIGNALS:
            signal.signal(number, _restore)

    def notify(self) -> None:
        """End the wait, from any thread."""
        with suppress(OSError):  # it has been notified so often that the socket is full, or it is closed
            self._waking.send(b"x")

    def wait(self) -> None:
        """Wait for the end; signals have their default effect from then on."""
        self._waiting.recv(1)
        _restore()

    def close(self) -> None:
        """Close the sockets."""
        signal.set_wakeup_fd(-1)
        self._waiting.close()
        self._waking.close()


def _restore(*_: object) -> None:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_DFL)


def _descriptor() -> int | None:
    """Return the file descriptor of standard output, or None if it has none."""
    try:
        return sys.stdout.fileno()
    except (AttributeError, OSError):
        return None
