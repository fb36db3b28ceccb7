"""Secrets that are known word for word, and finding them however they are written: with escapes, or in base64."""

from __future__ import annotations

import base64
import json
import re
from html import escape
from typing import TYPE_CHECKING, Final

from pytest_ycimages.cassette.placeholders import PLACEHOLDERS, SCRUBBED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SHORTEST: Final = 8
"""Characters that a secret must have to be removed wherever it appears. Removing `test` would break every text."""

_SKIPPED: Final = (0, 2, 3)
"""How many characters of base64 are about the bytes before, when there are none, one or two of them."""


def worth_knowing(texts: Iterable[str]) -> frozenset[str]:
    """Those that are long enough, and no placeholders."""
    found = {text.strip() for text in texts}
    return frozenset(text for text in found if len(text) >= SHORTEST and not _is_placeholder(text))


def pattern_of(known: frozenset[str]) -> re.Pattern[str] | None:
    """What finds each of `known`, in each way of writing it; None for nothing."""
    forms = {form for text in known for form in _forms(text)}
    if not forms:
        return None
    return re.compile("|".join(map(re.escape, sorted(forms, key=lambda form: (-len(form), form)))))


def _is_placeholder(text: str) -> bool:
    """Whether a text is one, has one in it, or is part of one."""
    return SCRUBBED in text or any(text in each for each in PLACEHOLDERS)


def _forms(text: str) -> Iterator[str]:
    yield text
    yield text.replace(" ", "+")
    yield escape(text, quote=False)
    yield escape(text)
    for ascii_only in (True, False):
        escaped = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        yield escaped
        yield escaped.replace("/", r"\/")
    yield from _in_base64(text.encode("utf-8", "surrogatepass"))


def _in_base64(data: bytes) -> Iterator[str]:
    """What base64 says of `data` whatever stands before and after it."""
    for before, skipped in enumerate(_SKIPPED):
        text = base64.b64encode(bytes(before) + data).decode()[skipped : (before + len(data)) * 8 // 6]
        yield text
        yield text.translate(str.maketrans("+/", "-_"))
