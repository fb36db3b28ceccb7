"""Scrubbing text that is no JSON: addresses, headers, forms, messages; and what is inside percent-encoding in them.

An address stays an address with the same path and the same parameters, so that it can be matched.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import quote, unquote, unquote_plus

from pytest_ycimages.cassette.placeholders import SCRUBBED
from pytest_ycimages.cassette.scrub_names import is_secret, plain
from pytest_ycimages.cassette.scrub_shapes import without_shapes

_LAYERS: Final = 3
"""How often a text may be percent-encoded and still be looked into."""

_RESERVED: Final = frozenset(":/?#[]@!$&'()*+,;=")
"""Characters that are written as they are in an address, unless they are to mean nothing."""
_WORD: Final = re.compile(r"[^\s\"'<>&=?#;,]+")
_USER: Final = re.compile(r"(?<=://)[^/\s?#\"'<>]*@")
_PARAMETER: Final = re.compile(r"([?&;]([^?&;=\s\"'<>]+)=)([^&#\s\"'<>]+)")
_OWN_PARAMETER: Final = re.compile(r"((?:^|[?&])([^?&=]+)=)([^&#]+)")
_SIGNED: Final = re.compile(r"[?&](?:x-amz-)?signature=", re.IGNORECASE)
_EXPIRES: Final = re.compile(r"([?&]Expires=)\d+")
_PAIR: Final = re.compile(
    r"""(?<![\w.-])([A-Za-z][\w.-]{1,63})(["']?\s*[:=]\s*)"""
    r"""("(?:[^"\\]|\\.)+"|'[^']+'|(?:(?:[Bb]earer|[Bb]asic|OAuth|Api-Key) +)?[^\s"'&,;<>{}\[\]()]+)"""
)
_HINTS: Final = (
    *("token", "secret", "pass", "pwd", "sig", "cred", "key", "jwt", "auth", "cookie", "assert", "sid", "session"),
    *("hmac", "x-amz"),
)


class TextRules(NamedTuple):
    """What else than the shapes and names of secrets is to be scrubbed.

    Attributes:
        known: finds the secrets that are known word for word; None: none is.
        fields: more names of secrets, in the form that `plain` gives them.
        patterns: more shapes of secrets.
    """

    known: re.Pattern[str] | None = None
    fields: frozenset[str] = frozenset()
    patterns: tuple[re.Pattern[str], ...] = ()

    def names(self, name: str) -> bool:
        """Whether what has this name is a secret."""
        return is_secret(name) or (bool(self.fields) and plain(name) in self.fields)


NO_MORE: Final = TextRules()


def without_secrets(text: str, rules: TextRules = NO_MORE, layers: int = _LAYERS) -> str:
    """The text without what is known, named or shaped like a secret, in so many `layers` of percent-encoding."""
    text = _unencoded(text, rules, layers)
    if rules.fields or _may_name(text):
        text = _PARAMETER.sub(lambda match: _parameter(match, rules), _without_expiry(text))
        text = _PAIR.sub(lambda match: _pair(match, rules), text)
    return without_shapes(text)


def uri_without_secrets(uri: str, rules: TextRules = NO_MORE) -> str:
    """The address of a request, likewise, and without the name and the password before its host."""
    return form_without_secrets(_USER.sub("", uri, count=1), rules)


def form_without_secrets(text: str, rules: TextRules = NO_MORE) -> str:
    """An address or a form, of which nothing but parameters is expected."""
    text = _unencoded(text, rules, _LAYERS)
    if rules.fields or _may_name(text):
        text = _OWN_PARAMETER.sub(lambda match: _parameter(match, rules), _without_expiry(text))
    return without_shapes(text)


def parameters_in(text: str) -> list[tuple[str, str]]:
    """The parameters in an address or a form, decoded."""
    return [(unquote_plus(match[2]), unquote_plus(match[3])) for match in _OWN_PARAMETER.finditer(text)]


def user_in(uri: str) -> tuple[str, ...]:
    """The name and the password before the host of an address, together and apart, if there are any."""
    found = _USER.search(uri)
    if found is None:
        return ()
    user = found[0][:-1]
    return user, unquote(user.partition(":")[2])


def _may_name(text: str) -> bool:
    """Whether a name of a secret can be in the text: a quick look, to save a thorough one."""
    if "=" not in text and ":" not in text:
        return False
    lower = (unquote(text) if "%" in text else text).lower()
    return any(hint in lower for hint in _HINTS)


def _unencoded(text: str, rules: TextRules, layers: int) -> str:
    """The text without what is known, inside percent-encoding too, where shapes and names are looked for as well."""
    for pattern in (rules.known, *rules.patterns):
        if pattern is not None:
            text = pattern.sub(SCRUBBED, text)
    if layers and "%" in text:
        text = _WORD.sub(lambda match: _decoded(match[0], rules, layers - 1), text)
    return _USER.sub(f"{SCRUBBED}@", text) if "@" in text else text


def _decoded(word: str, rules: TextRules, layers: int) -> str:
    """The same word with what is inside its encoding scrubbed; as it was written, if there is nothing."""
    bare = unquote(word) if "%" in word else word
    if bare == word:
        return word
    clean = without_secrets(bare, rules, layers)
    return word if clean == bare else quote(clean, safe="".join(_RESERVED.intersection(word)), errors="surrogatepass")


def _without_expiry(text: str) -> str:
    """When a signed address expires is as new in each of them as its signature."""
    return _EXPIRES.sub(rf"\g<1>{SCRUBBED}", text) if _SIGNED.search(text) else text


def _parameter(match: re.Match[str], rules: TextRules) -> str:
    return match[1] + SCRUBBED if rules.names(unquote(match[2])) else match[0]


def _pair(match: re.Match[str], rules: TextRules) -> str:
    """A name and its value in text, such as `password: x`; what quotes the value stays."""
    name, between, value = match.groups()
    if not rules.names(name):
        return match[0]
    mark = value[0] if value[0] in "\"'" else ""
    return f"{name}{between}{mark}{SCRUBBED}{mark}"
