"""The gateway: HTTP requests to calls of the pipeline, and replies back to HTTP.

Requests that the real gateway refuses by itself (malformed JSON, a wrong JSON type, an unknown path) are refused here,
and the journal has them all the same. A recording or replaying double refuses nothing but invalid HTTP: a cassette may
hold calls that this package does not know, and a recorded service refuses for itself.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlsplit

from pydantic.alias_generators import to_camel

from pytest_ycimages.api.exchange import Reply, Request
from pytest_ycimages.api.gateway import Decoded, GatewayRefusalError, Wording, decode, parse_body, violation_in
from pytest_ycimages.api.message import json_bytes
from pytest_ycimages.api.methods import PREFIX, UNROUTED, NoRouteError, route
from pytest_ycimages.api.status import Code, Status
from pytest_ycimages.cloud.access import TOKEN_LIFETIME
from pytest_ycimages.errors import shortened
from pytest_ycimages.hosts import is_one_of, is_service, is_this_machine
from pytest_ycimages.server.http import HttpReply
from pytest_ycimages.server.transmission import rewritten
from pytest_ycimages.server.tunnel import Tunnels

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping

    from pytest_ycimages.api.message import RequestMessage
    from pytest_ycimages.api.methods import Contract
    from pytest_ycimages.api.status import FieldViolation
    from pytest_ycimages.latency import Delay
    from pytest_ycimages.pipeline import Pipeline, Replying
    from pytest_ycimages.server.http import HttpRequest
    from pytest_ycimages.server.workers import Workers

    Control = Callable[[HttpRequest], HttpReply]
    Answering = Generator[Delay, None, HttpReply]

_camel = cache(to_camel)
_WITH_BODY = frozenset({"POST", "PATCH"})
JSON = ("content-type", "application/json")
TEXT = ("content-type", "text/plain")


class App:
    """Answers HTTP requests for one double.

    Attributes:
        pipeline: answers the calls; a double that is reset puts a new one here.
        admission: refuses requests that web pages can send, on every path.
        tunnels: opens or refuses what is asked for by CONNECT.
        instance_token: returns the token that the metadata service gives to an instance.
        workers: answer the streams of HTTP/2, whose answers take as long as a service takes; None: nothing takes long.
    """

    def __init__(
        self, pipeline: Pipeline, contract: Contract, control: Control, wording: Wording | None = None
    ) -> None:
        self.pipeline = pipeline
        self.admission = Admission()
        self.tunnels = Tunnels()
        self._control = control
        self._contract = contract
        self._wording = wording or Wording()
        self.workers: Workers | None = None
        self.instance_token: Callable[[], str] = str

    def answer(self, http: HttpRequest) -> HttpReply:
        """Answer one request, and wait where the call is late.

        Raises:
            ConnectionAbortedError: the double was closed while the call was late.
        """
        return waited(self.answering(http))

    def answering(self, http: HttpRequest) -> Answering:
        """Answer one request; yield each delay, which the caller waits for."""
        try:
            if (problem := self.admission.problem(http)) is not None:
                return _refusal(http, *problem)
            if http.path.startswith(PREFIX) or (http.path in _DOORS and _is_of_browser(http)):
                return self._control(http)
            if http.problem:
                return (yield from self._refuse(unread(http), http.problem_status, http.problem))
            answering = self._instance_metadata if http.path.startswith(_METADATA) else self._answering
            return (yield from answering(http))
        except ConnectionAbortedError:
            raise  # the double was closed
        except Exception as error:  # noqa: BLE001 - the test gets any error, and the client a 500
            return http_reply((yield from self.pipeline.fail(unread(http), error)))

    def _answering(self, http: HttpRequest) -> Answering:
        """Answer a valid request."""
        try:
            method, ids = route(http.path, http.method)
        except NoRouteError as error:
            return (yield from self._unrouted(http, error))
        try:
            request = self._read(http, method, ids)
        except GatewayRefusalError as refusal:
            return (yield from self._refuse(unread(http, method), 400, str(refusal), TEXT))
        return http_reply((yield from self.replying(request)))

    def _instance_metadata(self, http: HttpRequest) -> Answering:
        """Answer as the metadata service of an instance does, in every mode: with a token for its service account."""
        if http.headers.get("metadata-flavor") != "Google":
            problem = "The metadata service answers requests with the header 'Metadata-Flavor: Google' only."
            return (yield from self._refuse(unread(http), 403, problem, TEXT))
        if http.path != TOKEN_PATH:
            problem = f"Of the metadata, only {TOKEN_PATH} is served, and not {http.path}"
            return (yield from self._refuse(unread(http), 404, problem, TEXT))
        if http.method not in {"GET", "HEAD"}:
            problem = f"{http.method} is not allowed for {http.path}; allowed: GET, HEAD"
            return (yield from self._refuse(unread(http), 405, problem, TEXT, ("allow", "GET, HEAD")))
        wire = {"access_token": self.instance_token(), "expires_in": TOKEN_LIFETIME, "token_type": "Bearer"}
        return http_reply((yield from self.pipeline.write(unread(http), Reply(Code.OK, wire))))

    def replying(self, request: Request) -> Replying:
        """Answer a call that a transport has read, whatever the transport."""
        return self.pipeline.answer(request)

    def refusing(self, request: Request, refusal: Reply) -> Replying:
        """Answer a call that a transport cannot read, or whose method is not served, with a refusal."""
        return self.pipeline.write(request, refusal)

    def decoded(self, method: str, fields: Mapping[str, Any]) -> Decoded:
        """Return the message of a method from its fields in JSON form, or its violations of the contract.

        A gateway is not in the way: what it would refuse is a violation too.
        """
        try:
            return decode(self._contract.requests[method], fields, self._wording)
        except GatewayRefusalError as refusal:
            return Decoded(None, (violation_in(str(refusal), self._wording.paths),))

    def _unrouted(self, http: HttpRequest, error: NoRouteError) -> Answering:
        if error.allowed:
            allowed = ", ".join(error.allowed)
            problem = f"{http.method} is not allowed for {http.path}; allowed: {allowed}"
            return (yield from self._refuse(unread(http), 405, problem, JSON, ("allow", allowed)))
        return (yield from self._refuse(unread(http), 404, f"No method is served at {http.method} {http.path}"))

    def _read(self, http: HttpRequest, method: str, ids: Mapping[str, str]) -> Request:
        """Return the request with its message, or with its violations of the contract.

        Raises:
            GatewayRefusalError: the gateway refuses it by itself.
        """
        fields: Mapping[str, Any] = parse_body(http.body) if http.method in _WITH_BODY else {}
        if http.query:  # fields of the body win
            fields = {**dict(parse_qsl(http.query, keep_blank_values=True)), **fields}
        if ids:  # the id in the path wins over all
            fields = {**fields, **dict.fromkeys(map(_camel, ids)), **ids} if fields else ids
        decoded = decode(self._contract.requests[method], fields, self._wording)
        return unread(http, method, decoded.message, decoded.violations, http.headers.get("host", ""))

    def _refuse(self, request: Request, status: int, problem: str, *headers: tuple[str, str]) -> Answering:
        """Answer a request that reaches no method: with a Status, or with the bare text if the headers say so."""
        headers = headers or (JSON,)
        code, problem = _CODES.get(status, Code.INVALID_ARGUMENT), shortened(problem)
        refusal = Reply(code, Status(code=code, message=problem).to_wire(), note=problem)
        reply = yield from self.pipeline.write(request, refusal)
        http = http_reply(reply, status if reply.code is code else None)
        if reply.code is not code:  # the double itself failed
            return http
        body = problem.encode() if TEXT in headers else http.body
        return http._replace(headers=(*headers, *reply.metadata.items()), body=body)


def _is_of_browser(http: HttpRequest) -> bool:
    """Return whether a person opens the address of the double in a browser, and not that of the service."""
    host = urlsplit(f"//{http.headers.get('host', '')}").hostname or ""
    wants_page = http.method == "GET" and "text/html" in http.headers.get("accept", "")
    return wants_page and http.connection > 0 and not is_service(host)


_DOORS = frozenset({"/", PREFIX.rstrip("/")})
"""The paths that lead a browser to the live page."""
_METADATA: Final = "/computeMetadata/"
TOKEN_PATH: Final = f"{_METADATA}v1/instance/service-accounts/default/token"
"""The one path of the metadata service that is served (api-facts.md, section 1.5)."""

_CODES = {
    403: Code.PERMISSION_DENIED,
    404: Code.NOT_FOUND,
    405: Code.UNIMPLEMENTED,
    413: Code.RESOURCE_EXHAUSTED,
    431: Code.RESOURCE_EXHAUSTED,
}


def unread(
    http: HttpRequest,
    method: str = UNROUTED,
    message: RequestMessage | None = None,
    violations: tuple[FieldViolation, ...] = (),
    authority: str = "",
) -> Request:
    """Return a request as far as it has been read."""
    verb, path, query, headers, body, _, _, connection, served, *_ = http
    line = f"{verb} {path}?{query}" if query else f"{verb} {path}"
    return Request(method, line, headers, message, violations, (line, body), authority, connection, served, body)


def http_reply(reply: Reply, status: int | None = None) -> HttpReply:
    """Return the reply as HTTP, with the damage to its content done."""
    code, wire, metadata, _, _, _, damage, _, pause, wait, moment, verbatim = reply
    is_head = False
    if verbatim is None:
        body, headers = json_bytes(wire), (JSON, *metadata.items())
    else:
        status, headers, body, is_head = verbatim
    http = HttpReply(status or code.http_status, headers, body, wait, moment=moment, is_head=is_head)
    if damage is None or pause is None:
        return http
    return rewritten(http._replace(pause=pause), damage)


def waited(answering: Answering) -> HttpReply:
    """Return an answer, after waiting where the call is late.

    Raises:
        ConnectionAbortedError: the double was closed while the call was late.
    """
    try:
        while True:
            delay = next(answering)
            try:
                delay.wait()
            except BaseException as error:  # noqa: BLE001 - the call cleans up, and raises it again
                answering.throw(error)
    except StopIteration as end:
        reply: HttpReply = end.value
        return reply


_HOST: Final = re.compile(r"(\[[^]]*\]|[^:]*)(?::[0-9]*)?")
_SHOWN: Final = 100
_NOT_HTTP: Final = frozenset({400, 505})
_OTHER_HOST: Final = (
    "This double does not serve the host {!r}, only this machine's own addresses, the names of the service, and the "
    "setting 'served_hosts'. Call it by 127.0.0.1 or localhost, or add the name: "
    "`ycimages serve --set served_hosts=NAME`."
)
_OTHER_ORIGIN: Final = (
    "The header '{}: {}' says that a web page of another origin sends this request, and a double answers programs "
    "only. Send it from a program, without that header."
)


class Admission:
    """The rules by which a double refuses requests that web pages can send, before it reads them.

    A page reaches a local server in two ways. It has its own name resolved to this machine (DNS rebinding): the `Host`
    header then has that name. Or it sends a request to another origin: browsers mark it with `Origin` or
    `Sec-Fetch-Site`.

    Args:
        hosts: host names, addresses or globs that `Host` may have, besides those of loopback.
    """

    def __init__(self, hosts: Iterable[str] = ()) -> None:
        self._hosts = tuple(hosts)
        self._admits = lru_cache(maxsize=256)(self.admits)

    def also(self, hosts: Iterable[str]) -> Admission:
        """Return the rules with more hosts."""
        return Admission((*self._hosts, *hosts))

    def admits(self, authority: str) -> bool:
        """Return whether a `Host` header names this machine or one of the hosts, whatever its port."""
        found = _HOST.fullmatch(authority)
        host = found[1].lower().removesuffix(".") if found else ""
        return is_one_of(host.strip("[]") if ":" in host else host, self._hosts) or is_this_machine(host)

    def problem(self, http: HttpRequest) -> tuple[int, str] | None:
        """Return the HTTP status and the text that refuse a request; None if it is admitted.

        In process a client may call any host. A request of HTTP/1.0 without `Host` does not come from a browser, and
        one that is not HTTP is refused as such.
        """
        if http.problem_status in _NOT_HTTP:
            return None
        headers, host = http.headers, http.headers.get("host", "")
        if http.connection > 0:
            if "host" in headers and not self._admits(host):
                return 421, _OTHER_HOST.format(host[:_SHOWN])
            if http.overridden_host and not self._admits(http.overridden_host):
                return 421, _OTHER_HOST.format(http.overridden_host[:_SHOWN])
        for name in ("origin", "sec-fetch-site"):
            if name in headers and not _is_of_this_origin(name, headers[name], host):
                return 403, _OTHER_ORIGIN.format(name, headers[name][:_SHOWN])
        return None


def _refusal(http: HttpRequest, status: int, text: str) -> HttpReply:
    """Return the answer to a request that is not admitted."""
    is_control = http.path.startswith(PREFIX)
    wire = {"error": text} if is_control else Status(code=Code.PERMISSION_DENIED, message=text).to_wire()
    return HttpReply(status, (JSON,), json_bytes(wire))


def _is_of_this_origin(name: str, value: str, host: str) -> bool:
    if name == "origin":
        return value.lower() in {f"http://{host}".lower(), f"https://{host}".lower()}
    return value in {"same-origin", "none"}  # none: a user typed the address
