"""The same client over REST and over gRPC: it asks for a method by its word, and compares answers as protobuf does."""

from __future__ import annotations

import base64
import json
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

import grpc
from google.protobuf.json_format import MessageToDict, ParseDict

from pytest_ycimages.grpc.messages import message_class, pool, rpcs, twin
from tests.grpc.clients import TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_ycimages import Double

RPCS: Final = {rpc.method: rpc for rpc in rpcs().values() if rpc.verb}
STATUS: Final = "google.rpc.Status"


class Answer(NamedTuple):
    """What a client was told: the number of its code, and the answer, or the whole Status, in JSON form."""

    code: int
    said: dict[str, Any]


class OverGrpc:
    """Generic calls of grpcio, with the messages of the double."""

    def __init__(self, double: Double) -> None:
        self.channel = grpc.insecure_channel(double.grpc_endpoint, [("grpc.enable_http_proxy", 0)])
        self.token = double.token

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.channel.close()

    def ask(self, method: str, fields: Mapping[str, Any], **metadata: str | bytes) -> Answer:
        """Call a method."""
        rpc = RPCS[method]
        request = ParseDict(dict(fields), message_class(rpc.request)(), descriptor_pool=pool())
        call: Any = self.channel.unary_unary(
            rpc.path,
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=message_class(rpc.answer).FromString,
        )
        sent = [("authorization", f"Bearer {self.token}"), *metadata.items()]
        try:
            return Answer(0, json_of(call(request, metadata=sent, timeout=TIMEOUT)))
        except grpc.RpcError as error:
            return refused(error)


def refused(error: Any) -> Answer:
    """Return the refusal of a call; its text and its details must be the same in the status and in its trailer."""
    packed = dict(error.trailing_metadata())["grpc-status-details-bin"]
    status: Any = message_class(STATUS).FromString(packed)
    assert (status.code, status.message) == (error.code().value[0], error.details())
    return Answer(status.code, json_of(status))


class OverRest:
    """JSON over HTTP/1.1."""

    def __init__(self, double: Double) -> None:
        self.connection = HTTPConnection(double.host, double.port, timeout=TIMEOUT)
        self.token = double.token

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def ask(self, method: str, fields: Mapping[str, Any], **metadata: str) -> Answer:
        """Call a method."""
        rpc = RPCS[method]
        line, body, _ = twin(rpc, fields)
        verb, _, target = line.partition(" ")
        headers = {"Authorization": f"Bearer {self.token}", **metadata}
        self.connection.request(verb, target, body or None, headers)
        answer = self.connection.getresponse()
        read = json.loads(answer.read())
        name = STATUS if answer.status >= 400 else rpc.answer
        message = ParseDict(read, message_class(name)(), ignore_unknown_fields=True, descriptor_pool=pool())
        return Answer(int(read.get("code", 0)) if name == STATUS else 0, json_of(message))


Asking = OverRest | OverGrpc
"""A client of a double over one of the transports."""

TRANSPORTS: Final[dict[str, type[OverRest | OverGrpc]]] = {"rest": OverRest, "grpc": OverGrpc}


def json_of(message: Any) -> dict[str, Any]:
    """Return a message in its JSON form; of detail that no pool knows, its type."""
    found: dict[str, Any] = MessageToDict(message, descriptor_pool=pool())
    return found


def decoded(header: str) -> bytes:
    """Return the bytes of a header that ends in `-bin`."""
    return base64.b64decode(header + "=" * (-len(header) % 4))
