"""Redaction of texts, JSON values and addresses: known credentials, token formats, telling names, undeclared fields."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote

from pytest_ycimages.redaction.credentials import credentials_in_text, user_of
from pytest_ycimages.redaction.rules import EXPIRY, KEPT, NO_RULES, SECRET, TEXT, TOKEN, UNKNOWN
from pytest_ycimages.redaction.shapes import (
    ELEMENT,
    EXPIRES_AT,
    IAM_TOKEN,
    LONGEST_NAME,
    MEANS,
    NAME,
    NAMED,
    SCRUBBED,
    is_credential,
    is_secret,
    may_hold_secret,
    mentions_secret,
    plain,
    without_tokens,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.redaction.rules import Fields, RedactionRules

_LAYERS: Final = 3
"""Layers of percent-encoding that are decoded."""

_RESERVED: Final = frozenset(":/?#[]@!$&'()*+,;=")
_WORD: Final = re.compile(r"[^\s\"'<>&=?#;,]++")
_USER: Final = re.compile(r"(?<=://)[^/\s?#\"'<>]*@")
"""The name and the password before the host of an address."""
_QUERY: Final = re.compile(r"(://(?:[^\s\"'<>?:]|:(?!//))*+\?)([^\s\"'<>#]++)")
_PLAIN: Final = r"[^\s\"'&,;<>{}\[\]()]"
_VALUE: Final = (
    rf"(?:{_PLAIN}|(?<=[^\W\d_])'(?=[^\W\d_])|[&,;({{\[](?=[A-Za-z0-9])(?!{NAME}{MEANS})|[)}}\]](?=[A-Za-z0-9]))+"
)
"""A word with the apostrophes, commas and brackets inside of it, which ends before the next name."""
_FRONT: Final = re.compile(NAMED)
_PAIR: Final = re.compile(
    NAMED + r"""[\s+]*+(?P<value>(?:"(?:[^"\\]|\\.)+"|'(?:[^']|'')+'|\\+"[^"\\]+\\+")(?:[^\W_][^\s"',;]*)?"""
    r"|(?:(?:[Bb]earer|[Bb]asic|OAuth|Api-Key)[ ]+)?"
    rf"(?(parameter)[^\s\"'&#<>]+|{_VALUE}(?:[ \t]+(?!(?:--)?{NAME}{MEANS}){_VALUE})*))"
)
"""A name and its value in text, or an option and its: what is quoted, or all words up to a comma or the next name."""
_QUOTE: Final = re.compile(r"""\\*["']|""")
_HEADER: Final = re.compile(
    r"""(?:(?<=")(?P<double>)|(?<=')(?P<single>)|(?<![\w.?&;"'-]))"""
    r"""(?P<name>(?:[\w.]{1,40}-){0,4}(?:authorization|(?:set-)?cookie)[\s+]*+:[ \t+]*)(?=[^\s"'+])"""
    r"""(?(double)(?:[^"\\\r\n]|\\.)+|(?(single)[^'\r\n]+|[^\r\n]+))""",
    re.IGNORECASE,
)
"""A header that is quoted in a text: up to the quote that it began with, or to the end of its line."""


class Redaction:
    """One pass of redaction.

    Args:
        rules: rules beyond the token formats and the telling names.

    Attributes:
        found: credentials that the pass has replaced; with new ones a second pass is due.
        suspects: a quick look at a text, to save a thorough one.
    """

    def __init__(self, rules: RedactionRules = NO_RULES) -> None:
        self.found: list[str] = []
        self.suspects: Callable[[str], object] = may_hold_secret
        self._rules = rules
        if rules.patterns:
            self.suspects = len  # the patterns of users are searched for in every text
        elif rules.known is not None:
            known = rules.known.search
            self.suspects = lambda text: may_hold_secret(text) or known(text)

    def text(self, text: str, layers: int = _LAYERS) -> str:
        """Return the text without secrets, in so many `layers` of percent-encoding."""
        if not self.suspects(text):
            return text
        if text[:1] in {"{", "["}:
            clean = self.json(text, KEPT)
            if clean is not None:
                return clean
        text = self._without_known(text)
        if "://" in text:
            text = _QUERY.sub(_without_query, text)
        text = self._without_encoded(text, layers)
        if "</" in text:
            text = ELEMENT.sub(self._element, text)
        if self._rules.fields or _may_name(text):
            text = _HEADER.sub(rf"\g<name>{SCRUBBED}", text)
            text = self._without_pairs(text)
        return without_tokens(text)

    def path(self, text: str) -> str:
        """Return an address without its query, in which no names are expected, without secrets."""
        known = self._rules.known
        if not self.suspects(text.removeprefix("https://")) and (known is None or known.search(text) is None):
            return text
        return without_tokens(self._without_encoded(self._without_known(text), _LAYERS))

    def uri(self, uri: str, fields: Fields | None) -> str:
        """Return an address without user name and password, its query reduced to declared parameters."""
        user = _USER.search(uri) if "@" in uri else None
        if user:
            self.found += user_of(user[0])
            uri = _USER.sub("", uri, count=1)
        head, mark, rest = uri.partition("?")
        if not mark:
            return self.path(head)
        query, hash_, fragment = rest.partition("#")
        self.found += credentials_in_text(query)
        clean = "&".join(self._parameter(each, fields or UNKNOWN) for each in query.split("&"))
        return f"{self.path(head)}?{clean}{hash_}{self.text(fragment)}"

    def json(self, text: str, fields: Fields) -> str | None:
        """Return JSON without secrets, in the same form; None for text that is not an object or a list.

        A name that stands twice in an object stays with its last value.
        """
        is_repeated = False

        def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
            nonlocal is_repeated
            found = dict(pairs)
            is_repeated = is_repeated or len(found) != len(pairs)
            return found

        try:
            value = json.loads(text.lstrip("\ufeff"), object_pairs_hook=unique)
            clean = self.value(value, fields)
            if clean == value and not is_repeated:
                return text
            indent = 1 if "\n" in text.strip() else None
            separators = None if indent else (",", ":")
            escapes = text.isascii() or "\\u" in text
            return json.dumps(clean, ensure_ascii=escapes, indent=indent, separators=separators)
        except (ValueError, RecursionError):
            return None

    def value(self, value: Any, fields: Fields) -> Any:
        """Return a JSON value of a declared field without secrets."""
        if isinstance(value, dict):
            return self._object(value, fields)
        if isinstance(value, list):
            return [self.value(each, fields) for each in value]
        if fields in {TEXT, KEPT} or (fields is EXPIRY and isinstance(value, str)):
            return self.text(value) if isinstance(value, str) else value
        if fields is TOKEN and isinstance(value, str) and value:
            self.found.append(value)
            return IAM_TOKEN
        return self._hidden(value, is_credential=fields is SECRET)

    def _object(self, value: dict[str, Any], fields: Fields) -> dict[str, Any]:
        if fields.types and "@type" in value:
            fields = fields.types.get(str(value["@type"]), UNKNOWN)
        names, others = fields.names, fields.others or UNKNOWN
        clean = {
            name if name in names else self.text(name): self._field(name, each, names.get(name, others))
            for name, each in value.items()
        }
        if TOKEN in map(names.get, value):
            clean |= {name: EXPIRES_AT for name in value if names.get(name) is EXPIRY}
        return clean

    def _field(self, name: str, value: Any, kind: Fields) -> Any:
        """Return the value of a field; beyond the contract, and of texts, the name decides."""
        rules, flat = self._rules, plain(name)
        if flat in rules.fields or (kind in {TEXT, KEPT, UNKNOWN} and is_secret(name)):
            return self._hidden(value, is_credential=is_credential(name))
        if kind is UNKNOWN:
            kind = KEPT if flat in rules.keep else TEXT if name == "@type" else UNKNOWN
        return self.value(value, kind)

    def _hidden(self, value: Any, *, is_credential: bool = False) -> Any:
        """Return a value of the same JSON type in which no text and no number is left."""
        match value:
            case dict():
                return {
                    self.text(name): self._hidden(each, is_credential=is_credential) for name, each in value.items()
                }
            case list():
                return [self._hidden(each, is_credential=is_credential) for each in value]
            case str() if value and value != SCRUBBED:
                self.found += [value] if is_credential else credentials_in_text(value)
                return SCRUBBED
            case int() | float() if not isinstance(value, bool):
                return value if value == 0 else 0
        return value

    def _parameter(self, parameter: str, fields: Fields) -> str:
        """Return a parameter of a query; a plus in its value is a space."""
        name, equals, value = parameter.partition("=")
        bare = unquote(name)
        flat = plain(bare)
        is_declared = fields.names.get(bare) is TEXT or flat in self._rules.keep
        if is_declared and not self._names(bare):
            if self.suspects(value):
                value = self._encoded(self._without_known(value), _LAYERS, plus=" ")
            return f"{name}{equals}{value}"
        return _valueless(self.path(name) if equals else name, equals, value)

    def _without_known(self, text: str) -> str:
        for pattern in (self._rules.known, *self._rules.patterns):
            if pattern is not None:
                text = pattern.sub(SCRUBBED, text)
        return text

    def _without_encoded(self, text: str, layers: int) -> str:
        """Return the text with its percent-encoded words redacted inside, and without users in addresses."""
        if layers and "%" in text:
            text = _WORD.sub(lambda match: self._word(match[0], layers - 1), text)
        return _USER.sub(f"{SCRUBBED}@", text) if "@" in text else text

    def _word(self, word: str, layers: int) -> str:
        if "%" not in word:
            return word
        if "+" in word:
            word = self._encoded(word, layers, plus=" ")
        return self._encoded(word, layers, plus="+")

    def _encoded(self, word: str, layers: int, *, plus: str) -> str:
        """Return a percent-encoded text redacted inside; a plus in it means a space, as in a form, or itself."""
        bare = unquote(word.replace("+", plus))
        clean = self.text(bare, layers)
        if clean == bare:
            return word
        kept = _RESERVED.intersection(word)
        if plus == "+" or "+" not in word:
            return quote(clean, safe="".join(kept), errors="surrogatepass")
        return quote(clean, safe="".join(kept - {"+"}), errors="surrogatepass").replace("%20", "+")

    def _names(self, name: str) -> bool:
        """Return whether values of this name are secrets."""
        return is_secret(name) or (bool(self._rules.fields) and plain(name) in self._rules.fields)

    def _element(self, match: re.Match[str]) -> str:
        return match["before"] + SCRUBBED if self._names(match["name"]) else match[0]

    def _without_pairs(self, text: str) -> str:
        """Return the text without values of secret names; `Reason: token => x` has one behind a harmless name."""
        parts: list[str] = []
        copied = place = 0
        while front := _FRONT.search(text, place):
            place = front.end()
            if self._names(front["name"][-LONGEST_NAME:]) and (pair := _PAIR.match(text, front.start())):
                quote_ = _QUOTE.match(pair["value"])
                mark = quote_[0] if quote_ else ""
                parts += text[copied : pair.start("value")], mark, SCRUBBED, mark
                copied = place = pair.end()
        return "".join([*parts, text[copied:]])


def _without_query(match: re.Match[str]) -> str:
    """Return an address with the names of its parameters only."""
    return match[1] + "&".join(_valueless(*each.partition("=")) for each in match[2].split("&"))


def _valueless(name: str, equals: str, value: str) -> str:
    return f"{name}={value and SCRUBBED}" if equals else name and SCRUBBED


def _may_name(text: str) -> bool:
    return ("=" in text or ":" in text or "--" in text) and mentions_secret(unquote(text))
