"""A listening socket on loopback with one thread for each connection. Starts and stops in well under 1 ms."""

from __future__ import annotations

import errno
import os
import selectors
import socket
import threading
from collections import deque
from contextlib import ExitStack
from itertools import count
from typing import TYPE_CHECKING, Final

from pytest_ycimages.server import activity
from pytest_ycimages.server.activity import Phase
from pytest_ycimages.server.connection import Connection, not_served

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.server.http import HttpReply, HttpRequest

_BACKLOG: Final = 256
_EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""Errors of `accept` that say that the process, or the machine, has no room for another connection."""
_PAUSE: Final = 0.1
"""Seconds after which the listener tries again to accept, if no connection has ended before."""
PATIENCE: Final = 5.0
"""Seconds that `close` waits for a thread that is answering."""


def _bound(host: str, port: int) -> socket.socket:
    """Return a bound socket, which refuses connections until it listens."""
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        if os.name == "posix":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
    except BaseException:
        sock.close()
        raise
    sock.settimeout(0)
    return sock


class Listener:
    """A listening socket and its connections.

    Args:
        answer: answers a request, on the thread of its connection.
        host: the address.
        port: the port; 0 for a free one.
        speak: serves connections that do not speak HTTP/1.1 in the clear.
        first: the number of its first connection.

    Attributes:
        serves: `answer` and `speak`, for connections from now on.
        host: the address.
        port: the port in use.
        is_closed: whether it has been closed.
        phase: what the accepting thread does.
    """

    def __init__(
        self,
        answer: Callable[[HttpRequest], HttpReply],
        host: str,
        port: int,
        speak: Callable[[Connection, bytes], bytes] = not_served,
        first: int = 1,
    ) -> None:
        self.serves = answer, speak
        self._socket = _bound(host, port)
        self._socket.listen(_BACKLOG)
        self.host: str
        self.port: int
        self.host, self.port = self._socket.getsockname()[:2]
        self._lock = threading.Lock()
        self._serving: dict[Connection, threading.Thread] = {}
        self._numbers = count(first)
        self._refusals: deque[tuple[Callable[[], object], threading.Event]] = deque()
        self._room = threading.Event()
        self.phase = Phase.LISTENING
        self.is_closed = False
        with ExitStack() as opened:  # without a descriptor or thread for it, nothing stays open
            opened.callback(lambda: self._socket.close())  # noqa: PLW0108 - of then: refusals replace it
            self._wake, self._woken = map(opened.enter_context, socket.socketpair())
            self._selector = opened.enter_context(selectors.DefaultSelector())
            self._selector.register(self._socket, selectors.EVENT_READ)
            self._selector.register(self._woken, selectors.EVENT_READ)
            self._thread = threading.Thread(target=self._accept, name=f"ycimages:{self.port}", daemon=True)
            self._thread.start()
            activity.listeners.add(self)
            self._opened = opened.pop_all()

    def close(self, patience: float = PATIENCE) -> bool:
        """Stop accepting, end every connection, and return whether their threads have ended. Closing twice is safe.

        Args:
            patience: the seconds that the threads have to end together; they are daemons.
        """
        with self._lock:
            if self.is_closed:
                return True
            self.is_closed = True
        activity.notify()
        self._wake.send(b"x")
        self._room.set()
        self._thread.join()
        has_ended = self.hang_up(patience)
        activity.listeners.discard(self)
        self._opened.close()
        return has_ended

    def hang_up(self, patience: float = PATIENCE, notice: float = 0) -> bool:
        """End every connection, and return whether their threads have ended.

        Args:
            patience: the seconds that the threads have to end together.
            notice: the seconds that a client of HTTP/2 has to close the connection by itself, once it is told that
                nothing follows. A call that it begins before it has noticed would fail.
        """
        with self._lock:
            serving = dict(self._serving)
        told = [(connection, thread) for connection, thread in serving.items() if notice and connection.is_http2]
        for connection, _ in told:
            connection.say_end()
        for _, thread in told:
            thread.join(notice)
            if thread.is_alive():
                break
        for connection in serving:
            connection.shut()
        threads = [thread for thread in serving.values() if thread is not threading.current_thread()]
        for thread in threads:
            thread.join(patience)
            if thread.is_alive():
                patience = 0
        return not any(thread.is_alive() for thread in threads)

    @property
    def is_shut(self) -> bool:
        """Whether it has been closed."""
        return self.is_closed

    def is_busy(self, phases: set[Phase]) -> bool:
        """Return whether a connection is in one of `phases`, or a request has arrived that no thread has read.

        A thread changes its phase before it reads from a socket. So a request that is no longer visible on the
        sockets, which are checked first, is visible in the phases.
        """
        serving = {connection: connection.sock.fileno() for connection in list(self._serving)}
        ready = activity.readable([self._socket.fileno(), *serving.values()])
        if self._socket.fileno() in ready or self.phase in phases:
            return True
        for connection, descriptor in serving.items():
            phase = connection.phase
            if phase in phases and (phase is not Phase.ANSWERING or activity.writable(descriptor)):
                return True
            if phase is Phase.LISTENING and descriptor in ready:  # in other phases it reads only after its answer
                return True
        return list(self._serving) != list(serving)  # connections accepted since then have not been checked

    def _accept(self) -> None:
        while not self.is_closed:
            if any(key.fileobj is self._socket for key, _ in self._selector.select()):
                self.phase = Phase.DECIDING
                self._accept_one()
                self.phase = Phase.LISTENING
                activity.notify()
            if self._refusals:
                self._refuse_all()

    def _refuse(self, until: Callable[[], object]) -> None:
        """Stop accepting connections until `until()` returns. Return once the socket is closed."""
        with self._lock:
            if self.is_closed:
                return
            self._refusals.append((until, threading.Event()))
            is_first, refused = len(self._refusals) == 1, self._refusals[0][1]
        if is_first:
            self._wake.send(b"x")
        refused.wait(PATIENCE)

    def _refuse_all(self) -> None:
        """Stop accepting until every refusal is over, and keep the port."""
        self.phase = Phase.DECIDING
        self._woken.recv(1)
        self._selector.unregister(self._socket)
        self._socket.close()
        activity.serving[threading.get_ident()] = self
        try:
            with ExitStack() as opened:
                reserved = opened.enter_context(self._reserved())
                self._wait_for_refusals()
                opened.pop_all()
        except ConnectionAbortedError:  # the double is being closed
            self._refusals.clear()
            return
        finally:
            del activity.serving[threading.get_ident()]
        reserved.listen(_BACKLOG)
        self._socket = reserved  # not before: polled without listening, it looks readable
        self._selector.register(self._socket, selectors.EVENT_READ)
        self.phase = Phase.LISTENING
        activity.notify()

    def _wait_for_refusals(self) -> None:
        while self._refusals:
            until, refused = self._refusals[0]
            refused.set()
            until()
            with self._lock:
                self._refusals.popleft()

    def _reserved(self) -> socket.socket:
        """Return a socket that keeps the port.

        Raises:
            ConnectionAbortedError: the double is being closed.
        """
        while not self.is_closed:
            try:
                return _bound(self.host, self.port)
            except OSError:
                self._wait_for_room()
        raise ConnectionAbortedError

    def _accept_one(self) -> None:
        try:
            sock, _ = self._socket.accept()
        except (OSError, MemoryError) as error:
            if getattr(error, "errno", errno.ENOMEM) in _EXHAUSTED:
                self._wait_for_room()
            return  # otherwise the client has gone already
        connection = None
        try:
            sock.settimeout(None)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            number = next(self._numbers)
            answer, speak = self.serves
            connection = Connection(sock, answer, number=number, refuse=self._refuse, speak=speak)
            thread = threading.Thread(
                target=self._serve, args=(connection,), name=f"ycimages:{self.port}:client", daemon=True
            )
            with self._lock:
                self._serving[connection] = thread
            thread.start()
        except (OSError, MemoryError, RuntimeError):  # the latter: the process can start no other thread
            sock.close()
            if connection is not None:
                self._forget(connection)

    def _wait_for_room(self) -> None:
        """Wait until a connection ends, or for a while: what is exhausted may also be in use elsewhere."""
        self._room.wait(_PAUSE)
        self._room.clear()

    def _serve(self, connection: Connection) -> None:
        try:
            connection.serve()
        finally:
            self._forget(connection)
            activity.notify()

    def _forget(self, connection: Connection) -> None:
        with self._lock:
            self._serving.pop(connection, None)
        self._room.set()
