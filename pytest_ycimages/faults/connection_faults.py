"""Faults of the connection: it breaks, it stalls, it damages what it carries, or it cannot be had."""

from __future__ import annotations

import math
from typing import get_args

from pytest_ycimages.api.damage import Break, Garble, Garbling, Refuse, Stall, Trickle, Truncate
from pytest_ycimages.errors import UsageError, unknown_word
from pytest_ycimages.faults.fault import Damaged, Fault
from pytest_ycimages.faults.values import checked_seconds, given, is_number, whole_bytes


def reset(*, after: int = 0) -> Fault:
    """The connection is reset: the client gets RST.

    Args:
        after: bytes of the answer that arrive before, its head included.
    """
    return Fault("reset", {"after": after}, Damaged(Break(whole_bytes("reset", "after", after), "reset")))


def close(*, after: int = 0) -> Fault:
    """The connection is closed in good order, without an answer or in the middle of it.

    Args:
        after: bytes of the answer that arrive before, its head included.
    """
    return Fault("close", {"after": after}, Damaged(Break(whole_bytes("close", "after", after), "close")))


def hang() -> Fault:
    """No answer comes, until the client gives up or the double closes."""
    return Fault("hang", {}, Damaged(Stall(0)))


def stall(*, after: int = 0, seconds: float | None = None) -> Fault:
    """The answer stops in the middle.

    Args:
        after: bytes of the answer that arrive before, its head included.
        seconds: how long it stops, on the double's clock; None: until the client gives up or the double closes.
    """
    if seconds is not None:
        checked_seconds("stall", "seconds", seconds)
    damage = Stall(whole_bytes("stall", "after", after), seconds)
    return Fault("stall", given(after=after, seconds=seconds), Damaged(damage))


def trickle(bytes_per_second: float) -> Fault:
    """The answer comes slowly, at this rate on the double's clock."""
    if not is_number(bytes_per_second) or not 0 < bytes_per_second < math.inf:
        raise UsageError(f"trickle({bytes_per_second!r}) cannot be: it takes bytes per second, more than none.")
    return Fault("trickle", {"bytes_per_second": bytes_per_second}, Damaged(Trickle(bytes_per_second)))


def truncate(*, length: int | None = None) -> Fault:
    """The body is shorter than its Content-Length, and the connection ends with it.

    Args:
        length: bytes of the body that arrive; None: half of them.
    """
    if length is not None:
        whole_bytes("truncate", "length", length)
    return Fault("truncate", given(length=length), Damaged(Truncate(length)))


def garble(how: Garbling = "bytes") -> Fault:
    """The body is damaged, and the connection goes on.

    Args:
        how: `bytes` changes some of them, `utf8` makes it invalid UTF-8, `json` invalid JSON, and `content_type` says
            that it is HTML.
    """
    if how not in get_args(Garbling):
        raise unknown_word("way to garble", how, get_args(Garbling))
    return Fault("garble", {"how": how}, Damaged(Garble(how)))


def stale() -> Fault:
    """A connection that was kept alive is dead: the next request on it is reset. A fresh connection works."""
    return Fault("stale", {}, Damaged(Break(0, "reset"), only_reused=True), commits=("before",))


def refuse(seconds: float) -> Fault:
    """The connection is reset, and for so many seconds on the double's clock no new one is accepted."""
    return Fault("refuse", {"seconds": seconds}, Damaged(Refuse(checked_seconds("refuse", "seconds", seconds))))
