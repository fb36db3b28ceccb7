"""The double as a WSGI application, and single requests without a connection.

Without a connection to break, a fault raises what the client would raise. The client is known by its User-Agent,
and its error is made only if its library is loaded; others get the errors of Python's own `http.client`.
"""

from __future__ import annotations

import errno
import sys
from http.client import IncompleteRead, RemoteDisconnected
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, assert_never
from urllib.parse import unquote, urlsplit

from pytest_ycimages.api.gateway import MAX_BODY
from pytest_ycimages.server.http import HttpRequest, too_large
from pytest_ycimages.server.http1 import encoded
from pytest_ycimages.server.in_process.connection import os_error
from pytest_ycimages.server.transmission import Due, End, Pause, Shut, transmission

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIEnvironment

    from pytest_ycimages.server.http import HttpReply
    from pytest_ycimages.server.in_process.connection import Endpoint

_PORTS = {"http": 80, "https": 443}


class WsgiApp:
    """A double as a WSGI application.

    Attributes:
        endpoint: the double.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    def answer(self, request: HttpRequest) -> HttpReply:
        """Answer one request whose HTTP has been parsed already."""
        return self.endpoint.app.answer(request)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as a WSGI application.

        Raises:
            Exception: a fault breaks the connection, and this is what the client would raise.
        """
        from werkzeug.wrappers import Request, Response  # noqa: PLC0415 - only for WSGI

        asked = Request(environ)
        request = HttpRequest(
            method=asked.method,
            path=asked.path,
            query=asked.query_string.decode("latin-1"),
            headers={name.lower(): value for name, value in asked.headers},
            body=asked.get_data(),
        )
        reply, pieces = _asked(self.endpoint, request)
        first = next(pieces, b"")  # so that a fault that loses the head raises here
        response = Response(chain([first] if first else [], pieces), reply.status, [*reply.headers, *_length(reply)])
        response.automatically_set_content_length = False
        return response(environ, start_response)


def request_once(endpoint: Endpoint, verb: str, uri: str, headers: Iterable[tuple[str, str]], body: bytes) -> HttpReply:
    """Send one request to the double in the place of the host in `uri`, and return the complete reply.

    Raises:
        Exception: a fault breaks the connection, and this is what the client would raise.
    """
    parts = urlsplit(uri)
    host = parts.hostname or ""
    authority = f"{f'[{host}]' if ':' in host else host}:{parts.port or _PORTS.get(parts.scheme, 443)}"
    named = {name: value for name, value in headers if name != "host"} | {"host": authority}
    reply, pieces = _asked(endpoint, HttpRequest(verb, unquote(parts.path) or "/", parts.query, named, body))
    whole = b"".join(pieces)
    length = () if verb == "HEAD" else (("content-length", str(len(whole))),)
    return reply._replace(headers=(*reply.headers, *length), body=whole)


def _asked(endpoint: Endpoint, request: HttpRequest) -> tuple[HttpReply, Iterator[bytes]]:
    user_agent = request.headers.get("user-agent", "")
    try:
        endpoint.check_open()
    except ConnectionRefusedError as refused:
        raise error_of(user_agent, Loss("refused")) from refused
    if (size := len(request.body)) > MAX_BODY:
        request = request._replace(body=b"", problem=too_large(size), problem_status=413)
    reply = endpoint.app.answer(request)
    return reply, _arriving(reply, request, endpoint, user_agent)


def _length(reply: HttpReply) -> tuple[tuple[str, str], ...]:
    return () if reply.is_head else (("content-length", str(len(reply.body))),)


class Loss(NamedTuple):
    """How a client loses an answer.

    Attributes:
        how: what happens to the connection.
        received: bytes of the body that have arrived; None: not even the whole head.
        missing: bytes of the body that have not.
    """

    how: Literal["reset", "closed", "timed out", "refused"]
    received: int | None = None
    missing: int = 0


def _arriving(reply: HttpReply, request: HttpRequest, endpoint: Endpoint, user_agent: str) -> Iterator[bytes]:
    """Yield the pieces of the body that arrive; the first, maybe empty, when the whole head has.

    Raises:
        Exception: what the client raises when it loses the answer.
    """
    head, body = encoded(reply, request)
    arrived = -len(head)
    for step in transmission(head, body, reply):
        if isinstance(step, bytes):
            piece = step[max(0, -arrived) :]
            arrived += len(step)
            if arrived >= 0:
                yield piece
        elif (how := _ends(step, reply, endpoint)) is not None and arrived < len(body):
            raise error_of(user_agent, Loss(how, arrived if arrived >= 0 else None, len(body) - arrived))


def _ends(
    step: Due | Pause | Shut | End, reply: HttpReply, endpoint: Endpoint
) -> Literal["reset", "closed", "timed out"] | None:
    """Do a step; return how it ends the answer, if it does."""
    match step:
        case End.RESET:
            return "reset"
        case End.CLOSED:
            return "closed"
        case End.SILENT:
            return "timed out"
        case Shut(seconds):
            endpoint.shut(seconds)
        case Pause(seconds):
            reply.pause(seconds)
        case Due(share):
            reply.due(share)
        case _:
            assert_never(step)
    return None


def error_of(user_agent: str, loss: Loss) -> Exception:
    """Return what the client raises that loses an answer so."""
    error = _of_python(loss)
    name = user_agent.partition("/")[0]
    if name == "python-httpx" and "httpx" in sys.modules:
        return _of_httpx(sys.modules["httpx"], loss, str(error))
    if name == "python-requests" and "requests" in sys.modules:
        return _of_requests(sys.modules["requests"], loss, error)
    return error


def _of_python(loss: Loss) -> Exception:
    match loss:
        case Loss("reset"):
            return os_error(errno.ECONNRESET)
        case Loss("refused"):
            return os_error(errno.ECONNREFUSED)
        case Loss("timed out"):
            return TimeoutError("timed out")
        case Loss("closed", None):
            return RemoteDisconnected("Remote end closed connection without response")
    return IncompleteRead(b"", loss.missing)


_OF_HTTPX: Final = {
    "reset": "ReadError",
    "refused": "ConnectError",
    "timed out": "ReadTimeout",
    "closed": "RemoteProtocolError",
}


def _of_httpx(httpx: Any, loss: Loss, text: str) -> Exception:
    if loss.how == "closed":
        text = "Server disconnected without sending a response."
        if loss.received is not None:
            arrived = f"(received {loss.received} bytes, expected {loss.received + loss.missing})"
            text = f"peer closed connection without sending complete message body {arrived}"
    error: Exception = getattr(httpx, _OF_HTTPX[loss.how])(text)
    return error


def _of_requests(requests: Any, loss: Loss, error: Exception) -> Exception:
    kind = requests.ConnectionError
    if loss.how == "timed out" and loss.received is None:
        kind = requests.ReadTimeout
    elif loss.how in {"reset", "closed"} and loss.received is not None:
        kind = requests.exceptions.ChunkedEncodingError
    raised: Exception = kind(error)
    return raised
