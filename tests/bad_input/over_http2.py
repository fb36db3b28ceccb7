"""A third way to send a request: over an HTTP/2 connection of its own, with h2 as the client."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, DataReceived, ResponseReceived, StreamEnded, StreamReset

from tests.bad_input.requests_to_refuse import Answered, Asked

if TYPE_CHECKING:
    from h2.events import Event

    from pytest_ycimages import Double


def over_http2(double: Double, asked: Asked) -> Answered:
    """Send a request; one that is malformed over HTTP/2 is answered by RST_STREAM, which stands as 400 here."""
    config = H2Configuration(True, None, False, False, validate_inbound_headers=False)  # noqa: FBT003 - sends anything
    conn = H2Connection(config)
    conn.initiate_connection()
    conn.send_headers(1, _fields(double, asked), end_stream=not asked.body)
    answer, rest = Answered(0, "", b""), asked.body
    with socket.create_connection((double.host, double.port), timeout=20) as sock:
        while True:
            while room := min(len(rest), conn.local_flow_control_window(1), conn.max_outbound_frame_size):
                conn.send_data(1, rest[:room], end_stream=room == len(rest))
                rest = rest[room:]
            sock.sendall(conn.data_to_send())
            for event in conn.receive_data(sock.recv(65536)):
                if isinstance(event, StreamReset | ConnectionTerminated):
                    return Answered(400, "text/plain", b"malformed")
                if isinstance(event, StreamEnded):
                    return answer
                answer = _with(answer, event)
                if isinstance(event, DataReceived):
                    conn.acknowledge_received_data(event.flow_controlled_length or 0, 1)


def _fields(double: Double, asked: Asked) -> list[tuple[bytes, bytes]]:
    pairs = [(":method", asked.verb), (":scheme", "http"), (":path", asked.target), (":authority", "127.0.0.1")]
    for line in asked.headers:
        name, _, value = line.partition(":")
        pairs.append((name.strip().lower(), value.strip()))
    if "content-type" not in dict(pairs):
        pairs.append(("content-type", "application/json"))
    if asked.authorized:
        pairs.append(("authorization", f"Bearer {double.token}"))
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs]


def _with(answer: Answered, event: Event) -> Answered:
    """Return an answer with what an event adds to it."""
    if isinstance(event, ResponseReceived):
        headers = {bytes(name): bytes(value).decode() for name, value in event.headers or ()}
        return answer._replace(status=int(headers[b":status"]), content_type=headers.get(b"content-type", ""))
    if isinstance(event, DataReceived):
        return answer._replace(body=answer.body + (event.data or b""))
    return answer
