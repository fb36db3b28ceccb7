"""TLS on a double's connections: a certificate authority of the process, and TLS without I/O.

The authority is made when it is first asked for. Its key never leaves the process.
"""

from __future__ import annotations

import atexit
import os
import ssl
import tempfile
import threading
from contextlib import suppress
from functools import cache, lru_cache
from pathlib import Path
from typing import Final, NamedTuple

import trustme

from pytest_ycimages.cloud.clock import unfrozen_datetimes
from pytest_ycimages.hosts import HOSTS, LOOPBACK

PROTOCOLS: Final = ("h2", "http/1.1")
"""The protocols that the double speaks over TLS, in the order of its preference."""
_BUNDLES: Final = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Where systems keep the certificates that they trust: Debian, Fedora, openSUSE; Alpine, macOS and BSD."""
_READ: Final = 64 * 2**10


_making: Final = threading.Lock()


def _authority() -> trustme.CA:
    with _making:  # threads that ask at once get the same
        return _make_authority()


@cache
def _make_authority() -> trustme.CA:
    with unfrozen_datetimes():
        return trustme.CA(organization_name="pytest-ycimages")


@cache
def root_certificates() -> bytes:
    """Return the certificate of the process's authority, in PEM form."""
    return _authority().cert_pem.bytes()


@cache
def ca_path() -> str:
    """Return the path of a file with the certificate of the authority. The file is removed when the process ends."""
    return _file_of(root_certificates())


@cache
def ca_bundle(own: str, with_system: bool) -> str:  # noqa: FBT001 - of a callable that the environment is made with
    """Return the path of a file with the certificate of the authority and those of another file.

    Args:
        own: the file; empty, missing or a folder: none.
        with_system: whether the certificates of the system take the place of a missing file.
    """
    others = [own, *((ssl.get_default_verify_paths().openssl_cafile, *_BUNDLES) if with_system else ())]
    found = next((Path(each) for each in others if each and Path(each).is_file()), None)
    return ca_path() if found is None else _file_of(root_certificates() + b"\n" + found.read_bytes())


def _file_of(certificates: bytes) -> str:
    descriptor, path = tempfile.mkstemp(prefix="ycimages-ca-", suffix=".pem")
    with os.fdopen(descriptor, "wb") as file:
        file.write(certificates)
    atexit.register(Path(path).unlink, missing_ok=True)
    return path


@lru_cache(maxsize=64)
def server_context(names: tuple[str, ...] = ()) -> ssl.SSLContext:
    """Return the server's side of TLS, with a certificate for loopback and for all host names of the service.

    Args:
        names: more names or addresses that clients use.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority = _authority()
    with unfrozen_datetimes():
        authority.issue_cert(*dict.fromkeys((*LOOPBACK, *HOSTS, *names))).configure_cert(context)
    context.set_alpn_protocols(list(PROTOCOLS))
    return context


def server_context_of(host: str) -> ssl.SSLContext:
    """Return the server's side of TLS for a host that a client asks for; empty: for those of every certificate."""
    parent = host.partition(".")[2]
    if not host or ":" in host or {host, f"*.{parent}"} & {*LOOPBACK, *HOSTS}:
        return server_context()
    try:
        return server_context((host,))
    except ValueError:  # a certificate cannot name it
        return server_context()


class Opened(NamedTuple):
    """What the client's bytes became.

    Attributes:
        plain: the bytes for the protocol above.
        answer: bytes to send to the client at once, such as those of the handshake.
        is_over: whether the client has ended TLS, or broken it.
    """

    plain: bytes
    answer: bytes
    is_over: bool


class TlsSession:
    """The server's side of TLS on one connection."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    @property
    def protocol(self) -> str:
        """The protocol that was agreed on by ALPN; `http/1.1` for a client that offered none."""
        return self._tls.selected_alpn_protocol() or "http/1.1"

    def receive(self, data: bytes) -> Opened:
        """Take bytes of the client."""
        self._incoming.write(data)
        parts: list[bytes] = []
        is_over = False
        try:
            while part := self._tls.read(_READ):  # which shakes hands first
                parts.append(part)
            is_over = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:
            is_over = True
        return Opened(b"".join(parts), self._outgoing.read(), is_over)

    def seal(self, plain: bytes | memoryview) -> bytes:
        """Return the bytes that carry `plain` to the client."""
        self._tls.write(plain)
        return self._outgoing.read()

    def close(self) -> bytes:
        """Return the bytes that tell the client that nothing follows."""
        with suppress(ssl.SSLError):  # the client's own farewell is not waited for
            self._tls.unwrap()
        return self._outgoing.read()
