"""Damage to an answer of the WSGI application, where there is no connection to break: what the client would raise.

Who calls is told by its User-Agent, and what it would raise is made only if its library is loaded. Everybody else gets
what Python's own `http.client` raises.
"""

from __future__ import annotations

import errno
import os
import sys
from http.client import IncompleteRead, RemoteDisconnected
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, assert_never

from pytest_ycimages.server.http import head
from pytest_ycimages.server.in_process.carriage import End, Pause, Shut, Until, carried

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_ycimages.server.http import HttpReply
    from pytest_ycimages.server.in_process.origin import Origin


class Loss(NamedTuple):
    """How a client loses an answer.

    Attributes:
        how: what happens to it.
        received: bytes of the body that it had before; None: not even the whole head.
        missing: bytes of the body that it had not.
    """

    how: Literal["reset", "closed", "timed out", "refused"]
    received: int | None = None
    missing: int = 0


def arriving(reply: HttpReply, body: bytes, origin: Origin, user_agent: str) -> Iterator[bytes]:
    """The pieces of the body that arrive; the first, maybe empty, when the whole head has.

    Raises:
        Exception: what the client raises when it loses the answer.
    """
    first = head(reply, keep_alive=True, old=False)
    arrived = 0
    for step in carried(first, body, reply):
        if isinstance(step, bytes):
            piece = step[max(0, len(first) - arrived) :]
            arrived += len(step)
            if arrived >= len(first):
                yield piece
        elif (how := _ends(step, reply, origin)) is not None and (missing := len(first) + len(body) - arrived) > 0:
            is_head_whole = arrived >= len(first)
            raise error_of(user_agent, Loss(how, arrived - len(first) if is_head_whole else None, missing))


def _ends(
    step: Until | Pause | Shut | End, reply: HttpReply, origin: Origin
) -> Literal["reset", "closed", "timed out"] | None:
    """Do a step; tell how it ends the answer, if it does."""
    match step:
        case End.RESET:
            return "reset"
        case End.CLOSED:
            return "closed"
        case Shut(seconds):
            origin.shut(seconds)
        case Pause(seconds):
            if seconds == float("inf"):
                return "timed out"
            reply.pause(seconds)
        case Until(moment):
            origin.wait_until(moment)
        case _:
            assert_never(step)
    return None


def error_of(user_agent: str, loss: Loss) -> Exception:
    """What the client raises that loses an answer so."""
    name = user_agent.partition("/")[0]
    if name == "python-httpx" and "httpx" in sys.modules:
        return _of_httpx(sys.modules["httpx"], loss)
    if name == "python-requests" and "requests" in sys.modules:
        return _of_requests(sys.modules["requests"], loss)
    return _of_python(loss)


def _of_python(loss: Loss) -> Exception:
    match loss:
        case Loss("reset"):
            return ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
        case Loss("refused"):
            return ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
        case Loss("timed out"):
            return TimeoutError("timed out")
        case Loss("closed", None):
            return RemoteDisconnected("Remote end closed connection without response")
    return IncompleteRead(b"", loss.missing)


def _of_httpx(httpx: Any, loss: Loss) -> Exception:
    error: Exception
    match loss:
        case Loss("reset"):
            error = httpx.ReadError(str(_of_python(loss)))
        case Loss("refused"):
            error = httpx.ConnectError(str(_of_python(loss)))
        case Loss("timed out"):
            error = httpx.ReadTimeout(str(_of_python(loss)))
        case Loss("closed", None):
            error = httpx.RemoteProtocolError("Server disconnected without sending a response.")
        case _:
            expected = (loss.received or 0) + loss.missing
            error = httpx.RemoteProtocolError(
                "peer closed connection without sending complete message body "
                f"(received {loss.received} bytes, expected {expected})"
            )
    return error


def _of_requests(requests: Any, loss: Loss) -> Exception:
    error: Exception
    if loss.how == "timed out" and loss.received is None:
        error = requests.ReadTimeout(_of_python(loss))
    elif loss.how in {"reset", "closed"} and loss.received is not None:
        error = requests.exceptions.ChunkedEncodingError(_of_python(loss))
    else:
        error = requests.ConnectionError(_of_python(loss))
    return error
