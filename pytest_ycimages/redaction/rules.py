"""Rules of redaction: the contract's fields, the headers that a cassette keeps, and the settings `scrub` and `keep`."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, get_args, get_origin
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from pytest_ycimages.api.message import AnyMessage
from pytest_ycimages.api.methods import ANSWER_OF, CONTRACTS, ROUTES
from pytest_ycimages.api.status import OtherDetail, Status
from pytest_ycimages.errors import UsageError
from pytest_ycimages.redaction.shapes import is_secret, plain

if TYPE_CHECKING:
    from collections.abc import Iterable


class Fields:
    """The declared fields of a message.

    Attributes:
        names: field name, in both spellings -> the fields of its value.
        types: type URL -> the fields of a packed message of that type; of use where a value has `@type`.
        others: the fields of the values of all other names; None: such values are replaced.
    """

    __slots__ = ("names", "others", "types")

    def __init__(self, others: Fields | None = None) -> None:
        self.names: dict[str, Fields] = {}
        self.types: dict[str, Fields] = {}
        self.others = others


UNKNOWN: Final = Fields()
"""Values of fields that the contract does not declare. They are replaced, as all that follow are in other places."""
TEXT, SECRET, TOKEN, EXPIRY = Fields(), Fields(), Fields(), Fields()
"""Values that are not messages: texts and numbers, secrets, and what an exchange of tokens answers."""
KEPT: Final = Fields()
"""Values of any fields, which stay unless a name is telling."""
KEPT.others = KEPT


class Exchange(NamedTuple):
    """The declared fields of a request, in its body and its query, and of its response."""

    request: Fields
    response: Fields


def merged(*many: Fields) -> Fields:
    """Return the fields that any of `many` declares."""
    if all(each is many[0] for each in many):
        return many[0]
    found = Fields(next((each.others for each in many if each.others), None))
    for mine, theirs in [(found.names, each.names) for each in many] + [(found.types, each.types) for each in many]:
        mine |= {name: merged(mine.get(name, fields), fields) for name, fields in theirs.items()}
    return found


_METADATA: Final = re.compile(r"/computeMetadata/v1/instance/service-accounts/[^/]+/token")
"""The path of tokens on a machine in the cloud, which answers as the token service does."""
_TOKENS: Final = frozenset({"iamtoken", "accesstoken"})
"""Fields with an IAM token, in the form of `plain`: of the token service and of the metadata service."""
_OF_METADATA: Final = ("access_token", "expires_in", "token_type", "service_account_id", "serviceAccountId")


@lru_cache(maxsize=1024)
def fields_of(uri: str) -> Exchange | None:
    """Return the declared fields of an address; None for a path without a route."""
    try:
        path = unquote(urlsplit(uri).path)
    except ValueError:
        return None
    if _METADATA.fullmatch(path):
        return _exchange(("tokens.create",), is_metadata=True)
    return next((_exchange(methods) for pattern, methods in _routes() if pattern.fullmatch(path)), None)


@cache
def _routes() -> tuple[tuple[re.Pattern[str], tuple[str, ...]], ...]:
    """Return the paths of the service, each with its methods; an id has no verb behind a colon."""
    methods: dict[str, list[str]] = {}
    for _, path, method in ROUTES:
        methods.setdefault(re.sub(r"<\w+>", "[^/:]+", path), []).append(method)
    return tuple((re.compile(path), tuple(dict.fromkeys(found))) for path, found in methods.items())


@cache
def _exchange(methods: tuple[str, ...], *, is_metadata: bool = False) -> Exchange:
    requests = (contract.requests[method] for contract in CONTRACTS.values() for method in methods if not is_metadata)
    request = merged(Fields(), *map(fields_of_model, requests))
    response = merged(Fields(), fields_of_model(Status), *(fields_of_model(ANSWER_OF[method]) for method in methods))
    if any(method.startswith("tokens.") for method in methods):
        names = {name: _leaf(name) for name in _OF_METADATA}
        response.names |= names
        request.names |= names
    return Exchange(request, response)


@cache
def fields_of_model(model: type[BaseModel]) -> Fields:
    """Return the declared fields of one message."""
    fields = Fields()
    for name, info in model.model_fields.items():
        inner = _of_type(info.annotation, _leaf(name))
        for spelling in {name, to_camel(name), info.alias or name}:
            fields.names[spelling] = inner
    fields.names["@type"] = TEXT
    return fields


def _of_type(annotation: Any, leaf: Fields) -> Fields:
    """Return the fields of a value: of a message, a list, a map, or a union of these."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _of_message(annotation)
    if get_origin(annotation) is dict:
        return Fields(others=TEXT)
    arguments = [each for each in get_args(annotation) if each is not Ellipsis and not isinstance(each, str)]
    messages = [fields for each in arguments if (fields := _of_type(each, leaf)) is not leaf]
    return merged(*messages) if messages else leaf


def _of_message(model: type[BaseModel]) -> Fields:
    """Return the fields of a message; those of a packed one under its type URL."""
    if model is OtherDetail:
        return UNKNOWN
    own = fields_of_model(model)
    if not issubclass(model, AnyMessage):
        return own
    packed = Fields()
    packed.names, packed.types[model.type_url] = own.names, own
    return packed


def _leaf(name: str) -> Fields:
    if plain(name) in _TOKENS:
        return TOKEN
    if plain(name) == "expiresat":
        return EXPIRY
    return SECRET if is_secret(name) else TEXT


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
    """Rules beyond the contract, the token formats and the telling names.

    Attributes:
        known: finds known credentials; None for none.
        fields: names of further fields to redact, in the form of `plain`.
        patterns: further shapes of secrets, redacted in every text.
        headers: names, in lower case, of further headers to keep.
        allowed: expressions for text that looks like a secret and is harmless; the detector accepts it.
        keep: names of fields beyond the contract whose values stay, in the form of `plain`.
    """

    known: re.Pattern[str] | None = None
    fields: frozenset[str] = frozenset()
    patterns: tuple[re.Pattern[str], ...] = ()
    headers: frozenset[str] = frozenset()
    allowed: tuple[str, ...] = ()
    keep: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        """Show no known credential."""
        return "<RedactionRules>"


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
