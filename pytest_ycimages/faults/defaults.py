"""The faults that experiments try by default, each with values that clients meet. A new fault is not one by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_ycimages.faults.catalogue import (
    CATALOGUE,
    cancel_ignored,
    error,
    image_seen_late,
    internal,
    operation_fails,
    operation_lost,
    operation_never_ends,
    operation_seen_late,
    permission_denied,
    quota_exceeded,
    rate_limited,
    token_expired,
    unavailable,
)
from pytest_ycimages.faults.connection_faults import (
    bad_gateway,
    bad_request,
    close,
    garble,
    gateway_timeout,
    hang,
    refuse,
    reset,
    slow,
    stale,
    stall,
    trickle,
    truncate,
)

if TYPE_CHECKING:
    from pytest_ycimages.faults.fault import Commit, Fault


class Tried(NamedTuple):
    """A fault that experiments try; see `Candidate`, which has the same fields."""

    fault: Fault
    on: str = "*"
    commits: tuple[Commit, ...] = ()
    lasts: bool = False


_WHY: Final = "Injected: the source of the image cannot be read"
_BEFORE: Final[tuple[Commit, ...]] = ("before",)
_AFTER: Final[tuple[Commit, ...]] = ("after",)

TRIED_BY_DEFAULT: Final = (
    Tried(slow(5)),
    Tried(trickle(1000)),
    Tried(operation_seen_late(reads=1)),
    Tried(image_seen_late(reads=1)),
    Tried(unavailable()),
    Tried(rate_limited(retry_after=7), commits=_BEFORE),
    Tried(bad_gateway()),
    Tried(gateway_timeout()),
    Tried(internal()),
    Tried(stale()),
    Tried(close()),
    Tried(reset()),
    Tried(reset(after=60), commits=_AFTER),
    Tried(truncate(), commits=_AFTER),
    Tried(garble("json"), commits=_AFTER),
    Tried(garble("bytes"), commits=_AFTER),
    Tried(garble("content_type"), commits=_AFTER),
    Tried(refuse(5)),
    Tried(slow(120)),
    Tried(stall(after=60), commits=_AFTER),
    Tried(hang()),
    Tried(operation_fails(message=_WHY)),
    Tried(operation_fails(message=_WHY, rollback=600)),
    Tried(operation_never_ends()),
    Tried(cancel_ignored()),
    Tried(operation_lost()),
    Tried(token_expired(), commits=_BEFORE),
    Tried(permission_denied(), commits=_BEFORE),
    Tried(error("INVALID_ARGUMENT"), commits=_BEFORE),
    Tried(bad_request(), commits=_BEFORE),
    Tried(quota_exceeded(), on="images.create", commits=_BEFORE),
    Tried(unavailable(), commits=_BEFORE, lasts=True),
)
"""The mildest first, which is where shrinking leads. `ramp` needs many calls, so no experiment tries it by itself."""


def mildest_first() -> list[str]:
    """Return the names of all faults: those that experiments try, in their order, then the others."""
    return list(dict.fromkeys([*(each.fault.name for each in TRIED_BY_DEFAULT), *CATALOGUE]))
