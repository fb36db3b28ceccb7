"""One kept-alive HTTP/1.1 connection: bytes in, requests answered in order, each reply in one write.

Only a reply that takes its time over its body leaves in more of them: the head at once, then piece by piece.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from pytest_ycimages.server import activity
from pytest_ycimages.server.activity import Phase
from pytest_ycimages.server.http import HttpReply, HttpRequest, head, pieces
from pytest_ycimages.server.request_reader import RequestReader
from pytest_ycimages.server.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.server.request_reader import Incoming
    from pytest_ycimages.server.wire import Refuser

_RECEIVE: Final = 64 * 2**10
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


def _accept_on(until: Callable[[], object]) -> None:
    """Accept whoever comes: what a connection without a listener can do for a fault that refuses them."""


class Connection:
    """Serves one client until either side is done.

    Attributes:
        sock: the socket, which the connection owns.
        phase: what its thread is at.
        is_shut: whether it was told to end.
    """

    def __init__(
        self,
        sock: socket.socket,
        answer: Callable[[HttpRequest], HttpReply],
        *,
        number: int = 0,
        refuse: Refuser = _accept_on,
    ) -> None:
        self.sock = sock
        self.phase = Phase.DECIDING
        self.is_shut = False
        self._answer = answer
        self._reader = RequestReader(number)
        self._refuse = refuse

    def serve(self) -> None:
        """Answer requests until the client leaves, asks to be left, or sends what is no HTTP."""
        activity.serving[threading.get_ident()] = self
        try:
            while data := self._receive():
                if not self._take(data):
                    return
        except OSError:
            return  # the client has gone, or the server is closing: nobody is left to tell
        finally:
            del activity.serving[threading.get_ident()]
            self.sock.close()

    def shut(self) -> None:
        """Wake whoever waits on the socket: from here on it reads as closed."""
        self.is_shut = True
        with suppress(OSError):  # closed already
            self.sock.shutdown(socket.SHUT_RDWR)
        activity.tell()

    def _receive(self) -> bytes:
        """The next bytes. Says that it has some before it takes them, so that they never are out of sight."""
        self.phase = Phase.LISTENING
        activity.tell()
        self.sock.recv(1, socket.MSG_PEEK)
        self.phase = Phase.DECIDING
        return self.sock.recv(_RECEIVE)

    def _take(self, data: bytes) -> bool:
        """Answer what is complete with `data`; tell whether the connection goes on."""
        for incoming in self._reader.feed(data):
            if not self._reply(incoming):
                return False
            if not incoming.keep_alive:
                if self._reader.is_broken:
                    self._let_read()
                return False
        if self._reader.expects_continue:
            self._reader.expects_continue = False
            self.sock.sendall(_CONTINUE)
        return True

    def _reply(self, incoming: Incoming) -> bool:
        """Answer a request; tell whether the answer left the connection whole."""
        self.phase = Phase.DECIDING
        reply = self._answer(incoming.request)
        self.phase = Phase.ANSWERING
        first = head(reply, keep_alive=incoming.keep_alive, old=incoming.old)
        body = b"" if incoming.request.method == "HEAD" else reply.body
        if reply.damage is not None:
            return Wire(self.sock, self._refuse, self._rest).carry(first, body, reply)
        if reply.wait is None:
            self.sock.sendall(first + body)
        else:
            self._trickle(first, body, reply.wait)
        return True

    def _rest(self) -> None:
        """From here on, only the client can do something."""
        self.phase = Phase.WAITING
        activity.tell()

    def _trickle(self, first: bytes, body: bytes, wait: Callable[[float], object]) -> None:
        """Send the head at once and the body over the time; without a body, the head is what is late."""
        if not body:
            wait(1)
        self.sock.sendall(first)
        for piece in pieces(body, wait):
            self.sock.sendall(piece)

    def _let_read(self) -> None:
        """Let a client that is still sending read the answer before it is left."""
        self.sock.shutdown(socket.SHUT_WR)
        self.phase = Phase.LISTENING
        activity.tell()
        while self.sock.recv(_RECEIVE):
            pass
