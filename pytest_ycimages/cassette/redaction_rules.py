"""Rules of redaction: the headers that a cassette keeps, and the settings `scrub` and `keep`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_ycimages.cassette.secret_shapes import plain
from pytest_ycimages.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

_OF_BOTH: Final = frozenset(
    {
        "cache-control",
        "content-encoding",  # removed when the body is decoded
        "content-language",
        "content-type",
        "metadata-flavor",
        "x-client-request-id",
        "x-client-trace-id",
        "x-request-id",
    }
)
REQUEST_HEADERS: Final = _OF_BOTH | {
    *("accept", "accept-language", "authorization", "idempotency-key", "if-match", "if-none-match", "user-agent"),
    *("x-http-method-override", "x-retry-attempt"),
}
RESPONSE_HEADERS: Final = _OF_BOTH | {
    *("allow", "date", "etag", "expires", "grpc-message", "grpc-status", "last-modified", "location"),
    *("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "retry-after", "server", "vary", "www-authenticate"),
    *("x-operation-poll-interval", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"),
    *("x-server-trace-id",),
}
HEAD_HEADERS: Final = frozenset({"content-length"})
"""Kept in responses to HEAD only: there the length is not that of the response's own body."""


class RedactionRules(NamedTuple):
    """Rules of the user, beyond the contract.

    Attributes:
        fields: names of further fields to redact, in the form of `plain`.
        patterns: further shapes of secrets, redacted in every text.
        headers: names, in lower case, of further headers to keep.
        allowed: expressions for text that looks like a secret and is harmless; the detector accepts it.
        keep: names of fields beyond the contract whose values stay, in the form of `plain`.
    """

    fields: frozenset[str] = frozenset()
    patterns: tuple[re.Pattern[str], ...] = ()
    headers: frozenset[str] = frozenset()
    allowed: tuple[str, ...] = ()
    keep: frozenset[str] = frozenset()


NO_RULES: Final = RedactionRules()
_PATTERN, _ALLOWED = "re:", "allow:"
_FIELD_NAME: Final = re.compile(r"[A-Za-z0-9_.-]+")
_EXAMPLE: Final = 'scrub=("ticket", "re:tkt-[0-9a-f]{32}")'


def redaction_rules(
    scrub: str | Iterable[str] = (), keep_headers: Iterable[str] = (), keep: str | Iterable[str] = ()
) -> RedactionRules:
    """Parse the settings `scrub` and `keep`.

    Args:
        scrub: names such as `ticket`, which also means `Ticket` but not `my_ticket`; shapes such as
            `re:tkt-[0-9a-f]{32}`; and `allow:[0-9a-f]{64}` for text that only looks like a secret.
        keep_headers: names of headers to keep.
        keep: names of fields beyond the contract whose values stay.

    Raises:
        UsageError: a name or an expression is invalid, or an expression matches the empty text.
    """
    words = (scrub,) if isinstance(scrub, str) else tuple(scrub)
    kept = (keep,) if isinstance(keep, str) else tuple(keep)
    return RedactionRules(
        fields=frozenset(_field(word) for word in words if not word.startswith((_PATTERN, _ALLOWED))),
        patterns=tuple(_pattern(word, _PATTERN) for word in words if word.startswith(_PATTERN)),
        headers=frozenset(name.lower() for name in keep_headers),
        allowed=tuple(_pattern(word, _ALLOWED).pattern for word in words if word.startswith(_ALLOWED)),
        keep=frozenset(map(_field, kept)),
    )


def _field(word: str) -> str:
    if not _FIELD_NAME.fullmatch(word):
        raise UsageError(f"invalid field name {word!r}: expected a name, or re: and an expression, such as {_EXAMPLE}")
    return plain(word)


def _pattern(word: str, prefix: str) -> re.Pattern[str]:
    text = word.removeprefix(prefix)
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise UsageError(f"invalid regular expression {text!r}: {error}. Write one such as in {_EXAMPLE}") from None
    if pattern.match(""):
        raise UsageError(f"invalid regular expression {text!r}: it matches the empty text, so it would match anywhere")
    return pattern
