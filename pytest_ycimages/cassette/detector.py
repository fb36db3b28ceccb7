"""Detector of secrets: the second check, over the decoded text that is about to be written.

It reads the text as it is, without escapes, without percent-encoding and out of base64, and looks for the names and the
token formats of `redaction`, for known credentials, and for long random text. A finding refuses to save the cassette;
it tells the rule and the place, never the text.
"""

from __future__ import annotations

import binascii
import re
from itertools import chain, islice, pairwise
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote

from pytest_ycimages.errors import SecretFoundError
from pytest_ycimages.redaction.credentials import SHORTEST, is_placeholder, plain_forms
from pytest_ycimages.redaction.shapes import (
    ELEMENT,
    FORM_PART,
    LONGEST_NAME,
    MEANS,
    NAMED,
    PLACEHOLDERS,
    is_secret,
    is_suspicious,
    mentions_secret,
    tokens_in,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from pytest_ycimages.cassette.model import Interaction

_LAYERS: Final = 4
"""How many layers of escapes and percent-encoding are taken off."""

_ESCAPE: Final = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|\n[ \t]*(\S*)|([\"'\\/ abefnrtv]))")
_CONTROL: Final = frozenset("abefnrtv")
_ENCODED_LINE_END: Final = re.compile("%0[aA]")
_RUN: Final = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{24,}")
_WRAPPED: Final = re.compile(r"(?<![A-Za-z0-9+/])(?:[A-Za-z0-9+/]{40,76}\n[ ]*)+[A-Za-z0-9+/]+")
_URL_SAFE: Final = str.maketrans("-_", "+/", "\n ")
_OFFSETS: Final = range(4)
"""What stands before base64 may look like some of it. One of four ways of reading it is the right one."""

_MARK: Final = "\x1f"
"""Mark in the place of a placeholder; no rule matches it."""
_ALLOWED: Final = "\x1e"
"""Mark in the place of an allowed text."""
_TILDE: Final = "(?:~|%(?:25)*7[Ee])"
_PLACEHOLDER: Final = re.compile(
    rf"(?:{'|'.join(_TILDE.join(map(re.escape, each.split('~'))) for each in PLACEHOLDERS)})(?![A-Za-z0-9_-])"
)
"""A placeholder, also where a tilde is percent-encoded."""

_FRONT: Final = re.compile(NAMED)
_SCHEMES: Final = "bearer|basic|oauth|api-key|digest|aws4-hmac-sha256"
_NO_SECRETS: Final = re.compile(rf"true|false|null|none|[0-9]{{1,3}}|{_SCHEMES}", re.IGNORECASE)
_VALUE: Final = re.compile(
    rf"(?:\\++[nrt]?+|[\[\"' \t\r\n\f+-])*+(?:(?:{_SCHEMES})[ \t+]+)?"
    rf"(?:(?P<mark>{_MARK}++)|(?P<value>[^\s\"'&,;<>{{}}\[\]()\\{_ALLOWED}]+))",
    re.IGNORECASE,
)
"""The first word of a value, in a list and behind a scheme too; or the mark of a placeholder."""
_NEXT: Final = rf"[\w.-]+{MEANS}"
_REST: Final = re.compile(rf"(?:[\"'\\]+|[ \t+]+(?!{_NEXT})|[,;(\[{{](?!{_NEXT}))(?P<value>\w[^\s\"']*)")
_REST_OF_HEADER: Final = re.compile(r"[ \t+,;]+(?P<value>\w[^\s\"']*)")
"""Text behind a placeholder, where only part of a secret was replaced; a quoted header goes on behind names too."""

_USER: Final = re.compile(rf"://[^/\s@\"'<>?#{_ALLOWED}]+@")
_HEXADECIMAL: Final = re.compile(r"(?<![0-9a-fA-F])[0-9a-fA-F]{64,}")
_RANDOM: Final = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{80,}")
_DIGEST: Final = re.compile(r"(?:sha(?:-?[0-9]{1,3})?|digest|checksum)[\"'\\]*[:=/_-]\s*[\"'\\]*\Z", re.IGNORECASE)
_EXPECTED: Final = re.compile(
    r"""(?:page[_-]?(?:token["'\\]*\s*[:=]\s*["'\\]*)?|base64\w*["'\\]*\s*[:=]\s*["'\\]*|!!binary\s+[|>"'\\-]*\s*)\Z""",
    re.IGNORECASE,
)
"""What stands before a page token, or a body stored as base64."""
_BEFORE: Final = 48
_LONG_VALUE: Final = 16

_KNOWN: Final = "known-credential"
_HOST: Final = re.compile(r"^https?://[^/?]*")
_KEY: Final = re.compile(r"""(?<![\w.@-])([A-Za-z][\w.@-]{0,40})["'\\]*[ ]*[:=](?!//)""")
_VALUE_END: Final = re.compile(r"[,&{}\[\]]")
_LOOK_BACK: Final = 200
_MOST: Final = 100
"""Findings that are told of one view. Each costs a search of the text, and the first refuses to save it."""

Find = tuple[str, int, int]
"""A rule, and the begin and the end of the text that it found."""


class Finding(NamedTuple):
    """A place with a likely secret.

    Attributes:
        rule: the rule that found it, such as `iam-token`.
        line: the line, from 1.
        key: the name before it on that line, such as `description`; empty for none.
        encoding: the encoding around it: `base64`, `escapes`; empty for nothing.
    """

    rule: str
    line: int
    key: str = ""
    encoding: str = ""

    def __str__(self) -> str:
        """Return one line for people."""
        key = f" at {self.key!r}" if self.key else ""
        inside = f", inside {self.encoding}" if self.encoding else ""
        return f"{self.rule}, line {self.line}{key}{inside}"


def find_secrets(data: bytes | str, known: Collection[str] = (), allow: Collection[str] = ()) -> tuple[Finding, ...]:
    """Search what is about to be saved: an interaction, or a whole file.

    Args:
        data: the content of the file.
        known: credentials that must not be in it, whatever their shape; short ones are ignored.
        allow: regular expressions for harmless text; a known credential is found all the same.

    Returns:
        The first findings of each kind, in the order of the lines, without repetitions.
    """
    text = data if isinstance(data, str) else data.decode("utf-8", "replace")
    words = [word for word in known if len(word) >= SHORTEST and not is_placeholder(word)]
    views = [(_without(_PLACEHOLDER, _MARK, view), encoding) for view, encoding in _views_of(text)]
    patterns = tuple(map(re.compile, allow))
    allowed = {match[0] for view, _ in views for pattern in patterns for match in pattern.finditer(view)}
    found: dict[tuple[str, int, str], Finding] = {}
    for number, (view, encoding) in enumerate(views, 2 - len(views)):  # the last but one is 0
        searched = view
        for pattern in patterns:
            searched = _without(pattern, _ALLOWED, searched)
        finds = _finds(searched.replace("\v", "\n"), in_base64=number > 0, is_barest=number == 0)
        for rule, start, end in chain(_known(view, words), islice(finds, _MOST)):
            what = view[start:end]
            if rule == _KNOWN or len(what) < SHORTEST or not any(what in each for each in allowed):
                key, line = _key_before(view, start), view.count("\n", 0, start) + 1
                first = found.setdefault(
                    (rule, line, what), Finding(rule, line, key, "" if what in views[0][0] else encoding)
                )
                found[rule, line, what] = first._replace(key=key or first.key)
    return tuple(sorted(dict.fromkeys(found.values()), key=lambda each: (each.line, each.rule, each.key)))


def check_before_saving(
    saved: bytes | str,
    *,
    cassette: str,
    interaction: Interaction | None = None,
    known: Collection[str] = (),
    allow: Collection[str] = (),
) -> None:
    """Raise if the text that is about to be written holds a secret. Nothing is written before this returns.

    Args:
        saved: the text that is about to be written.
        cassette: the name of the cassette, for the text of the error.
        interaction: the interaction in the text, to name the part with the secret.
        known: credentials that must not be in it, whatever their shape.
        allow: regular expressions for harmless text.

    Raises:
        SecretFoundError: the text holds a likely secret; the error names the place and the next step.
    """
    found = find_secrets(saved, known, allow)
    if not found:
        return
    parts = _parts(interaction) if interaction else ()
    places = [f"{where}: {each}" for where, part in parts for each in find_secrets(part, known, allow)]
    of = f" for {line_without_secrets(interaction, known)}" if interaction else ""
    raise SecretFoundError(
        f"{cassette} was not saved{of}: it would hold what looks like a secret. What was saved before is as it was.\n"
        + "\n".join(f"  {place}" for place in places or found)
        + '\nIf it is a secret, have it scrubbed: scrub=("name_of_field",) or scrub=("re:expression",). '
        'If it is none: scrub=("allow:expression",).'
    )


def line_without_secrets(interaction: Interaction, known: Collection[str] = ()) -> str:
    """Return verb and path of a call for people, unless they may hold a secret."""
    request = interaction.request
    line = f"{request.method} {_HOST.sub('', request.uri).partition('?')[0]}"
    return "one of its interactions" if find_secrets(line, known) else line


def _parts(interaction: Interaction) -> Iterator[tuple[str, bytes | str]]:
    request, response = interaction.request, interaction.response
    yield "the request's address", request.uri
    yield from ((f"the request's header {name}", f"{name}: {value}") for name, value in request.headers)
    yield "the request's body", request.body
    yield "the answer's reason", response.reason
    yield from ((f"the answer's header {name}", f"{name}: {value}") for name, value in response.headers)
    yield "the answer's body", response.body


def _views_of(text: str) -> Iterator[tuple[str, str]]:
    """Yield the text, the text without each layer of escapes, and last what is in base64 in it, with the encoding.

    Line ends stay in place, so that lines are those of the text. One that was encoded becomes a vertical tab.
    """
    text = text.replace("\0", "")  # UTF-16 that is read as if each byte were a character
    yield text, ""
    for _ in range(_LAYERS):
        bare = _without_escapes(text) if "\\" in text else text
        bare = unquote(_ENCODED_LINE_END.sub("\v", bare)) if "%" in bare else bare
        if bare == text:
            break
        text = bare
        yield text, "escapes"
    yield _from_base64(text), "base64"


def _without(pattern: re.Pattern[str], mark: str, text: str) -> str:
    """Return a text with marks of the same length in the place of what a pattern matches."""
    return pattern.sub(lambda match: mark * len(match[0]), text)


def _without_escapes(text: str) -> str:
    if "\\\\" not in text:  # so no backslash is escaped itself, and the usual escapes can be replaced at once
        text = text.replace('\\"', '"').replace("\\n", "\v").replace("\\/", "/")
    return _ESCAPE.sub(_unescaped, text) if "\\" in text else text


def _unescaped(match: re.Match[str]) -> str:
    code, byte, folded, plain = match.groups()
    if folded is not None:
        return folded + "\n"
    if plain is not None:
        return "\v" if plain == "n" else " " if plain in _CONTROL else plain
    character = chr(int(code or byte, 16))
    return "" if character == "\0" else "\v" if character == "\n" else character


def _from_base64(text: str) -> str:
    parts, counted = [], 0
    for match in sorted((*_RUN.finditer(text), *_WRAPPED.finditer(text)), key=re.Match.start):
        parts.append("\n" * text.count("\n", counted, match.start()))
        counted = match.start()
        run = match[0].translate(_URL_SAFE)
        parts += (_out_of_base64(run[offset:]) for offset in _OFFSETS)
    return "".join(parts)


def _out_of_base64(run: str) -> str:
    whole = run[: len(run) // 4 * 4]
    rest = run[len(whole) :]
    last = rest.ljust(4, "=") if len(rest) > 1 else ""
    return binascii.a2b_base64(whole + last).decode("utf-8", "replace").replace("\n", "\v") + "\v"


def _known(text: str, words: Iterable[str]) -> Iterator[Find]:
    for word in words:
        for form in plain_forms(word):
            if form in text:
                yield _KNOWN, text.index(form), text.index(form) + len(form)
                break


def _finds(text: str, *, in_base64: bool, is_barest: bool) -> Iterator[Find]:
    """Yield what all rules find. A token has nothing in it that is escaped, so only the last views can show it."""
    if mentions_secret(text):
        yield from _named_values(text, is_barest=is_barest)
    if "://" in text:
        yield from (("password-in-address", *match.span()) for match in _USER.finditer(text))
    if is_barest or in_base64:
        for shape, match in tokens_in(text):
            yield shape.rule, *match.span("word" if "word" in shape.pattern.groupindex else 0)
        parts = FORM_PART.finditer(text) if "form-data" in text else ()
        for match in chain(parts, ELEMENT.finditer(text)):
            if is_secret(match["name"]) and match["value"].strip(f"\r\n ]>{_MARK}{_ALLOWED}"):
                yield "name-of-a-secret", *match.span("value")
    if is_barest:
        yield from _long_texts(text)


def _named_values(text: str, *, is_barest: bool) -> Iterator[Find]:
    """Yield the values of telling names, and in the barest text what goes on behind their placeholders.

    A longer name than a telling one, such as `secret_of_the_house`, tells if its value looks random.
    """
    for front in _FRONT.finditer(text):
        name, is_parameter = front["name"][-LONGEST_NAME:], front["parameter"] is not None
        is_telling = is_secret(name)
        if not (is_telling or is_suspicious(name)):
            continue
        after = _VALUE.match(text, front.end())
        value = after and after["value"]
        if after is None:
            continue
        if value:
            if not _NO_SECRETS.fullmatch(value) if is_telling else len(value) >= _LONG_VALUE and looks_random(value):
                yield "signed-address" if is_parameter else "name-of-a-secret", *after.span("value")
        elif is_telling and is_barest and not is_parameter:
            is_header = name.lower().endswith(("authorization", "cookie"))
            rest = _REST.match(text, after.end()) or (is_header and _REST_OF_HEADER.match(text, after.end()))
            if rest:
                yield "rest-of-a-secret", *rest.span("value")


def _long_texts(text: str) -> Iterator[Find]:
    """Yield long hexadecimal that is not announced as a digest, and long random text that nothing announces."""
    for match in _HEXADECIMAL.finditer(text):
        kinds = {each.isdigit() for each in match[0]}
        if len(kinds) == len("a0") and not _stands_before(_DIGEST, match):
            yield "long-hexadecimal", *match.span()
    for match in _RANDOM.finditer(text):
        if looks_random(match[0]) and not _stands_before(_EXPECTED, match):
            yield "long-random-text", *match.span()


def _stands_before(pattern: re.Pattern[str], match: re.Match[str]) -> bool:
    return pattern.search(match.string, max(0, match.start() - _BEFORE), match.start()) is not None


def looks_random(text: str) -> bool:
    """Return whether a text looks random: capitals, small letters and digits in frequent alternation."""
    kinds = [0 if each.isdigit() else 1 if each.islower() else 2 for each in text if each.isalnum()]
    changes = sum(one != two for one, two in pairwise(kinds))
    return len(set(kinds)) == len("aA0") and changes >= 0.4 * len(kinds)


def _key_before(text: str, start: int) -> str:
    """Return the name before a position on its line, unless it looks like a secret itself."""
    line = max(text.rfind("\n", 0, start), start - _LOOK_BACK, 0)
    before = _VALUE_END.split(text[line:start])[-1]
    names = [match[1] for match in _KEY.finditer(before)]
    return names[-1] if names and not any(tokens_in(names[-1])) and not any(_long_texts(names[-1])) else ""
