"""The catalogue of faults: slowness first, where strategies shrink to.

To add a fault, write a function under `@register()` and its name in `__all__`.
"""

from __future__ import annotations

import math
from typing import Any, Final, Literal, get_args

from pytest_ycimages.api.status import Code, QuotaFailure
from pytest_ycimages.cloud.outcome import Failure
from pytest_ycimages.cloud.plan import NextOperation
from pytest_ycimages.cloud.rules import CANCELLED, STARTING
from pytest_ycimages.cloud.timing import After, Never, timing_of
from pytest_ycimages.errors import UsageError
from pytest_ycimages.faults import damage
from pytest_ycimages.faults.fault import (
    REGISTERED,
    Answer,
    Bytes,
    Damaged,
    Details,
    Effect,
    Endless,
    ErrorCode,
    Flag,
    Hidden,
    Late,
    Limit,
    Metric,
    OperationTiming,
    Planned,
    Rate,
    Reads,
    RetryAfter,
    Seconds,
    Span,
    Text,
    register,
)  # fmt: skip

__all__ = [
    "bad_gateway", "bad_request", "cancel_ignored", "close", "error", "garble", "gateway_timeout", "goaway", "hang",
    "image_seen_late", "internal", "operation_fails", "operation_lost", "operation_never_ends", "operation_seen_late",
    "operation_slow", "permission_denied", "quota_exceeded", "ramp", "rate_limited", "refuse", "reset", "slow", "stale",
    "stall", "stream_reset", "token_expired", "trickle", "truncate", "unavailable",
]  # fmt: skip

# Slowness.


@register()
def slow(seconds: Seconds) -> Effect:
    """Send the answer so many seconds late, on the double's clock."""
    return Late(seconds)


@register()
def ramp(start: Seconds, end: Seconds, *, over: Span) -> Effect:
    """Send answers later and later.

    Args:
        start: seconds by which the first one is late.
        end: seconds by which they are late at last.
        over: seconds that it takes from `start` to `end`, on the double's clock.
    """
    return Late(start, end, over)


# Errors of the service.


@register()
def error(
    code: ErrorCode, message: Text = "", *, details: Details = (), retry_after: RetryAfter | None = None
) -> Effect:
    """Answer the call with an error.

    Args:
        code: any `google.rpc.Code` but OK: itself, its number, or its name in any case.
        message: its text.
        details: its details, in their JSON form.
        retry_after: whole seconds that the answer asks the client to wait, in a `Retry-After` header.
    """
    return _answer(code, message or f"Injected: {str(code).lower().replace('_', ' ')}", retry_after, *details)


@register()
def unavailable(*, retry_after: RetryAfter | None = None) -> Effect:
    """Answer 503: the service is temporarily unavailable."""
    return _answer(Code.UNAVAILABLE, "Injected: the service is unavailable", retry_after)


@register()
def rate_limited(*, retry_after: RetryAfter | None = None) -> Effect:
    """Answer 429: too many requests."""
    return _answer(Code.RESOURCE_EXHAUSTED, "Injected: too many requests", retry_after)


@register()
def quota_exceeded(metric: Metric = "compute.images.count", *, limit: Limit = 32) -> Effect:
    """Answer 429: a quota is used up, with a `QuotaFailure` that names it.

    Args:
        metric: the quota.
        limit: how much it allows; as much is used.
    """
    failure = QuotaFailure.of(metric, limit=limit, usage=limit, required=limit + 1)
    return _answer(Code.RESOURCE_EXHAUSTED, f"Injected: the quota {metric} is exceeded", None, failure)


@register()
def token_expired() -> Effect:
    """Answer 401: the token has expired."""
    return _answer(Code.UNAUTHENTICATED, "The token has expired")


@register()
def permission_denied() -> Effect:
    """Answer 403: the account may not do this."""
    return _answer(Code.PERMISSION_DENIED, "Permission denied")


@register()
def internal() -> Effect:
    """Answer 500: the service has failed."""
    return _answer(Code.INTERNAL, "Injected: internal error")


def _answer(code: Code | int | str, message: str, retry_after: int | None = None, *details: Any) -> Answer:
    metadata = () if retry_after is None else (("retry-after", str(retry_after)),)
    return Answer(Failure(code, message, details).error, metadata)


# Answers of a gateway in front of the service.


@register()
def bad_gateway() -> Effect:
    """Answer 502 with a page of HTML, from a gateway in front of the service."""
    return _page(502, "502 Bad Gateway")


@register()
def gateway_timeout() -> Effect:
    """Answer 504 with a page of HTML, from a gateway in front of the service."""
    return _page(504, "504 Gateway Time-out")


def _page(status: int, title: str) -> Damaged:
    page = f"<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n</body>"
    return Damaged(damage.Substitute(status, "text/html", f"<html>\r\n{page}\r\n</html>\r\n".encode()))


@register()
def bad_request() -> Effect:
    """Answer 400 with plain text, as the gateway does for a request that it cannot read."""
    return Damaged(damage.Substitute(400, "text/plain", b"Injected: the request cannot be read"))


# The connection.


@register()
def reset(*, after: Bytes = 0) -> Effect:
    """Reset the connection: the client gets RST.

    Args:
        after: bytes of the answer that arrive before, its head included.
    """
    return Damaged(damage.Break(after, "reset"))


@register()
def close(*, after: Bytes = 0) -> Effect:
    """Close the connection without an answer, or in the middle of it.

    Args:
        after: bytes of the answer that arrive before, its head included.
    """
    return Damaged(damage.Break(after, "close"))


@register()
def hang() -> Effect:
    """Send no answer, until the client gives up or the double closes."""
    return Damaged(damage.Stall(0))


@register()
def stall(*, after: Bytes = 0, seconds: Seconds | None = None) -> Effect:
    """Stop in the middle of the answer.

    Args:
        after: bytes of the answer that arrive before, its head included.
        seconds: how long it stops, on the double's clock; None: until the client gives up or the double closes.
    """
    return Damaged(damage.Stall(after, seconds))


@register()
def trickle(bytes_per_second: Rate) -> Effect:
    """Send the answer slowly, at this rate on the double's clock."""
    return Damaged(damage.Trickle(bytes_per_second))


@register()
def truncate(*, length: Bytes | None = None) -> Effect:
    """Send a body that is shorter than its Content-Length, then close the connection.

    Args:
        length: bytes of the body that arrive, at most all but one; None: half of them.
    """
    return Damaged(damage.Truncate(length))


@register(commits=("after", "before"))
def garble(how: damage.Garbling = "bytes") -> Effect:
    """Damage the body, and keep the connection.

    Args:
        how: `bytes` changes some of them, `utf8` makes it invalid UTF-8, `json` invalid JSON, and `content_type` says
            that it is HTML.
    """
    return Damaged(damage.Garble(how))


@register()
def stale() -> Effect:
    """Reset the next request on a connection that was kept alive. A fresh connection works."""
    return Damaged(damage.Break(0, "reset"), only_reused=True)


@register()
def refuse(seconds: Seconds) -> Effect:
    """Reset the connection, and accept no new one for so many seconds on the double's clock."""
    return Damaged(damage.Refuse(seconds))


# HTTP/2.


@register()
def stream_reset(code: damage.Http2Code = "REFUSED_STREAM") -> Effect:
    """End the stream of the call with RST_STREAM. Over HTTP/1.1, which has no streams, the connection is reset.

    Args:
        code: the error code of HTTP/2, such as `REFUSED_STREAM`, `CANCEL` or `INTERNAL_ERROR`.
    """
    return Damaged(damage.ResetStream(get_args(damage.Http2Code).index(code)))


@register()
def goaway(code: damage.Http2Code = "NO_ERROR", *, seen: Flag = False) -> Effect:
    """Send GOAWAY, which says that the connection ends. Over HTTP/1.1, the connection is closed.

    Args:
        code: the error code of HTTP/2, such as `NO_ERROR` or `ENHANCE_YOUR_CALM`.
        seen: whether the call counts as processed, and is answered; if not, clients may send it again.
    """
    return Damaged(damage.Goaway(get_args(damage.Http2Code).index(code), seen))


# The operation that the call starts.


@register(STARTING)
def operation_fails(
    code: ErrorCode = Code.INTERNAL, message: Text = "", *, after: OperationTiming | None = None, rollback: Seconds = 0
) -> Effect:
    """Let the operation fail.

    Args:
        code: the code of its error.
        message: the text of its error.
        after: when, as a timing or in seconds; None: when it would have ended.
        rollback: seconds that undoing takes, with the error set already.
    """
    timing = None if after is None else timing_of(after)
    return Planned(NextOperation("*", STARTING, timing=timing, outcome=Failure(code, message), rollback=rollback))


@register(STARTING)
def operation_never_ends() -> Effect:
    """Let the operation run for ever."""
    return Planned(NextOperation("*", STARTING, timing=Never()))


@register(STARTING)
def operation_slow(seconds: Seconds) -> Effect:
    """Let the operation take so many seconds, on the double's clock, whatever the setting `timing` says."""
    return Planned(NextOperation("*", STARTING, timing=After(seconds)))


@register(CANCELLED)
def cancel_ignored() -> Effect:
    """Answer a cancel of the image's creation as usual, and change nothing."""
    return Planned(NextOperation("*", CANCELLED, cancel="loses"))


@register(STARTING)
def operation_lost(*, after: Seconds = 0, seconds: Endless = math.inf) -> Effect:
    """Answer polls of the operation with 404.

    Args:
        after: from so many seconds after its creation, on the double's clock.
        seconds: for so long; for good unless given.
    """
    return Hidden("operation", None, after, seconds)


@register(STARTING)
def operation_seen_late(*, reads: Reads | None = None, seconds: Endless | None = None) -> Effect:
    """Answer the first polls of the operation with 404, as a replica that is behind does.

    Args:
        reads: so many polls.
        seconds: those within so many seconds, on the double's clock.
    """
    return _hidden("operation", reads, seconds)


@register(CANCELLED)
def image_seen_late(*, reads: Reads | None = None, seconds: Endless | None = None) -> Effect:
    """Answer the first `images.get` of the image with 404, or leave it out of lists, even if the operation is done.

    Args:
        reads: so many requests.
        seconds: those within so many seconds, on the double's clock.
    """
    return _hidden("image", reads, seconds)


def _hidden(what: Literal["image", "operation"], reads: int | None, seconds: float | None) -> Hidden:
    if (reads is None) == (seconds is None):
        given = f"{what}_seen_late(reads={reads!r}, seconds={seconds!r})"
        raise UsageError(f"invalid {given}: expected one of them, such as reads=2")
    return Hidden(what, reads, 0, math.inf if seconds is None else seconds)


CATALOGUE: Final = {name: function for name, (function, _) in REGISTERED.items()}
"""Every function that makes a fault, by its name."""
METHODS_OF: Final = {name: methods for name, (_, methods) in REGISTERED.items()}
"""The methods that each fault can strike, by the name of the fault."""
