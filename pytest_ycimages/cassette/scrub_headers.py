"""Which headers a cassette keeps. One that is not named here is left out, whatever it holds.

Left out are, among others, cookies, keys in headers of their own, traces of other systems, and what belongs to the
connection or to the length of the body, which whoever replays an answer makes anew. `Authorization` is kept without
its credential, since whether a client sent one is part of what happened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_ycimages.cassette.credentials import SCHEMES, credentials_in_authorization
from pytest_ycimages.cassette.placeholders import SCRUBBED
from pytest_ycimages.cassette.scrub_names import is_credential

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_ycimages.cassette.interaction import Headers

_OF_BOTH: Final = frozenset(
    {
        "cache-control",
        "content-encoding",  # goes when the body is decoded
        "content-language",
        "content-type",
        "metadata-flavor",
        "x-client-request-id",
        "x-client-trace-id",
        "x-request-id",
    }
)
HEAD_HEADERS: Final = frozenset({"content-length"})
"""Of answers to HEAD besides: there it is not the length of their own body, so nobody can make it anew."""
REQUEST_HEADERS: Final = _OF_BOTH | {
    "accept",
    "accept-language",
    "authorization",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "user-agent",
    "x-http-method-override",
    "x-retry-attempt",
}
RESPONSE_HEADERS: Final = _OF_BOTH | {
    "allow",
    "date",
    "etag",
    "expires",
    "grpc-message",
    "grpc-status",
    "last-modified",
    "location",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "retry-after",
    "server",
    "vary",
    "www-authenticate",
    "x-operation-poll-interval",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-server-trace-id",
}
_COOKIES: Final = frozenset({"cookie", "set-cookie"})
_CREDENTIAL_HEADERS: Final = ("authorization", "-api-key", "-token", "subjecttoken")
_NAMES_OF_REQUESTS: Final = ("client-token", "idempotency-token", "page-token", "request-token")
"""Headers that end like those of credentials, and tell one request from another."""
_COOKIE_SIZE: Final = 16
"""Shorter values of cookies, such as a language, are no secret that should be removed elsewhere."""


def kept(headers: Headers, names: frozenset[str]) -> Iterator[tuple[str, str]]:
    """The headers of these names, the credential of `authorization` replaced."""
    for name, value in headers:
        if name == "authorization":
            yield name, _without_credential(value)
        elif name in names:
            yield name, value


def credentials_in(headers: Iterable[tuple[str, str]]) -> Iterator[str]:
    """The credentials in headers, each as it may appear elsewhere."""
    for name, value in headers:
        if name in _COOKIES:
            yield from (text for text in _cookie_values(value) if len(text) >= _COOKIE_SIZE)
        elif not name.endswith(_NAMES_OF_REQUESTS) and (name.endswith(_CREDENTIAL_HEADERS) or is_credential(name)):
            yield from credentials_in_authorization(value)


def _without_credential(value: str) -> str:
    scheme = (*value.split(None, 1), "")[0]
    return f"{scheme} {SCRUBBED}" if scheme.lower() in SCHEMES else SCRUBBED


def _cookie_values(value: str) -> Iterator[str]:
    for part in value.split(";"):
        yield part.partition("=")[2].strip().strip('"')
