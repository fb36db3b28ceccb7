"""Detector of secrets: the second check, over the decoded text that is about to be written.

It reads the text as it is, without escapes, without percent-encoding and out of base64, and looks for the token formats
of `secret_shapes`, for known credentials, for values of telling names, and for long random text. A finding refuses to
save the cassette; it tells the rule and the place, never the text.
"""

from __future__ import annotations

import binascii
import re
from bisect import bisect_right
from functools import lru_cache
from html import escape
from itertools import chain, islice
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote

from pytest_ycimages.cassette.detector_rules import (
    ALLOWED,
    LEFT,
    LONG,
    MARK,
    MARKUP,
    WORDS,
    finds_of_rules,
    finds_of_shapes,
)
from pytest_ycimages.cassette.secret_shapes import PLACEHOLDERS
from pytest_ycimages.errors import SecretFoundError

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


class View(NamedTuple):
    """A text with some of its encodings removed; line ends stay in place.

    Attributes:
        text: the decoded text.
        encoding: the encodings that were removed; empty for none.
        starts: positions at which another line of the original begins, with that line; empty if lines are the same.
    """

    text: str
    encoding: str = ""
    starts: tuple[tuple[int, int], ...] = ()

    def line(self, at: int) -> int:
        """Return the line of the original, from 1, of a position in this text."""
        if not self.starts:
            return self.text.count("\n", 0, at) + 1
        return self.starts[bisect_right(self.starts, at, key=lambda start: start[0]) - 1][1]


def views_of(text: str) -> Iterator[View]:
    """Yield the text, the text without each layer of escapes, and last everything that is in base64 in it."""
    text = text.replace("\0", "")  # UTF-16 that is read as if each byte were a character
    yield View(text)
    for _ in range(_LAYERS):
        bare = _without_escapes(text) if "\\" in text else text
        bare = unquote(_ENCODED_LINE_END.sub("\v", bare)) if "%" in bare else bare
        if bare == text:
            break
        text = bare
        yield View(text, "escapes")
    yield _from_base64(text)


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


def _from_base64(text: str) -> View:
    """Return what is in base64 in a text, each piece on a line of its own."""
    parts, starts, size = [], [], 0
    line, counted = 1, 0
    for match in sorted((*_RUN.finditer(text), *_WRAPPED.finditer(text)), key=re.Match.start):
        line, counted = line + text.count("\n", counted, match.start()), match.start()
        run = match[0].translate(_URL_SAFE)
        for offset in _OFFSETS:
            part = _out_of_base64(run[offset:])
            parts.append(part)
            starts.append((size, line))
            size += len(part)
    return View("".join(parts), "base64", tuple(starts))


def _out_of_base64(run: str) -> str:
    whole = run[: len(run) // 4 * 4]
    rest = run[len(whole) :]
    last = rest.ljust(4, "=") if len(rest) > 1 else ""
    return binascii.a2b_base64(whole + last).decode("utf-8", "replace") + "\n"


_TILDE: Final = "(?:~|%(?:25)*7[Ee])"
_PLACEHOLDER: Final = re.compile(
    rf"(?:{'|'.join(_TILDE.join(map(re.escape, each.split('~'))) for each in PLACEHOLDERS)})(?![A-Za-z0-9_-])"
)
"""A placeholder, also where a tilde is percent-encoded."""

_KNOWN: Final = "known-credential"
_SHORTEST: Final = 8
"""A known credential with fewer characters is not looked for: it would be found in ordinary words."""

_HOST: Final = re.compile(r"^https?://[^/?]*")
_KEY: Final = re.compile(r"""(?<![\w.@-])([A-Za-z][\w.@-]{0,40})["'\\]*[ ]*[:=](?!//)""")
_VALUE_END: Final = re.compile(r"[,&{}\[\]]")
_LOOK_BACK: Final = 200
_MOST: Final = 100
"""Findings that are told of one view. Each costs a search of the text, and the first refuses to save it."""


class Finding(NamedTuple):
    """A place with a likely secret.

    Attributes:
        rule: the rule that found it, such as `iam-token`.
        line: the line, from 1.
        key: the name before it on that line, such as `description`; empty for none.
        encoding: the encoding around it: `base64`, `percent-encoding`, `JSON escapes`; empty for nothing.
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
    words = tuple(filter(_forms, known))
    views = [_without(view, (_PLACEHOLDER,), MARK) for view in views_of(text)]
    patterns = tuple(map(re.compile, allow))
    allowed = {match[0] for view in views for pattern in patterns for match in pattern.finditer(view.text)}
    found: dict[tuple[str, int, str], Finding] = {}
    for view in views:
        searched = _without(view, patterns, ALLOWED) if patterns else view
        finds = _finds(searched, is_barest=view is views[-2])
        for find, what in chain(_known(view, words), islice(finds, _MOST)):
            if find.rule == _KNOWN or not _is_in(what, allowed):
                seen = find._replace(encoding="") if what in views[0].text else find
                first = found.setdefault((find.rule, find.line, what), seen)
                found[find.rule, find.line, what] = first._replace(key=find.key or first.key)
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
        known: credentials that must not be in it, whatever their shape: `Redactor.known`.
        allow: regular expressions for harmless text: `Redactor.allowed`.

    Raises:
        SecretFoundError: the text holds a likely secret; the error names the place and the next step.
    """
    found = find_secrets(saved, known, allow)
    if found:
        parts = list(_in_parts(interaction, known, allow)) if interaction else []
        raise SecretFoundError(_refusal(cassette, interaction, parts or [str(each) for each in found], known))


def line_without_secrets(interaction: Interaction, known: Collection[str] = ()) -> str:
    """Return verb and path of a call for people, unless they may hold a secret."""
    request = interaction.request
    line = f"{request.method} {_HOST.sub('', request.uri).partition('?')[0]}"
    return "one of its interactions" if find_secrets(line, known) else line


def _without(view: View, patterns: Iterable[re.Pattern[str]], mark: str) -> View:
    """Return the view with placeholders or allowed texts replaced by marks of the same length."""
    text = view.text
    for pattern in patterns:
        text = pattern.sub(lambda match: mark * len(match[0]), text)
    return view._replace(text=text)


def _is_in(what: str, allowed: Iterable[str]) -> bool:
    """Return whether a text is part of an allowed text in another view."""
    return len(what) >= _SHORTEST and any(what in each for each in allowed)


def _known(view: View, known: Iterable[str]) -> Iterator[tuple[Finding, str]]:
    """Yield the known credentials in a view, each with its text."""
    for word in known:
        for form in _forms(word):
            if form in view.text:
                yield _finding(_KNOWN, view, view.text.index(form)), word
                break


@lru_cache(maxsize=1024)
def _forms(word: str) -> tuple[str, ...]:
    """Return a credential in the ways of writing it that no view decodes; nothing if it is not to be looked for."""
    if len(word) < _SHORTEST or any(word in each for each in PLACEHOLDERS):
        return ()
    return tuple(dict.fromkeys((word, word.replace(" ", "+"), escape(word), escape(word, quote=False))))


def _finds(view: View, *, is_barest: bool) -> Iterator[tuple[Finding, str]]:
    """Yield the findings of all rules in a view, each with its text.

    A token has nothing in it that can be escaped, so its shape is looked for in the barest view only.
    """
    finds: Iterator[tuple[str, int, int]]
    if view.encoding == "base64":
        finds = chain(finds_of_shapes(view.text), finds_of_rules(view.text, WORDS + MARKUP))
    elif is_barest:
        finds = chain(finds_of_shapes(view.text), finds_of_rules(view.text, WORDS + MARKUP + LONG + LEFT))
    else:
        finds = finds_of_rules(view.text, WORDS)
    for rule, start, end in finds:
        yield _finding(rule, view, start), view.text[start:end]


def _finding(rule: str, view: View, start: int) -> Finding:
    return Finding(rule, view.line(start), _key_before(view.text, start), view.encoding)


def _key_before(text: str, start: int) -> str:
    """Return the name before a position on its line, unless it looks like a secret itself."""
    line = max(text.rfind("\n", 0, start), start - _LOOK_BACK, 0)
    before = _VALUE_END.split(text[line:start])[-1]
    names = [match[1] for match in _KEY.finditer(before)]
    return names[-1] if names and not any(finds_of_shapes(names[-1])) and not _is_long(names[-1]) else ""


def _is_long(name: str) -> bool:
    return any(finds_of_rules(name, LONG))


def _in_parts(interaction: Interaction, known: Collection[str], allow: Collection[str]) -> Iterator[str]:
    for where, part in _parts(interaction):
        for find in find_secrets(part, known, allow):
            yield f"{where}: {find}"


def _parts(interaction: Interaction) -> Iterator[tuple[str, bytes | str]]:
    request, response = interaction.request, interaction.response
    yield "the request's address", request.uri
    for name, value in request.headers:
        yield f"the request's header {name}", f"{name}: {value}"
    yield "the request's body", request.body
    yield "the answer's reason", response.reason
    for name, value in response.headers:
        yield f"the answer's header {name}", f"{name}: {value}"
    yield "the answer's body", response.body


def _refusal(cassette: str, interaction: Interaction | None, places: Collection[str], known: Collection[str]) -> str:
    of = f" for {line_without_secrets(interaction, known)}" if interaction else ""
    return (
        f"{cassette} was not saved{of}: it would hold what looks like a secret. What was saved before is as it was.\n"
        + "\n".join(f"  {place}" for place in places)
        + '\nIf it is a secret, have it scrubbed: scrub=("name_of_field",) or scrub=("re:expression",). '
        'If it is none: scrub=("allow:expression",).'
    )
