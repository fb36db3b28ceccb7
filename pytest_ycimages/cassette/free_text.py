"""Scrubbing text: headers, messages, what is inside percent-encoding in them, and JSON by the rules of its own.

An address in it stays an address with the same path and the same parameters.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote, unquote

from pytest_ycimages.cassette.placeholders import SCRUBBED
from pytest_ycimages.cassette.scrub_json import Rules, document_without_secrets, read_document
from pytest_ycimages.cassette.scrub_markup import without_named_parts
from pytest_ycimages.cassette.scrub_names import is_secret, plain
from pytest_ycimages.cassette.secret_shapes import without_shapes

if TYPE_CHECKING:
    from pytest_ycimages.cassette.scrub_json import Document

_LAYERS: Final = 3
"""How often a text may be percent-encoded and still be looked into."""

_RESERVED: Final = frozenset(":/?#[]@!$&'()*+,;=")
"""Characters that are written as they are in an address, unless they are to mean nothing."""
_WORD: Final = re.compile(r"[^\s\"'<>&=?#;,]+")
USER: Final = re.compile(r"(?<=://)[^/\s?#\"'<>]*@")
"""The name and the password before the host of an address."""
_PARAMETER: Final = re.compile(r"([?&;]([^?&;=\s\"'<>]+)=)([^&#\s\"'<>]+)")
_SIGNED: Final = re.compile(r"[?&](?:x-amz-)?signature=", re.IGNORECASE)
_EXPIRES: Final = re.compile(r"([?&]Expires=)\d+")
_NAME: Final = r"[A-Za-z][\w.-]{1,63}"
_MEANS: Final = r"""["']?[\s+]*[:=]>?"""
_PLAIN: Final = r"[^\s\"'&,;<>{}\[\]()]"
_VALUE: Final = (
    rf"(?:{_PLAIN}|(?<=[^\W\d_])'(?=[^\W\d_])|[&,;({{\[](?=[A-Za-z0-9])(?!{_NAME}{_MEANS})|[)}}\]](?=[A-Za-z0-9]))+"
)
"""A word with the apostrophes, commas and brackets inside of it, which ends before the next name."""
_NAMED: Final = (
    rf"(?:(?<=[?&;])(?P<parameter>)|(?<![\w.?&;-])(?P<option>--)?)"
    rf"(?P<name>{_NAME})(?P<between>{_MEANS}[\s+]*|(?(option)[ \t+]+|(?!)))"
)
_FRONT: Final = re.compile(_NAMED)
"""What a value stands behind."""
_PAIR: Final = re.compile(
    rf"{_NAMED}"
    r"""(?P<value>(?:"(?:[^"\\]|\\.)+"|'(?:[^']|'')+')(?:[^\W_][^\s"',;]*)?"""
    r"|(?:(?:[Bb]earer|[Bb]asic|OAuth|Api-Key)[ ]+)?"
    rf"(?(parameter){_PLAIN}+|{_VALUE}(?:[ \t]+(?!(?:--)?{_NAME}{_MEANS}){_VALUE})*))"
)
"""A name and its value in text, or an option and its: what is quoted, or all words up to a comma or the next name."""
_HEADER: Final = re.compile(
    r"""(?:(?<=")(?P<double>)|(?<=')(?P<single>)|(?<![\w.?&;"'-]))"""
    r"""(?P<name>(?:[\w.]{1,40}-){0,4}(?:authorization|(?:set-)?cookie)[\s+]*:[ \t+]*)(?=[^\s"'+])"""
    r"""(?(double)(?:[^"\\\r\n]|\\.)+|(?(single)[^'\r\n]+|[^\r\n]+))""",
    re.IGNORECASE,
)
"""A header that is quoted in a text, with all of its parts: up to the quote that it began with, or its line ends."""
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
    document = read_document(text)
    if document:
        return json_without_secrets(document, rules, layers)
    text = without_known(text, rules)
    text = without_named_parts(text, rules.names, lambda part: without_secrets(part, rules, layers))
    text = without_encoded_secrets(text, rules, layers)
    if rules.fields or _may_name(text):
        text = _PARAMETER.sub(lambda match: _parameter(match, rules), without_expiry(text))
        text = _HEADER.sub(rf"\g<name>{SCRUBBED}", text)
        text = _without_pairs(text, rules)
    return without_shapes(text)


def json_without_secrets(document: Document, rules: TextRules, layers: int = _LAYERS) -> str:
    """The same of JSON, by the names of its fields and in every text of it."""
    return document_without_secrets(document, Rules(rules.names, lambda text: without_secrets(text, rules, layers)))


def without_known(text: str, rules: TextRules) -> str:
    """The text without what is known word for word, or has a shape that users added."""
    for pattern in (rules.known, *rules.patterns):
        if pattern is not None:
            text = pattern.sub(SCRUBBED, text)
    return text


def without_encoded_secrets(text: str, rules: TextRules, layers: int = _LAYERS) -> str:
    """The text with what is inside its percent-encoding scrubbed, and without users in addresses."""
    if layers and "%" in text:
        text = _WORD.sub(lambda match: _word(match[0], rules, layers - 1), text)
    return USER.sub(f"{SCRUBBED}@", text) if "@" in text else text


def encoded_without_secrets(word: str, rules: TextRules, layers: int, *, plus: str) -> str:
    """A text in percent-encoding, scrubbed inside of it; as it was written, if there is nothing.

    Args:
        word: the text, without what ends a parameter.
        rules: what else is to be scrubbed.
        layers: of percent-encoding that may be inside.
        plus: what a plus stands for: a space, as in a form, or itself.
    """
    bare = unquote(word.replace("+", plus))
    clean = without_secrets(bare, rules, layers)
    if clean == bare:
        return word
    kept = _RESERVED.intersection(word)
    if plus == "+" or "+" not in word:
        return quote(clean, safe="".join(kept), errors="surrogatepass")
    return quote(clean, safe="".join(kept - {"+"}), errors="surrogatepass").replace("%20", "+")


def without_expiry(text: str) -> str:
    """When a signed address expires is as new in each of them as its signature."""
    return _EXPIRES.sub(rf"\g<1>{SCRUBBED}", text) if _SIGNED.search(text) else text


def _may_name(text: str) -> bool:
    """Whether a name of a secret can be in the text: a quick look, to save a thorough one."""
    if "=" not in text and ":" not in text and "--" not in text:
        return False
    lower = (unquote(text) if "%" in text else text).lower()
    return any(hint in lower for hint in _HINTS)


def _word(word: str, rules: TextRules, layers: int) -> str:
    """A word of a text, with what is inside of its encoding scrubbed. A plus in it may be a space or not."""
    if "%" not in word:
        return word
    if "+" in word:
        word = encoded_without_secrets(word, rules, layers, plus=" ")
    return encoded_without_secrets(word, rules, layers, plus="+")


def _parameter(match: re.Match[str], rules: TextRules) -> str:
    return match[1] + SCRUBBED if rules.names(unquote(match[2])) else match[0]


def _without_pairs(text: str, rules: TextRules) -> str:
    """The text without the values of secret names. A harmless name may be followed by one: `Reason: token => x`."""
    parts: list[str] = []
    copied = place = 0
    while front := _FRONT.search(text, place):
        place = front.end()
        if rules.names(front["name"]) and (pair := _PAIR.match(text, front.start())):
            parts += text[copied : pair.start()], _pair(pair)
            copied = place = pair.end()
    return "".join([*parts, text[copied:]])


def _pair(match: re.Match[str]) -> str:
    """A name and its value in text, such as `password: x`; what quotes the value stays."""
    name, between, value = match.group("name", "between", "value")
    before = match["option"] or ""
    mark = value[0] if value[0] in "\"'" else ""
    return f"{before}{name}{between}{mark}{SCRUBBED}{mark}"
