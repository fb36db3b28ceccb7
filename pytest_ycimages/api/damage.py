"""What a fault does to an answer on its way to the client. The list is closed: every transport performs all of it."""

from __future__ import annotations

from typing import Literal, NamedTuple

Garbling = Literal["bytes", "utf8", "json", "content_type"]


class Break(NamedTuple):
    """The connection ends before the answer does.

    Attributes:
        after: how many bytes of the answer are sent before, its head included.
        how: `reset` sends RST, `close` sends FIN.
    """

    after: int
    how: Literal["reset", "close"]


class Stall(NamedTuple):
    """The answer stops in the middle.

    Attributes:
        after: how many bytes of the answer are sent before, its head included; 0 for none.
        seconds: how long it stops, on the double's clock; None: until the client gives up or the double closes.
    """

    after: int
    seconds: float | None = None


class Trickle(NamedTuple):
    """The answer comes slowly.

    Attributes:
        rate: bytes per second, on the double's clock.
    """

    rate: float


class Truncate(NamedTuple):
    """The body ends before its Content-Length, and the connection with it.

    Attributes:
        length: how many bytes of the body are sent; None for half of them.
    """

    length: int | None


class Garble(NamedTuple):
    """The body is not what it should be.

    Attributes:
        how: `bytes` changes some, `utf8` makes it invalid UTF-8, `json` invalid JSON, `content_type` says it is HTML.
    """

    how: Garbling


class Refuse(NamedTuple):
    """The connection is reset, and no new one is accepted for a while.

    Attributes:
        seconds: how long, on the double's clock.
    """

    seconds: float


class Substitute(NamedTuple):
    """Something in front of the service answers, in its own words.

    Attributes:
        status: the HTTP status.
        content_type: of the body.
        body: the whole body.
    """

    status: int
    content_type: str
    body: bytes


Damage = Break | Stall | Trickle | Truncate | Garble | Refuse | Substitute


def loses_the_answer(damage: Damage | None) -> bool:
    """Return whether a client has no right answer after this: nothing, a part of it, or something else."""
    if isinstance(damage, Stall):
        return damage.seconds is None
    return damage is not None and not isinstance(damage, Trickle)


def loses_the_head(damage: Damage | None) -> bool:
    """Return whether a client does not even have the headers."""
    return loses_the_answer(damage) and not isinstance(damage, Truncate | Garble)
