"""Connections to an upstream: kept alive, over verified TLS, and through the proxy that the environment names.

The only module that sends requests to other machines. Its connection classes are its own, so that patches of HTTP
clients, such as vcrpy's, do not reach them. A credential becomes bytes here only, and an error leaves without the
frames that hold it.
"""

from __future__ import annotations

import logging
import re
import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit
from weakref import WeakSet

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.util import SKIP_HEADER, Timeout, make_headers

from pytest_ycimages.cassette.model import HEADER_BREAK, HEADER_NAME, RecordedResponse, with_body
from pytest_ycimages.errors import UsageError
from pytest_ycimages.hosts import is_loopback, split_site
from pytest_ycimages.network.environment import is_direct, original, outside_proxies
from pytest_ycimages.network.guard import own

if TYPE_CHECKING:
    from pytest_ycimages.cassette.credential import Credential
    from pytest_ycimages.cassette.model import RecordedRequest
    from pytest_ycimages.hosts import Site

_OF_THE_HOP: Final = frozenset(
    {
        "accept-encoding", "connection", "content-length", "expect", "host", "keep-alive", "proxy-authorization",
        "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip
"""The headers of a request that are not forwarded. Responses are requested uncompressed, to be redacted."""
_TIMEOUT: Final = Timeout(connect=10.0, read=120.0)
"""Seconds to wait for a connection, and for a part of a response."""
_KEPT: Final = 64
"""How many connections to one host are kept open between requests."""
_BUNDLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Variables that name more trusted certificates; OpenSSL itself reads SSL_CERT_FILE and SSL_CERT_DIR."""
_TUNNEL: Final = re.compile(r"Tunnel connection failed: (\d{3})")
_DEPTH: Final = 8
"""How many errors are looked into, each the cause of the one before."""


class Signed(NamedTuple):
    """A credential, and the text that it replaces in the header `authorization`."""

    credential: Credential
    stand_in: str


class Failure(NamedTuple):
    """Why a request has no response, without anything secret; and an interrupt or a time limit, without its frames."""

    reason: str
    interrupt: BaseException | None


class Transport:
    """Sends requests, over connections that are kept alive. Safe for threads."""

    def __init__(self) -> None:
        self._pools: dict[Site, tuple[urllib3.PoolManager, str]] = {}
        self._tls: ssl.SSLContext | None = None
        self._connections = WeakSet[_Direct]()
        self._closings = 0
        self._lock = threading.Lock()

    def exchange(
        self, site: Site, request: RecordedRequest, target: str, signed: Signed | None = None
    ) -> RecordedResponse | str:
        """Send a request to `site` and return the response, or why there is none.

        Redirects are not followed, and nothing is sent twice.

        Raises:
            UsageError: the proxy or the certificates that the environment names cannot be used.
            ConnectionAbortedError: the transport was closed meanwhile.
        """
        closings = self._closings
        pools, proxy = self._pools_to(site)
        own.connections = self._connections
        answered = _exchange(pools, f"{site}{target}", request, signed)
        if isinstance(answered, RecordedResponse):
            return answered
        if answered.interrupt is not None:
            raise answered.interrupt
        if self._closings != closings:
            raise ConnectionAbortedError("The double was closed while this call was on its way")
        return f"{answered.reason}{f' (through the proxy {proxy})' if proxy else ''}"

    def close(self) -> None:
        """Close the connections: requests that wait for a response fail at once. Later requests open others."""
        with self._lock:
            self._closings += 1
            for pools, _ in self._pools.values():
                pools.clear()
        for connection in list(self._connections):
            with suppress(OSError):
                if connection.sock is not None:
                    connection.sock.shutdown(socket.SHUT_RDWR)

    def _pools_to(self, site: Site) -> tuple[urllib3.PoolManager, str]:
        """Return the connections to a site, and the proxy on the way; empty for none."""
        with self._lock:
            if site not in self._pools:
                uses_tls = site.scheme == "https" or any(url.startswith("https:") for url in outside_proxies().values())
                if uses_tls and self._tls is None:
                    self._tls = _tls()
                pools = _pools_to(site, self._tls)
                if pools is None:
                    raise UsageError(
                        f"invalid {site.scheme.upper()}_PROXY: expected the address of an HTTP proxy, such as "
                        "http://proxy.example.net:3128 or http://user:password@proxy.example.net:3128, with special "
                        f"characters percent-encoded. To connect directly, add {site.host} to NO_PROXY"
                    )
                self._pools[site] = pools
            return self._pools[site]


def _tls() -> ssl.SSLContext:
    """Return the settings of TLS: verified, by the system's certificates and those that the environment names."""
    tls = ssl.create_default_context()
    for name in _BUNDLES:
        path = original(name)
        if path:
            try:
                tls.load_verify_locations(**{"capath" if Path(path).is_dir() else "cafile": path})
            except OSError as error:
                raise UsageError(
                    f"invalid {name}={path!r}: expected a file of certificates in PEM format, or a folder of such "
                    f"files: {error.strerror or type(error).__name__}"
                ) from None
    return tls


def _pools_to(site: Site, tls: ssl.SSLContext | None) -> tuple[urllib3.PoolManager, str] | None:
    """Return the connections to a site, and the proxy on the way; None: the proxy's address is invalid.

    No error is raised here: a traceback would show the proxy's password.
    """
    settings: dict[str, Any] = {"maxsize": _KEPT, "ssl_context": tls, "timeout": _TIMEOUT}
    proxies = outside_proxies()
    host = site.host.strip("[]")
    address = proxies.get(site.scheme) or proxies.get("all", "")
    try:
        if not address or is_loopback(host) or is_direct(f"{host}:{site.port}"):
            pools, name = urllib3.PoolManager(**settings), ""
        else:
            parts = urlsplit(address if "://" in address else f"http://{address}")
            proxy, _ = split_site(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}")
            if proxy is None or parts.path.strip("/") or parts.query or parts.fragment:
                return None
            user, password = unquote(parts.username or ""), unquote(parts.password or "")
            headers = make_headers(proxy_basic_auth=f"{user}:{password}") if user or password else None
            name = str(proxy)
            pools = urllib3.ProxyManager(name, proxy_headers=headers, proxy_ssl_context=tls, **settings)
    except (ValueError, HTTPError):
        return None
    pools.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
    return pools, name


def _exchange(
    pools: urllib3.PoolManager, url: str, request: RecordedRequest, signed: Signed | None
) -> RecordedResponse | Failure:
    """Send a request. No error is raised here: a traceback would show the credential."""
    own.sending = True
    try:
        headers: dict[str, str | bytes] = {name: value for name, value in request.headers if name not in _OF_THE_HOP}
        headers = {"user-agent": SKIP_HEADER, **headers, "accept-encoding": "identity"}
        if signed is not None and "authorization" in headers:
            headers["authorization"] = signed.credential.put_into(str(headers["authorization"]), signed.stand_in)
        options: dict[str, Any] = {"headers": headers, "retries": False, "decode_content": False}
        answer = pools.urlopen(request.method, url, redirect=False, body=request.body or None, **options)
        found = ((name.lower(), HEADER_BREAK.sub(" ", value)) for name, value in answer.headers.items())
        named = tuple(header for header in found if HEADER_NAME.fullmatch(header[0]))
        return _signed_off(RecordedResponse(answer.status, answer.reason or "", named, answer.data), signed)
    except BaseException as error:  # noqa: BLE001 - the caller raises it again, without its frames
        interrupt = None if isinstance(error, Exception) else error.with_traceback(None)
        return Failure(_reason(error), interrupt)
    finally:
        own.sending = False


def _signed_off(response: RecordedResponse, signed: Signed | None) -> RecordedResponse:
    """Return a response with the stand-in where the server has sent the credential back."""
    if signed is None:
        return response

    def out(text: str) -> str:
        return signed.credential.take_out(text.encode("latin-1", "replace"), signed.stand_in).decode("latin-1")

    headers = tuple((name, out(value)) for name, value in response.headers)
    body = signed.credential.take_out(response.body, signed.stand_in)
    clean = response._replace(reason=out(response.reason), headers=headers)
    return clean if body == response.body else with_body(clean, body)


def _reason(error: BaseException) -> str:
    """Return the root of an error in words, without what a server has sent: it may have sent the credential back."""
    for _ in range(_DEPTH):
        inner = next((arg for arg in (error.__cause__, *error.args) if isinstance(arg, BaseException)), None)
        if inner is None:
            break
        error = inner
    name = type(error).__name__
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"{name}: {error.verify_message}. If a certificate of your organisation signs it, name that: "
            "SSL_CERT_FILE=FILE or REQUESTS_CA_BUNDLE=FILE"
        )
    if isinstance(error, OSError):
        refused = _TUNNEL.search(str(error))
        if refused:
            return f"{name}: the proxy refused the tunnel with {refused[1]}"
        return f"{name}: {error.strerror}" if error.strerror else name
    return name


class _Direct:
    """What distinguishes the recorder's connections from those of the client that is recorded."""

    is_intercepted = False
    debuglevel = 0  # whatever is set for all of http.client's connections, which then print their headers

    _dns_host: str
    port: int
    timeout: Any
    sock: socket.socket | None

    def _new_conn(self) -> socket.socket:
        sock = socket.create_connection((self._dns_host, self.port), self.timeout)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        own.connections.add(self)
        return sock


class _HTTPPool(urllib3.HTTPConnectionPool):
    class ConnectionCls(_Direct, HTTPConnection):
        pass


class _HTTPSPool(urllib3.HTTPSConnectionPool):
    class ConnectionCls(_Direct, HTTPSConnection):
        pass


def _is_of_client(record: logging.LogRecord) -> bool:  # noqa: ARG001 - the signature of a filter
    """Return whether a log record is about a request that is not forwarded: queries may have secrets."""
    return not getattr(own, "sending", False)


for _name in ("connection", "connectionpool", "poolmanager", "response", "util.retry"):
    logging.getLogger(f"urllib3.{_name}").addFilter(_is_of_client)
