"""The protocols of a connection beside HTTP/1.1: HTTP/2 with prior knowledge, TLS with either of them, and tunnels.

The first bytes of a connection tell them apart. Their libraries are imported when the first such connection comes, and
come with the extra `grpc`; a client that finds them missing is told so.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, assert_never, cast

from pytest_ycimages.api.message import SECOND
from pytest_ycimages.cloud import clock as cloud_clock
from pytest_ycimages.server import activity
from pytest_ycimages.server.activity import Phase
from pytest_ycimages.server.http1 import PREFACE, TLS_HANDSHAKE, TUNNEL, WHOLE_PREFACE
from pytest_ycimages.server.transmission import End, Shut
from pytest_ycimages.server.tunnel import MISSING

if TYPE_CHECKING:
    from pytest_ycimages.server.app import App
    from pytest_ycimages.server.connection import Connection
    from pytest_ycimages.server.http2 import Step
    from pytest_ycimages.server.http2_stream import Answering, Stream
    from pytest_ycimages.server.tunnel import Tunnels
    from pytest_ycimages.server.workers import Job, Workers


class Speaking:
    """A protocol in force on a connection: HTTP/1.1, whose answers are found, and waited for, while it is fed.

    Args:
        connection: the connection.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def feed(self, data: bytes) -> bool:
        """Take bytes of the client; return whether the connection goes on."""
        return self._connection.take(data)

    def due(self) -> int | None:
        """Return when `advance` is to be called next, in nanoseconds since the epoch; None: when there is data."""
        return None

    def advance(self) -> bool:
        """Do what is due; return whether the connection goes on."""
        return True

    def finish(self) -> None:
        """Wait for answers that are still being looked for, after the client has gone."""


def speak(app: App, connection: Connection, data: bytes, host: str = "", tunnels: Tunnels | None = None) -> bytes:
    """Serve a connection that does not speak HTTP/1.1 in the clear; for any other, return its bytes so far.

    Args:
        app: answers the requests.
        connection: the connection.
        data: its first bytes, or those of its tunnel.
        host: where its tunnel leads; empty: it is none.
        tunnels: opens the tunnels that are asked for; those of the app if None.
    """
    while any(first.startswith(data) and len(data) < len(first) for first in (PREFACE, TUNNEL)):
        if not (more := connection.receive()):  # too few bytes to tell it from POST, or from a COPY
            return b""
        data += more
    if data.startswith(TUNNEL):
        connection.is_within = True
        opened = (tunnels or app.tunnels).open(connection, data, host)
        return speak(app, connection, *opened) if opened else b""
    try:
        if data[0] == TLS_HANDSHAKE:
            _serve(app, connection, _Tls(app, connection, host), data)
            return b""
        if data.startswith(PREFACE):
            _serve(app, connection, _Http2(app, connection), data)
            return b""
    except ModuleNotFoundError:
        if data.startswith(PREFACE):
            _refuse_http2(connection, data)
            return b""
    return data  # HTTP/1.1, or TLS without its library, which is refused as invalid HTTP


def _is_readable_before(moment: int, app: App, connection: Connection) -> bool:
    """Wait for bytes of the client, at most until `moment`; return whether there are any, or the client has gone."""
    clock, descriptor = app.pipeline.clock, connection.sock.fileno()
    shared = cloud_clock.shared
    if shared is not None:
        shared.wait_until(moment, (descriptor,))
    elif clock.is_moved_by_waits and app.workers is not None and app.workers.are_busy:
        return True  # time stands still while a service looks for an answer
    elif not activity.readable((descriptor,)) and clock.is_moved_by_waits:
        clock.wait_until(moment, app.pipeline.delays.pause_for_real)
    else:
        connection.phase = Phase.LISTENING
        activity.readable((descriptor,), max(0, moment - clock.now()) / SECOND)
        connection.phase = Phase.DECIDING
    return bool(activity.readable((descriptor,)))


def _serve(app: App, connection: Connection, speaking: Speaking, data: bytes) -> None:
    """Serve a connection until either side is done. Workers send answers meanwhile, so what is sent needs the lock."""
    try:
        with connection.lock:
            goes_on = speaking.feed(data)
        while goes_on:
            with connection.lock:
                moment = speaking.due()
            if moment is None or _is_readable_before(moment, app, connection):
                if not (data := connection.receive()):
                    return
                with connection.lock:
                    goes_on = speaking.feed(data)
            else:
                with connection.lock:
                    goes_on = speaking.advance()
    finally:
        speaking.finish()


class _Http2(Speaking):
    def __init__(self, app: App, connection: Connection) -> None:
        from pytest_ycimages.server.grpc_front import GrpcFront  # noqa: PLC0415 - only for HTTP/2
        from pytest_ycimages.server.http2 import Http2Session  # noqa: PLC0415

        super().__init__(connection)
        self._app = app
        self._session = Http2Session(GrpcFront(app), connection.number, self._begin if app.workers else None)
        self._jobs: set[Job] = set()
        connection.is_http2 = True

    def feed(self, data: bytes) -> bool:
        return self._do(self._session.receive(data))

    def due(self) -> int | None:
        return self._session.due()

    def advance(self) -> bool:
        return self._do(self._session.advance())

    def finish(self) -> None:
        with self._connection.lock:
            self._session.close()
            jobs = list(self._jobs)
        self._connection.phase = Phase.WAITING
        for job in jobs:
            job.wait()

    def _begin(self, stream: Stream, answering: Answering) -> None:
        """Let a worker find the answer to a stream, and send it."""
        from pytest_ycimages.server.app import waited  # noqa: PLC0415 - only for recordings
        from pytest_ycimages.server.workers import Job  # noqa: PLC0415

        def work() -> None:
            if stream.work is not None:  # else the client has given up before it was sent
                reply = waited(answering)
                with self._connection.lock:
                    if not self._do(self._session.answered(stream, reply)):
                        self._connection.shut()
            self._jobs.discard(job)

        job = Job(work, self._connection)
        self._jobs.add(job)
        cast("Workers", self._app.workers).start(job)

    def _do(self, steps: list[Step]) -> bool:
        for step in steps:
            match step:
                case bytes():
                    self._connection.send(step)
                case Shut(seconds):
                    self._connection.refuse(partial(self._app.pipeline.delays.pause, seconds))
                case End():
                    if self._session.is_refused:
                        self._connection.let_read()
                    self._connection.end(step)
                    return False
                case _:
                    assert_never(step)
        return True


class _Tls(Speaking):
    """TLS, with the protocol within that ALPN chose."""

    def __init__(self, app: App, connection: Connection, host: str) -> None:
        from pytest_ycimages.server.tls import TlsSession, server_context_of  # noqa: PLC0415 - only for TLS

        super().__init__(connection)
        self._app = app
        self._send = connection.send
        self._session = TlsSession(server_context_of(host))
        self._within: Speaking | None = None

    def feed(self, data: bytes) -> bool:
        opened = self._session.receive(data)
        if opened.answer:
            self._send(opened.answer)
        if opened.plain:
            if self._within is None:
                self._connection.is_within = True
                self._connection.send = lambda plain: self._send(self._session.seal(plain))
                is_http2 = self._session.protocol == "h2"
                self._within = _Http2(self._app, self._connection) if is_http2 else Speaking(self._connection)
            if not self._within.feed(opened.plain):
                self._say_farewell()
                return False
        return not opened.is_over

    def due(self) -> int | None:
        return None if self._within is None else self._within.due()

    def advance(self) -> bool:
        return self._within is None or self._within.advance()

    def finish(self) -> None:
        if self._within is not None:
            self._within.finish()

    def _say_farewell(self) -> None:
        with suppress(OSError):  # the connection was reset
            self._send(self._session.close())


def _literal(name: bytes, value: bytes) -> bytes:
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


_REFUSAL: Final = (
    b"\x88"  # :status 200
    + _literal(b"content-type", b"application/grpc")
    + _literal(b"grpc-status", b"12")
    + _literal(b"grpc-message", MISSING.encode())
)
_SETTINGS: Final = b"\0\0\0\4\0\0\0\0\0"
_FRAME: Final = 9
_HEADERS: Final = 1


def _refuse_http2(connection: Connection, data: bytes) -> None:
    """Refuse each stream with words for its user, as far as that goes without a library for HTTP/2."""
    connection.send(_SETTINGS)
    held = data
    start = len(WHOLE_PREFACE)
    while data:
        while len(held) >= start + _FRAME:
            length, kind = int.from_bytes(held[start : start + 3], "big"), held[start + 3]
            if kind == _HEADERS:
                stream = held[start + 5 : start + _FRAME]
                connection.send(len(_REFUSAL).to_bytes(3, "big") + b"\1\5" + stream + _REFUSAL)
            start += _FRAME + length
        held, start = held[start:], max(0, start - len(held))
        data = connection.receive()
        held += data
