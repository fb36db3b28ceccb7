"""Faults of the connection: it breaks, it stalls, it damages what it carries, or it cannot be had."""

from __future__ import annotations

from typing import Final, get_args

from pytest_ycimages.api.damage import Break, Garble, Garbling, Refuse, Stall, Trickle, Truncate
from pytest_ycimages.cloud.clock import LONGEST, is_number
from pytest_ycimages.errors import UsageError, unknown_word
from pytest_ycimages.faults.fault import Damaged, Fault
from pytest_ycimages.faults.values import checked_seconds, given, whole_bytes

_SLOWEST: Final = 0.001


def reset(*, after: int = 0) -> Fault:
    """The connection is reset: the client gets RST.

    Args:
        after: bytes of the answer that arrive before, its head included.
    """
    return Fault("reset", given(after=after or None), Damaged(Break(whole_bytes("reset", "after", after), "reset")))


def close(*, after: int = 0) -> Fault:
    """The connection is closed in good order, without an answer or in the middle of it.

    Args:
        after: bytes of the answer that arrive before, its head included.
    """
    return Fault("close", given(after=after or None), Damaged(Break(whole_bytes("close", "after", after), "close")))


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
        checked_seconds("stall", "seconds", seconds, forever="stall(after=...) without seconds")
    damage = Stall(whole_bytes("stall", "after", after), seconds)
    arguments = given(after=after or None, seconds=seconds)
    return Fault("stall", arguments, Damaged(damage), ("before", "after") if seconds is None else ("after",))


def trickle(bytes_per_second: float) -> Fault:
    """The answer comes slowly, at this rate on the double's clock."""
    if not is_number(bytes_per_second) or not _SLOWEST <= bytes_per_second <= LONGEST:
        raise UsageError(
            f"trickle({bytes_per_second!r}) cannot be: it takes bytes per second, {_SLOWEST} or more, such as 100. "
            "None at all: hang()."
        )
    return Fault("trickle", {"bytes_per_second": bytes_per_second}, Damaged(Trickle(bytes_per_second)), ("after",))


def truncate(*, length: int | None = None) -> Fault:
    """The body is shorter than its Content-Length, and the connection ends with it.

    Args:
        length: bytes of the body that arrive, at most all but one; None: half of them.
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
    return Fault("garble", {"how": how}, Damaged(Garble(how)), ("after", "before"))


def stale() -> Fault:
    """A connection that was kept alive is dead: the next request on it is reset. A fresh connection works."""
    return Fault("stale", {}, Damaged(Break(0, "reset"), only_reused=True), commits=("before",))


def refuse(seconds: float) -> Fault:
    """The connection is reset, and for so many seconds on the double's clock no new one is accepted."""
    checked_seconds("refuse", "seconds", seconds)
    return Fault("refuse", {"seconds": seconds}, Damaged(Refuse(seconds)))
