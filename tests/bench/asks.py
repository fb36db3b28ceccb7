"""What is asked of every subject, and the clients that ask it over a kept-alive connection.

Both clients set TCP_NODELAY by themselves, so that the head and the body of a POST, which http.client sends in
two segments, never wait for each other.
"""

from __future__ import annotations

from http.client import HTTPConnection
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

import urllib3

from .broken import BrokenError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_OK: Final = 200
_PATIENCE: Final = 10.0


class Ask(NamedTuple):
    """One request, ready to send."""

    verb: str
    path: str
    headers: Mapping[str, str]
    body: bytes | None = None


class Peer(NamedTuple):
    """A server that is running.

    Attributes:
        name: for people.
        work: what it does for an answer.
        host: where it listens.
        port: likewise.
        create: the request that creates.
        poll: the request that polls, given the answer to `create`.
        forget: drops what it has kept of the calls so far; the double keeps everything, as it does in a test.
    """

    name: str
    work: str
    host: str
    port: int
    create: Ask
    poll: Callable[[bytes], Ask]
    forget: Callable[[], object] = tuple


class Client(Protocol):
    """Asks one subject, and keeps the connection if the subject lets it."""

    def ask(self, ask: Ask) -> bytes:
        """Send `ask`, and read the whole answer.

        Raises:
            BrokenError: the answer is not 200.
        """

    def close(self) -> None:
        """Hang up."""


class StandardClient:
    """http.client, as the standard library has it."""

    def __init__(self, host: str, port: int) -> None:
        self._connection = HTTPConnection(host, port, timeout=_PATIENCE)

    def ask(self, ask: Ask) -> bytes:
        """Send `ask`, and read the whole answer."""
        self._connection.request(ask.verb, ask.path, ask.body, ask.headers)
        response = self._connection.getresponse()
        return _checked(ask, response.status, response.read())

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


class PoolClient:
    """urllib3, below requests and most SDKs."""

    def __init__(self, host: str, port: int) -> None:
        self._pool = urllib3.HTTPConnectionPool(host, port, maxsize=1, timeout=_PATIENCE, retries=False)

    def ask(self, ask: Ask) -> bytes:
        """Send `ask`, and read the whole answer."""
        response = self._pool.request(ask.verb, ask.path, body=ask.body, headers=ask.headers)
        return _checked(ask, response.status, response.data)

    def close(self) -> None:
        """Hang up."""
        self._pool.close()


CLIENTS: Final[Mapping[str, Callable[[str, int], Client]]] = {"http.client": StandardClient, "urllib3": PoolClient}


def _checked(ask: Ask, status: int, body: bytes) -> bytes:
    if status != _OK:
        raise BrokenError(f"{ask.verb} {ask.path} was answered {status}: {body[:300]!r}")
    return body
