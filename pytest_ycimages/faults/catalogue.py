"""The registry of faults: each kind of damage, each function that makes a fault, and the faults that experiments try.

To add a fault, write a function here under `@_register()`; a connection fault may need a new kind of damage as well,
which `server/transmission.py` interprets. Strategies, experiments, tests and the reference derive their lists.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, TypeVar, get_args

from pytest_ycimages.api.exchange import Damage, Delivery
from pytest_ycimages.api.methods import METHODS
from pytest_ycimages.api.status import Code, QuotaFailure
from pytest_ycimages.cloud.clock import LONGEST, is_number
from pytest_ycimages.cloud.operation_settings import CANCELLED, STARTING
from pytest_ycimages.cloud.outcome import Failure
from pytest_ycimages.cloud.planner import NextOperation
from pytest_ycimages.cloud.timing import After, Never, timing_of
from pytest_ycimages.errors import UsageError, unknown_word
from pytest_ycimages.faults.fault import Answer, Damaged, Fault, Hidden, Late, Planned

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_ycimages.cloud.timing import Timing

CATALOGUE: Final[dict[str, Callable[..., Fault]]] = {}
"""Every function that makes a fault, by its name."""
METHODS_OF: Final[dict[str, tuple[str, ...]]] = {}
"""The methods that each fault can strike, by the name of the fault."""
_Made = TypeVar("_Made", bound=Callable[..., Fault])
_SLOWEST: Final = 0.001


def _register(methods: tuple[str, ...] = METHODS) -> Callable[[_Made], _Made]:
    """Enter a function into the catalogue, with the methods that its faults can strike."""

    def enter(function: _Made) -> _Made:
        CATALOGUE[function.__name__] = function
        METHODS_OF[function.__name__] = methods
        return function

    return enter


# Kinds of damage. A new one goes into `ConnectionDamage` too, so that mypy finds each place that has to handle it.

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
        return Delivery.NOTHING if self.seconds is None else Delivery.WHOLE


@dataclass(frozen=True, slots=True)
class Trickle(Damage):
    """Send so many bytes per second, on the double's clock."""

    delivery: ClassVar[Delivery] = Delivery.WHOLE
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


# Errors of the service.


@_register()
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


@_register()
def unavailable(*, retry_after: int | None = None) -> Fault:
    """Answer 503: the service is temporarily unavailable."""
    failure = Failure(Code.UNAVAILABLE, "Injected: the service is unavailable")
    return _answer("unavailable", {"retry_after": retry_after}, failure, retry_after)


@_register()
def rate_limited(*, retry_after: int | None = None) -> Fault:
    """Answer 429: too many requests."""
    failure = Failure(Code.RESOURCE_EXHAUSTED, "Injected: too many requests")
    return _answer("rate_limited", {"retry_after": retry_after}, failure, retry_after)


@_register()
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


@_register()
def token_expired() -> Fault:
    """Answer 401: the token has expired."""
    return _answer("token_expired", {}, Failure(Code.UNAUTHENTICATED, "The token is invalid"))


@_register()
def permission_denied() -> Fault:
    """Answer 403: the account may not do this."""
    return _answer("permission_denied", {}, Failure(Code.PERMISSION_DENIED, "Permission denied"))


@_register()
def internal() -> Fault:
    """Answer 500: the service has failed."""
    return _answer("internal", {}, Failure(Code.INTERNAL, "Injected: internal error"))


def _answer(name: str, arguments: Mapping[str, Any], failure: Failure, retry_after: int | None = None) -> Fault:
    if retry_after is not None and (type(retry_after) is not int or retry_after < 0):
        raise UsageError(f"invalid retry_after={retry_after!r}: expected whole seconds, such as 5")
    metadata = () if retry_after is None else (("retry-after", str(retry_after)),)
    return Fault(name, _given(**arguments), Answer(failure.error, metadata))


# Answers of a gateway in front of the service.


@_register()
def bad_gateway() -> Fault:
    """Answer 502 with a page of HTML, from a gateway in front of the service."""
    return _page("bad_gateway", 502, "502 Bad Gateway")


@_register()
def gateway_timeout() -> Fault:
    """Answer 504 with a page of HTML, from a gateway in front of the service."""
    return _page("gateway_timeout", 504, "504 Gateway Time-out")


def _page(name: str, status: int, title: str) -> Fault:
    page = f"<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n</body>"
    return Fault(name, {}, Damaged(Substitute(status, "text/html", f"<html>\r\n{page}\r\n</html>\r\n".encode())))


@_register()
def bad_request() -> Fault:
    """Answer 400 with plain text, as the gateway does for a request that it cannot read."""
    return Fault("bad_request", {}, Damaged(Substitute(400, "text/plain", b"Injected: the request cannot be read")))


# The connection.


@_register()
def reset(*, after: int = 0) -> Fault:
    """Reset the connection: the client gets RST.

    Args:
        after: bytes of the answer that arrive before, its head included.
    """
    return Fault("reset", _given(after=after or None), Damaged(Break(_bytes("reset", "after", after), "reset")))


@_register()
def close(*, after: int = 0) -> Fault:
    """Close the connection without an answer, or in the middle of it.

    Args:
        after: bytes of the answer that arrive before, its head included.
    """
    return Fault("close", _given(after=after or None), Damaged(Break(_bytes("close", "after", after), "close")))


@_register()
def hang() -> Fault:
    """Send no answer, until the client gives up or the double closes."""
    return Fault("hang", {}, Damaged(Stall(0)))


@_register()
def stall(*, after: int = 0, seconds: float | None = None) -> Fault:
    """Stop in the middle of the answer.

    Args:
        after: bytes of the answer that arrive before, its head included.
        seconds: how long it stops, on the double's clock; None: until the client gives up or the double closes.
    """
    if seconds is not None:
        _seconds("stall", "seconds", seconds, forever="stall(after=...) without seconds")
    damage = Stall(_bytes("stall", "after", after), seconds)
    arguments = _given(after=after or None, seconds=seconds)
    return Fault("stall", arguments, Damaged(damage), ("before", "after") if seconds is None else ("after",))


@_register()
def trickle(bytes_per_second: float) -> Fault:
    """Send the answer slowly, at this rate on the double's clock."""
    if not is_number(bytes_per_second) or not _SLOWEST <= bytes_per_second <= LONGEST:
        expected = f"bytes per second, {_SLOWEST} or more, such as 100, or hang() for an answer that never comes"
        raise UsageError(f"invalid trickle({bytes_per_second!r}): expected {expected}")
    return Fault("trickle", {"bytes_per_second": bytes_per_second}, Damaged(Trickle(bytes_per_second)), ("after",))


@_register()
def truncate(*, length: int | None = None) -> Fault:
    """Send a body that is shorter than its Content-Length, then close the connection.

    Args:
        length: bytes of the body that arrive, at most all but one; None: half of them.
    """
    if length is not None:
        _bytes("truncate", "length", length)
    return Fault("truncate", _given(length=length), Damaged(Truncate(length)))


@_register()
def garble(how: Garbling = "bytes") -> Fault:
    """Damage the body, and keep the connection.

    Args:
        how: `bytes` changes some of them, `utf8` makes it invalid UTF-8, `json` invalid JSON, and `content_type` says
            that it is HTML.
    """
    if how not in get_args(Garbling):
        raise unknown_word("way to garble", how, get_args(Garbling))
    return Fault("garble", {"how": how}, Damaged(Garble(how)), ("after", "before"))


@_register()
def stale() -> Fault:
    """Reset the next request on a connection that was kept alive. A fresh connection works."""
    return Fault("stale", {}, Damaged(Break(0, "reset"), only_reused=True), commits=("before",))


@_register()
def refuse(seconds: float) -> Fault:
    """Reset the connection, and accept no new one for so many seconds on the double's clock."""
    return Fault("refuse", {"seconds": seconds}, Damaged(Refuse(_seconds("refuse", "seconds", seconds))))


@_register()
def slow(seconds: float) -> Fault:
    """Send the answer so many seconds late, on the double's clock."""
    return Fault("slow", {"seconds": seconds}, Late(_seconds("slow", "seconds", seconds, forever="hang()")), ("after",))


@_register()
def ramp(start: float, end: float, *, over: float) -> Fault:
    """Send answers later and later.

    Args:
        start: seconds by which the first one is late.
        end: seconds by which they are late at last.
        over: seconds that it takes from `start` to `end`, on the double's clock.
    """
    if _seconds("ramp", "over", over) == 0:
        raise UsageError(f"invalid ramp({start!r}, {end!r}, over=0): expected over above zero, or slow({end!r})")
    effect = Late(_seconds("ramp", "start", start), _seconds("ramp", "end", end), over)
    return Fault("ramp", {"start": start, "end": end, "over": over}, effect, ("after",))


# The operation that the call starts.


@_register(STARTING)
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
    undoing = _seconds("operation_fails", "rollback", rollback, forever="operation_never_ends()")
    asked = NextOperation("*", STARTING, timing=timing, outcome=failure, rollback=undoing)
    written = timing.seconds if isinstance(timing, After) else timing and repr(timing)
    name = Code(failure.error.code).name
    arguments = _given(code=name, message=message, after=written, rollback=rollback or None)
    return Fault("operation_fails", arguments, Planned(asked), ("before",), METHODS_OF["operation_fails"])


@_register(STARTING)
def operation_never_ends() -> Fault:
    """Let the operation run for ever."""
    asked = NextOperation("*", STARTING, timing=Never())
    return Fault("operation_never_ends", {}, Planned(asked), ("before",), METHODS_OF["operation_never_ends"])


@_register(CANCELLED)
def cancel_ignored() -> Fault:
    """Answer a cancel of the image's creation as usual, and change nothing."""
    asked = NextOperation("*", CANCELLED, cancel="loses")
    return Fault("cancel_ignored", {}, Planned(asked), ("before",), METHODS_OF["cancel_ignored"])


@_register(STARTING)
def operation_lost(*, after: float = 0, seconds: float = math.inf) -> Fault:
    """Answer polls of the operation with 404.

    Args:
        after: from so many seconds after its creation, on the double's clock.
        seconds: for so long; for good unless given.
    """
    lasting = seconds if seconds == math.inf else _seconds("operation_lost", "seconds", seconds)
    effect = Hidden("operation", None, _seconds("operation_lost", "after", after), lasting)
    arguments = _given(after=after or None, seconds=None if seconds == math.inf else seconds)
    return Fault("operation_lost", arguments, effect, ("before",), METHODS_OF["operation_lost"])


@_register(STARTING)
def operation_seen_late(*, reads: int | None = None, seconds: float | None = None) -> Fault:
    """Answer the first polls of the operation with 404, as a replica that is behind does.

    Args:
        reads: so many polls.
        seconds: those within so many seconds, on the double's clock.
    """
    return _hidden("operation_seen_late", "operation", reads, seconds)


@_register(CANCELLED)
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
    lasting = math.inf if seconds is None or seconds == math.inf else _seconds(name, "seconds", seconds)
    return Fault(
        name, _given(reads=reads, seconds=seconds), Hidden(what, reads, 0, lasting), ("before",), METHODS_OF[name]
    )


# Arguments.


def _given(**arguments: Any) -> Mapping[str, Any]:
    return {name: value for name, value in arguments.items() if value is not None and value != ""}


def _seconds(fault: str, name: str, value: float, *, forever: str = "") -> float:
    """Return `value` if it is a time; `forever` is what to write instead of an infinite one."""
    if not is_number(value) or not 0 <= value <= LONGEST:
        instead = f"; without an end: {forever}" if forever and value == math.inf else ""
        raise UsageError(f"invalid {fault}({name}={value!r}): expected seconds, from 0 to {LONGEST:.0e}{instead}")
    return value


def _bytes(fault: str, name: str, value: int) -> int:
    if type(value) is not int or value < 0:
        raise UsageError(f"invalid {fault}({name}={value!r}): expected a whole number of bytes, zero or more")
    return value


# The faults that an experiment tries unless told otherwise. A new fault is tried only if it has a row here.
