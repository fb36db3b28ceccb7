"""Which headers a cassette keeps. One that is not named here is left out, whatever it holds.

Left out are, among others, cookies, keys in headers of their own, traces of other systems, and what belongs to the
connection or to the length of the body, which whoever replays an answer makes anew. `Authorization` is kept without
its credential, since whether a client sent one is part of what happened.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final

from pytest_ycimages.cassette.placeholders import SCRUBBED

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
_SCHEMES: Final = frozenset({"api-key", "aws4-hmac-sha256", "basic", "bearer", "digest", "oauth"})
_CREDENTIAL_HEADERS: Final = frozenset({"authorization", "proxy-authorization"})
_COOKIES: Final = frozenset({"cookie", "set-cookie"})
_KEY_HEADERS: Final = ("-api-key", "-auth-token", "-security-token", "subjecttoken", "-subject-token", "-access-token")
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
        if name in _CREDENTIAL_HEADERS:
            yield from _credentials_of(value)
        elif name in _COOKIES:
            yield from (text for text in _cookie_values(value) if len(text) >= _COOKIE_SIZE)
        elif name.endswith(_KEY_HEADERS):
            yield value


def _without_credential(value: str) -> str:
    scheme = value.partition(" ")[0]
    return f"{scheme} {SCRUBBED}" if scheme.lower() in _SCHEMES else SCRUBBED


def _credentials_of(value: str) -> Iterator[str]:
    scheme, _, rest = value.strip().partition(" ")
    if scheme.lower() not in _SCHEMES:
        yield value
        return
    yield rest.strip()
    if scheme.lower() == "basic":
        try:
            yield base64.b64decode(rest, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return


def _cookie_values(value: str) -> Iterator[str]:
    for part in value.split(";"):
        yield part.partition("=")[2].strip().strip('"')
