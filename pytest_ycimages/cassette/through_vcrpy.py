"""vcrpy's own patches, and behind them not vcrpy's cassette but whatever answers: so every client that vcrpy knows.

vcrpy keeps nothing here, neither plays nor records. Its cassette has one job, to be asked by the patched clients.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from vcr.cassette import Cassette

from pytest_ycimages.cassette.model import RecordedRequest, RecordedResponse
from pytest_ycimages.cassette.requests import is_loopback

if TYPE_CHECKING:
    from collections.abc import Generator

    from vcr.request import Request

Answer = Callable[[RecordedRequest], RecordedResponse]


@contextmanager
def through_vcrpy(answer: Answer) -> Generator[None]:
    """Let `answer` answer the requests of this process's HTTP clients, whatever the host, while the context lasts.

    Requests to this machine go where they would go anyway.
    """
    with _Asked.use(path="", custom_patches=(), answer=answer):
        yield


class _Asked(Cassette):  # type: ignore[misc] # vcrpy has no types
    """What vcrpy's stubs ask."""

    def __init__(self, *, answer: Answer, **settings: Any) -> None:
        super().__init__(**settings)
        self._answer = answer

    def _load(self) -> None:
        """There is nothing to load."""

    def _save(self, force: bool = False) -> None:  # noqa: FBT001, FBT002 - vcrpy's own signature
        """There is nothing to save."""

    @property
    def write_protected(self) -> bool:
        """Whether nobody may connect before it is known what he asks: true, so that no name is looked up for nothing.

        What is not played here goes to this machine, for `filter_request` says that it is none of our business.
        """
        return True

    def filter_request(self, request: Request) -> Request | None:
        """The request, if it is played."""
        return request if self.can_play_response_for(request) else None

    def can_play_response_for(self, request: Request) -> bool:
        """Whether the request leads elsewhere than to this machine."""
        return not is_loopback(urlsplit(request.uri).hostname or "")

    def append(self, request: Request, response: Any) -> None:
        """What this machine answered is nothing to keep."""

    def play_response(self, request: Request) -> dict[str, Any]:
        """The answer, as vcrpy has it."""
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
    """The headers, whatever form the client's stub has them in."""
    return tuple((str(name).lower(), _text(value)) for name, value in request.headers.items())


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return str(value)


def _body(request: Request) -> bytes:
    """The body as it would be sent. What aiohttp was given as `json` comes unwritten."""
    body: Any = request.body
    if isinstance(body, Mapping | list | tuple | int | float):
        return json.dumps(body).encode()
    return _sent(body.read() if hasattr(body, "read") else body)


def _sent(body: object) -> bytes:
    if body is None:
        return b""
    if isinstance(body, bytes | bytearray | memoryview):
        return bytes(body)
    if isinstance(body, Iterable) and not isinstance(body, str):
        return b"".join(map(_sent, body))
    return str(body).encode()
