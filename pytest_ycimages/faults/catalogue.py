"""The catalogue of faults: errors of the service and faults of operations, beside those of connections.

To add a fault, write a function under `@register()`. Strategies, experiments and tests derive their lists.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, Literal

from pytest_ycimages.api.status import Code, QuotaFailure
from pytest_ycimages.cloud.operation_settings import CANCELLED, STARTING
from pytest_ycimages.cloud.outcome import Failure
from pytest_ycimages.cloud.planner import NextOperation
from pytest_ycimages.cloud.timing import After, Never, timing_of
from pytest_ycimages.errors import UsageError
from pytest_ycimages.faults import connection_faults  # noqa: F401 - it registers its faults
from pytest_ycimages.faults.fault import REGISTERED, Answer, Fault, Hidden, Planned, given, register, seconds_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_ycimages.cloud.timing import Timing

# Errors of the service.


@register()
def error(
    code: Code | int | str,
    message: str = "",
    *,
    details: Iterable[Mapping[str, Any]] = (),
    retry_after: int | None = None,
) -> Fault:
    """Answer the call with an error.

    Args:
        code: any `google.rpc.Code` but OK: itself, its number, or its name in any case.
        message: its text.
        details: its details, in their JSON form.
        retry_after: whole seconds that the answer asks the client to wait, in a `Retry-After` header.
    """
    if code in (Code.OK, "OK", "ok"):
        raise UsageError(f"invalid error({code!r}): OK is not an error; expected a code such as 'ABORTED'")
    failure = Failure(code, message, details)
    name = Code(failure.error.code).name
    if not message:
        failure = Failure(code, f"Injected: {name.lower().replace('_', ' ')}", failure.details)
    written = [each.to_wire() for each in failure.error.details] or None
    arguments = {"code": name, "message": message, "details": written, "retry_after": retry_after}
    return _answer("error", arguments, failure, retry_after)


@register()
def unavailable(*, retry_after: int | None = None) -> Fault:
    """Answer 503: the service is temporarily unavailable."""
    failure = Failure(Code.UNAVAILABLE, "Injected: the service is unavailable")
    return _answer("unavailable", {"retry_after": retry_after}, failure, retry_after)


@register()
def rate_limited(*, retry_after: int | None = None) -> Fault:
    """Answer 429: too many requests."""
    failure = Failure(Code.RESOURCE_EXHAUSTED, "Injected: too many requests")
    return _answer("rate_limited", {"retry_after": retry_after}, failure, retry_after)


@register()
def quota_exceeded(metric: str = "compute.images.count", *, limit: int = 32) -> Fault:
    """Answer 429: a quota is used up, with a `QuotaFailure` that names it.

    Args:
        metric: the quota.
        limit: how much it allows; as much is used.
    """
    if not metric or not isinstance(metric, str):
        raise UsageError(f"invalid quota_exceeded({metric!r}): expected the name of a quota, 'compute.images.count'")
    if type(limit) is not int or limit < 0:
        raise UsageError(f"invalid quota_exceeded(limit={limit!r}): expected a whole number, zero or more")
    details = (QuotaFailure.of(metric, limit=limit, usage=limit, required=limit + 1),)
    failure = Failure(Code.RESOURCE_EXHAUSTED, f"Injected: the quota {metric} is exceeded", details)
    return _answer("quota_exceeded", {"metric": metric, "limit": limit}, failure)


@register()
def token_expired() -> Fault:
    """Answer 401: the token has expired."""
    return _answer("token_expired", {}, Failure(Code.UNAUTHENTICATED, "The token is invalid"))


@register()
def permission_denied() -> Fault:
    """Answer 403: the account may not do this."""
    return _answer("permission_denied", {}, Failure(Code.PERMISSION_DENIED, "Permission denied"))


@register()
def internal() -> Fault:
    """Answer 500: the service has failed."""
    return _answer("internal", {}, Failure(Code.INTERNAL, "Injected: internal error"))


def _answer(name: str, arguments: Mapping[str, Any], failure: Failure, retry_after: int | None = None) -> Fault:
    if retry_after is not None and (type(retry_after) is not int or retry_after < 0):
        raise UsageError(f"invalid retry_after={retry_after!r}: expected whole seconds, such as 5")
    metadata = () if retry_after is None else (("retry-after", str(retry_after)),)
    return Fault(name, given(**arguments), Answer(failure.error, metadata))


# The operation that the call starts.


@register(STARTING)
def operation_fails(
    code: Code | int | str = Code.INTERNAL,
    message: str = "",
    *,
    after: Timing | float | None = None,
    rollback: float = 0,
) -> Fault:
    """Let the operation fail.

    Args:
        code: the code of its error.
        message: the text of its error.
        after: when, as a timing or in seconds; None: when it would have ended.
        rollback: seconds that undoing takes, with the error set already.
    """
    failure = Failure(code, message)
    timing = None if after is None else timing_of(after)
    undoing = seconds_in("operation_fails", "rollback", rollback, forever="operation_never_ends()")
    asked = NextOperation("*", STARTING, timing=timing, outcome=failure, rollback=undoing)
    written = timing.seconds if isinstance(timing, After) else timing and repr(timing)
    name = Code(failure.error.code).name
    arguments = given(code=name, message=message, after=written, rollback=rollback or None)
    return Fault("operation_fails", arguments, Planned(asked), ("before",), METHODS_OF["operation_fails"])


@register(STARTING)
def operation_never_ends() -> Fault:
    """Let the operation run for ever."""
    asked = NextOperation("*", STARTING, timing=Never())
    return Fault("operation_never_ends", {}, Planned(asked), ("before",), METHODS_OF["operation_never_ends"])


@register(CANCELLED)
def cancel_ignored() -> Fault:
    """Answer a cancel of the image's creation as usual, and change nothing."""
    asked = NextOperation("*", CANCELLED, cancel="loses")
    return Fault("cancel_ignored", {}, Planned(asked), ("before",), METHODS_OF["cancel_ignored"])


@register(STARTING)
def operation_lost(*, after: float = 0, seconds: float = math.inf) -> Fault:
    """Answer polls of the operation with 404.

    Args:
        after: from so many seconds after its creation, on the double's clock.
        seconds: for so long; for good unless given.
    """
    lasting = seconds if seconds == math.inf else seconds_in("operation_lost", "seconds", seconds)
    effect = Hidden("operation", None, seconds_in("operation_lost", "after", after), lasting)
    arguments = given(after=after or None, seconds=None if seconds == math.inf else seconds)
    return Fault("operation_lost", arguments, effect, ("before",), METHODS_OF["operation_lost"])


@register(STARTING)
def operation_seen_late(*, reads: int | None = None, seconds: float | None = None) -> Fault:
    """Answer the first polls of the operation with 404, as a replica that is behind does.

    Args:
        reads: so many polls.
        seconds: those within so many seconds, on the double's clock.
    """
    return _hidden("operation_seen_late", "operation", reads, seconds)


@register(CANCELLED)
def image_seen_late(*, reads: int | None = None, seconds: float | None = None) -> Fault:
    """Answer the first `images.get` of the image with 404, even if the operation is done.

    Args:
        reads: so many requests.
        seconds: those within so many seconds, on the double's clock.
    """
    return _hidden("image_seen_late", "image", reads, seconds)


def _hidden(name: str, what: Literal["image", "operation"], reads: int | None, seconds: float | None) -> Fault:
    if (reads is None) == (seconds is None):
        raise UsageError(f"invalid {name}(reads={reads!r}, seconds={seconds!r}): expected one of them, such as reads=2")
    if reads is not None and (type(reads) is not int or reads < 1):
        raise UsageError(f"invalid {name}(reads={reads!r}): expected a whole number, 1 or more")
    lasting = math.inf if seconds is None or seconds == math.inf else seconds_in(name, "seconds", seconds)
    return Fault(
        name, given(reads=reads, seconds=seconds), Hidden(what, reads, 0, lasting), ("before",), METHODS_OF[name]
    )


CATALOGUE: Final = {name: function for name, (function, _) in REGISTERED.items()}
"""Every function that makes a fault, by its name."""
METHODS_OF: Final = {name: methods for name, (_, methods) in REGISTERED.items()}
"""The methods that each fault can strike, by the name of the fault."""
