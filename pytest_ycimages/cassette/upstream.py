"""Client for the service, or for a double in its place: the only module that connects to other machines.

It has a connection class of its own, which patches of HTTP clients, such as vcrpy's, do not reach.
"""

from __future__ import annotations

import json
import socket
import ssl
from contextlib import closing
from functools import cached_property
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

from pytest_ycimages.cassette.model import Origin, RecordedResponse
from pytest_ycimages.cassette.requests import is_service, split_authority
from pytest_ycimages.errors import UsageError

if TYPE_CHECKING:
    from pytest_ycimages.cassette.model import RecordedRequest

_CONNECT: Final = 10.0
"""Seconds to wait for a connection."""
_ANSWER: Final = 120.0
"""Seconds to wait for a part of a response."""

_OF_THE_HOP: Final = frozenset(
    {
        "accept-encoding", "connection", "content-length", "expect", "host", "keep-alive", "proxy-authorization",
        "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip
"""The headers of a request that are not forwarded. Responses are requested uncompressed, to be redacted."""

_STATE: Final = "/_ycimages/state"
"""The path that only a double serves."""


class UpstreamDouble(NamedTuple):
    """The description of a double in the place of the service: its contract, and a valid folder and token."""

    contract: str
    folder_id: str
    token: str


class Upstream:
    """The server to which requests are forwarded.

    Args:
        address: scheme and host that every request for the service goes to; None: to the service itself.
    """

    def __init__(self, address: str | None = None) -> None:
        self._address = address
        self._tls = ssl.create_default_context() if address is None or address.startswith("https:") else None

    @property
    def name(self) -> str:
        """Its name in texts."""
        return self._address or "the service itself"

    @property
    def origin(self) -> Origin:
        """The source of its answers: only the service's own names over TLS are the service."""
        parts = urlsplit(self._address or "https://api.cloud.yandex.net")
        if parts.scheme == "https" and is_service(parts.hostname or ""):
            return Origin.SERVICE
        return Origin.FAKE if self.double is not None else Origin.UNKNOWN

    @cached_property
    def double(self) -> UpstreamDouble | None:
        """Its description, if it is a double. The service itself is never asked.

        Raises:
            UsageError: it cannot be reached.
        """
        if self._address is None or is_service(urlsplit(self._address).hostname or ""):
            return None
        answer = self._sent("GET", self._address, _STATE, {}, b"")
        try:
            said: Any = json.loads(answer.body)
            return UpstreamDouble(str(said["settings"]["contract"]), str(said["folder_id"]), str(said["token"]))
        except (ValueError, KeyError, TypeError):
            return None

    def send(self, request: RecordedRequest) -> RecordedResponse:
        """Forward a client's request, not redacted, and return the response.

        Raises:
            UsageError: the upstream cannot be reached.
        """
        parts = urlsplit(request.uri)
        stands_in = self._address is not None and is_service(parts.hostname or "")
        origin = str(self._address) if stands_in else f"{parts.scheme}://{parts.netloc}"
        headers = {name: value for name, value in request.headers if name not in _OF_THE_HOP}
        target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        return self._sent(request.method, origin, target, headers, request.body)

    def _sent(self, verb: str, origin: str, target: str, headers: dict[str, str], body: bytes) -> RecordedResponse:
        tls = (self._tls or ssl.create_default_context()) if origin.startswith("https:") else None
        connection = _Connection(urlsplit(origin).netloc, tls)
        try:
            with closing(connection):
                connection.request(verb, target, body or None, {**headers, "accept-encoding": "identity"})
                answer = connection.getresponse()
                named = tuple((name.lower(), value) for name, value in answer.getheaders())
                return RecordedResponse(answer.status, answer.reason, named, answer.read())
        except (OSError, HTTPException) as error:
            path = target.partition("?")[0]  # without what may be secret
            raise UsageError(
                f"{verb} {path} cannot be passed on to {origin}: {type(error).__name__}: {error}. Is that the right "
                "upstream, and can it be reached? Set another with --ycimages-upstream or upstream=..."
            ) from error


class _Connection(HTTPConnection):
    """A connection that patches of HTTP clients do not redirect."""

    def __init__(self, authority: str, tls: ssl.SSLContext | None) -> None:
        self.default_port = 443 if tls else 80
        super().__init__(authority, timeout=_ANSWER)
        self._tls = tls
        self._name = split_authority(authority)[0]

    def connect(self) -> None:
        sock = socket.create_connection((self._name, self.port), _CONNECT)
        sock.settimeout(_ANSWER)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = self._tls.wrap_socket(sock, server_hostname=self._name) if self._tls else sock
