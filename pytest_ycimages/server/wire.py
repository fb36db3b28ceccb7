"""Damage to an answer: what is done to its bytes, and what is done to the socket that should carry them."""

from __future__ import annotations

import select
import socket
import struct
import sys
from functools import partial
from typing import TYPE_CHECKING, Final, assert_never

from pytest_ycimages.faults.catalogue import Break, Garble, Garbling, Refuse, Stall, Substitute, Trickle, Truncate
from pytest_ycimages.server.http import pieces

if sys.platform == "linux":
    from fcntl import ioctl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_ycimages.api.exchange import Damage
    from pytest_ycimages.server.http import HttpReply

    Refuser = Callable[[Callable[[], object]], object]

_STEP: Final = 0.05
"""Seconds between two pieces of an answer that trickles, unless a byte takes longer."""
_EVERY: Final = 16
"""How far apart the bytes are that `garble("bytes")` changes."""


def rewritten(reply: HttpReply, damage: Damage | None) -> HttpReply:
    """The reply with the damage that needs no socket done to it."""
    if isinstance(damage, Substitute):
        headers = (("content-type", damage.content_type),)
        return reply._replace(status=damage.status, headers=headers, body=damage.body, is_head=False)
    if isinstance(damage, Garble):
        return _garbled(reply, damage.how)
    return reply._replace(damage=damage)


def _garbled(reply: HttpReply, how: Garbling) -> HttpReply:
    body = reply.body
    match how:
        case "bytes":
            changed = bytes(255 - byte if not number % _EVERY else byte for number, byte in enumerate(body))
            return reply._replace(body=changed)
        case "utf8":
            return reply._replace(body=body[:1] + b"\xff\xfe" + body[1:])
        case "json":
            return reply._replace(body=body[: len(body) // 2])
        case "content_type":
            others = tuple(header for header in reply.headers if header[0] != "content-type")
            return reply._replace(headers=(("content-type", "text/html"), *others))
        case _:
            assert_never(how)


class Wire:
    """Does damage to what one socket carries.

    Args:
        sock: the socket.
        refuse: lets the listener accept nothing until what it is given comes back.
        rest: told before the connection waits for the client alone.
    """

    def __init__(self, sock: socket.socket, refuse: Refuser, rest: Callable[[], object]) -> None:
        self._sock = sock
        self._refuse = refuse
        self._rest = rest

    def carry(self, head: bytes, body: bytes, reply: HttpReply) -> bool:
        """Send what of the answer is to arrive, as it is to arrive; tell whether the connection goes on."""
        damage = reply.damage
        if isinstance(damage, Trickle):
            self._trickle(_timed(head, body, reply.wait), damage.rate, reply.pause)
            return True
        arriving = _arriving(len(head), len(body), damage)
        rest = _cut(_timed(head, body, reply.wait), arriving)
        self._send(rest, arriving)
        match damage:
            case Stall(_, None):
                self._wait_for_the_client_to_leave()
            case Stall(_, float() | int() as seconds):
                reply.pause(seconds)
            case Refuse(seconds):
                self._refuse(partial(reply.pause, seconds))
                self._reset()
            case Break(_, "reset"):
                self._reset()
        goes_on = damage is None or (isinstance(damage, Stall) and damage.seconds is not None)
        if goes_on:
            self._send(rest, len(head) + len(body))
        return goes_on

    def _send(self, data: Iterator[bytes], count: int) -> None:
        """Send the next `count` bytes, and take nothing of what comes after them."""
        while count > 0 and (piece := next(data, b"")):
            self._sock.sendall(piece)
            count -= len(piece)

    def _trickle(self, whole: Iterator[bytes], rate: float, pause: Callable[[float], object]) -> None:
        size = max(1, int(rate * _STEP))
        for data in whole:
            for start in range(0, len(data), size):
                piece = data[start : start + size]
                pause(len(piece) / rate)
                self._sock.sendall(piece)

    def _wait_for_the_client_to_leave(self) -> None:
        self._rest()
        while self._sock.recv(2**16):
            pass

    def _reset(self) -> None:
        """Let the client get RST, after what has been sent."""
        _drain(self._sock)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()


def _timed(head: bytes, body: bytes, wait: Callable[[float], object] | None) -> Iterator[bytes]:
    """The answer in pieces, each given out when its latency lets it leave. Not a byte is waited for before its turn."""
    if wait is None:
        yield head + body
    elif not body:
        wait(1)
        yield head
    else:
        yield head
        yield from pieces(body, wait)


def _cut(data: Iterator[bytes], at: int) -> Iterator[bytes]:
    """The same bytes, in pieces of which one begins at `at`."""
    for piece in data:
        yield from (part for part in (piece[:at], piece[at:]) if part)
        at = max(0, at - len(piece))


def _arriving(head: int, body: int, damage: Damage | None) -> int:
    """How many bytes of the answer arrive before it is stopped."""
    match damage:
        case Break(after) | Stall(after):
            return after
        case Refuse():
            return 0
        case Truncate(length):
            return head + (body // 2 if length is None else min(length, max(0, body - 1)))
        case _:
            return head + body


_UNSENT: Final = 0x894B
"""Linux's SIOCOUTQNSD: how many bytes have not left yet."""


def _drain(sock: socket.socket) -> None:
    """Come back when all that was sent has left: a reset would throw away the rest, and on loopback overtakes nothing.

    To wait until the client has acknowledged it as well would take 40 ms, as long as it has nothing to say.
    """
    if sys.platform != "linux":
        return
    gone = select.poll()
    gone.register(sock, 0)  # which is told of errors and of a closed connection all the same
    while struct.unpack("i", ioctl(sock, _UNSENT, bytes(4)))[0] and not gone.poll(1):
        pass
