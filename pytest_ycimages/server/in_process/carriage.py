"""What arrives of an answer, and when: damage as a pure function, for connections that are no sockets.

`server/wire.py` does the same to a socket, and tests compare the two.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple, assert_never, cast

from pytest_ycimages.faults.catalogue import (
    Break,
    ConnectionDamage,
    Garble,
    Refuse,
    Stall,
    Substitute,
    Trickle,
    Truncate,
)
from pytest_ycimages.server.http import pieces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_ycimages.server.http import HttpReply


class Until(NamedTuple):
    """Nothing arrives before.

    Attributes:
        moment: nanoseconds since the epoch.
    """

    moment: int


class Pause(NamedTuple):
    """Nothing arrives for a while.

    Attributes:
        seconds: how long, on the double's clock; infinite for good.
    """

    seconds: float


class Shut(NamedTuple):
    """Nobody is let in for a while.

    Attributes:
        seconds: how long, on the double's clock.
    """

    seconds: float


class End(Enum):
    """The connection ends."""

    CLOSED = "closed in good order"
    RESET = "reset"


Step = bytes | Until | Pause | Shut | End

_STEP: Final = 0.05
"""Seconds between two pieces of an answer that trickles, unless a byte takes longer."""


def carried(head: bytes, body: bytes, reply: HttpReply) -> Iterator[Step]:
    """What arrives of an answer, step by step.

    Args:
        head: its status line and headers.
        body: its body, empty for HEAD.
        reply: what says of its damage and of its time.
    """
    if reply.damage is not None:
        yield from _damaged(head, body, cast("ConnectionDamage", reply.damage))
    elif reply.moment is None:
        yield head + body
    else:
        if not body:
            yield Until(reply.moment(1))
        yield head
        parts: list[float] = []
        for piece in pieces(body, parts.append):
            yield Until(reply.moment(parts.pop()))
            yield piece


def _damaged(head: bytes, body: bytes, damage: ConnectionDamage) -> Iterator[Step]:
    whole = head + body
    match damage:
        case Break(after, how):
            yield whole[:after]
            yield End.RESET if how == "reset" else End.CLOSED
        case Stall(after, seconds):
            yield whole[:after]
            yield Pause(float("inf") if seconds is None else seconds)
            yield whole[after:]
        case Trickle(rate):
            size = max(1, int(rate * _STEP))
            for start in range(0, len(whole), size):
                piece = whole[start : start + size]
                yield Pause(len(piece) / rate)
                yield piece
        case Truncate(length):
            yield head + body[: len(body) // 2 if length is None else length]
            yield End.CLOSED
        case Refuse(seconds):
            yield Shut(seconds)
            yield End.RESET
        case Substitute() | Garble():  # done to the reply before it is carried
            yield whole
        case _:
            assert_never(damage)
