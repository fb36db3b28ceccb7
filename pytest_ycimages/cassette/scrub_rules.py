"""What users want scrubbed beyond what always is, as a value and as they may write it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_ycimages.cassette.scrub_names import plain
from pytest_ycimages.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

_PATTERN: Final = "re:"
_ALLOWED: Final = "allow:"
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]+")
_EXAMPLE: Final = 'scrub=("ticket", "re:tkt-[0-9a-f]{32}")'


class ScrubRules(NamedTuple):
    """What is scrubbed as well.

    Attributes:
        fields: names of fields and parameters, without their case and without what joins their words.
        patterns: shapes, wherever they appear in a text.
        headers: names, in lower case, of headers that are kept beyond those that always are.
        allowed: expressions for what looks like a secret and is none, so that it is no reason not to save.
    """

    fields: frozenset[str] = frozenset()
    patterns: tuple[re.Pattern[str], ...] = ()
    headers: frozenset[str] = frozenset()
    allowed: tuple[str, ...] = ()


NO_RULES: Final = ScrubRules()


def scrub_rules_of(scrub: str | Iterable[str] = (), keep_headers: Iterable[str] = ()) -> ScrubRules:
    """Read rules as users may write them: names of fields, and regular expressions behind `re:` or `allow:`.

    Args:
        scrub: names such as `ticket`, which also means `Ticket` but not `my_ticket`; shapes such as
            `re:tkt-[0-9a-f]{32}`; and `allow:[0-9a-f]{64}` for what is no secret, although it looks like one.
        keep_headers: names of headers to keep.

    Raises:
        UsageError: one of them is no name, or an expression that is wrong or would match nothing at all.
    """
    words = (scrub,) if isinstance(scrub, str) else tuple(scrub)
    return ScrubRules(
        fields=frozenset(_field(word) for word in words if not word.startswith((_PATTERN, _ALLOWED))),
        patterns=tuple(_pattern(word, _PATTERN) for word in words if word.startswith(_PATTERN)),
        headers=frozenset(name.lower() for name in keep_headers),
        allowed=tuple(_pattern(word, _ALLOWED).pattern for word in words if word.startswith(_ALLOWED)),
    )


def _field(word: str) -> str:
    if not _NAME.fullmatch(word):
        raise UsageError(f"{word!r} is no name of a field. Write a name, or re: and an expression: {_EXAMPLE}.")
    return plain(word)


def _pattern(word: str, prefix: str) -> re.Pattern[str]:
    text = word.removeprefix(prefix)
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise UsageError(f"{text!r} is no regular expression: {error}. Write one such as in {_EXAMPLE}.") from None
    if pattern.match(""):
        raise UsageError(
            f"{text!r} matches a text with nothing in it, so it would be found everywhere. Make it longer."
        )
    return pattern
