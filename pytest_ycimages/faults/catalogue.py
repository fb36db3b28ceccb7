"""Every fault that users name, each a function that makes one. What cannot be is refused when it is written."""

from __future__ import annotations

from typing import Final

from pytest_ycimages.faults.answers import (
    bad_gateway,
    bad_request,
    error,
    gateway_timeout,
    internal,
    permission_denied,
    quota_exceeded,
    rate_limited,
    token_expired,
    unavailable,
)
from pytest_ycimages.faults.connection_faults import (
    close,
    garble,
    hang,
    refuse,
    reset,
    stale,
    stall,
    trickle,
    truncate,
)
from pytest_ycimages.faults.operation_faults import (
    cancel_ignored,
    image_seen_late,
    operation_fails,
    operation_lost,
    operation_never_ends,
    operation_seen_late,
)
from pytest_ycimages.faults.slowness import ramp, slow

CATALOGUE: Final = {
    function.__name__: function
    for function in (
        error, unavailable, rate_limited, quota_exceeded, token_expired, permission_denied, internal,
        bad_gateway, gateway_timeout, bad_request,
        reset, close, hang, stall, trickle, truncate, garble, stale, refuse,
        operation_fails, operation_never_ends, operation_lost, operation_seen_late, image_seen_late, cancel_ignored,
        slow, ramp,
    )
}  # fmt: skip
"""Every fault, by its name."""
