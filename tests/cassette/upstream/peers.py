"""Servers on loopback in the place of upstreams and proxies, and a record of every address that is dialled."""

from __future__ import annotations

import select
import socket
import ssl
import threading
import traceback
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    import pytest

AUTHORITY: Final = Path(__file__).parent / "tls" / "authority.pem"
"""The certificate that signs the one of every server here, which is for loopback and the names of the service."""
_CERTIFICATE: Final = AUTHORITY.with_name("server.pem")


class Received(NamedTuple):
    """A request as a server got it."""

    line: str
    headers: dict[str, str]
    body: bytes


class Peer:
    """A server that keeps what it gets, and answers with `status`, `headers` and `body`.

    Attributes:
        requests: all requests, in order.
        connections: how many connections were accepted.
    """

    def __init__(self, *, tls: bool = False) -> None:
        self.requests: list[Received] = []
        self.connections = 0
        self.status = 200
        self.headers: dict[str, str] = {"content-type": "application/json"}
        self.body = b"{}"
        peer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                peer.connections += 1

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                peer.requests.append(Received(self.requestline, headers, body))
                self.send_response(peer.status)
                for name, value in peer.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(peer.body)))
                self.end_headers()
                self.wfile.write(peer.body if self.command != "HEAD" else b"")

            do_GET = do_POST = do_HEAD = do_PATCH = do_DELETE = answer  # noqa: N815 - names of the standard library

            def do_CONNECT(self) -> None:
                peer.requests.append(
                    Received(self.requestline, {name.lower(): value for name, value in self.headers.items()}, b"")
                )
                peer.tunnel(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the standard library
                """Print nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Print nothing of clients that leave."""

        self._server = Server(("127.0.0.1", 0), Handler)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(_CERTIFICATE)
            # A thread of the connection shakes hands, so that one that fails ends no other.
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port: int = self._server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self.beyond: Callable[[str], tuple[str, int]] | None = None
        """For a proxy: the address to connect to for the one that a tunnel is asked for."""
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def tunnel(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer a CONNECT."""
        if self.beyond is None:
            handler.send_response(self.status)
            handler.send_header("content-length", "0")
            handler.end_headers()
            return
        with REAL(self.beyond(handler.path), 5) as beyond:
            handler.send_response(200)
            handler.end_headers()
            _pump(handler.connection, beyond)
        handler.close_connection = True

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


REAL: Final = socket.create_connection
"""The function that connects, as it is before a test replaces it."""


def _pump(one: socket.socket, other: socket.socket) -> None:
    """Pass bytes both ways until a side ends."""
    ends = {one: other, other: one}
    while True:
        readable, _, _ = select.select(list(ends), [], [], 5)
        if not readable:
            return
        for end in readable:
            data = end.recv(65536)
            if not data:
                return
            ends[end].sendall(data)


@contextmanager
def peer(*, tls: bool = False) -> Generator[Peer]:
    """A server while the context lasts."""
    server = Peer(tls=tls)
    try:
        yield server
    finally:
        server.close()


def dialled(patch: pytest.MonkeyPatch, ports: dict[str, int] | None = None) -> list[tuple[str, int]]:
    """The addresses that the process connects to from now on, by name; nothing leaves this machine.

    Args:
        patch: undoes it.
        ports: names of hosts -> the port on loopback that a connection to it leads to. Other hosts refuse it.
    """
    asked: list[tuple[str, int]] = []

    def connect(address: tuple[str, int], *args: Any, **options: Any) -> socket.socket:
        host = address[0]
        asked.append((host, address[1]))
        if host in {"127.0.0.1", "::1", "localhost"}:
            return REAL(address, *args, **options)
        if ports and host in ports:
            return REAL(("127.0.0.1", ports[host]), *args, **options)
        raise ConnectionRefusedError(111, "Connection refused")

    def look_up(host: Any, *args: Any, **options: Any) -> Any:
        if host not in {"127.0.0.1", "::1", "localhost", None}:
            asked.append((str(host), 0))
            raise socket.gaierror(-2, "Name or service not known")
        return real_look_up(host, *args, **options)

    real_look_up = socket.getaddrinfo
    patch.setattr(socket, "create_connection", connect)
    patch.setattr(socket, "getaddrinfo", look_up)
    return asked


def shown_by(error: BaseException) -> str:
    """Everything that a report of an error may print: texts, causes, and the locals of its frames and theirs."""
    seen: list[str] = []
    at: BaseException | None = error
    while at is not None:
        own = at.__traceback__.tb_next if at.__traceback__ and at is error else at.__traceback__
        report = traceback.TracebackException(type(at), at, own, capture_locals=True)
        report.__cause__ = report.__context__ = None
        seen += (*report.format(), repr(at), *map(repr, at.args))
        while own is not None:
            seen += (repr(vars(value)) for value in own.tb_frame.f_locals.values() if hasattr(value, "__dict__"))
            own = own.tb_next
        at = at.__cause__ or at.__context__
    return "".join(seen)
