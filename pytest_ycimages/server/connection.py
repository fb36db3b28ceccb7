"""One kept-alive HTTP/1.1 connection over a socket: requests are answered in order, each reply in one write.

Only a reply that is damaged, or whose body takes time, leaves step by step.
"""

from __future__ import annotations

import select
import socket
import struct
import sys
import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, assert_never

from pytest_ycimages.server import activity
from pytest_ycimages.server.activity import Phase
from pytest_ycimages.server.http1 import CONTINUE, FIRST_BYTES, RequestReader, encoded
from pytest_ycimages.server.transmission import Due, End, Pause, Shut, transmission

if sys.platform == "linux":
    from fcntl import ioctl

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.server.http import HttpReply, HttpRequest

    Refuser = Callable[[Callable[[], object]], object]

RECEIVE: Final = 64 * 2**10
"""The most bytes that are read at once."""
_LOOK: Final = 0.1
"""Seconds after which an answer that goes on looks for more."""
_UNSENT: Final = 0x894B
"""Linux's SIOCOUTQNSD: how many bytes have not left yet."""


def not_served(connection: Connection, data: bytes) -> bytes:  # noqa: ARG001 - HTTP/1.1 only
    """Return the bytes of a connection: it speaks HTTP/1.1 in the clear."""
    return data


def _accept_on(until: Callable[[], object]) -> None:
    """Go on accepting: a connection without a listener has nothing to refuse."""


class Connection:
    """Serves one client until either side is done.

    Args:
        sock: the socket, which the connection owns.
        answer: answers a request.
        number: tells the connection from others in the journal.
        refuse: stops accepting connections until its argument returns.
        speak: serves a connection that does not speak HTTP/1.1 in the clear; returns the bytes of any other.

    Attributes:
        sock: the socket.
        number: tells it from others in the journal.
        send: sends bytes.
        refuse: stops accepting connections until its argument returns.
        phase: what its thread does.
        is_shut: whether `shut` has been called.
        lock: held while the connection's protocol takes bytes or sends them.
        is_http2: whether the client speaks HTTP/2.
        is_within: whether its requests come through TLS or a tunnel, where no other tunnel is opened.
    """

    def __init__(
        self,
        sock: socket.socket,
        answer: Callable[[HttpRequest], HttpReply],
        *,
        number: int = 0,
        refuse: Refuser = _accept_on,
        speak: Callable[[Connection, bytes], bytes] = not_served,
    ) -> None:
        self.sock = sock
        self.number = number
        self.send: Callable[[bytes], object] = sock.sendall
        self.refuse = refuse
        self._speak = speak
        self.phase = Phase.DECIDING
        self.is_shut = False
        self.lock = threading.Lock()
        self.is_http2 = False
        self.is_within = False
        self._has_said_end = False
        self._answer = answer
        self._reader = RequestReader(number)

    def serve(self) -> None:
        """Serve requests until the client disconnects, asks to close, or sends invalid HTTP."""
        activity.serving[threading.get_ident()] = self
        receive, peek, observe = self.sock.recv, socket.MSG_PEEK, activity.notify
        try:
            data = self.receive()
            if data and data[0] in FIRST_BYTES:
                data = self._speak(self, data)
            if not data or not self.take(data):
                return
            while True:
                self.phase = Phase.LISTENING
                if activity.observer is not None:
                    observe()
                receive(1, peek)  # the phase changes before the bytes leave the socket, so they never are out of sight
                self.phase = Phase.DECIDING
                if not (data := receive(RECEIVE)) or not self.take(data):
                    return
        except (OSError, MemoryError):  # the client has gone, the server is closing, or this connection takes too much
            if self._has_said_end:
                with suppress(OSError):
                    self._read_to_end(Phase.LISTENING)
        finally:
            del activity.serving[threading.get_ident()]
            self.sock.close()

    def receive(self) -> bytes:
        """Return the next bytes of the client; none when it has gone.

        Raises:
            OSError: the connection was reset, or the server is closing.
        """
        self.phase = Phase.LISTENING
        activity.notify()
        self.sock.recv(1, socket.MSG_PEEK)  # the phase changes before the bytes leave the socket
        self.phase = Phase.DECIDING
        return self.sock.recv(RECEIVE)

    def say_end(self) -> None:
        """Tell the client that nothing follows, and read on until it closes the connection, too."""
        self._has_said_end = True
        with suppress(OSError):  # closed already
            self.sock.shutdown(socket.SHUT_WR)

    def shut(self) -> None:
        """Wake every thread that waits on the socket: from here on it reads as closed."""
        self.is_shut = True
        with suppress(OSError):  # closed already
            self.sock.shutdown(socket.SHUT_RDWR)
        activity.notify()

    def take(self, data: bytes) -> bool:
        """Answer the requests that `data` completes; return whether the connection goes on."""
        reader = self._reader
        for request in reader.feed(data):
            if reader.tunnelled is not None and request.method == "CONNECT" and not (self.is_within or request.problem):
                return self._tunnel(request, reader.tunnelled)
            if not self._reply(request):
                return False
            if not request.keep_alive:
                if reader.is_broken:
                    self.let_read()
                return False
        if reader.expects_continue:
            reader.expects_continue = False
            self.send(CONTINUE)
        return True

    def _tunnel(self, request: HttpRequest, data: bytes) -> bool:
        """Serve a CONNECT that came after other requests, as if it was the first one."""
        self.is_within = True
        self._reader = RequestReader(self.number)
        first = f"CONNECT {request.path} HTTP/1.1\r\nHost: {request.headers.get('host', '')}\r\n\r\n"
        data = self._speak(self, first.encode("latin-1") + data)
        return bool(data) and self.take(data)

    def _reply(self, request: HttpRequest) -> bool:
        """Answer a request; return whether it was answered whole."""
        self.phase = Phase.DECIDING
        reply = self._answer(request)
        self.phase = Phase.ANSWERING
        if reply.more is not None and not request.is_old and request.method != "HEAD":
            return self._go_on(request, reply, reply.more)
        head, body = encoded(reply, request)
        if reply.damage is None and reply.wait is None:
            self.send(head + body)
            return True
        return self._transmit(head, body, reply)

    def _go_on(self, request: HttpRequest, reply: HttpReply, more: Callable[[], bytes]) -> bool:
        """Send a reply, and what follows it, until the client sends something; return whether it is still there.

        The thread waits for the socket alone, in real time, and virtual time does not wait for it: clients of the
        double wait for none of this.
        """
        self.phase = Phase.WAITING
        activity.notify()
        head, data = encoded(reply, request, in_chunks=True)
        self.send(head)
        while not activity.readable((self.sock.fileno(),)):
            if data:
                self.send(b"%x\r\n%b\r\n" % (len(data), data))
            else:
                activity.readable((self.sock.fileno(),), _LOOK)
            data = more()
        if self.is_shut or not self.sock.recv(1, socket.MSG_PEEK):
            return False
        self.send(b"0\r\n\r\n")
        return True

    def _transmit(self, head: bytes, body: bytes, reply: HttpReply) -> bool:
        """Send a reply step by step; return whether all of it was sent."""
        for step in transmission(head, body, reply):
            match step:
                case bytes():
                    self.send(step)
                case Due(share):
                    reply.due(share)
                case Pause(seconds):
                    reply.pause(seconds)
                case Shut(seconds):
                    self.refuse(partial(reply.pause, seconds))
                case End():
                    self.end(step)
                    return False
                case _:
                    assert_never(step)
        return True

    def end(self, end: End) -> None:
        """End the connection as a transmission says."""
        match end:
            case End.CLOSED:
                pass  # as every connection that does not go on
            case End.RESET:
                _drain(self.sock)
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.sock.close()
            case End.SILENT:
                self._read_to_end(Phase.WAITING)
            case _:
                assert_never(end)

    def let_read(self) -> None:
        """Let a client that is still sending read the answer before the connection is closed."""
        self.sock.shutdown(socket.SHUT_WR)
        self._read_to_end(Phase.LISTENING)

    def _read_to_end(self, phase: Phase) -> None:
        self.phase = phase
        activity.notify()
        while self.sock.recv(RECEIVE):
            pass


def _drain(sock: socket.socket) -> None:
    """Return when all that was sent has left: a reset drops the rest, and on loopback overtakes nothing.

    Waiting for the client's acknowledgement as well would take 40 ms, as long as it has nothing to say.
    """
    if sys.platform != "linux":
        return
    gone = select.poll()
    gone.register(sock, 0)  # which reports errors and a closed connection all the same
    while struct.unpack("i", ioctl(sock, _UNSENT, bytes(4)))[0] and not gone.poll(1):
        pass
