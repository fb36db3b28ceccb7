"""The gateway: from HTTP to the pipeline and back, as one function, and as a WSGI application around it.

What the real gateway refuses by itself (malformed JSON, a wrong JSON type, a path that nobody serves) is refused
here, and written down in the journal all the same.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from pydantic.alias_generators import to_snake
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.wrappers import Request as WsgiRequest
from werkzeug.wrappers import Response as WsgiResponse

from pytest_ycimages.api.code import HTTP_STATUS, Code
from pytest_ycimages.api.exchange import Reply, Request
from pytest_ycimages.api.message import json_bytes
from pytest_ycimages.api.methods import PREFIX, UNROUTED
from pytest_ycimages.api.status import Status
from pytest_ycimages.api.transcoding import GatewayRefusalError, decode, parse_body
from pytest_ycimages.server.http import MAX_BODY, HttpReply, HttpRequest, pieces, too_large
from pytest_ycimages.server.in_process.origin import Origin
from pytest_ycimages.server.in_process.wsgi import Loss, arriving, error_of
from pytest_ycimages.server.routes import route
from pytest_ycimages.server.wire import rewritten

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping
    from wsgiref.types import StartResponse, WSGIEnvironment

    from pytest_ycimages.api.contract import Contract
    from pytest_ycimages.delay import Delay
    from pytest_ycimages.pipeline import Pipeline

    Answering = Generator[Delay, None, HttpReply]
    Control = Callable[[HttpRequest], HttpReply]

_WITH_BODY = frozenset({"POST", "PATCH"})
JSON = ("content-type", "application/json")
TEXT = ("content-type", "text/plain")


class App:
    """One double, spoken to over HTTP. Also a WSGI application, for clients that need no socket.

    Attributes:
        pipeline: what answers; a double that is reset puts a new one here.
        origin: where clients of this process connect that use no socket.
    """

    def __init__(self, pipeline: Pipeline, contract: Contract, control: Control, *, snake_case: bool = False) -> None:
        self.pipeline = pipeline
        self._control = control
        self._contract = contract
        self._snake_case = snake_case
        self.origin = Origin(self)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as a WSGI application.

        Raises:
            Exception: a fault breaks the connection, and this is what the client would raise.
        """
        wsgi = WsgiRequest(environ)
        user_agent = wsgi.headers.get("User-Agent", "")
        try:
            self.origin.check_open()
        except ConnectionRefusedError as refused:
            raise error_of(user_agent, Loss("refused")) from refused
        reply = self.answer(
            HttpRequest(
                method=wsgi.method,
                path=wsgi.path,
                query=wsgi.query_string.decode("latin-1"),
                headers={name.lower(): value for name, value in wsgi.headers},
                body=wsgi.get_data(),
            )
        )
        whole: bytes | Iterable[bytes] = () if reply.is_head else reply.body
        length = () if reply.is_head else (("content-length", str(len(reply.body))),)
        headers = [*reply.headers]
        is_empty = wsgi.method == "HEAD" or not reply.body
        if reply.damage is not None:
            arrives = arriving(reply, b"" if is_empty else reply.body, self.origin, user_agent)
            whole, headers = chain([next(arrives, b"")], arrives), [*headers, *length]
        elif reply.wait is not None and is_empty:
            reply.wait(1)
        elif reply.wait is not None:
            whole, headers = pieces(reply.body, reply.wait), [*headers, *length]
        response = WsgiResponse(whole, reply.status, headers)
        response.automatically_set_content_length = not reply.is_head
        return response(environ, start_response)

    def answer(self, http: HttpRequest) -> HttpReply:
        """Answer one request, and wait where it has to wait.

        Raises:
            ConnectionAbortedError: the double was closed while the call was late.
        """
        answering = self.answering(http)
        try:
            while True:
                delay = next(answering)
                try:
                    delay.wait()
                except BaseException as error:  # noqa: BLE001 - the call has to know, and raises it again
                    answering.throw(error)
        except StopIteration as end:
            reply: HttpReply = end.value
            return reply

    def answering(self, http: HttpRequest) -> Answering:
        """Answer one request, and hand out each wait on the way to whoever does it."""
        line = f"{http.method} {http.path}{'?' if http.query else ''}{http.query}"
        request = Request(
            UNROUTED,
            line,
            http.headers,
            identity=(line, http.body),
            connection=http.connection,
            served=http.served,
            body=http.body,
        )
        try:
            if http.path.startswith(PREFIX):
                return self._control(http)
            if http.problem:
                return (yield from self._refuse(request, http.problem_status, http.problem))
            if len(http.body) > MAX_BODY:
                return (yield from self._refuse(request, 413, too_large(len(http.body))))
            return (yield from self._routed(request, http))
        except ConnectionAbortedError:
            raise  # the double was closed: nobody is left to answer, and nothing has failed
        except Exception as error:  # noqa: BLE001 - whatever it is, the test shall see it, and the client a 500
            return http_reply((yield from self.pipeline.fail(request, error)))

    def _routed(self, request: Request, http: HttpRequest) -> Answering:
        """Let the method answer that serves the verb on the path."""
        try:
            method, ids = route(http.path, http.method)
        except HTTPException as error:
            return (yield from self._unrouted(request, http, error))
        return (yield from self._call(request._replace(method=method), ids, http))

    def _unrouted(self, request: Request, http: HttpRequest, error: HTTPException) -> Answering:
        if isinstance(error, MethodNotAllowed):
            allowed = ", ".join(sorted(error.valid_methods or ()))
            problem = f"{http.method} is not allowed for {http.path}; allowed: {allowed}"
            return (yield from self._refuse(request, 405, problem, (("allow", allowed),)))
        return (yield from self._refuse(request, 404, f"No method is served at {http.method} {http.path}"))

    def _call(self, request: Request, ids: Mapping[str, str], http: HttpRequest) -> Answering:
        try:
            request = self._understood(request, ids, http)
        except GatewayRefusalError as refusal:
            reply = yield from self.pipeline.write(request, _refused(Code.INVALID_ARGUMENT, str(refusal)))
            text = HttpReply(400, (TEXT,), str(refusal).encode(), reply.wait, moment=reply.moment)
            return text if reply.code is Code.INVALID_ARGUMENT else http_reply(reply)
        return http_reply((yield from self.pipeline.answer(request)))

    def _understood(self, request: Request, ids: Mapping[str, str], http: HttpRequest) -> Request:
        """The request with its message, or with what the contract has against it.

        Raises:
            GatewayRefusalError: it is none that the gateway lets through.
        """
        fields = parse_body(http.body) if http.method in _WITH_BODY else {}
        if http.query:  # what the body says comes first
            fields = {**dict(parse_qsl(http.query, keep_blank_values=True)), **fields}
        if ids:  # what the path names, nothing else can name
            fields = {**{key: value for key, value in fields.items() if to_snake(key) not in ids}, **ids}
        decoded = decode(self._contract.requests[request.method], fields, snake_case=self._snake_case)
        return request._replace(
            message=decoded.message, violations=decoded.violations, authority=http.headers.get("host", "")
        )

    def _refuse(
        self, request: Request, status: int, problem: str, headers: tuple[tuple[str, str], ...] = ()
    ) -> Answering:
        """Answer what never becomes a call of a method."""
        refusal = _refused(_CODES.get(status, Code.INVALID_ARGUMENT), problem)
        reply = yield from self.pipeline.write(request, refusal)
        if reply.code is not refusal.code:
            return http_reply(reply)
        return http_reply(reply, status)._replace(headers=(JSON, *headers))


_CODES = {
    404: Code.NOT_FOUND,
    405: Code.UNIMPLEMENTED,
    413: Code.RESOURCE_EXHAUSTED,
    431: Code.RESOURCE_EXHAUSTED,
}


def _refused(code: Code, problem: str) -> Reply:
    return Reply(code, Status(code=code, message=problem).to_wire(), note=problem)


def http_reply(reply: Reply, status: int | None = None) -> HttpReply:
    """The reply as HTTP has it, with the damage done that needs no socket."""
    is_head = False
    if reply.verbatim is None:
        body, headers = json_bytes(reply.body), (JSON, *reply.metadata.items())
    else:
        status, headers, body, is_head = reply.verbatim
    status = status or HTTP_STATUS[reply.code]
    http = HttpReply(status, headers, body, reply.wait, moment=reply.moment, is_head=is_head)
    if reply.damage is None or reply.pause is None:
        return http
    return rewritten(http._replace(pause=reply.pause), reply.damage)
