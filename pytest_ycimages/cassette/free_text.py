"""Redaction of free text in declared fields: known credentials, token formats, telling names, and addresses."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote, unquote

from pytest_ycimages.cassette.secret_shapes import HINT, SCRUBBED, is_secret, plain, without_shapes

if TYPE_CHECKING:
    from collections.abc import Callable

_LAYERS: Final = 3
"""Layers of percent-encoding that are decoded."""

_RESERVED: Final = frozenset(":/?#[]@!$&'()*+,;=")
_WORD: Final = re.compile(r"[^\s\"'<>&=?#;,]++")
USER: Final = re.compile(r"(?<=://)[^/\s?#\"'<>]*@")
"""The name and the password before the host of an address."""
_QUERY: Final = re.compile(r"(://(?:[^\s\"'<>?:]|:(?!//))*+\?)([^\s\"'<>#]++)")
_PARAMETER: Final = re.compile(r"([?&;]([^?&;=\s\"'<>]+)=)([^&#\s\"'<>]+)")
_ELEMENT: Final = re.compile(
    r"(<(?:[\w-]{1,40}:)?([A-Za-z_][\w.-]{0,63})(?:\s[^<>]{0,500})?>(?:<!\[CDATA\[)?)([^<]++)(?=</)", re.ASCII
)
_NAME: Final = r"[A-Za-z][\w.-]{1,63}"
_MEANS: Final = r"""["']?[\s+]*+[:=]>?"""
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
_PAIR: Final = re.compile(
    rf"{_NAMED}"
    r"""(?P<value>(?:"(?:[^"\\]|\\.)+"|'(?:[^']|'')+')(?:[^\W_][^\s"',;]*)?"""
    r"|(?:(?:[Bb]earer|[Bb]asic|OAuth|Api-Key)[ ]+)?"
    rf"(?(parameter){_PLAIN}+|{_VALUE}(?:[ \t]+(?!(?:--)?{_NAME}{_MEANS}){_VALUE})*))"
)
"""A name and its value in text, or an option and its: what is quoted, or all words up to a comma or the next name."""
_HEADER: Final = re.compile(
    r"""(?:(?<=")(?P<double>)|(?<=')(?P<single>)|(?<![\w.?&;"'-]))"""
    r"""(?P<name>(?:[\w.]{1,40}-){0,4}(?:authorization|(?:set-)?cookie)[\s+]*+:[ \t+]*)(?=[^\s"'+])"""
    r"""(?(double)(?:[^"\\\r\n]|\\.)+|(?(single)[^'\r\n]+|[^\r\n]+))""",
    re.IGNORECASE,
)
"""A header that is quoted in a text: up to the quote that it began with, or to the end of its line."""
_NAME_HINTS: Final = re.compile(
    r"token|secret|pass|pwd|sig|cred|key|jwt|auth|cookie|assert|sid|session|hmac|x-amz|csrf|sessid|saml|verifier"
    r"|devicecode|device_code|recovery|\b(?:[\w-]*[_-])?(?:otp|pin|psk|pw|bearer)\b|(?:Otp|Pin|Psk|Pw|Bearer)\b",
    re.IGNORECASE,
)
_MAY_HOLD: Final = re.compile(rf"{HINT.pattern}|%|://|(?i:{_NAME_HINTS.pattern})")


class TextRules(NamedTuple):
    """Rules beyond the token formats and the telling names.

    Attributes:
        known: finds known credentials; None for none.
        fields: further names of secrets, in the form of `plain`.
        patterns: further shapes of secrets.
        keep: names of fields beyond the contract whose values stay, in the form of `plain`.
        suspects: a quick look at a text, to save a thorough one.
    """

    known: re.Pattern[str] | None = None
    fields: frozenset[str] = frozenset()
    patterns: tuple[re.Pattern[str], ...] = ()
    keep: frozenset[str] = frozenset()
    suspects: Callable[[str], object] = _MAY_HOLD.search

    def names(self, name: str) -> bool:
        """Return whether values of this name are secrets."""
        return is_secret(name) or (bool(self.fields) and plain(name) in self.fields)


NO_MORE: Final = TextRules()


def rules_for(rules: TextRules, known: re.Pattern[str] | None) -> TextRules:
    """Return the rules with these known credentials."""
    suspects: Callable[[str], object] = _MAY_HOLD.search
    if rules.patterns:
        suspects = len  # the patterns of users are searched for in every text
    elif known is not None:
        suspects = re.compile(f"{_MAY_HOLD.pattern}|{known.pattern}").search
    return rules._replace(known=known, suspects=suspects)


def text_without_secrets(text: str, rules: TextRules = NO_MORE, layers: int = _LAYERS) -> str:
    """Return the text without secrets, in so many `layers` of percent-encoding."""
    if text[:1] in {"{", "["}:
        clean = _json_without_secrets(text, rules, layers)
        if clean is not None:
            return clean
    text = _without_known(text, rules)
    if "://" in text:
        text = _QUERY.sub(_without_query, text)
    text = _without_encoded(text, rules, layers)
    if "</" in text:
        text = _ELEMENT.sub(lambda match: _element(match, rules), text)
    if rules.fields or _may_name(text):
        text = _PARAMETER.sub(lambda match: _parameter(match, rules), text)
        text = _HEADER.sub(rf"\g<name>{SCRUBBED}", text)
        text = _without_pairs(text, rules)
    return without_shapes(text)


def path_without_secrets(text: str, rules: TextRules = NO_MORE) -> str:
    """Return an address without its query, in which no names are expected, without secrets."""
    if not rules.suspects(text):
        return text
    return without_shapes(_without_encoded(_without_known(text, rules), rules, _LAYERS))


def parameter_without_secrets(value: str, rules: TextRules) -> str:
    """Return the value of a query parameter without secrets; a plus in it is a space."""
    if not rules.suspects(value):
        return value
    return _encoded(_without_known(value, rules), rules, _LAYERS, plus=" ")


def _without_known(text: str, rules: TextRules) -> str:
    for pattern in (rules.known, *rules.patterns):
        if pattern is not None:
            text = pattern.sub(SCRUBBED, text)
    return text


def _without_encoded(text: str, rules: TextRules, layers: int) -> str:
    """Return the text with its percent-encoded words redacted inside, and without users in addresses."""
    if layers and "%" in text:
        text = _WORD.sub(lambda match: _word(match[0], rules, layers - 1), text)
    return USER.sub(f"{SCRUBBED}@", text) if "@" in text else text


def _word(word: str, rules: TextRules, layers: int) -> str:
    if "%" not in word:
        return word
    if "+" in word:
        word = _encoded(word, rules, layers, plus=" ")
    return _encoded(word, rules, layers, plus="+")


def _encoded(word: str, rules: TextRules, layers: int, *, plus: str) -> str:
    """Return a percent-encoded text redacted inside; unchanged if it holds no secret.

    Args:
        word: the text, without what ends a parameter.
        rules: further rules.
        layers: layers of percent-encoding inside.
        plus: what a plus means: a space, as in a form, or itself.
    """
    bare = unquote(word.replace("+", plus))
    clean = text_without_secrets(bare, rules, layers)
    if clean == bare:
        return word
    kept = _RESERVED.intersection(word)
    if plus == "+" or "+" not in word:
        return quote(clean, safe="".join(kept), errors="surrogatepass")
    return quote(clean, safe="".join(kept - {"+"}), errors="surrogatepass").replace("%20", "+")


def _without_query(match: re.Match[str]) -> str:
    """Return an address with the names of its parameters only."""
    return match[1] + "&".join(_valueless(each) for each in match[2].split("&"))


def _valueless(parameter: str) -> str:
    name, equals, value = parameter.partition("=")
    if not equals:
        return SCRUBBED if name else name
    return f"{name}={SCRUBBED if value else value}"


def _may_name(text: str) -> bool:
    if "=" not in text and ":" not in text and "--" not in text:
        return False
    return _NAME_HINTS.search(unquote(text) if "%" in text else text) is not None


def _parameter(match: re.Match[str], rules: TextRules) -> str:
    return match[1] + SCRUBBED if rules.names(unquote(match[2])) else match[0]


def _element(match: re.Match[str], rules: TextRules) -> str:
    """Return an element of markup, with a placeholder as its content if its name is telling."""
    return match[1] + SCRUBBED if rules.names(match[2]) and match[3].strip() else match[0]


def _without_pairs(text: str, rules: TextRules) -> str:
    """Return the text without the values of secret names; `Reason: token => x` has one behind a harmless name."""
    parts: list[str] = []
    copied = place = 0
    while front := _FRONT.search(text, place):
        place = front.end()
        if rules.names(front["name"]) and (pair := _PAIR.match(text, front.start())):
            parts += text[copied : pair.start()], _pair(pair)
            copied = place = pair.end()
    return "".join([*parts, text[copied:]])


def _pair(match: re.Match[str]) -> str:
    """Return a name with a placeholder; the quotes of the value stay."""
    name, between, value = match.group("name", "between", "value")
    before = match["option"] or ""
    mark = value[0] if value[0] in "\"'" else ""
    return f"{before}{name}{between}{mark}{SCRUBBED}{mark}"


def has_repeated_name(text: str) -> bool:
    """Return whether a name stands twice in an object of a JSON text: its parsed form only has the last value."""
    repeats = False

    def put_together(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal repeats
        found = dict(pairs)
        repeats = repeats or len(found) != len(pairs)
        return found

    json.loads(text.lstrip("\ufeff"), object_pairs_hook=put_together)
    return repeats


def _json_without_secrets(text: str, rules: TextRules, layers: int) -> str | None:
    """Return JSON inside of a text without the values of secret names; None for other text."""
    try:
        value = json.loads(text)
        clean = _named(value, rules, layers)
    except (ValueError, RecursionError):
        return None
    written = json.dumps(clean, ensure_ascii=text.isascii(), separators=(",", ":"))
    return text if clean == value and not has_repeated_name(text) else written


def _named(value: Any, rules: TextRules, layers: int, *, hide: bool = False) -> Any:
    match value:
        case dict():
            return {
                text_without_secrets(name, rules, layers): _named(each, rules, layers, hide=hide or rules.names(name))
                for name, each in value.items()
            }
        case list():
            return [_named(each, rules, layers, hide=hide) for each in value]
        case "" | None | bool():
            return value
        case str() if not hide:
            return text_without_secrets(value, rules, layers)
    return SCRUBBED if hide else value
