"""The gRPC front: calls over HTTP/2 to calls of the pipeline, and replies back to gRPC."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

from pytest_ycimages.api.exchange import GrpcCall, Reply, Request
from pytest_ycimages.api.message import SECOND
from pytest_ycimages.api.methods import UNROUTED
from pytest_ycimages.api.status import Code, Status
from pytest_ycimages.faults.damage import Substitute
from pytest_ycimages.grpc.codec import InvalidMessageError, fields_of, message_bytes, status_bytes
from pytest_ycimages.grpc.reflection import conversation_of
from pytest_ycimages.grpc.rpcs import rpcs, twin
from pytest_ycimages.grpc.wire import (
    COMPRESSION,
    CONTENT_TYPE,
    CallError,
    framed,
    messages_in,
    status_headers,
    timeout_in,
)
from pytest_ycimages.server import activity
from pytest_ycimages.server.http import HttpReply, HttpRequest
from pytest_ycimages.server.transmission import rewritten

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from pytest_ycimages.cloud.clock import Clock
    from pytest_ycimages.grpc.reflection import Conversation
    from pytest_ycimages.grpc.rpcs import Rpc, Twin
    from pytest_ycimages.latency import Delay
    from pytest_ycimages.server.app import App

    Answering = Generator[Delay, None, HttpReply]

_TYPE: Final = ("content-type", CONTENT_TYPE)
_OK: Final = status_headers(Code.OK, "")
_OF_THE_HOP: Final = frozenset({"content-type", "te", "host", "accept-encoding", activity.CALL, activity.TIMEOUT})
"""Metadata of the connection, beside everything that begins with `grpc-`: it is not part of the call."""
_SHORT: Final = 256
"""Bytes of the longest message whose meaning is worth its memory in a cache."""
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
                call.gave_up = how
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
            refused = Reply(error.code, Status(code=error.code, message=str(error)).to_wire(), note=str(error))
            return grpc_reply((yield from self._app.pipeline.write(_unread(http, call), refused)))
        return grpc_reply((yield from self._app.replying(request)), rpc)

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


def grpc_reply(reply: Reply, rpc: Rpc | None = None) -> HttpReply:
    """Return a reply of the pipeline as gRPC, with the damage to its content done.

    Args:
        reply: the reply.
        rpc: the method, for the message that it returns; None: the reply is a refusal.
    """
    metadata = [(name, value) for name, value in reply.metadata.items() if name not in _OF_THE_HOP]
    if reply.code is Code.OK and rpc is not None:
        headers, trailers = (_TYPE, *COMPRESSION, *metadata), _OK
        body = message_bytes(rpc.answer, reply.body)
    else:
        headers, body, trailers = (_TYPE, *metadata, *_refusal(reply)), b"", ()
    damage = reply.damage
    if damage is None or reply.pause is None:
        body = framed(body) if trailers else body
        return HttpReply(200, headers, body, reply.wait, moment=reply.moment, trailers=trailers)
    http = HttpReply(200, headers, body, reply.wait, None, reply.pause, reply.moment, trailers=trailers)
    http = rewritten(http, damage)
    return http._replace(body=framed(http.body)) if http.trailers and not isinstance(damage, Substitute) else http


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
    return *pushback, *status_headers(
        code, text, status_bytes({"code": code.number, "message": text, "details": details})
    )
