"""Faults that answer a call with an error: of the service, or of what stands in front of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pytest_ycimages.api.damage import Substitute
from pytest_ycimages.api.status import Code, QuotaFailure
from pytest_ycimages.cloud.outcome import Failure
from pytest_ycimages.errors import UsageError
from pytest_ycimages.faults.fault import Answer, Damaged, Fault
from pytest_ycimages.faults.values import given

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def error(
    code: Code | int | str,
    message: str = "",
    *,
    details: Iterable[Mapping[str, Any]] = (),
    retry_after: int | None = None,
) -> Fault:
    """The call is answered with an error.

    Args:
        code: any `google.rpc.Code` but OK: itself, its number, or its name in any case.
        message: its text.
        details: its details, in their JSON form.
        retry_after: whole seconds that the answer asks the client to wait, in a `Retry-After` header.
    """
    if code in (Code.OK, "OK", "ok"):
        raise UsageError(f"error({code!r}) cannot be: an answer that is OK is no error. Give a code such as 'ABORTED'.")
    failure = Failure(code, message, details)
    name = Code(failure.error.code).name
    if not message:
        failure = Failure(code, f"Injected: {name.lower().replace('_', ' ')}", failure.details)
    written = [each.to_wire() for each in failure.error.details] or None
    arguments = {"code": name, "message": message, "details": written, "retry_after": retry_after}
    return _answer("error", arguments, failure, retry_after)


def unavailable(*, retry_after: int | None = None) -> Fault:
    """503: the service is not there for the moment."""
    failure = Failure(Code.UNAVAILABLE, "Injected: the service is unavailable")
    return _answer("unavailable", {"retry_after": retry_after}, failure, retry_after)


def rate_limited(*, retry_after: int | None = None) -> Fault:
    """429: too many calls in too little time."""
    failure = Failure(Code.RESOURCE_EXHAUSTED, "Injected: too many requests")
    return _answer("rate_limited", {"retry_after": retry_after}, failure, retry_after)


def quota_exceeded(metric: str = "compute.images.count", *, limit: int = 32) -> Fault:
    """429: a quota is used up, with the `QuotaFailure` that says which.

    Args:
        metric: the quota.
        limit: how much it allows; as much is used.
    """
    if not metric or not isinstance(metric, str):
        raise UsageError(f"quota_exceeded({metric!r}) cannot be: give the name of a quota, 'compute.images.count'.")
    if type(limit) is not int or limit < 0:
        raise UsageError(f"quota_exceeded(limit={limit!r}) cannot be: it is a whole number, zero or more, such as 32.")
    details = (QuotaFailure.of(metric, limit=limit, usage=limit, required=limit + 1),)
    failure = Failure(Code.RESOURCE_EXHAUSTED, f"Injected: the quota {metric} is exceeded", details)
    return _answer("quota_exceeded", {"metric": metric, "limit": limit}, failure)


def token_expired() -> Fault:
    """401: the token is valid no longer."""
    return _answer("token_expired", {}, Failure(Code.UNAUTHENTICATED, "The token is invalid"))


def permission_denied() -> Fault:
    """403: the account may not do this."""
    return _answer("permission_denied", {}, Failure(Code.PERMISSION_DENIED, "Permission denied"))


def internal() -> Fault:
    """500: the service has failed."""
    return _answer("internal", {}, Failure(Code.INTERNAL, "Injected: internal error"))


def _answer(name: str, arguments: Mapping[str, Any], failure: Failure, retry_after: int | None = None) -> Fault:
    if retry_after is not None and (type(retry_after) is not int or retry_after < 0):
        raise UsageError(f"retry_after={retry_after!r} cannot be: the header carries whole seconds, such as 5.")
    metadata = () if retry_after is None else (("retry-after", str(retry_after)),)
    return Fault(name, given(**arguments), Answer(failure.error, metadata))


# What stands in front of the service.

_PAGE: Final = (
    "<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n<center><h1>{0}</h1></center>\r\n</body>\r\n</html>\r\n"
)


def bad_gateway() -> Fault:
    """502 with a page of HTML, from what stands in front of the service."""
    return _page("bad_gateway", 502, "502 Bad Gateway")


def gateway_timeout() -> Fault:
    """504 with a page of HTML, from what stands in front of the service."""
    return _page("gateway_timeout", 504, "504 Gateway Time-out")


def _page(name: str, status: int, title: str) -> Fault:
    return Fault(name, {}, Damaged(Substitute(status, "text/html", _PAGE.format(title).encode())))


def bad_request() -> Fault:
    """400 with plain text, as the gateway answers what it cannot read."""
    return Fault("bad_request", {}, Damaged(Substitute(400, "text/plain", b"Injected: the request cannot be read")))
