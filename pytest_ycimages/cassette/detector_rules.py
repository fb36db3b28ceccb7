"""Rules of the detector beyond token formats: telling names, signed addresses, long random text, rests of secrets.

Nothing that the API sends may match: ids of 20 characters, UUIDs, page tokens, traces, labels of up to 63 characters,
and what people write into a description.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_ycimages.cassette.secret_shapes import SHAPES, hint_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MARK: Final = "\x1f"
"""Mark in the place of a placeholder in a view; no rule matches it."""
ALLOWED: Final = "\x1e"
"""Mark in the place of an allowed text in a view."""


class Rule(NamedTuple):
    """A rule: its name, substrings of which every match contains one, its pattern, and a confirmation of a match.

    What is `lowered` is looked for in the text in small letters, which is faster than ignoring the case.
    """

    name: str
    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    believes: Callable[[str, re.Match[str]], bool] = lambda _text, _match: True
    lowered: bool = False


def looks_random(text: str) -> bool:
    """Return whether a text looks random: capitals, small letters and digits in frequent alternation."""
    kinds = [0 if each.isdigit() else 1 if each.islower() else 2 for each in text if each.isalnum()]
    changes = sum(one != two for one, two in pairwise(kinds))
    return len(set(kinds)) == len("aA0") and changes >= 0.4 * len(kinds)


_MARKS: Final = MARK + ALLOWED
_VALUE: Final = rf"[^\s\"'&,;<>{{}}\[\]()\\{_MARKS}]+"
_NAMES: Final = (
    "token|secret|passw(?:or)?d|pwd|passphrase|signature|credentials?|authorization|cookie|jwt"
    "|(?:private|access|api|secret|auth|signing)[_-]?key(?:[_-]?id)?"
)
_MEANS: Final = r"[\"'\\]*[\s+]*[:=]>?"
_SCHEME: Final = "bearer|basic|oauth|api-key|digest|aws4-hmac-sha256"
_HINTS: Final = (
    *("token", "secret", "pass", "pwd", "signature", "credential", "authorization", "cookie", "key", "jwt"),
)
_BEFORE: Final = 48
_PAGE: Final = re.compile(r"""page[_-]?(?:token["'\\]*\s*[:=]\s*["'\\]*)?\Z""", re.IGNORECASE)
_PAGE_NAME: Final = re.compile("page[_-]?token")
_BREAK: Final = r"[ \r]*[\n\v][ \t]*"
_STORED: Final = re.compile(r"""(?:base64\w*["'\\]*\s*[:=]\s*["'\\]*|!!binary\s+[|>"'\\-]*\s*)\Z""", re.IGNORECASE)
_DIGEST: Final = re.compile(r"(?:sha(?:-?[0-9]{1,3})?|digest|checksum)[\"'\\]*[:=/_-]\s*[\"'\\]*\Z", re.IGNORECASE)
_SCHEMES: Final = frozenset({"bearer", "basic", "oauth", "api-key", "digest", "aws4-hmac-sha256"})
_NO_SECRETS: Final = frozenset({"true", "false", "null", "none"})
_NUMBERING: Final = "0123456789[]._-"
_SHORT_NUMBER: Final = 3
_LONG_VALUE: Final = 16


def _found(text: str, match: re.Match[str], group: str | int = 0) -> str:
    """Return a match in the letters of the original text."""
    return text[slice(*match.span(group))]


def _stands_behind(pattern: re.Pattern[str], match: re.Match[str]) -> bool:
    return pattern.search(match.string, max(0, match.start() - _BEFORE), match.start()) is not None


def _is_named(text: str, match: re.Match[str]) -> bool:
    """Return whether a value belongs to a telling name. A longer name needs a random value.

    `tokens` goes on, `token_2` and `token[0]` do not. A plus is a space, as in a form.
    """
    value = _found(text, match, "value")
    if match["rest"].strip(_NUMBERING):
        return len(value) >= _LONG_VALUE and looks_random(value)
    if value.lower() in _NO_SECRETS or value.lower() in _SCHEMES or _stands_behind(_PAGE, match):
        return False
    return not (value.isdigit() and len(value) <= _SHORT_NUMBER)


def _is_no_page(_text: str, match: re.Match[str]) -> bool:
    return not _PAGE_NAME.search(match[0])


def _is_drawn(_text: str, match: re.Match[str]) -> bool:
    """Return whether long hexadecimal is neither announced as a digest nor a repeated character."""
    kinds = {each.isdigit() for each in match[0]}
    return len(kinds) == len("a0") and not _stands_behind(_DIGEST, match)


def _is_random(text: str, match: re.Match[str]) -> bool:
    """Return whether a long text is random, and neither a page token nor a body stored as base64."""
    return looks_random(_found(text, match)) and not _stands_behind(_PAGE, match) and not _stands_behind(_STORED, match)


WORDS: Final = (
    Rule(
        "signed-address",
        ("signature=", "credential=", "security-token=", "awsaccesskeyid=", "sig="),
        re.compile(
            r"[?&](?:x-(?:amz|goog)-(?:signature|credential|security-token)|signature|sig|awsaccesskeyid)="
            rf"(?P<value>[^&\s\"'{_MARKS}]+)"
        ),
        lowered=True,
    ),
    Rule("password-in-address", ("://",), re.compile(rf"://[^/\s@\"'<>?#{_MARKS}]+@")),
    Rule(
        "name-of-a-secret",
        _HINTS,
        re.compile(
            rf"(?:{_NAMES})"
            r"(?P<rest>[\w.-]{0,40}(?:\[[\w.-]{0,40}\])?)[\"'\\]*[\s+]*[:=]>?(?:\\+[nrt]|[\[\"'\\\s+-])*+"
            rf"(?P<value>(?:(?:{_SCHEME})[ \t+]+(?!{MARK}))?{_VALUE})",
            re.ASCII,
        ),
        _is_named,
        lowered=True,
    ),
)
MARKUP: Final = (
    Rule(
        "name-of-a-secret",
        ("form-data",),
        re.compile(
            rf"form-data;[^\n\v]{{0,200}}?\bname\*?=[\"']?[\w.'-]{{0,60}}?(?:{_NAMES})[0-9_.\[\]-]*[\"']?(?:;[^\n\v]{{0,200}})?"
            rf"(?:{_BREAK}\S[^\n\v]{{0,500}}){{0,8}}?{_BREAK}{_BREAK}(?!--)(?P<value>[^\s{_MARKS}][^\n\v]*)",
            re.ASCII,
        ),
        _is_no_page,
        lowered=True,
    ),
    Rule(
        "name-of-a-secret",
        ("</",),
        re.compile(
            rf"<(?:[\w-]{{1,40}}:)?[\w.-]{{0,60}}?(?:{_NAMES})[0-9_.-]*(?:\s[^<>]{{0,500}})?>\s*(?:<!\[cdata\[(?!\]))?"
            rf"(?P<value>[^<\s{_MARKS}][^<]*)</",
            re.ASCII,
        ),
        _is_no_page,
        lowered=True,
    ),
)
"""Parts of multipart forms and elements of XML with a telling name, for a text without escapes."""

LONG: Final = (
    Rule("long-hexadecimal", (), re.compile(r"(?<![0-9a-fA-F])[0-9a-fA-F]{64,}"), _is_drawn),
    Rule("long-random-text", (), re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{80,}"), _is_random),
)
"""Long random text. Not for decoded base64, in which everything looks random."""

_NEXT_NAME: Final = rf"[\w.-]+{_MEANS}"
LEFT: Final = (
    Rule(
        "rest-of-a-secret",
        (MARK,),
        re.compile(
            rf"(?<![\w.?&;-])[\w.-]{{0,60}}?(?:{_NAMES})[0-9_.-]*{_MEANS}[\[\"'\\\s+-]*{MARK}++"
            rf"(?:[\"'\\]+|[ \t+]+(?!{_NEXT_NAME})|[,;(\[{{](?!{_NEXT_NAME}))(?P<value>\w[^\s\"']*)",
            re.ASCII,
        ),
        lowered=True,
    ),
    Rule(
        "rest-of-a-secret",
        (MARK,),
        re.compile(
            rf"(?<![\w.?&;-])[\w.-]{{0,60}}?(?:authorization|cookie){_MEANS}[\[\"'\\\s+-]*"
            rf"(?:(?:{_SCHEME})[ \t+]+)?{MARK}++[ \t+,;]+(?P<value>\w[^\s\"']*)",
            re.ASCII,
        ),
        lowered=True,
    ),
)
"""Text behind a placeholder, where only part of a secret was replaced, for a text without escapes."""


def finds_of_shapes(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield rule, begin and end of every token in a text."""
    for shape in SHAPES:
        if hint_of(shape.hints)(text):
            for match in shape.pattern.finditer(text):
                if shape.accepts(match):
                    yield shape.rule, *match.span("word" if "word" in shape.pattern.groupindex else 0)


def finds_of_rules(text: str, rules: tuple[Rule, ...]) -> Iterator[tuple[str, int, int]]:
    """Yield rule, begin and end of everything in a text that a rule believes to be a secret."""
    lower = text.encode("latin-1", "replace").lower().decode("latin-1")  # of the same length, whatever the characters
    for rule in rules:
        where = lower if rule.lowered else text
        if not rule.hints or hint_of(rule.hints)(where):
            for match in rule.pattern.finditer(where):
                if rule.believes(text, match):
                    yield rule.name, *match.span(match.lastgroup or 0)
