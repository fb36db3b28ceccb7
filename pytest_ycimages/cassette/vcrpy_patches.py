"""vcrpy's patches of HTTP clients, with a callable behind them instead of vcrpy's cassette.

vcrpy records and replays nothing here. Its cassette only passes the requests of the patched clients.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import contextmanager, nullcontext
from http.client import HTTPSConnection
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final
from unittest import mock
from urllib.parse import urlsplit

import vcr.patch
from vcr.cassette import Cassette
from vcr.stubs import VCRConnection

from pytest_ycimages.cassette.model import RecordedRequest, RecordedResponse
from pytest_ycimages.hosts import is_loopback

if TYPE_CHECKING:
    from collections.abc import Generator

    from vcr.request import Request

Answer = Callable[[RecordedRequest], RecordedResponse]


@contextmanager
def vcrpy_patched(answer: Answer) -> Generator[None]:
    """Route every HTTP client in the process to `answer`, whatever host it calls, while the context lasts.

    Requests to this machine are not routed. vcrpy itself takes its patches off the whole process for moments, in which
    the requests of other threads would escape. Here they stay.
    """
    with (
        mock.patch.object(VCRConnection, "__init__", _connection_made),
        mock.patch.object(vcr.patch, "force_reset", nullcontext),
        _Cassette.use(path="", custom_patches=(), answer=answer),
    ):
        yield


_reset: Final = vcr.patch.force_reset
_resetting: Final = threading.RLock()


def _connection_made(self: Any, *args: Any, **options: Any) -> None:
    """Make the client's own connection beside that of vcrpy, without taking patches off."""
    options.pop("strict", None)
    real = self._baseclass
    is_bound = not real.__module__.startswith("httplib2")  # which looks its classes up by their patched names
    with nullcontext() if is_bound else _resetting, nullcontext() if is_bound else _reset():
        self.real_connection = (_HTTPSConnection if real is HTTPSConnection else real)(*args, **options)
    self._sock = None


class _HTTPSConnection(HTTPSConnection):
    """A connection of http.client whose `__init__` does not look up its own class, which is patched, by name."""

    __init__ = FunctionType(  # a copy of the same function
        HTTPSConnection.__init__.__code__,
        {**HTTPSConnection.__init__.__globals__, "HTTPSConnection": HTTPSConnection},
        "__init__",
        HTTPSConnection.__init__.__defaults__,
        HTTPSConnection.__init__.__closure__,
    )
    __init__.__kwdefaults__ = HTTPSConnection.__init__.__kwdefaults__


class _Cassette(Cassette):  # type: ignore[misc] # vcrpy has no types
    """The cassette that vcrpy's stubs call."""

    def __init__(self, *, answer: Answer, **settings: Any) -> None:
        super().__init__(**settings)
        self._answer = answer

    def _load(self) -> None:
        """Load nothing."""

    def _save(self, force: bool = False) -> None:  # noqa: FBT001, FBT002 - vcrpy's own signature
        """Save nothing."""

    @property
    def write_protected(self) -> bool:
        """Whether a client may not connect before its request is known: true, so that no name is looked up in vain.

        A request that is not played here goes to this machine, as `filter_request` drops it.
        """
        return True

    def filter_request(self, request: Request) -> Request | None:
        """Return the request, if it is played."""
        return request if self.can_play_response_for(request) else None

    def can_play_response_for(self, request: Request) -> bool:
        """Return whether the request goes to another machine."""
        return not is_loopback(urlsplit(request.uri).hostname or "")

    def append(self, request: Request, response: Any) -> None:
        """Keep nothing of what this machine answered."""

    def play_response(self, request: Request) -> dict[str, Any]:
        """Return the answer in vcrpy's form."""
        answered = self._answer(RecordedRequest(request.method, request.uri, _headers(request), _body(request)))
        headers: dict[str, list[str]] = {}
        for name, value in answered.headers:
            headers.setdefault(name, []).append(value)
        return {
            "status": {"code": answered.status, "message": answered.reason},
            "headers": headers,
            "body": {"string": answered.body},
        }


def _headers(request: Request) -> tuple[tuple[str, str], ...]:
    """Return the headers, whatever form the client's stub has them in."""
    return tuple((str(name).lower(), _text(value)) for name, value in request.headers.items())


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return str(value)


def _body(request: Request) -> bytes:
    """Return the body as it would be sent. A `json` argument of aiohttp comes not serialized."""
    body: Any = request.body
    if isinstance(body, Mapping | list | tuple | int | float):
        return json.dumps(body).encode()
    return _joined(body.read() if hasattr(body, "read") else body)


def _joined(body: object) -> bytes:
    if body is None:
        return b""
    if isinstance(body, bytes | bytearray | memoryview):
        return bytes(body)
    if isinstance(body, Iterable) and not isinstance(body, str):
        return b"".join(map(_joined, body))
    return str(body).encode()
