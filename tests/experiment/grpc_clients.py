"""The clients of the other modules over grpcio: right ones, and others wrong in one way each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

import grpc
from google.protobuf import json_format
from yandex.cloud.compute.v1 import image_service_pb2 as api
from yandex.cloud.compute.v1.image_service_pb2_grpc import ImageServiceStub
from yandex.cloud.operation import operation_service_pb2 as operations
from yandex.cloud.operation.operation_service_pb2_grpc import OperationServiceStub

from .cleaning_clients import (
    Cleaner,
    _BakesThree,
    _BakesThreeWithManyKeys,
    _CountsDeletions,
    _DeletesUntilGone,
    _Ensures,
    _EnsuresByTheList,
    _IgnoresErrors,
    _LabelsCarefully,
    _LabelsCarelessly,
    _Replaces,
    _ReplacesByTheList,
)
from .flawed_clients import Baker, _NewKeyPerAttempt, _Orphans, _SuccessOnError

if TYPE_CHECKING:
    from collections.abc import Callable

STATUSES: Final = {1: 503, 3: 400, 4: 504, 5: 404, 6: 409, 7: 403, 8: 429, 9: 400, 12: 501, 13: 500, 14: 503, 16: 401}
"""The HTTP status of each gRPC code, as the other clients know them. CANCELLED comes of a stream that was reset."""


class OverGrpc(Baker):
    """A client over a channel of grpcio, mixed into one over HTTP."""

    def __init__(self, url: str, token: str) -> None:
        super().__init__(url, token)
        self.connection: Any = grpc.insecure_channel(url.removeprefix("http://"), [("grpc.enable_http_proxy", 0)])
        self.images: Any = ImageServiceStub(self.connection)
        self.operations: Any = OperationServiceStub(self.connection)

    def exchange(self, verb: str, path: str, body: str | None) -> tuple[int, float, bytes]:
        """One call and its answer, in the form that HTTP would give it."""
        metadata = [("authorization", self.headers["Authorization"])]
        if body and self.key:
            metadata.append(("idempotency-key", self.key))
        method, message = self.call_of(verb, path, body)
        try:
            answer = method(message, metadata=metadata, timeout=30)
        except grpc.RpcError as error:
            code: Any = error
            trailers = dict(code.trailing_metadata() or ())
            pushback = float(trailers.get("grpc-retry-pushback-ms", 0)) / 1000
            return STATUSES.get(code.code().value[0], 500), pushback, str(code.details()).encode()
        if answer is None:
            return 500, 0, b"no message"
        found = json_format.MessageToDict(answer, always_print_fields_with_no_presence=True)
        return 200, 0, json.dumps(found).encode()

    def call_of(self, verb: str, path: str, body: str | None) -> tuple[Any, Any]:
        """The method and the message of a request."""
        parts = urlsplit(path)
        *_, id_ = parts.path.split("/")
        if parts.path.startswith("/operations/"):
            if id_.endswith(":cancel"):
                return self.operations.Cancel, operations.CancelOperationRequest(operation_id=id_.partition(":")[0])
            return self.operations.Get, operations.GetOperationRequest(operation_id=id_)
        if id_ == "images" and verb == "GET":
            return self.images.List, api.ListImagesRequest(folder_id=parse_qs(parts.query)["folderId"][0])
        stub, message = {
            "POST": (self.images.Create, api.CreateImageRequest()),
            "PATCH": (self.images.Update, api.UpdateImageRequest(image_id=id_)),
            "DELETE": (self.images.Delete, api.DeleteImageRequest(image_id=id_)),
            "GET": (self.images.Get, api.GetImageRequest(image_id=id_)),
        }[verb]
        return stub, json_format.ParseDict(json.loads(body or "{}"), message)


class _NoKey(Baker):
    """Sends no key."""

    def new_key(self) -> str:
        return ""


class _AsksOnce(_NoKey):
    """Never asks again by itself."""

    attempts = 1


def _client(name: str, baker: type[Baker], method: str = "bake") -> Callable[[str, str], Any]:
    """A client of this module that does what another one does, over grpcio."""

    def client(url: str, token: str) -> Any:
        made: Any = type(name, (OverGrpc,) if baker is Baker else (baker, OverGrpc), {})(url, token)
        return getattr(made, method)()

    client.__name__ = client.__qualname__ = name
    return client


correct = _client("correct", Baker)
without_a_key = _client("without_a_key", _NoKey)
asks_once = _client("asks_once", _AsksOnce)
new_key_per_attempt = _client("new_key_per_attempt", _NewKeyPerAttempt)
leaves_an_orphan = _client("leaves_an_orphan", _Orphans)
success_on_error = _client("success_on_error", _SuccessOnError)
cleans = _client("cleans", Cleaner, "clean")
counts_deletions = _client("counts_deletions", _CountsDeletions, "clean")
ignores_errors = _client("ignores_errors", _IgnoresErrors, "clean")
deletes_until_gone = _client("deletes_until_gone", _DeletesUntilGone, "clean")
labels_carelessly = _client("labels_carelessly", _LabelsCarelessly)
labels_carefully = _client("labels_carefully", _LabelsCarefully)
bakes_three = _client("bakes_three", _BakesThree, "bake_all")
bakes_three_with_many_keys = _client("bakes_three_with_many_keys", _BakesThreeWithManyKeys, "bake_all")
ensures = _client("ensures", _Ensures, "bake_if_missing")
ensures_by_the_list = _client("ensures_by_the_list", _EnsuresByTheList, "bake_if_missing")
replaces = _client("replaces", _Replaces, "replace")
replaces_by_the_list = _client("replaces_by_the_list", _ReplacesByTheList, "replace")
