"""A request and its answer as wholes, for a client that has no connection: it only calls, and is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from pytest_ycimages.server.http import HttpRequest
from pytest_ycimages.server.in_process.wsgi import Loss, arriving, error_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_ycimages.server.app import App
    from pytest_ycimages.server.http import HttpReply

_PORTS = {"http": 80, "https": 443}


def answered(app: App, verb: str, uri: str, headers: Iterable[tuple[str, str]], body: bytes) -> HttpReply:
    """Ask `app` what a client asks of the host in `uri`, and come back when the answer is complete.

    Raises:
        Exception: a fault breaks the connection, and this is what the client would raise.
    """
    parts = urlsplit(uri)
    host = parts.hostname or ""
    authority = f"{f'[{host}]' if ':' in host else host}:{parts.port or _PORTS.get(parts.scheme, 443)}"
    named = {name: value for name, value in headers if name != "host"} | {"host": authority}
    user_agent = named.get("user-agent", "")
    try:
        app.origin.check_open()
    except ConnectionRefusedError as refused:
        raise error_of(user_agent, Loss("refused")) from refused
    reply = app.answer(HttpRequest(verb, unquote(parts.path) or "/", parts.query, named, body))
    whole = b"" if verb == "HEAD" else reply.body
    if reply.damage is not None:
        whole = b"".join(arriving(reply, whole, app.origin, user_agent))
    elif reply.wait is not None:
        reply.wait(1)
    length = () if verb == "HEAD" else (("content-length", str(len(whole))),)
    return reply._replace(headers=(*reply.headers, *length), body=whole)
