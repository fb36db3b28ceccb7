"""Damage: what happens to an answer on its way to the client. The faults of the catalogue do it.

A new kind goes into `ConnectionDamage`, and mypy finds the one place that has to handle it: `server/transmission.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from pytest_ycimages.api.exchange import Damage, Delivery

Garbling = Literal["bytes", "utf8", "json", "content_type"]


Http2Code = Literal[
    "NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
    "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
]  # fmt: skip
"""The error codes of HTTP/2 in the order of their numbers (RFC 9113, section 7)."""


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
    def delivery(self) -> Delivery:  # type: ignore[override]  # of each stall, not of the class
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

    def kept(self, size: int) -> int:
        """Return how many bytes of a body of `size` bytes arrive."""
        return size // 2 if self.length is None else min(self.length, max(0, size - 1))


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


@dataclass(frozen=True, slots=True)
class ResetStream(Damage):
    """End the stream with RST_STREAM and this error code of HTTP/2."""

    code: int


@dataclass(frozen=True, slots=True)
class Goaway(Damage):
    """Send GOAWAY with this error code of HTTP/2, beside the answer or in its place."""

    code: int
    seen: bool

    @property
    def delivery(self) -> Delivery:  # type: ignore[override]  # of each GOAWAY, not of the class
        """What the client receives: the whole answer, if its stream counts as processed."""
        return Delivery.SLOW if self.seen else Delivery.NOTHING


Ending = Break | Truncate | Refuse | ResetStream | Goaway
"""The damage that ends the connection, or the stream of a connection that has streams."""


ConnectionDamage = Ending | Stall | Trickle | Garble | Substitute
