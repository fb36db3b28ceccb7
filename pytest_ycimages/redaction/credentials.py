"""Credentials in messages, and finding known credentials in every way of writing them."""

from __future__ import annotations

import base64
import binascii
import json
import re
from contextlib import suppress
from functools import lru_cache
from html import escape, unescape
from itertools import islice
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote, unquote_plus

from pytest_ycimages.redaction.shapes import ELEMENT, FORM_PART, PLACEHOLDERS, SCRUBBED, is_credential, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

SHORTEST: Final = 8
"""Characters that a credential has to have to be removed wherever it occurs. Removing `test` would break every text."""

_SCHEMES: Final = frozenset({"api-key", "aws4-hmac-sha256", "basic", "bearer", "digest", "oauth"})
_SKIPPED: Final = (0, 2, 3)
"""Characters of base64 that are about the bytes before, when there are none, one or two of them."""
_COOKIES: Final = frozenset({"cookie", "set-cookie"})
_CREDENTIAL_HEADERS: Final = ("authorization", "-api-key", "-token", "subjecttoken")
_BINARY: Final = "-bin"
"""The end of names of metadata whose values are bytes, in base64."""
_NAMES_OF_REQUESTS: Final = ("client-token", "idempotency-token", "page-token", "request-token")
"""Headers that end like those of credentials, and tell one request from another."""
_COOKIE_SIZE: Final = 16
_PART: Final = re.compile(r"""([\w-]{1,64}+)[ \t]*+=[ \t]*+("[^"]*+"|[^\s,;"]++)""")
_BETWEEN: Final = re.compile(r"[\s,;]+")
_HARMLESS: Final = frozenset(
    {
        *("algorithm", "charset", "created", "credentialscope", "domain", "expires", "headers", "host", "method", "nc"),
        *("oauthsignaturemethod", "oauthtimestamp", "oauthversion", "qop", "realm", "scope", "signedheaders"),
        *("timestamp", "ts", "type", "uri", "url", "user", "userhash", "username", "version"),
    }
)
"""Parts of an `Authorization` that describe how a request was signed, and hold no secret."""
_PARAMETER: Final = re.compile(r"(?:^|[?&])(?P<name>[^?&=]++)=(?P<value>[^&#]++)")
_NAMED_VALUES: Final = ((_PARAMETER, unquote_plus), (FORM_PART, str), (ELEMENT, unescape))
_MOST: Final = 1000
"""Values that are read from one body."""


def worth_knowing(texts: Iterable[str]) -> frozenset[str]:
    """Return those texts that are long enough and no placeholders."""
    found = [text for each in texts if len(text := each.strip()) >= SHORTEST and not is_placeholder(text)]
    return frozenset(found)


def is_placeholder(text: str) -> bool:
    """Return whether a text is a part of a placeholder or contains one."""
    return SCRUBBED in text or any(text in each for each in PLACEHOLDERS)


def pattern_of(known: frozenset[str]) -> re.Pattern[str] | None:
    """Return a pattern for each of `known` in each way of writing it; None for nothing."""
    forms = {form for text in known for form in _forms(text)}
    if not forms:
        return None
    return re.compile("|".join(map(re.escape, sorted(forms, key=lambda form: (-len(form), form)))))


@lru_cache(maxsize=1024)
def plain_forms(text: str) -> tuple[str, ...]:
    """Return the spellings of a credential that no decoding takes away: plain, as in a form, and as in markup."""
    return tuple(dict.fromkeys((text, text.replace(" ", "+"), escape(text, quote=False), escape(text))))


def _forms(text: str) -> Iterator[str]:
    yield from plain_forms(text)
    yield quote(text, safe="", errors="surrogatepass")
    for ascii_only in (True, False):
        escaped = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        yield escaped
        yield escaped.replace("/", r"\/")
    data = text.encode("utf-8", "surrogatepass")
    for before, skipped in enumerate(_SKIPPED):
        encoded = base64.b64encode(bytes(before) + data).decode()[skipped : (before + len(data)) * 8 // 6]
        yield encoded
        yield encoded.translate(str.maketrans("+/", "-_"))


def without_credential(value: str) -> str:
    """Return an `Authorization` with its scheme only."""
    scheme = (*value.split(None, 1), "")[0]
    return f"{scheme} {SCRUBBED}" if scheme.lower() in _SCHEMES else SCRUBBED


def credentials_in_headers(headers: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Return the credentials in headers that are worth knowing, each as it may occur elsewhere."""
    found: frozenset[str] = frozenset()
    for each, sent in headers:
        name, value = _plain_metadata(each, sent) if each.endswith(_BINARY) else (each, sent)
        if name in _COOKIES:
            parts = (part.partition("=")[2].strip().strip('"') for part in value.split(";"))
            found |= worth_knowing(text for text in parts if len(text) >= _COOKIE_SIZE)
        elif not name.endswith(_NAMES_OF_REQUESTS) and (name.endswith(_CREDENTIAL_HEADERS) or is_credential(name)):
            found |= _in_authorization(value)
    return found


def _plain_metadata(name: str, value: str) -> tuple[str, str]:
    """Return metadata of gRPC whose value is in base64 as if it were text."""
    with suppress(ValueError):  # it is not base64 after all
        value = base64.b64decode(value + "=" * (-len(value) % 4)).decode("utf-8", "replace")
    return name.removesuffix(_BINARY), value


@lru_cache(maxsize=256)  # a client sends the same one with each request
def _in_authorization(value: str) -> frozenset[str]:
    """Return what may be secret in an `Authorization`: the whole, what follows the scheme, and each part of it."""
    return worth_knowing(_parts_of(value))


def _parts_of(value: str) -> Iterator[str]:
    """Yield the parts of a credential.

    One without a scheme is the whole value. One word before others is taken for their scheme, unless it has both small
    letters and digits, as a token has and no known scheme.
    """
    scheme, rest = (*value.split(None, 1), "", "")[:2]
    if scheme.lower() not in _SCHEMES:
        yield value
        if any(map(str.islower, scheme)) and any(map(str.isdigit, scheme)):
            yield scheme
    yield rest
    yield rest.rstrip("=")
    for name, part in _PART.findall(rest):
        if plain(name) not in _HARMLESS and not part.startswith("/"):
            yield part.strip('"')
    for word in _BETWEEN.split(_PART.sub("", rest)):
        yield word.strip('"')
        yield word.partition(":")[2]
    if scheme.lower() == "basic":
        try:
            yield base64.b64decode(rest.strip(), validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return


def user_of(user: str) -> tuple[str, str]:
    """Return name and password before the host of an address, together and the password alone."""
    name = user.removesuffix("@")
    return name, unquote(name.partition(":")[2])


def credentials_in_text(text: str) -> list[str]:
    """Return values with the name of a credential in a text: of JSON, a form, a multipart form, or markup."""
    if len(text) < SHORTEST:
        return []
    if text.lstrip("\ufeff \t\r\n")[:1] in {"{", "["}:
        try:
            return list(_in_json(json.loads(text.lstrip("\ufeff"))))
        except (ValueError, RecursionError):
            pass
    return [each for pattern, read in _NAMED_VALUES for each in _named_in(text, pattern, read)]


def _named_in(text: str, pattern: re.Pattern[str], read: Callable[[str], str]) -> Iterator[str]:
    if pattern is _PARAMETER and " " in text.strip():
        return
    for match in islice(pattern.finditer(text), _MOST):
        value = read(match["value"])
        if is_credential(unquote_plus(match["name"])):
            yield value.strip().removesuffix("]]>")
        elif value[:1] in {"{", "["}:
            yield from credentials_in_text(value)


def _in_json(value: Any, name: str = "") -> Iterator[str]:
    match value:
        case dict():
            for key, each in value.items():
                yield from _in_json(each, key)
        case list():
            for each in value:
                yield from _in_json(each, name)
        case str() if name and is_credential(name):
            yield value
        case str() if value[:1] in {"{", "["}:
            yield from credentials_in_text(value)
