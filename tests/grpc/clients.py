"""gRPC clients of a double: the official stubs over grpcio, and HTTP/2 by hand."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import grpc
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived, StreamEnded, StreamReset, TrailersReceived
from yandex.cloud.compute.v1.image_service_pb2_grpc import ImageServiceStub
from yandex.cloud.endpoint.api_endpoint_service_pb2_grpc import ApiEndpointServiceStub
from yandex.cloud.iam.v1.iam_token_service_pb2_grpc import IamTokenServiceStub
from yandex.cloud.operation.operation_service_pb2_grpc import OperationServiceStub

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_ycimages import Double

TIMEOUT: Final = 20.0
"""Seconds after which a call of a test has failed; none takes so long."""
DISK: Final = "epd0000000000000000a"


class Stubs:
    """The official stubs on one channel, with the token of the double.

    Args:
        double: the double.
        secure: whether the channel speaks TLS.
        options: options of the channel.
        compression: how requests are compressed.
    """

    def __init__(
        self,
        double: Double,
        *,
        secure: bool = False,
        options: Iterable[tuple[str, Any]] = (),
        compression: grpc.Compression | None = None,
    ) -> None:
        chosen = [("grpc.enable_http_proxy", 0), *options]
        if secure:
            credentials = grpc.ssl_channel_credentials(root_certificates=double.root_certificates)
            self.channel = grpc.secure_channel(double.grpc_endpoint, credentials, chosen, compression)
        else:
            self.channel = grpc.insecure_channel(double.grpc_endpoint, chosen, compression)
        self.metadata = [("authorization", f"Bearer {double.token}")]
        self.images: Any = ImageServiceStub(self.channel)
        self.operations: Any = OperationServiceStub(self.channel)
        self.tokens: Any = IamTokenServiceStub(self.channel)
        self.endpoints: Any = ApiEndpointServiceStub(self.channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.channel.close()

    def call(self, method: Any, message: Any, *metadata: tuple[str, str], timeout: float = TIMEOUT) -> Any:
        """Call a method with the double's token."""
        return method(message, metadata=[*self.metadata, *metadata], timeout=timeout)


def error_of(method: Any, message: Any, **options: Any) -> Any:
    """Call a method, and return its error."""
    try:
        answer = method(message, timeout=TIMEOUT, **options)
    except grpc.RpcError as error:
        return error
    raise AssertionError(f"the call succeeded: {answer}")


@dataclass
class Answer:
    """An answer over HTTP/2.

    Attributes:
        headers: its headers, then its trailers.
        body: its body.
        is_over: whether it is complete.
        reset: the code of RST_STREAM, if it ended so.
    """

    headers: dict[str, str]
    body: bytearray
    is_over: bool = False
    reset: int | None = None


class Http2:
    """An HTTP/2 client by hand: one connection in the clear, with h2 as the oracle."""

    def __init__(self, double: Double) -> None:
        self.sock = socket.create_connection((double.host, double.port), TIMEOUT)
        self.conn = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        self.conn.initiate_connection()
        self.token = double.token
        self.authority = double.grpc_endpoint

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def flush(self) -> None:
        """Send what h2 has to send."""
        self.sock.sendall(self.conn.data_to_send())

    def start(self, path: str, *headers: tuple[str, str], method: str = "POST", end: bool = False) -> int:
        """Begin a request, and return the number of its stream."""
        number = self.conn.get_next_available_stream_id()
        pseudo = [(":method", method), (":scheme", "http"), (":path", path), (":authority", self.authority)]
        self.conn.send_headers(number, [*pseudo, *headers], end_stream=end)
        return number

    def start_call(self, rpc: str, *headers: tuple[str, str]) -> int:
        """Begin a gRPC call, and return the number of its stream."""
        sent = {"content-type": "application/grpc", "te": "trailers", "authorization": f"Bearer {self.token}"}
        return self.start(f"/{rpc}", *(sent | dict(headers)).items())

    def call(self, rpc: str, data: bytes, *headers: tuple[str, str]) -> Answer:
        """Make a gRPC call with these bytes as its body."""
        number = self.start_call(rpc, *headers)
        answer = Answer({}, bytearray())
        while data and not answer.is_over:
            room = min(self.conn.local_flow_control_window(number), self.conn.max_outbound_frame_size)
            if room:
                self.conn.send_data(number, data[:room])
                data = data[room:]
                self.flush()
            else:
                self._receive(number, answer)
        if not answer.is_over:
            self.conn.end_stream(number)
        return self.answer(number, answer)

    def answer(self, number: int, answer: Answer | None = None) -> Answer:
        """Return the answer on a stream."""
        answer = answer or Answer({}, bytearray())
        self.flush()
        while not answer.is_over:
            self._receive(number, answer)
        return answer

    def _receive(self, number: int, answer: Answer) -> None:
        data = self.sock.recv(65536)
        if not data:
            raise ConnectionResetError("the double has closed the connection")
        for event in self.conn.receive_data(data):
            match event:
                case ResponseReceived() | TrailersReceived() if event.stream_id == number:
                    answer.headers.update({str(name): str(value) for name, value in event.headers or ()})
                case DataReceived() if event.stream_id == number:
                    answer.body.extend(event.data or b"")
                    self.conn.acknowledge_received_data(event.flow_controlled_length or 0, number)
                case StreamEnded() if event.stream_id == number:
                    answer.is_over = True
                case StreamReset() if event.stream_id == number:
                    answer.is_over = True
                    answer.reset = int(event.error_code or 0)
                case _:
                    pass
        self.flush()
