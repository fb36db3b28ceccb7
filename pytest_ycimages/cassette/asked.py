"""What a recorded request asks, apart from how it is written: verb, host, path, query and JSON body.

Headers have no part in it, nor has the host of one of the API's services, or of this machine.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic_core import from_json

from pytest_ycimages.cassette.hosts import is_loopback, is_service, split_authority

if TYPE_CHECKING:
    from pytest_ycimages.cassette.interaction import RecordedRequest

_OPERATION: Final = re.compile(r"/operations/([^/:]+)(:cancel)?")
_IMAGE: Final = re.compile(r"/compute/v1/images/([^/:]+)")
_TOKENS: Final = re.compile(r"/iam/v1/tokens(:createForServiceAccount)?")
_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class Asked(NamedTuple):
    """What a request asks.

    Attributes:
        method: the verb, in capitals.
        host: the host and port addressed; empty for the API's own hosts and for loopback, which are all the same.
        path: the path, without escapes.
        query: names and values, sorted.
        body: the JSON value of the body; bytes if it is no JSON. No body asks the same as an empty object.
    """

    method: str
    host: str
    path: str
    query: tuple[tuple[str, str], ...]
    body: Any

    @property
    def operation_id(self) -> str:
        """The operation that the path names, else nothing."""
        found = _OPERATION.fullmatch(self.path)
        return found[1] if found else ""

    @property
    def image_id(self) -> str:
        """The image that the path names, and nothing behind it, else nothing."""
        found = _IMAGE.fullmatch(self.path)
        return found[1] if found else ""

    @property
    def is_token_exchange(self) -> bool:
        """Whether it asks for a token: such a body is never kept, so any two of them are alike."""
        return self.method == "POST" and _TOKENS.fullmatch(self.path) is not None

    @property
    def changes(self) -> bool:
        """Whether it asks for a change. A cancel does, though clients may spell it as a GET."""
        if self.method in _READING:
            return self.path.endswith(":cancel")
        return not self.is_token_exchange

    @property
    def line(self) -> str:
        """The request in one line for people, without its body."""
        query = "?" + "&".join(f"{name}={value}" for name, value in self.query) if self.query else ""
        return f"{self.method} {self.host}{self.path}{query}"


def asked_by(request: RecordedRequest) -> Asked:
    """What `request` asks."""
    address = urlsplit(request.uri)
    path = address.path or "/"
    query = tuple(sorted(parse_qsl(address.query, keep_blank_values=True))) if address.query else ()
    return Asked(
        request.method.upper(),
        _host(address.netloc),
        unquote(path) if "%" in path else path,
        query,
        json_value(request.body) if request.body else {},
    )


def json_value(body: bytes) -> Any:
    """A body as the JSON value that it is, else as the bytes that it is."""
    try:
        return from_json(body)
    except ValueError:
        return body


@lru_cache(maxsize=256)
def _host(netloc: str) -> str:
    authority = netloc.rpartition("@")[2].lower()
    host, _ = split_authority(authority)
    if is_service(host) or is_loopback(host):
        return ""
    return authority.removesuffix(":443").removesuffix(":80")
