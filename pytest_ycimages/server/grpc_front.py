"""The gRPC front: calls over HTTP/2 to calls of the pipeline, and replies back to gRPC."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

from pytest_ycimages.api.exchange import GAVE_UP, GrpcCall, Reply, Request
from pytest_ycimages.api.message import SECOND
from pytest_ycimages.api.methods import UNROUTED
from pytest_ycimages.api.status import Code, Status
from pytest_ycimages.errors import UsageError, shortened
from pytest_ycimages.faults.damage import Substitute
from pytest_ycimages.grpc.codec import InvalidMessageError, fields_of, message_bytes, status_bytes
from pytest_ycimages.grpc.messages import rpcs, twin
from pytest_ycimages.grpc.reflection import conversation_of
from pytest_ycimages.grpc.wire import (
    COMPRESSION,
    CONTENT_TYPE,
    CallError,
    framed,
    messages_in,
    percent_encoded,
    status_headers,
    timeout_in,
)
from pytest_ycimages.hosts import is_loopback, split_authority
from pytest_ycimages.server import activity
from pytest_ycimages.server.http import HttpReply, HttpRequest
from pytest_ycimages.server.transmission import rewritten

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from pytest_ycimages.api.message import Wire
    from pytest_ycimages.cloud.clock import Clock
    from pytest_ycimages.grpc.messages import Rpc, Twin
    from pytest_ycimages.grpc.reflection import Conversation
    from pytest_ycimages.latency import Delay
    from pytest_ycimages.server.app import App

    Answering = Generator[Delay, None, HttpReply]

_TYPE: Final = ("content-type", CONTENT_TYPE)
_OK: Final = status_headers(Code.OK, "")
_OF_THE_HOP: Final = frozenset({"content-type", "te", "host", "accept-encoding", activity.CALL, activity.TIMEOUT})
"""Metadata of the connection, beside everything that begins with `grpc-`: it is not part of the call."""
_SHORT: Final = 256
"""Bytes of the longest message whose meaning is worth its memory in a cache."""
_OF_HTTP: Final = _OF_THE_HOP | {"content-encoding", "content-length", "trailer"}
"""Headers of a recorded answer that say nothing over gRPC."""
_NAME: Final = re.compile(r"[0-9a-z_.-]+")
_TEXT: Final = re.compile(r"[\x20-\x7e]*")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/,]*={0,2}")
_DISCOVERY: Final = frozenset({"endpoints.list", "endpoints.get"})
_LONGEST: Final = 6 * 2**10
"""Bytes of the status of a refusal: grpcio takes 8 KiB of headers by default, and drops an answer with more."""
_CUT: Final = "\n… (cut: gRPC takes no longer text)"
_PUSHBACK: Final = "grpc-retry-pushback-ms"
_RETRY_INFO: Final = "type.googleapis.com/google.rpc.RetryInfo"


def is_grpc(http: HttpRequest) -> bool:
    """Return whether a request is a gRPC call."""
    kind = http.headers.get("content-type", "")
    return kind == CONTENT_TYPE or kind.startswith((f"{CONTENT_TYPE}+proto", f"{CONTENT_TYPE};"))


class GrpcFront:
    """Answers what comes over HTTP/2: gRPC calls, and REST requests as over HTTP/1.1.

    Args:
        app: answers REST requests, and has the pipeline.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    @property
    def clock(self) -> Clock:
        """The double's time."""
        return self._app.pipeline.clock

    def begin(self, http: HttpRequest) -> GrpcCall | None:
        """Return what gRPC adds to a request, from its metadata; None for a request of REST."""
        if not is_grpc(http):
            return None
        limit = timeout_in(http.headers.get("grpc-timeout", ""))
        virtual = http.headers.get(activity.TIMEOUT)
        previous = http.headers.get("grpc-previous-rpc-attempts", "")
        return GrpcCall(
            http.path.removeprefix("/"),
            float(virtual) if virtual else None if limit is None else limit / SECOND,
            int(previous) if previous.isdecimal() and previous.isascii() else 0,
        )

    def conversation(self, http: HttpRequest) -> tuple[HttpReply, Conversation] | None:
        """Return the head of the answer and the exchange, for reflection and for watching the health."""
        found = conversation_of(http.path) if is_grpc(http) else None
        if found is None or self._app.admission.problem(http) is not None:
            return None
        return HttpReply(200, (_TYPE, *COMPRESSION), b"", trailers=_OK), found

    def give_up(self, call: GrpcCall | None, how: Literal["cancelled", "deadline"]) -> HttpReply:
        """Record that the client gave up before it had the answer; return the end of a call that is too late."""
        if call is not None:
            with self._app.pipeline.lock:
                call.gave_up = GAVE_UP[how]
        return HttpReply(200, (_TYPE, *status_headers(Code.DEADLINE_EXCEEDED, "Deadline Exceeded")), b"")

    def answering(self, http: HttpRequest, call: GrpcCall | None) -> Answering:
        """Answer one request; yield each delay, which the caller waits for."""
        if call is None:
            return (yield from self._app.answering(http))
        if (problem := self._app.admission.problem(http)) is not None:
            return HttpReply(200, (_TYPE, *status_headers(Code.PERMISSION_DENIED, problem[1])), b"")
        try:
            return (yield from self._answering(http, call))
        except ConnectionAbortedError:
            raise  # the double was closed
        except Exception as error:  # noqa: BLE001 - the test gets any error, and the client INTERNAL
            return grpc_reply((yield from self._app.pipeline.fail(_unread(http, call), error)))

    def _answering(self, http: HttpRequest, call: GrpcCall) -> Answering:
        rpc = rpcs().get(http.path)
        try:
            request = self._read(http, call, rpc)
        except CallError as error:
            refusal = Reply(error.code, Status(code=error.code, message=str(error)).to_wire(), note=str(error))
            return grpc_reply((yield from self._app.refusing(_unread(http, call), refusal)))
        reply = yield from self._app.replying(request)
        return grpc_reply(reply if reply.verbatim is None else _of_gateway(reply, request), rpc)

    def _read(self, http: HttpRequest, call: GrpcCall, rpc: Rpc | None) -> Request:
        """Return the call as its REST twin, with its message or its violations of the contract.

        Raises:
            CallError: the bytes are not the message that the method takes, or the method is not served.
        """
        if rpc is None or not rpc.verb or rpc.method == UNROUTED:
            raise CallError(Code.UNIMPLEMENTED, f"The double does not serve {http.path}")
        if http.method != "POST":
            raise CallError(Code.INTERNAL, f"A gRPC call is a POST, not a {http.method}")
        message = _message(http)
        try:
            line, body, fields = (_polled if rpc.verb == "GET" and len(message) <= _SHORT else _twin)(rpc, message)
        except InvalidMessageError as error:
            raise CallError(Code.INTERNAL, str(error)) from None
        decoded = self._app.decoded(rpc.method, fields)
        metadata = metadata_of(http.headers)
        return Request(
            rpc.method, line, metadata, decoded.message, decoded.violations, (line, body),
            http.headers.get("host", ""), http.connection, http.served, body, call,
        )  # fmt: skip


def _twin(rpc: Rpc, message: bytes) -> Twin:
    """Return the REST form of a call from the bytes of its message.

    Raises:
        InvalidMessageError: they are not such a message.
    """
    return twin(rpc, fields_of(rpc.request, message))


_polled: Final = lru_cache(maxsize=256)(_twin)
"""The same for calls that a client makes again and again."""


def metadata_of(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Return the metadata of a call, without what belongs to its connection."""
    return {name: value for name, value in headers.items() if name not in _OF_THE_HOP and not name.startswith("grpc-")}


def _message(http: HttpRequest) -> bytes:
    """Return the one message of a unary call.

    Raises:
        CallError: there is none, there are more, or it is too large or damaged.
    """
    if http.problem:
        raise CallError(Code.RESOURCE_EXHAUSTED, http.problem)
    messages, taken = messages_in(http.body, http.headers.get("grpc-encoding", ""))
    if len(messages) != 1 or taken != len(http.body):
        found = f"{len(messages)} messages and {len(http.body) - taken} more bytes"
        raise CallError(Code.INTERNAL, f"A unary call has one message; received: {found}")
    return messages[0]


def _unread(http: HttpRequest, call: GrpcCall) -> Request:
    """Return a call as far as it has been read."""
    host = http.headers.get("host", "")
    line = f"POST {http.path}"
    identity = line, http.body
    metadata = metadata_of(http.headers)
    return Request(
        UNROUTED, line, metadata, None, (), identity, host, http.connection, http.served, http.body, call
    )  # fmt: skip


def _of_gateway(reply: Reply, request: Request) -> Reply:
    """Return a recorded answer of the REST gateway without what belongs to HTTP, and with endpoints in reach.

    Clients call the endpoints that they are told. Those of a recording lead to the service that was recorded, past the
    double, so they are replaced by the address at which the client called the double; not if it called it by a name of
    the service, as then the others lead to the double as well.
    """
    body = reply.body
    if request.method in _DISCOVERY and reply.code is Code.OK:
        body = _in_reach(body, request.authority)
    metadata = {name: value for name, value in reply.metadata.items() if _is_metadata(name, value)}
    return reply._replace(body=body, metadata=metadata)


def _in_reach(wire: Wire, authority: str) -> Wire:
    if isinstance(listed := wire.get("endpoints"), list):
        return {**wire, "endpoints": [_in_reach(each, authority) for each in listed if isinstance(each, dict)]}
    addresses = authority, str(wire.get("address", ""))
    is_local = any(is_loopback(split_authority(each)[0]) for each in addresses)
    return {**wire, "address": authority} if is_local else wire


def _is_metadata(name: str, value: str) -> bool:
    """Return whether a header of HTTP may be metadata: gRPC knows fewer names, ASCII in values, and base64 in some."""
    if name.startswith("grpc-") or name in _OF_HTTP or not _NAME.fullmatch(name):
        return False
    return (_BASE64 if name.endswith("-bin") else _TEXT).fullmatch(value) is not None


def grpc_reply(reply: Reply, rpc: Rpc | None = None) -> HttpReply:
    """Return a reply of the pipeline as gRPC, with the damage to its content done.

    Args:
        reply: the reply.
        rpc: the method, for the message that it returns; None: the reply is a refusal.
    """
    metadata = [(name, value) for name, value in reply.metadata.items() if name not in _OF_THE_HOP]
    if reply.code is Code.OK and rpc is not None:
        headers, trailers = (_TYPE, *COMPRESSION, *metadata), _OK
        body = _message_of(rpc, reply)
    else:
        headers, body, trailers = (_TYPE, *metadata, *_refusal(reply)), b"", ()
    damage = reply.damage
    if damage is None or reply.pause is None:
        body = framed(body) if trailers else body
        return HttpReply(200, headers, body, reply.wait, moment=reply.moment, trailers=trailers)
    http = HttpReply(200, headers, body, reply.wait, None, reply.pause, reply.moment, trailers=trailers)
    http = rewritten(http, damage)
    return http._replace(body=framed(http.body)) if http.trailers and not isinstance(damage, Substitute) else http


def _message_of(rpc: Rpc, reply: Reply) -> bytes:
    """Return the bytes of an answer.

    Raises:
        UsageError: a recorded answer is none that the method returns.
    """
    try:
        return message_bytes(rpc.answer, reply.body)
    except InvalidMessageError as error:
        if reply.verbatim is None:
            raise
        problem = shortened(str(error))
    raise UsageError(
        f"The recorded answer to {rpc.method} cannot be sent over gRPC: {problem}. A client of REST gets it as it was "
        "recorded."
    )


def _refusal(reply: Reply) -> tuple[tuple[str, str], ...]:
    """Return the headers of a refusal; seconds to wait are told as RetryInfo and as the pushback that clients obey."""
    status = reply.body if "code" in reply.body else Status(code=reply.code, message=reply.note).to_wire()
    code, details = reply.code, [*status.get("details", ())]
    after = reply.metadata.get("retry-after", "")
    if not after.isdecimal():
        pushback: tuple[tuple[str, str], ...] = ()
    else:
        pushback = ((_PUSHBACK, str(int(after) * 1000)),)
        details.append({"@type": _RETRY_INFO, "retryDelay": f"{after}s"})
    text = str(status.get("message", ""))
    headers = status_headers(code, text, status_bytes({"code": code.number, "message": text, "details": details}))
    if sum(len(value) for _, value in headers) > _LONGEST:  # more than clients take by default
        headers = status_headers(code, _cut(text))
    return *pushback, *headers


def _cut(text: str) -> str:
    """Return a text as much of which as may be in the headers of a refusal."""
    while (length := len(percent_encoded(text))) > _LONGEST:
        text = f"{text[: len(text) * _LONGEST // length - len(_CUT)]}{_CUT}"
    return text
