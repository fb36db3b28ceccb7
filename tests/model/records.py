"""What the model remembers of an image and of an operation. Moments are nanoseconds since the epoch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

SECOND = 10**9

Fields = dict[str, Any]
"""Fields of an image or of a request, by their JSON names; sizes are integers, and nothing is left out."""


class Refusal(NamedTuple):
    """Why a call changed nothing, or why an operation failed.

    `quota` is what a QuotaFailure says: metric, limit, usage and requirement.
    """

    code: int
    message: str
    quota: tuple[str, int, int, int] | None = None


@dataclass(eq=False)
class Image:
    """An image: its fields as they were when it was asked for.

    `virtual` is what its minDiskSize can never be below. `known` is False when the double made its sizes up: they bind
    nobody.
    """

    id: str
    folder: str
    number: int
    created: int
    virtual: int
    known: bool
    fields: Fields

    @property
    def age(self) -> tuple[int, int]:
        """What images are ordered by when they are ordered by creation."""
        return self.created, self.number


@dataclass(eq=False)
class Operation:
    """An operation: it ends at a moment, or after so many polls, or never.

    `cancelled` is when a cancel takes effect that came in time, if the operation has not ended by then.
    """

    id: str
    image: Image
    kind: str
    account: str
    started: int
    rollback: int
    ends: int | None = None
    polls: int = 0
    error: Refusal | None = None
    changes: Fields = field(default_factory=dict)
    cancelled: int | None = None

    def phase(self, now: int) -> str:
        """Where it is: running, failing (the error is set, it is not done), failed or succeeded."""
        self._settle(now)
        if self.ends is None or now < self.ends:
            return "running"
        if self.error is None:
            return "succeeded"
        return "failing" if now < self.ends + self.rollback else "failed"

    def modified(self, now: int) -> int:
        """When it came to where it is."""
        ends = self.ends or 0
        return {"running": self.started, "failed": ends + self.rollback}.get(self.phase(now), ends)

    def is_done(self, now: int) -> bool:
        """Whether nothing more will happen."""
        return self.phase(now) in {"succeeded", "failed"}

    def poll(self, now: int) -> None:
        """Somebody looks at it."""
        self._settle(now)
        if self.polls:
            self.polls -= 1
            self.ends = None if self.polls else now

    def _settle(self, now: int) -> None:
        """A cancel takes effect."""
        if self.cancelled is not None and self.cancelled <= now and (self.ends is None or self.cancelled < self.ends):
            self.ends, self.polls, self.error = self.cancelled, 0, Refusal(1, "Cancelled by client")
