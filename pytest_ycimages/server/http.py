"""An HTTP request that has been read whole, and an HTTP reply, whole or piece by piece. Neither knows a socket."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pytest_ycimages.api.exchange import Damage


MAX_BODY: Final = 4 * 2**20
"""Bytes of a request's body; gRPC's own limit, and so the gateway's."""


def too_large(size: int) -> str:
    """What is wrong with a body of `size` bytes."""
    return f"The request's body has {size} bytes; the limit is {MAX_BODY} bytes (4 MiB)"


class HttpRequest(NamedTuple):
    """A request, its body included.

    Attributes:
        method: such as `GET`.
        path: percent-decoded.
        query: the query string as it came, without `?`.
        headers: names in lower case; a repeated header joined with commas.
        body: the whole body.
        problem: why no method can take this request; empty when one may.
        problem_status: the HTTP status that answers the problem.
        connection: a number for the connection that it came over; 0 for none.
        served: how many requests that connection has served before.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    problem: str = ""
    problem_status: int = 0
    connection: int = 0
    served: int = 0


def _no_pause(seconds: float) -> None:
    """Let no time pass: for an answer that nothing is done to."""


class HttpReply(NamedTuple):
    """A reply.

    Attributes:
        status: the HTTP status.
        headers: all headers but those that belong to the connection.
        body: the whole body.
        wait: comes back when so much of the body may leave, from 0 for nothing to 1 for all; None: all of it, now.
        damage: what the socket has to do to it; None: nothing.
        pause: lets so many seconds pass on the double's clock.
        moment: when so much of the body may leave, in nanoseconds since the epoch; set if `wait` is.
        is_head: whether it answered HEAD elsewhere: then its headers have the length, if that was told at all.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    wait: Callable[[float], object] | None = None
    damage: Damage | None = None
    pause: Callable[[float], object] = _no_pause
    moment: Callable[[float], int] | None = None
    is_head: bool = False


_PIECES: Final = 5
"""Into how many pieces a body is cut that takes its time, unless it has fewer bytes."""


def pieces(body: bytes, wait: Callable[[float], object]) -> Iterator[bytes]:
    """The body in pieces, each given out when all of it may leave; the last one when the time is over."""
    size = -(-len(body) // _PIECES)
    for start in range(0, len(body), size or 1):
        piece = body[start : start + size]
        wait((start + len(piece)) / len(body))
        yield piece


def head(reply: HttpReply, *, keep_alive: bool, old: bool) -> bytes:
    """The reply's status line and headers.

    Args:
        reply: the reply.
        keep_alive: whether the connection goes on after it.
        old: whether the client has to be told so.
    """
    text = f"HTTP/1.1 {status_line(reply.status)}\r\n"
    for name, value in reply.headers:
        text += f"{name}: {value}\r\n"
    if not keep_alive:
        text += "connection: close\r\n"
    elif old:
        text += "connection: keep-alive\r\n"
    if not reply.is_head:
        text += f"content-length: {len(reply.body)}\r\n"
    return f"{text}\r\n".encode("latin-1")


_REASONS = {status.value: status.phrase for status in HTTPStatus} | {499: "Client Closed Request"}


def status_line(status: int) -> str:
    """The status with its reason, such as `404 Not Found`."""
    return f"{status} {_REASONS.get(status, 'Unknown')}"
