"""The gateway: from HTTP to the pipeline and back, as one function, and as a WSGI application around it.

What the real gateway refuses by itself (malformed JSON, a wrong JSON type, a path that nobody serves) is refused
here, and written down in the journal all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.wrappers import Request as WsgiRequest
from werkzeug.wrappers import Response as WsgiResponse

from pytest_ycimages.api.code import HTTP_STATUS, Code
from pytest_ycimages.api.exchange import Reply, Request
from pytest_ycimages.api.message import json_bytes
from pytest_ycimages.api.methods import UNROUTED
from pytest_ycimages.api.status import Status
from pytest_ycimages.api.transcoding import GatewayRefusalError, decode, parse_body
from pytest_ycimages.server.http import HttpReply, HttpRequest
from pytest_ycimages.server.routes import route

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from wsgiref.types import StartResponse, WSGIEnvironment

    from pytest_ycimages.api.contract import Contract
    from pytest_ycimages.pipeline import Pipeline

_WITH_BODY = frozenset({"POST", "PATCH"})
JSON = ("content-type", "application/json")
TEXT = ("content-type", "text/plain")


class App:
    """One double, spoken to over HTTP. Also a WSGI application, for clients that need no socket."""

    def __init__(self, pipeline: Pipeline, contract: Contract, *, snake_case: bool = False) -> None:
        self._pipeline = pipeline
        self._contract = contract
        self._snake_case = snake_case

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as a WSGI application."""
        wsgi = WsgiRequest(environ)
        reply = self.answer(
            HttpRequest(
                method=wsgi.method,
                path=wsgi.path,
                query=wsgi.query_string.decode("latin-1"),
                headers={name.lower(): value for name, value in wsgi.headers},
                body=wsgi.get_data(),
            )
        )
        return WsgiResponse(reply.body, reply.status, list(reply.headers))(environ, start_response)

    def answer(self, http: HttpRequest) -> HttpReply:
        """Answer one request."""
        line = f"{http.method} {http.path}{'?' if http.query else ''}{http.query}"
        unrouted = Request(UNROUTED, line, http.headers, identity=line)
        try:
            if http.problem:
                return self._refuse(unrouted, http.problem_status, http.problem)
            method, ids = route(http.path, http.method)
            return self._call(method, ids, line, http)
        except MethodNotAllowed as error:
            allowed = ", ".join(sorted(error.valid_methods or ()))
            problem = f"{http.method} is not allowed for {http.path}; allowed: {allowed}"
            return self._refuse(unrouted, 405, problem, (("allow", allowed),))
        except NotFound:
            return self._refuse(unrouted, 404, f"No method is served at {http.method} {http.path}")
        except Exception as error:  # noqa: BLE001 - whatever it is, the test shall see it, and the client a 500
            return _http(self._pipeline.fail(unrouted, error))

    def _call(self, method: str, ids: Mapping[str, str], line: str, http: HttpRequest) -> HttpReply:
        identity = (line, http.body)
        try:
            fields = parse_body(http.body) if http.method in _WITH_BODY else {}
            query = parse_qsl(http.query) if http.query and not fields else ()
            fields = {**fields, **dict(query), **ids}
            decoded = decode(self._contract.requests[method], fields, snake_case=self._snake_case)
        except GatewayRefusalError as refusal:
            request = Request(method, line, http.headers, identity=identity)
            self._pipeline.write(request, _refused(Code.INVALID_ARGUMENT, str(refusal)))
            return HttpReply(400, (TEXT,), str(refusal).encode())
        authority = http.headers.get("host", "")
        request = Request(method, line, http.headers, decoded.message, decoded.violations, identity, authority)
        return _http(self._pipeline.answer(request))

    def _refuse(
        self, request: Request, status: int, problem: str, headers: tuple[tuple[str, str], ...] = ()
    ) -> HttpReply:
        """Answer what never becomes a call of a method."""
        reply = _refused(_CODES.get(status, Code.INVALID_ARGUMENT), problem)
        self._pipeline.write(request, reply)
        return _http(reply, status)._replace(headers=(JSON, *headers))


_CODES = {
    404: Code.NOT_FOUND,
    405: Code.UNIMPLEMENTED,
    413: Code.RESOURCE_EXHAUSTED,
    431: Code.RESOURCE_EXHAUSTED,
}


def _refused(code: Code, problem: str) -> Reply:
    return Reply(code, Status(code=code, message=problem).to_wire(), note=problem)


def _http(reply: Reply, status: int | None = None) -> HttpReply:
    return HttpReply(status or HTTP_STATUS[reply.code], (JSON, *reply.metadata.items()), json_bytes(reply.body))
