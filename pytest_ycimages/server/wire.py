"""Damage to an answer: what is done to its bytes, and what is done to the socket that should carry them."""

from __future__ import annotations

import socket
import struct
from functools import partial
from typing import TYPE_CHECKING, Final, assert_never

from pytest_ycimages.api.damage import Break, Damage, Garble, Garbling, Refuse, Stall, Substitute, Trickle, Truncate

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.server.http import HttpReply

    Refuser = Callable[[Callable[[], object]], object]

_STEP: Final = 0.05
"""Seconds between two pieces of an answer that trickles, unless a byte takes longer."""
_EVERY: Final = 16
"""How far apart the bytes are that `garble("bytes")` changes."""


def rewritten(reply: HttpReply, damage: Damage | None) -> HttpReply:
    """The reply with the damage that needs no socket done to it."""
    if isinstance(damage, Substitute):
        return reply._replace(status=damage.status, headers=(("content-type", damage.content_type),), body=damage.body)
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
        damage, whole = reply.damage, head + body
        match damage:
            case Stall(_, seconds) if seconds is not None:
                self._stall(whole, damage.after, seconds, reply.pause)
            case Trickle(rate):
                self._trickle(whole, rate, reply.pause)
            case None | Substitute() | Garble():
                self._sock.sendall(whole)
            case _:
                self._break(head, body, damage, reply.pause)
                return False
        return True

    def _break(
        self, head: bytes, body: bytes, damage: Break | Truncate | Refuse | Stall, pause: Callable[[float], object]
    ) -> None:
        """Send what arrives before the connection ends, and end it."""
        whole = head + body
        match damage:
            case Truncate(length):
                self._sock.sendall(head + body[: len(body) // 2 if length is None else length])
            case Break(after, how):
                self._sock.sendall(whole[:after])
                if how == "reset":
                    reset(self._sock)
            case Refuse(seconds):
                self._refuse(partial(pause, seconds))
                reset(self._sock)
            case Stall(after):
                self._sock.sendall(whole[:after])
                self._wait_for_the_client_to_leave()

    def _stall(self, whole: bytes, after: int, seconds: float, pause: Callable[[float], object]) -> None:
        self._sock.sendall(whole[:after])
        pause(seconds)
        self._sock.sendall(whole[after:])

    def _trickle(self, whole: bytes, rate: float, pause: Callable[[float], object]) -> None:
        size = max(1, int(rate * _STEP))
        for start in range(0, len(whole), size):
            piece = whole[start : start + size]
            pause(len(piece) / rate)
            self._sock.sendall(piece)

    def _wait_for_the_client_to_leave(self) -> None:
        self._rest()
        while self._sock.recv(2**16):
            pass


def reset(sock: socket.socket) -> None:
    """Close a connection so that its client gets RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
