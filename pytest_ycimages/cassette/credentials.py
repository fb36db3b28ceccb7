"""What in an `Authorization` opens something, in each form in which it may appear elsewhere.

Whatever its scheme is: a credential that is remembered in vain does no harm, one that is not would stay.
"""

from __future__ import annotations

import base64
import binascii
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from pytest_ycimages.cassette.scrub_names import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMES: Final = frozenset({"api-key", "aws4-hmac-sha256", "basic", "bearer", "digest", "oauth"})
"""Those that are known to stand before a credential, and to be none."""

_PART: Final = re.compile(r"""([\w-]+)[ \t]*=[ \t]*("[^"]*"|[^\s,;"]+)""")
_BETWEEN: Final = re.compile(r"[\s,;]+")
_HARMLESS: Final = frozenset(
    {
        *("algorithm", "charset", "created", "credentialscope", "domain", "expires", "headers", "host", "method", "nc"),
        *("oauthsignaturemethod", "oauthtimestamp", "oauthversion", "qop", "realm", "scope", "signedheaders"),
        *("timestamp", "ts", "type", "uri", "url", "user", "userhash", "username", "version"),
    }
)
"""Parts that say how, where and by whom something was signed. Their texts are words that other texts need."""


@lru_cache(maxsize=256)  # a client sends the same one with each request
def credentials_in_authorization(value: str) -> frozenset[str]:
    """What may be secret in the value of an `Authorization`: the whole, what follows the scheme, and each part of it.

    A credential without a scheme is the whole value. One word before others is taken for their scheme, unless it has
    both small letters and digits, as a token has and no scheme that is known.
    """
    return frozenset(_in_authorization(value))


def _in_authorization(value: str) -> Iterator[str]:
    scheme, rest = (*value.split(None, 1), "", "")[:2]
    if scheme.lower() not in SCHEMES:
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
        yield from _password_in_basic(rest)


def _password_in_basic(rest: str) -> Iterator[str]:
    try:
        user = base64.b64decode(rest.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return
    yield user.partition(":")[2]
