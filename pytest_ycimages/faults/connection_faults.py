"""Faults of connections and gateways, and the kinds of damage that they do to an answer.

To add a connection fault, write a function here under `@register()`; a new kind of damage goes into `ConnectionDamage`,
and mypy finds each place that has to handle it: `server/transmission.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Literal, get_args

from pytest_ycimages.api.exchange import Damage, Delivery
from pytest_ycimages.cloud.clock import LONGEST, is_number
from pytest_ycimages.errors import UsageError, unknown_word
from pytest_ycimages.faults.fault import Damaged, Fault, Late, bytes_in, given, register, seconds_in

_SLOWEST: Final = 0.001

Garbling = Literal["bytes", "utf8", "json", "content_type"]


@dataclass(frozen=True, slots=True)
class Break(Damage):
    """End the connection after so many bytes of the answer, head included: `reset` sends RST, `close` sends FIN."""

    after: int
    how: Literal["reset", "close"]


@dataclass(frozen=True, slots=True)
class Stall(Damage):
    """Pause after so many bytes of the answer, for so many seconds; None: until the client or the double closes."""

    after: int
    seconds: float | None = None

    @property
    def delivers(self) -> Delivery:
        """What the client receives: nothing that it can use, unless the answer goes on."""
        return Delivery.NOTHING if self.seconds is None else Delivery.SLOW


@dataclass(frozen=True, slots=True)
class Trickle(Damage):
    """Send so many bytes per second, on the double's clock."""

    delivery: ClassVar[Delivery] = Delivery.SLOW
    rate: float


@dataclass(frozen=True, slots=True)
class Truncate(Damage):
    """Send so many bytes of the body, at most all but one, then close; None: half of them."""

    delivery: ClassVar[Delivery] = Delivery.HEAD
    length: int | None


@dataclass(frozen=True, slots=True)
class Garble(Damage):
    """Change the body: some `bytes`, invalid `utf8`, invalid `json`, or a `content_type` of HTML."""

    delivery: ClassVar[Delivery] = Delivery.HEAD
    how: Garbling


@dataclass(frozen=True, slots=True)
class Refuse(Damage):
    """Reset the connection, and accept no new one for so many seconds on the double's clock."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Substitute(Damage):
    """Answer with this page instead, as a gateway does."""

    delivery: ClassVar[Delivery] = Delivery.REPLACED
    status: int
    content_type: str
    body: bytes


ConnectionDamage = Break | Stall | Trickle | Truncate | Garble | Refuse | Substitute


# Answers of a gateway in front of the service.


@register()
def bad_gateway() -> Fault:
    """Answer 502 with a page of HTML, from a gateway in front of the service."""
    return _page("bad_gateway", 502, "502 Bad Gateway")


@register()
def gateway_timeout() -> Fault:
    """Answer 504 with a page of HTML, from a gateway in front of the service."""
    return _page("gateway_timeout", 504, "504 Gateway Time-out")


def _page(name: str, status: int, title: str) -> Fault:
    page = f"<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n</body>"
    return Fault(name, {}, Damaged(Substitute(status, "text/html", f"<html>\r\n{page}\r\n</html>\r\n".encode())))


@register()
def bad_request() -> Fault:
    """Answer 400 with plain text, as the gateway does for a request that it cannot read."""
    return Fault("bad_request", {}, Damaged(Substitute(400, "text/plain", b"Injected: the request cannot be read")))


# The connection.


@register()
def reset(*, after: int = 0) -> Fault:
    """Reset the connection: the client gets RST.

    Args:
        after: bytes of the answer that arrive before, its head included.
    """
    return Fault("reset", given(after=after or None), Damaged(Break(bytes_in("reset", "after", after), "reset")))


@register()
def close(*, after: int = 0) -> Fault:
    """Close the connection without an answer, or in the middle of it.

    Args:
        after: bytes of the answer that arrive before, its head included.
    """
    return Fault("close", given(after=after or None), Damaged(Break(bytes_in("close", "after", after), "close")))


@register()
def hang() -> Fault:
    """Send no answer, until the client gives up or the double closes."""
    return Fault("hang", {}, Damaged(Stall(0)))


@register()
def stall(*, after: int = 0, seconds: float | None = None) -> Fault:
    """Stop in the middle of the answer.

    Args:
        after: bytes of the answer that arrive before, its head included.
        seconds: how long it stops, on the double's clock; None: until the client gives up or the double closes.
    """
    if seconds is not None:
        seconds_in("stall", "seconds", seconds, forever="stall(after=...) without seconds")
    damage = Stall(bytes_in("stall", "after", after), seconds)
    arguments = given(after=after or None, seconds=seconds)
    return Fault("stall", arguments, Damaged(damage), ("before", "after") if seconds is None else ("after",))


@register()
def trickle(bytes_per_second: float) -> Fault:
    """Send the answer slowly, at this rate on the double's clock."""
    if not is_number(bytes_per_second) or not _SLOWEST <= bytes_per_second <= LONGEST:
        expected = f"bytes per second, {_SLOWEST} or more, such as 100, or hang() for an answer that never comes"
        raise UsageError(f"invalid trickle({bytes_per_second!r}): expected {expected}")
    return Fault("trickle", {"bytes_per_second": bytes_per_second}, Damaged(Trickle(bytes_per_second)), ("after",))


@register()
def truncate(*, length: int | None = None) -> Fault:
    """Send a body that is shorter than its Content-Length, then close the connection.

    Args:
        length: bytes of the body that arrive, at most all but one; None: half of them.
    """
    if length is not None:
        bytes_in("truncate", "length", length)
    return Fault("truncate", given(length=length), Damaged(Truncate(length)))


@register()
def garble(how: Garbling = "bytes") -> Fault:
    """Damage the body, and keep the connection.

    Args:
        how: `bytes` changes some of them, `utf8` makes it invalid UTF-8, `json` invalid JSON, and `content_type` says
            that it is HTML.
    """
    if how not in get_args(Garbling):
        raise unknown_word("way to garble", how, get_args(Garbling))
    return Fault("garble", {"how": how}, Damaged(Garble(how)), ("after", "before"))


@register()
def stale() -> Fault:
    """Reset the next request on a connection that was kept alive. A fresh connection works."""
    return Fault("stale", {}, Damaged(Break(0, "reset"), only_reused=True), commits=("before",))


@register()
def refuse(seconds: float) -> Fault:
    """Reset the connection, and accept no new one for so many seconds on the double's clock."""
    return Fault("refuse", {"seconds": seconds}, Damaged(Refuse(seconds_in("refuse", "seconds", seconds))))


# Slowness.


@register()
def slow(seconds: float) -> Fault:
    """Send the answer so many seconds late, on the double's clock."""
    return Fault(
        "slow", {"seconds": seconds}, Late(seconds_in("slow", "seconds", seconds, forever="hang()")), ("after",)
    )


@register()
def ramp(start: float, end: float, *, over: float) -> Fault:
    """Send answers later and later.

    Args:
        start: seconds by which the first one is late.
        end: seconds by which they are late at last.
        over: seconds that it takes from `start` to `end`, on the double's clock.
    """
    if seconds_in("ramp", "over", over) == 0:
        raise UsageError(f"invalid ramp({start!r}, {end!r}, over=0): expected over above zero, or slow({end!r})")
    effect = Late(seconds_in("ramp", "start", start), seconds_in("ramp", "end", end), over)
    return Fault("ramp", {"start": start, "end": end, "over": over}, effect, ("after",))
