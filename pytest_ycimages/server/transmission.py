"""Transmission of a reply: the steps by which its bytes reach the client, damage and latency included.

The one interpreter of damage. Sockets, in-process connections and the WSGI application execute the same steps.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple, assert_never, cast

from pytest_ycimages.faults.damage import (
    Break,
    Garble,
    Garbling,
    Goaway,
    Refuse,
    ResetStream,
    Stall,
    Substitute,
    Trickle,
    Truncate,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from pytest_ycimages.api.exchange import Damage
    from pytest_ycimages.faults.damage import ConnectionDamage, Ending
    from pytest_ycimages.latency import Delay
    from pytest_ycimages.server.http import HttpReply


class Due(NamedTuple):
    """Wait until a share of the body may leave, by the latency of the call.

    Attributes:
        share: from 0 for nothing to 1 for all of it.
    """

    share: float


class Until(NamedTuple):
    """Wait until a moment.

    Attributes:
        moment: in nanoseconds since the epoch.
    """

    moment: int


class Pause(NamedTuple):
    """Wait.

    Attributes:
        seconds: how long, on the double's clock.
    """

    seconds: float


class Shut(NamedTuple):
    """Accept no connection for a while, and go on meanwhile.

    Attributes:
        seconds: how long, on the double's clock.
    """

    seconds: float


class End(Enum):
    """The end of a transmission that does not leave the connection whole."""

    CLOSED = "closed in good order"
    RESET = "reset"
    SILENT = "open, and nothing arrives any more"


Step = bytes | Due | Pause | Shut | End

PIECES: Final = 5
"""The most pieces of a body that is spread over the latency of its call."""
_TRICKLE_STEP: Final = 0.05
"""Seconds between two pieces of an answer that trickles, unless a byte takes longer."""
_GARBLED_EVERY: Final = 16
"""The distance of the bytes that `garble("bytes")` changes."""


class _Piece(NamedTuple):
    data: bytes
    share: float | None = None
    """The share of the body that must be due before the piece leaves; None: it leaves at once."""


def transmission(head: bytes, body: bytes, reply: HttpReply) -> Iterator[Step]:
    """Yield the steps that carry a reply; without an `End` among them, the connection goes on.

    Args:
        head: the status line and headers.
        body: the body, empty for HEAD.
        reply: the reply, for its damage and whether its body takes time.
    """
    pieces = _pieces(head, body) if reply.wait is not None else [_Piece(head + body)]
    damage = cast("ConnectionDamage | None", reply.damage)
    match damage:
        case None | Substitute() | Garble():  # the latter two have changed the reply already
            yield from _steps(pieces)
        case Break() | Truncate() | Refuse() | ResetStream() | Goaway():
            yield from _ended(damage, pieces, len(head), len(body))
        case Stall(after, seconds):
            before, rest = _split(pieces, after)
            yield from _steps(before)
            yield End.SILENT if seconds is None else Pause(seconds)
            yield from _steps(rest)
        case Trickle(rate):
            yield from _trickle(pieces, rate)
        case _:
            assert_never(damage)


def awaited(answering: Generator[Delay, None, HttpReply]) -> Generator[Until, None, HttpReply]:
    """Yield the moments that an answer waits for, and return the reply. Closing it ends the answer, too."""
    try:
        while True:
            yield Until(next(answering).moment())
    except StopIteration as end:
        reply: HttpReply = end.value
        return reply
    finally:
        answering.close()


def _ended(damage: Ending, pieces: list[_Piece], head: int, body: int) -> Iterator[Step]:
    """Yield the steps of damage that ends the connection."""
    match damage:
        case Break(after, how):
            yield from _steps(_split(pieces, after)[0])
            yield End.RESET if how == "reset" else End.CLOSED
        case Truncate():
            yield from _steps(_split(pieces, head + damage.kept(body))[0])
            yield End.CLOSED
        case Refuse(seconds):
            yield Shut(seconds)
            yield End.RESET
        case ResetStream():
            yield End.RESET
        case Goaway(_, seen):
            yield from _steps(pieces if seen else ())
            yield End.CLOSED
        case _:
            assert_never(damage)


def _steps(pieces: Iterable[_Piece]) -> Iterator[Step]:
    for data, share in pieces:
        if share is not None:
            yield Due(share)
        yield data


def _trickle(pieces: Iterable[_Piece], rate: float) -> Iterator[Step]:
    size = max(1, int(rate * _TRICKLE_STEP))
    for step in _steps(pieces):
        if not isinstance(step, bytes):
            yield step
            continue
        for start in range(0, len(step), size):
            part = step[start : start + size]
            yield Pause(len(part) / rate)
            yield part


def _pieces(head: bytes, body: bytes) -> list[_Piece]:
    """The head at once and the body spread over the time; without a body, the head is what is late."""
    if not body:
        return [_Piece(head, 1)]
    size = -(-len(body) // PIECES)
    ends = (min(start + size, len(body)) for start in range(0, len(body), size))
    return [_Piece(head), *(_Piece(body[(end - 1) // size * size : end], end / len(body)) for end in ends)]


def _split(pieces: Iterable[_Piece], at: int) -> tuple[list[_Piece], list[_Piece]]:
    """Split at a number of bytes, so that no byte beyond them is waited for."""
    before: list[_Piece] = []
    rest: list[_Piece] = []
    for data, share in pieces:
        if at > 0:
            before.append(_Piece(data[:at], share))
            if len(data) > at:
                rest.append(_Piece(data[at:]))
        else:
            rest.append(_Piece(data, share))
        at = max(0, at - len(data))
    return before, rest


def rewritten(reply: HttpReply, damage: Damage) -> HttpReply:
    """Return the reply with `damage`; damage to its content is done at once, other damage by its transmission."""
    damage = cast("ConnectionDamage", damage)
    match damage:
        case Substitute(status, content_type, body):
            headers = (("content-type", content_type),)
            return reply._replace(status=status, headers=headers, body=body, is_head=False, trailers=())
        case Garble(how):
            return _garbled(reply, how)
        case Goaway(_, seen):
            closing = (("connection", "close"),) if seen else ()  # which HTTP/2 leaves out
            return reply._replace(headers=(*reply.headers, *closing), damage=damage)
        case Break() | Stall() | Trickle() | Truncate() | Refuse() | ResetStream():
            return reply._replace(damage=damage)
        case _:
            assert_never(damage)


def _garbled(reply: HttpReply, how: Garbling) -> HttpReply:
    body = reply.body
    match how:
        case "bytes":
            changed = bytes(255 - byte if not number % _GARBLED_EVERY else byte for number, byte in enumerate(body))
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
