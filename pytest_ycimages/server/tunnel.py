"""Tunnels: a double as the proxy of its clients, which ask it by `CONNECT host:port` for a connection to a host.

A tunnel to a name of the service ends in the double itself, which then speaks TLS as that host. To the hosts that the
setting `allowed_hosts` names, bytes are passed on. Every other host is refused.
"""

from __future__ import annotations

import re
import selectors
import socket
from base64 import b64encode
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote, urlsplit

from pytest_ycimages.api.message import json_bytes
from pytest_ycimages.api.status import Code, Status
from pytest_ycimages.errors import YCImagesError
from pytest_ycimages.hosts import is_one_of, is_this_machine
from pytest_ycimages.network.environment import is_direct, outside_proxies
from pytest_ycimages.network.guard import is_own_socket
from pytest_ycimages.server.activity import Phase
from pytest_ycimages.server.http import HttpReply
from pytest_ycimages.server.http1 import RequestReader, encoded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_ycimages.server.connection import Connection
    from pytest_ycimages.server.http import HttpRequest

ESTABLISHED: Final = b"HTTP/1.1 200 Connection established\r\n\r\n"
MISSING: Final = "gRPC, HTTP/2 and TLS need an extra of the double: pip install 'pytest-ycimages[grpc]'"
_PATIENCE: Final = 10.0
"""Seconds in which a host must accept the connection that a tunnel leads to."""
_RECEIVE: Final = 64 * 2**10
_SHOWN: Final = 100
_TARGET: Final = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+):([0-9]{1,5})", re.ASCII | re.IGNORECASE)
_OPENED: Final = re.compile(rb"HTTP/1\.[01] 2[0-9]{2}\b")
_PORTS: Final = range(1, 2**16)
_INVALID: Final = "Invalid CONNECT {!r}: expected a host and a port, such as 'compute.api.cloud.yandex.net:443'."
_OTHER: Final = (
    "This double does not open a tunnel to {!r}: as a proxy it leads to the names of the service only. Name the host "
    "in no_proxy, or allow it: allowed_hosts=[{!r}]."
)
_CODES: Final = {
    403: Code.PERMISSION_DENIED,
    431: Code.RESOURCE_EXHAUSTED,
    501: Code.UNIMPLEMENTED,
    502: Code.UNAVAILABLE,
}
_UNSERVED: Final = (
    "The tunnel to {!r} is not opened: this proxy led to a double of pytest-ycimages, which no longer answers. A "
    "program that a test has started must end before the test does."
)
_NESTED: Final = "A tunnel leads to {!r} already, and a tunnel in a tunnel is not opened: send CONNECT once."


class Passage(NamedTuple):
    """What becomes of a CONNECT.

    Attributes:
        host: where the tunnel leads, in lower case, without brackets.
        port: its port.
        status: the HTTP status that refuses it; 0 for a tunnel.
        problem: why it is refused.
        is_passed_on: whether bytes are passed on to the host; if not, the double is the host.
    """

    host: str
    port: int = 0
    status: int = 0
    problem: str = ""
    is_passed_on: bool = False


class Tunnels:
    """The rules by which tunnels are opened.

    Args:
        served: host names or globs that lead to the double.
        allowed: those of other hosts that bytes are passed on to.
        passes_own: whether clients of this process reach every other host, as if they had asked for no tunnel.
    """

    def __init__(self, served: Iterable[str] = (), allowed: Iterable[str] = (), *, passes_own: bool = False) -> None:
        self._served = tuple(served)
        self._allowed = tuple(allowed)
        self._passes_own = passes_own

    def open(self, connection: Connection, data: bytes, host: str = "") -> tuple[bytes, str] | None:
        """Serve a client that asks for a tunnel; return its first bytes in one to the double, and the host it names.

        Args:
            connection: the client's connection.
            data: its first bytes.
            host: where its tunnel leads already; empty: it has none.
        """
        if (found := _asked(connection, data)) is None:
            return None
        http, data = found
        passage = Passage("", 0, 400, _NESTED.format(host)) if host else self._passage(http, connection.sock)
        if passage.problem:
            _refuse(connection, http, passage.status, passage.problem)
        elif passage.is_passed_on:
            _pass_on(connection, http, passage, data)
        else:
            connection.send(ESTABLISHED)
            if data := data or connection.receive():
                return data, passage.host
        return None

    def _passage(self, http: HttpRequest, sock: socket.socket) -> Passage:
        """Return what becomes of a CONNECT."""
        target = http.path
        found = _TARGET.fullmatch(target)
        if http.problem:
            return Passage("", 0, http.problem_status, http.problem)
        if found is None or int(found[2]) not in _PORTS:
            return Passage("", 0, 400, _INVALID.format(target[:_SHOWN]))
        host, port = found[1].lower().strip("[]").removesuffix("."), int(found[2])
        if is_one_of(host, self._served) or (port == sock.getsockname()[1] and is_this_machine(host)):
            return Passage(host, port) if certificates() else Passage(host, port, 501, MISSING)
        if is_one_of(host, self._allowed) or (self._passes_own and is_own_socket(sock.getpeername())):
            return Passage(host, port, is_passed_on=True)
        return Passage(host, port, 403, (_OTHER if self._served else _UNSERVED).format(host[:_SHOWN], host[:_SHOWN]))


def certificates() -> Callable[[str, bool], str] | None:
    """Return what makes the files of certificates for clients; None: the extra `grpc` is not installed."""
    try:
        from pytest_ycimages.server.tls import ca_bundle  # noqa: PLC0415 - only for tunnels
    except ModuleNotFoundError:
        return None
    return ca_bundle


def _asked(connection: Connection, data: bytes) -> tuple[HttpRequest, bytes] | None:
    """Return the CONNECT that begins with `data`, and the bytes after its head; None: the client has gone.

    Args:
        connection: the connection.
        data: its bytes so far.
    """
    reader = RequestReader(connection.number)
    while not (requests := reader.feed(data)):
        if not (data := connection.receive()):
            return None
    return requests[0], reader.tunnelled or b""


def _refuse(connection: Connection, http: HttpRequest, status: int, problem: str) -> None:
    """Refuse a CONNECT with words for its user, in the reason phrase too, as clients show nothing else."""
    wire = Status(code=_CODES.get(status, Code.INVALID_ARGUMENT), message=problem).to_wire()
    reply = HttpReply(status, (("content-type", "application/json"),), json_bytes(wire))
    head, body = encoded(reply, http._replace(method="CONNECT", keep_alive=False))
    phrase = problem.encode("ascii", "backslashreplace")
    connection.send(b"HTTP/1.1 %d %b\r\n%b%b" % (status, phrase, head.partition(b"\r\n")[2], body))
    connection.let_read()


def _pass_on(connection: Connection, http: HttpRequest, passage: Passage, data: bytes) -> None:
    """Connect to a host, and pass bytes on in both directions until both sides are done.

    Args:
        connection: the client's connection.
        http: its request.
        passage: where to.
        data: what the client has sent already.
    """
    connection.phase = Phase.WAITING  # for a host that no virtual time moves
    try:
        upstream = _connected(passage.host, passage.port)
    except (OSError, YCImagesError) as error:
        connection.phase = Phase.DECIDING
        status = 502 if isinstance(error, OSError) else 403
        _refuse(connection, http, status, f"No tunnel to {passage.host}:{passage.port}: {error}")
        return
    with upstream:
        connection.send(ESTABLISHED)
        _relay(connection.sock, upstream, data)


def _connected(host: str, port: int) -> socket.socket:
    """Return a connection to a host, through the proxy of the environment if there is one.

    Raises:
        OSError: it was refused.
        NetworkRefusedError: a cassette is replayed.
    """
    proxy = urlsplit(outside_proxies().get("https", ""))
    if not proxy.hostname or is_direct(f"{host}:{port}"):
        return socket.create_connection((host, port), _PATIENCE)
    sock = socket.create_connection((proxy.hostname, proxy.port or 80), _PATIENCE)
    user = unquote(proxy.netloc.rpartition("@")[0])
    basic = f"Proxy-Authorization: Basic {b64encode(user.encode()).decode()}\r\n" if user else ""
    sock.sendall(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n{basic}\r\n".encode())
    head = b""
    while not head.endswith(b"\r\n\r\n") and (byte := sock.recv(1)):  # what follows belongs to the tunnel
        head += byte
    line = head.partition(b"\r\n")[0]
    if not _OPENED.match(line):
        sock.close()
        raise OSError(f"the proxy {proxy.hostname} answers {line[:_SHOWN].decode('latin-1')!r}")
    return sock


def _relay(ours: socket.socket, theirs: socket.socket, data: bytes) -> None:
    """Pass bytes on until both sides have said that they send no more, or one has broken the connection."""
    there, back = _Half(ours, theirs, data), _Half(theirs, ours)
    for sock in (ours, theirs):
        sock.settimeout(0)
    while not (there.is_over and back.is_over):
        with selectors.DefaultSelector() as selector:
            for sock, reading, writing in ((ours, there, back), (theirs, back, there)):
                wanted = (selectors.EVENT_READ if reading.can_read else 0) | (
                    selectors.EVENT_WRITE if writing.held else 0
                )
                if wanted:
                    selector.register(sock, wanted, (reading, writing))
            for key, events in selector.select():
                reading, writing = key.data
                if events & selectors.EVENT_WRITE:
                    writing.write()
                if events & selectors.EVENT_READ:
                    reading.read()


class _Half:
    """One direction of a tunnel, which reads no more than it has written.

    Attributes:
        held: what is still to be written.
        is_over: whether its source sends no more, and all is written.
    """

    def __init__(self, source: socket.socket, target: socket.socket, held: bytes = b"") -> None:
        self._source, self._target = source, target
        self.held = held
        self.is_over = False

    @property
    def can_read(self) -> bool:
        """Whether the next bytes may be read."""
        return not self.held and not self.is_over

    def write(self) -> None:
        self.held = self.held[self._target.send(self.held) :]

    def read(self) -> None:
        self.held = self._source.recv(_RECEIVE)
        if not self.held:
            self.is_over = True
            self._target.shutdown(socket.SHUT_WR)
