"""HTTP requests and replies as values, and a reply as bytes."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_ycimages.api.gateway import MAX_BODY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_ycimages.api.exchange import Damage


TLS_HANDSHAKE: Final = 0x16
PREFACE: Final = b"PRI * HTTP/2.0"
WHOLE_PREFACE: Final = PREFACE + b"\r\n\r\nSM\r\n\r\n"
"""The first bytes of a client that speaks HTTP/2 with prior knowledge (RFC 9113, section 3.4)."""
FIRST_BYTES: Final = frozenset({TLS_HANDSHAKE, PREFACE[0]})
"""The first bytes of connections that may not be HTTP/1.1 in the clear."""


def too_large(size: int) -> str:
    """Return the refusal of a body of `size` bytes."""
    return f"The request's body has {size} bytes; the limit is {MAX_BODY} bytes (4 MiB)"


class HttpRequest(NamedTuple):
    """A request, its body included.

    Attributes:
        method: such as `GET`.
        path: percent-decoded.
        query: the query string as it was sent, without `?`.
        headers: names in lower case; a repeated header joined with commas.
        body: the whole body.
        problem: why the request is invalid HTTP; empty if it is valid.
        problem_status: the HTTP status that answers the problem.
        connection: the number of the connection; 0 for none.
        served: how many requests that connection has served before.
        keep_alive: whether the connection goes on after the answer.
        is_old: whether the client speaks HTTP/1.0, which needs `connection: keep-alive`.
        overridden_host: the `Host` that came with a target in absolute form, whose host is in `headers` instead.
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
    keep_alive: bool = True
    is_old: bool = False
    overridden_host: str = ""

    def __repr__(self) -> str:
        """Show nothing that may be secret: reports of tests print the variables of frames."""
        return f"<HttpRequest {self.method}, {len(self.body)} bytes>"


def _no_pause(seconds: float) -> None:
    """Do not wait: the reply is not damaged."""


class HttpReply(NamedTuple):
    """A reply.

    Attributes:
        status: the HTTP status.
        headers: all headers but those of the connection.
        body: the whole body.
        wait: returns when a share of the body may leave, from 0 for nothing to 1 for all; None: all of it, at once.
        damage: what its transmission does to it; None: nothing.
        pause: waits for seconds on the double's clock.
        moment: when a share of the body may leave, in nanoseconds since the epoch; set if `wait` is.
        is_head: whether it was recorded for HEAD: its headers have the length then, if the service sent it.
        trailers: what follows the body, over HTTP/2.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    wait: Callable[[float], object] | None = None
    damage: Damage | None = None
    pause: Callable[[float], object] = _no_pause
    moment: Callable[[float], int] | None = None
    is_head: bool = False
    trailers: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        """Show nothing that may be secret: reports of tests print the variables of frames."""
        return f"<HttpReply {self.status}, {len(self.body)} bytes>"

    def due(self, share: float) -> None:
        """Wait until a share of the body may leave."""
        if self.wait is not None:
            self.wait(share)

    def encoded(self, request: HttpRequest) -> tuple[bytes, bytes]:
        """Return the head and the body as they answer `request`; the answer to HEAD has no body."""
        status, headers, body, *_, is_head, _ = self
        text = f"HTTP/1.1 {status} {_REASONS.get(status, 'Unknown')}\r\n"
        for name, value in headers:
            text += f"{name}: {value}\r\n"
        if not request.keep_alive:
            text += "connection: close\r\n"
        elif request.is_old:
            text += "connection: keep-alive\r\n"
        text += "\r\n" if is_head else f"content-length: {len(body)}\r\n\r\n"
        return text.encode("latin-1"), b"" if request.method == "HEAD" else body


_REASONS: Final = {status.value: status.phrase for status in HTTPStatus} | {499: "Client Closed Request"}
