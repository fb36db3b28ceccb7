"""HTTP requests and replies as values, the same for every version of HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pytest_ycimages.api.gateway import MAX_BODY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_ycimages.api.exchange import Damage


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
        more: returns what follows the body whenever it is called, and nothing if there is nothing yet. HTTP/1.1 over a
            socket goes on with it until the client leaves; other transports end with the body.
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
    more: Callable[[], bytes] | None = None

    def __repr__(self) -> str:
        """Show nothing that may be secret: reports of tests print the variables of frames."""
        return f"<HttpReply {self.status}, {len(self.body)} bytes>"

    def due(self, share: float) -> None:
        """Wait until a share of the body may leave."""
        if self.wait is not None:
            self.wait(share)
