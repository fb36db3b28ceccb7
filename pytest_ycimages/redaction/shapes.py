"""Shapes of secrets: the names whose values are secrets, the token formats, and the placeholders that replace them.

Redaction replaces what these find, and the detector refuses to save it. Every pattern takes linear time: a repetition
either consumes what it has read, is bounded, or stops at the character that its pattern begins with.
"""

from __future__ import annotations

import re
from functools import lru_cache
from string import digits
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SCRUBBED: Final = "~SCRUBBED~"
"""Placeholder of a secret. It needs no escaping in JSON, URLs and headers, and a tilde is part of no token format."""

IAM_TOKEN: Final = f"t1.SCRUBBED.{('SCRUBBED' * 11)[:85]}A"
"""Placeholder of an IAM token in a response, in the format that clients check: 86 characters of base64url."""

EXPIRES_AT: Final = "2099-12-31T23:59:59Z"
"""Expiry of that token. With the recorded moment, a client that replays it would ask for a new token for ever."""

PLACEHOLDERS: Final = (IAM_TOKEN, SCRUBBED)

_LAST_WORDS: Final = frozenset(
    {"auth", "bearer", "creds", "csrf", "hmac", "otp", "pass", "passcode", "pin", "psk", "pw", "sid", "sig"}
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
    *("tlskey", "token", "xamzdate"),
)
_PAGE_TOKEN: Final = re.compile(r"page[_-]?token", re.IGNORECASE)
_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


@lru_cache(maxsize=4096)
def plain(name: str) -> str:
    """Return a name in lower case without separators, so that `iamToken`, `iam_token` and `IAM-Token` are one."""
    return "".join(filter(str.isalnum, name)).lower()


@lru_cache(maxsize=4096)
def is_secret(name: str) -> bool:
    """Return whether values of this name are secrets."""
    if plain(name).rstrip(digits).endswith(_ENDINGS):
        return _PAGE_TOKEN.search(name) is None
    words = _WORD.findall(name)
    return bool(words) and words[-1].lower() in _LAST_WORDS


@lru_cache(maxsize=4096)
def is_credential(name: str) -> bool:
    """Return whether values of this name are credentials, to be redacted wherever they occur.

    Fewer names than `is_secret`: a label `token: ubuntu-2404` is redacted, and `ubuntu-2404` stays elsewhere.
    """
    return plain(name).rstrip(digits).endswith(_CREDENTIALS)


_NAME_HINTS: Final = re.compile(
    "token|secret|pass|pwd|sig|cred|key|jwt|auth|cookie|assert|sid|sessi|sessid|hmac|x-amz|csrf|saml|verifier|devicecode"
    "|device_code|recovery|otp|pin|psk|pw|bearer"
)


def mentions_secret(text: str) -> bool:
    """Return whether a text may have a name of a secret in it: a quick search, to save a thorough one."""
    return _NAME_HINTS.search(text.lower()) is not None


@lru_cache(maxsize=4096)
def is_suspicious(name: str) -> bool:
    """Return whether values of this name are secrets if they look random, such as of `secret_of_the_house`."""
    return _PAGE_TOKEN.search(name) is None and mentions_secret(name)


NAME: Final = r"[A-Za-z][\w.-]*+"
MEANS: Final = r"""["'\\]*+[\s+]*+[:=]>?"""
NAMED: Final = (
    r"(?:(?<=[?&;])(?P<parameter>)|(?<![\w.?&;-])(?P<option>--)?)(?P<name>\w[\w.-]*+)(?:\[[\w.-]{0,40}\])?"
    rf"(?P<between>{MEANS}|(?(option)[ \t+]+|(?!)))"
)
"""A name in a text, of a parameter or an option too, with what says that its value follows."""

LONGEST_NAME: Final = 64
"""Characters from the end of a name that tell what it means."""

ELEMENT: Final = re.compile(
    r"(?P<before><(?P<tag>(?:[\w-]{1,40}:)?(?P<name>[A-Za-z_][\w.-]{0,63}))(?:\s[^<>]{0,500})?(?<!/)>\s*+"
    r"(?:<!\[(?i:CDATA)\[)?)(?P<value>[^<]++)(?=</)",
    re.ASCII,
)
"""An element of markup that holds text."""

FORM_PART: Final = re.compile(
    r"""form-data;[^\n]{0,200}?\bname\*?=["']?(?P<name>[^"';\s]{1,64})[^\n]{0,200}\n"""
    r"(?:[^\n]{2,500}\n){0,8}?[ \t]*\r?\n(?!--)(?P<value>[^\n]{1,4096})",
    re.IGNORECASE,
)
"""A field of a multipart form."""


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

_HINTS: Final = re.compile("|".join(sorted({re.escape(hint) for shape in SHAPES for hint in shape.hints})))


def may_hold_secret(text: str) -> bool:
    """Return whether a text may have a token, a name of a secret, or an address in it: a quick search."""
    if "%" in text or "://" in text or _HINTS.search(text):
        return True
    return _NAME_HINTS.search(text.lower()) is not None


def tokens_in(text: str) -> Iterator[tuple[Shape, re.Match[str]]]:
    """Yield every token in a text with its format."""
    if _HINTS.search(text):
        for shape in SHAPES:
            if any(hint in text for hint in shape.hints):
                yield from ((shape, match) for match in shape.pattern.finditer(text) if shape.accepts(match))


def without_tokens(text: str) -> str:
    """Return the text with a placeholder for every token."""
    if not _HINTS.search(text):
        return text
    for shape in SHAPES:
        if any(hint in text for hint in shape.hints):
            text = shape.pattern.sub(lambda match, shape=shape: _replaced(match, shape), text)  # type: ignore[misc]
    return text


def _replaced(match: re.Match[str], shape: Shape) -> str:
    if not shape.accepts(match):
        return match[0]
    return f"{match['scheme']} {SCRUBBED}" if "scheme" in match.re.groupindex else SCRUBBED
