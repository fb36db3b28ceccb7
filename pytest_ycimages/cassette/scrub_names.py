"""Which fields, parameters and headers hold a secret, by their names. What they hold does not matter here.

A name is looked at without its case, without what joins its words and without a number behind it: `iamToken`,
`iam_token`, `IAM-Token` and `iam_token[0]` are one.
"""

from __future__ import annotations

from functools import lru_cache
from string import digits
from typing import Final

TOKEN_FIELDS: Final = frozenset({"iamtoken", "accesstoken"})
"""Fields whose value is an IAM token: of the token service, and of the metadata service."""

EXPIRY_FIELDS: Final = frozenset({"expiresat"})

_EXACT: Final = frozenset({"auth", "awsaccesskeyid", "hmac", "pass", "sig", "sid", "xamzdate"})
_ENDINGS: Final = (
    "accesskey",
    "accesskeyid",
    "apikey",
    "assertion",
    "authorization",
    "authkey",
    "cookie",
    "credential",
    "credentials",
    "jwt",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "pwd",
    "secret",
    "secretkey",
    "sessionid",
    "signature",
    "signingkey",
    "token",
)
_HARMLESS: Final = ("pagetoken",)
"""Names that end like a secret's and hold none: where the next page of a list begins."""

_CREDENTIALS: Final = (
    "accesskey",
    "accesstoken",
    "apikey",
    "apitoken",
    "assertion",
    "authkey",
    "authtoken",
    "iamtoken",
    "idtoken",
    "jwt",
    "oauthtoken",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "pwd",
    "refreshtoken",
    "secret",
    "secretkey",
    "securitytoken",
    "sessiontoken",
    "signature",
    "signingkey",
)


@lru_cache(maxsize=4096)
def plain(name: str) -> str:
    """A name without its case and without what joins its words."""
    return "".join(filter(str.isalnum, name)).lower()


@lru_cache(maxsize=4096)
def is_secret(name: str) -> bool:
    """Whether what has this name is a secret."""
    flat = plain(name).rstrip(digits)
    return flat in _EXACT or (flat.endswith(_ENDINGS) and not flat.endswith(_HARMLESS))


@lru_cache(maxsize=4096)
def is_credential(name: str) -> bool:
    """Whether it is one that opens something, so that it is to be removed wherever else it appears.

    Fewer names than those of secrets: a label `token: ubuntu-2404` is scrubbed, and its value stays known elsewhere.
    """
    flat = plain(name).rstrip(digits)
    return flat.endswith(_CREDENTIALS)
