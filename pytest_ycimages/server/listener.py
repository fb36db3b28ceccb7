"""A listening socket on loopback with one thread for each connection. Starts and stops in well under 1 ms."""

from __future__ import annotations

import os
import selectors
import socket
import threading
from collections import deque
from itertools import count
from typing import TYPE_CHECKING, Final

from pytest_ycimages.server import activity
from pytest_ycimages.server.activity import Phase
from pytest_ycimages.server.connection import Connection, not_served

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.server.http import HttpReply, HttpRequest

_BACKLOG: Final = 256
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


def _listen(host: str, port: int) -> socket.socket:
    sock = _bound(host, port)
    sock.listen(_BACKLOG)
    return sock


class Listener:
    """A listening socket and its connections.

    Args:
        answer: answers a request, on the thread of its connection.
        host: the address.
        port: the port; 0 for a free one.
        speak: serves connections that do not speak HTTP/1.1 in the clear.

    Attributes:
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
    ) -> None:
        self._answer = answer
        self._speak = speak
        self._socket = _listen(host, port)
        self.host: str
        self.port: int
        self.host, self.port = self._socket.getsockname()[:2]
        self._wake, self._woken = socket.socketpair()
        self._lock = threading.Lock()
        self._serving: dict[Connection, threading.Thread] = {}
        self._numbers = count(1)
        self._refusals: deque[tuple[Callable[[], object], threading.Event]] = deque()
        self._is_refusing = False
        self.phase = Phase.LISTENING
        self.is_closed = False
        activity.listeners.add(self)
        self._thread = threading.Thread(target=self._accept, name=f"ycimages:{self.port}", daemon=True)
        self._thread.start()

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
        self._thread.join()
        with self._lock:
            serving = dict(self._serving)
        for connection in serving:
            connection.shut()
        threads = [thread for thread in serving.values() if thread is not threading.current_thread()]
        for thread in threads:
            thread.join(patience)
            if thread.is_alive():
                patience = 0
        activity.listeners.discard(self)
        for sock in (self._socket, self._wake, self._woken):
            sock.close()
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
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while not self.is_closed:
                if any(key.fileobj is self._socket for key, _ in selector.select()):
                    self.phase = Phase.DECIDING
                    self._accept_one()
                    self.phase = Phase.LISTENING
                    activity.notify()
                if self._refusals:
                    self._refuse_all(selector)

    def _refuse(self, until: Callable[[], object]) -> None:
        """Stop accepting connections until `until()` returns. Return once the socket is closed."""
        refused = threading.Event()
        with self._lock:
            if self.is_closed:
                return
            self._refusals.append((until, refused))
            if self._is_refusing:
                return  # the socket is closed, and stays so until this refusal is over too
        self._wake.send(b"x")
        refused.wait(PATIENCE)

    def _refuse_all(self, selector: selectors.BaseSelector) -> None:
        """Stop accepting until every refusal is over, and keep the port."""
        self.phase = Phase.DECIDING
        self._woken.recv(1)
        selector.unregister(self._socket)
        self._socket.close()
        reserved = _bound(self.host, self.port)
        activity.serving[threading.get_ident()] = self
        try:
            self._wait_for_refusals()
        except ConnectionAbortedError:
            reserved.close()
            return  # the double is being closed
        finally:
            del activity.serving[threading.get_ident()]
        reserved.listen(_BACKLOG)
        self._socket = reserved
        selector.register(self._socket, selectors.EVENT_READ)
        self.phase = Phase.LISTENING
        activity.notify()

    def _wait_for_refusals(self) -> None:
        self._is_refusing = True
        while self._refusals:
            until, refused = self._refusals[0]
            refused.set()
            until()
            with self._lock:
                self._refusals.popleft()
                self._is_refusing = bool(self._refusals)

    def _accept_one(self) -> None:
        try:
            sock, _ = self._socket.accept()
        except OSError:
            return  # the client has gone already
        sock.settimeout(None)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = Connection(sock, self._answer, number=next(self._numbers), refuse=self._refuse, speak=self._speak)
        thread = threading.Thread(
            target=self._serve, args=(connection,), name=f"ycimages:{self.port}:client", daemon=True
        )
        with self._lock:
            self._serving[connection] = thread
        thread.start()

    def _serve(self, connection: Connection) -> None:
        try:
            connection.serve()
        finally:
            with self._lock:
                del self._serving[connection]
            activity.notify()
