"""Shapes and names of secrets: token formats, names whose values are secrets, and the placeholders that replace them.

Redaction replaces what a shape finds; the detector refuses to save it. Every pattern takes linear time: a repetition
either consumes what it has read, is bounded, or stops at the character that its pattern begins with.
"""

from __future__ import annotations

import re
from functools import lru_cache
from string import digits
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

SCRUBBED: Final = "~SCRUBBED~"
"""Placeholder of a secret. It needs no escaping in JSON, URLs and headers, and a tilde is part of no token format."""

IAM_TOKEN: Final = f"t1.SCRUBBED.{('SCRUBBED' * 11)[:85]}A"
"""Placeholder of an IAM token in a response, in the format that clients check: 86 characters of base64url."""

EXPIRES_AT: Final = "2099-12-31T23:59:59Z"
"""Expiry of that token. With the recorded moment, a client that replays it would ask for a new token for ever."""

PLACEHOLDERS: Final = (IAM_TOKEN, SCRUBBED)

TOKEN_FIELDS: Final = frozenset({"iamtoken", "accesstoken"})
"""Fields with an IAM token, in the form of `plain`: of the token service and of the metadata service."""

_WHOLE_NAMES: Final = frozenset({"awsaccesskeyid", "hmac", "sid", "xamzdate"})
_LAST_WORDS: Final = frozenset(
    {"auth", "bearer", "creds", "csrf", "otp", "pass", "passcode", "pin", "psk", "pw", "sid", "sig"}
)
_CREDENTIALS: Final = (
    *("accesskey", "accesstoken", "apikey", "apitoken", "assertion", "authkey", "authtoken", "iamtoken", "idtoken"),
    *("jwt", "oauthtoken", "passphrase", "passwd", "password", "privatekey", "pwd", "refreshtoken", "secret"),
    *("secretkey", "securitytoken", "sessiontoken", "signature", "signingkey"),
)
_ENDINGS: Final = (
    *_CREDENTIALS,
    *("accesskeyid", "accountkey", "authorization", "clientkey", "codeverifier", "cookie", "cookies", "credential"),
    *("credentials", "devicecode", "encryptionkey", "hmackey", "keydata", "licensekey", "masterkey"),
    *("passwordconfirmation", "recoverycodes", "samlresponse", "sessid", "sessionid", "sharedkey", "sshkey"),
    *("tlskey", "token"),
)
_HARMLESS: Final = ("pagetoken",)
_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


@lru_cache(maxsize=4096)
def plain(name: str) -> str:
    """Return a name in lower case without separators, so that `iamToken`, `iam_token` and `IAM-Token` are one."""
    return "".join(filter(str.isalnum, name)).lower()


@lru_cache(maxsize=4096)
def is_secret(name: str) -> bool:
    """Return whether values of this name are secrets."""
    flat = plain(name).rstrip(digits)
    if flat in _WHOLE_NAMES or (flat.endswith(_ENDINGS) and not flat.endswith(_HARMLESS)):
        return True
    words = _WORD.findall(name)
    return bool(words) and words[-1].lower() in _LAST_WORDS


@lru_cache(maxsize=4096)
def is_credential(name: str) -> bool:
    """Return whether values of this name are credentials, to be redacted wherever they occur.

    Fewer names than `is_secret`: a label `token: ubuntu-2404` is redacted, and `ubuntu-2404` stays elsewhere.
    """
    return plain(name).rstrip(digits).endswith(_CREDENTIALS)


class Shape(NamedTuple):
    """A token format.

    Attributes:
        rule: its name in a refusal.
        hints: substrings of which every match contains one.
        pattern: the whole token; a group `scheme` is kept by redaction.
        accepts: confirms a match.
    """

    rule: str
    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    accepts: Callable[[re.Match[str]], object] = bool


_START: Final = r"(?<![A-Za-z0-9])"
_LONG_WORD: Final = 20
_LONG_BASIC: Final = 32
_CASE_CHANGE: Final = re.compile(r"[a-z0-9][A-Z]")


def _is_credential(match: re.Match[str]) -> bool:
    """Return whether the word behind `Bearer` is a credential and no word of a sentence."""
    word = match["word"]
    return len(word) >= _LONG_WORD or any(map(str.isdigit, word))


def _is_basic(match: re.Match[str]) -> bool:
    word = match["word"]
    return len(word) >= _LONG_BASIC or _CASE_CHANGE.search(word) is not None


SHAPES: Final = (
    Shape(
        "private-key",
        ("PRIVATE",),
        re.compile(
            r"-----BEGIN[^-\n]{0,40}PRIVATE.KEY.*?(?:-----END[^-\n]{0,40}-----|\Z)"
            r"|-----END[^-\n]{0,40}PRIVATE.KEY[^-\n]{0,10}(?:-----)?",
            re.DOTALL,
        ),
    ),
    Shape(  # the parts are optional, so that a run without them is read once and not again from each `eyJ` in it
        "json-web-token",
        ("eyJ", "eyA", "ewo"),
        re.compile(r"e(?:y[JA]|wo)[\w-]{6,}+(?P<parts>(?:\.[\w-]*+){2,4})?", re.ASCII),
        lambda match: match["parts"],
    ),
    Shape(
        "iam-token",
        ("t1.", "c1."),
        re.compile(
            r"[tc]1\.[\w-]{2,}+={0,2}\.[\w-]{40,}+={0,2}"
            rf"|{_START}[tc]1\.(?=[\w-]{{0,80}}[A-Z])[\w-]{{16,}}+={{0,2}}(?:\.[\w-]*+={{0,2}})?",
            re.ASCII,
        ),
    ),
    Shape(
        "oauth-token",
        tuple(f"y{digit}_" for digit in range(10)),
        re.compile(rf"{_START}y[0-9]_(?=[a-z_-]{{0,80}}[A-Z0-9])[\w-]{{20,}}+", re.ASCII),
    ),
    Shape("oauth-token", ("AA",), re.compile(rf"{_START}A[B-Za-z]AA[\w-]{{30,}}+", re.ASCII)),
    Shape("api-key", ("AQVN",), re.compile(r"AQVN[\w-]{16,}+", re.ASCII)),
    Shape("static-key", ("YC",), re.compile(rf"{_START}YC[A-Z][\w-]{{17,}}+", re.ASCII)),
    Shape("aws-key", ("AKIA", "ASIA", "AROA", "AIDA"), re.compile(r"A(?:KIA|SIA|ROA|IDA)[0-9A-Z]{16,}+")),
    Shape(
        "token-of-another-service",
        ("gho_", "ghp_", "ghr_", "ghs_", "ghu_", "github_pat_", "glpat-", "xox", "AIza", "hvs."),
        re.compile(
            r"(?:gh[oprsu]_[A-Za-z0-9]{36}|github_pat_\w{22}|glpat-[\w-]{20}|xox[abeprs]-[\w-]{10}|AIza[\w-]{35}"
            r"|hvs\.[\w-]{20})[\w-]*+",
            re.ASCII,
        ),
    ),
    Shape(
        "authorization",
        ("earer", "EARER", "uth", "UTH", "pi-", "PI-"),
        re.compile(
            r"\b(?P<scheme>(?i:bearer|oauth|api-key))[\s+]++"
            r"(?P<word>[\w.~/-][\w.~+/-]{7,}+(?:={1,2}[\w.~+/-]++)*+={0,2})",
            re.ASCII,
        ),
        _is_credential,
    ),
    Shape(
        "authorization",
        ("asic",),
        re.compile(r"\b(?P<scheme>[Bb]asic)[\s+]++(?P<word>[A-Za-z0-9+/]{8,}+)={0,2}"),
        _is_basic,
    ),
)
"""Token formats: those of Yandex Cloud as its documentation gives them to secret scanners, and those of other services.

A format that can be part of a longer word by chance is only looked for at the beginning of a word.
"""

HINT: Final = re.compile("|".join(sorted({re.escape(hint) for shape in SHAPES for hint in shape.hints})))


def without_shapes(text: str) -> str:
    """Return the text with a placeholder for every token."""
    if not HINT.search(text):
        return text
    for shape in SHAPES:
        if hint_of(shape.hints)(text):
            text = shape.pattern.sub(lambda match, shape=shape: _replaced(match, shape), text)  # type: ignore[misc]
    return text


@lru_cache(maxsize=64)
def hint_of(hints: tuple[str, ...]) -> Callable[[str], object]:
    """Return a quick search for any of the substrings."""
    return re.compile("|".join(map(re.escape, hints))).search


def _replaced(match: re.Match[str], shape: Shape) -> str:
    if not shape.accepts(match):
        return match[0]
    return f"{match['scheme']} {SCRUBBED}" if "scheme" in match.re.groupindex else SCRUBBED
