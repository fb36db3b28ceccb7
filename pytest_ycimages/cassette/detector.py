"""The second rule: what is about to be saved is searched for secrets, and a find refuses to save it.

It looks at the bytes themselves and shares no table with what scrubs, so a gap there is not a gap here. All they have
in common is the placeholders. What it says about a find is the rule and the place, never the text.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_ycimages.cassette.detector_rules import ALL, ALLOWED, MARK, MARKUP, SHAPES, WORDS, finds_in
from pytest_ycimages.cassette.placeholders import PLACEHOLDERS
from pytest_ycimages.cassette.secrets_views import View, views_of
from pytest_ycimages.errors import SecretFoundError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from pytest_ycimages.cassette.detector_rules import Rule
    from pytest_ycimages.cassette.interaction import Interaction

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


class Finding(NamedTuple):
    """A place at which something has the shape of a secret.

    Attributes:
        rule: which rule says so, such as `iam-token`.
        line: the line, from 1.
        key: the name before it on that line, such as `description`; empty for none.
        encoding: what it was inside of: `base64`, `percent-encoding`, `JSON escapes`; empty for nothing.
    """

    rule: str
    line: int
    key: str = ""
    encoding: str = ""

    def __str__(self) -> str:
        """One line for people."""
        key = f" at {self.key!r}" if self.key else ""
        inside = f", inside {self.encoding}" if self.encoding else ""
        return f"{self.rule}, line {self.line}{key}{inside}"


def find_secrets(data: bytes | str, known: Collection[str] = (), allow: Collection[str] = ()) -> tuple[Finding, ...]:
    """Search what is to be saved: an interaction, or a whole file.

    Args:
        data: as it would be on the disk.
        known: credentials that must not be in it, whatever their shape; short ones are not looked for.
        allow: regular expressions; what they match is no secret, unless it is a known credential.

    Returns:
        What was found, in the order of the lines; nothing twice.
    """
    text = data if isinstance(data, str) else data.decode("utf-8", "replace")
    words = tuple(word for word in known if len(word) >= _SHORTEST and not any(word in each for each in PLACEHOLDERS))
    views = [_without(view, (_PLACEHOLDER,), MARK) for view in views_of(text)]
    patterns = tuple(map(re.compile, allow))
    allowed = {match[0] for view in views for pattern in patterns for match in pattern.finditer(view.text)}
    found: dict[tuple[str, int, str], Finding] = {}
    for view in views:
        rules = _rules_for(view, is_barest=view is views[-2])
        for find, what in (*_known(view, words), *_by_rules(_without(view, patterns, ALLOWED), rules)):
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
    """Refuse to save what holds a secret. Nothing is written before this returns.

    Args:
        saved: the bytes that are about to be written.
        cassette: the name of the cassette, for the text of the error.
        interaction: the one that they are of, to say in which of its parts the secret is.
        known: credentials that must not be in it, whatever their shape: `Scrubber.known`.
        allow: regular expressions; what they match is no secret: `Scrubber.allowed`.

    Raises:
        SecretFoundError: something has the shape of a secret; the text says where and what to do.
    """
    found = find_secrets(saved, known, allow)
    if found:
        parts = list(_in_parts(interaction, known, allow)) if interaction else []
        raise SecretFoundError(_refusal(cassette, interaction, parts or [str(each) for each in found], known))


def line_without_secrets(interaction: Interaction, known: Collection[str] = ()) -> str:
    """The verb and the path of a call, for people; unless there may be a secret in it."""
    request = interaction.request
    line = f"{request.method} {_HOST.sub('', request.uri).partition('?')[0]}"
    return "one of its interactions" if find_secrets(line, known) else line


def _without(view: View, patterns: Iterable[re.Pattern[str]], mark: str) -> View:
    """The view with a mark, of the same length, at the places of placeholders or of what is allowed."""
    text = view.text
    for pattern in patterns:
        text = pattern.sub(lambda match: mark * len(match[0]), text)
    return view._replace(text=text)


def _is_in(what: str, allowed: Iterable[str]) -> bool:
    """Whether a text is part of what is allowed in another way of reading it, such as without its escapes."""
    return len(what) >= _SHORTEST and any(what in each for each in allowed)


def _known(view: View, known: Iterable[str]) -> Iterator[tuple[Finding, str]]:
    """The known credentials in a view, each with its text, by which it is the same find in the next view."""
    for word in known:
        for form in dict.fromkeys((word, word.replace(" ", "+"), escape(word), escape(word, quote=False))):
            if form in view.text:
                yield _finding(_KNOWN, view, view.text.index(form)), word
                break


def _rules_for(view: View, *, is_barest: bool) -> tuple[Rule, ...]:
    """The rules for a view. A shape has nothing in it that can be escaped, so it need not be looked for twice."""
    if view.encoding == "base64":
        return SHAPES + WORDS + MARKUP
    return ALL if is_barest else WORDS


def _by_rules(view: View, rules: tuple[Rule, ...]) -> Iterator[tuple[Finding, str]]:
    """What the rules find in a view, likewise."""
    for rule, start, end in finds_in(view.text, rules):
        yield _finding(rule, view, start), view.text[start:end]


def _finding(rule: str, view: View, start: int) -> Finding:
    return Finding(rule, view.line(start), _key_before(view.text, start), view.encoding)


def _key_before(text: str, start: int) -> str:
    """The name that a place is in the value of, on its line, unless it looks like a secret itself."""
    line = max(text.rfind("\n", 0, start), start - _LOOK_BACK, 0)
    before = _VALUE_END.split(text[line:start])[-1]
    names = [match[1] for match in _KEY.finditer(before)]
    return names[-1] if names and not any(finds_in(names[-1])) else ""


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
