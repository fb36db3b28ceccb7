"""Secrets that are known by their shape, wherever they stand in a text. In a form, a space is a plus.

The shapes of Yandex Cloud are those that its documentation gives to secret scanners; a shape that may be part of a
longer word by chance is only looked for at the beginning of one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_ycimages.cassette.placeholders import SCRUBBED

if TYPE_CHECKING:
    from collections.abc import Callable


class _Shape(NamedTuple):
    """A kind of secret: texts of which one is in every such secret, and the pattern that tells where it ends."""

    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    replacement: str | Callable[[re.Match[str]], str] = SCRUBBED


_START: Final = r"(?<![A-Za-z0-9])"
_TOKEN: Final = r"[A-Za-z0-9_-]"  # noqa: S105 - an alphabet


def _scheme_kept(match: re.Match[str]) -> str:
    return f"{match[1]} {SCRUBBED}"


_SHAPES: Final = (
    # A private key, to its end or, when it is cut off, to the end of the text.
    _Shape(
        ("PRIVATE",),
        re.compile(
            r"-----BEGIN[ +][A-Z0-9 +]*PRIVATE[ +]KEY(?:[ +]BLOCK)?-----.*?(?:-----END[ +][A-Z0-9 +]*-----|\Z)",
            re.DOTALL,
        ),
    ),
    # A JWT, and an encrypted one, which has five parts.
    _Shape(("eyJ",), re.compile(rf"eyJ{_TOKEN}{{8,}}(?:\.{_TOKEN}*){{2,4}}")),
    # An IAM token, and the cookie of the console; cut off, if it begins a word.
    _Shape(("t1.", "c1."), re.compile(rf"[tc]1\.{_TOKEN}+={{0,2}}\.{_TOKEN}{{60,}}={{0,2}}")),
    _Shape(("t1.", "c1."), re.compile(rf"{_START}[tc]1\.{_TOKEN}{{20,}}={{0,2}}(?:\.{_TOKEN}*={{0,2}})?")),
    # OAuth tokens of Yandex, today's and those of before.
    _Shape(tuple(f"y{digit}_" for digit in range(7)), re.compile(rf"{_START}y[0-6]_{_TOKEN}{{20,}}")),
    _Shape(("AQAA", "AgAA", "AwAA"), re.compile(rf"{_START}A[Qgw]AA{_TOKEN}{{30,}}")),
    # An API key; a static key and its id; those of AWS.
    _Shape(("AQVN",), re.compile(rf"AQVN{_TOKEN}{{30,}}")),
    _Shape(("YC",), re.compile(rf"{_START}YC[A-Z]{_TOKEN}{{17,}}")),
    _Shape(("AKIA", "ASIA"), re.compile(r"A(?:K|S)IA[0-9A-Z]{16,}")),
    # What follows the word that says it is a credential. A word of a sentence, such as "authentication", is none.
    _Shape(
        ("earer", "Auth", "Api-Key"),
        re.compile(
            r"\b([Bb]earer|OAuth|Api-Key)[ +]+(?=[A-Za-z._~/-]*[0-9]|\S{20})"
            r"[A-Za-z0-9._~+/-]{8,}(?:={1,2}[A-Za-z0-9._~+/-]+)*={0,2}"
        ),
        _scheme_kept,
    ),
    _Shape(
        ("asic",),
        re.compile(r"\b([Bb]asic)[ +]+(?=[A-Za-z0-9+/]*[a-z0-9][A-Z])[A-Za-z0-9+/]{8,}={0,2}"),
        _scheme_kept,
    ),
)


_SHORTEST: Final = len("Basic ") + 8
_HINT: Final = re.compile("|".join(re.escape(hint) for shape in _SHAPES for hint in shape.hints))
"""A quick look, as most texts have none."""


def without_shapes(text: str) -> str:
    """The text, with a placeholder for everything that has the shape of a secret."""
    if len(text) < _SHORTEST or not _HINT.search(text):
        return text
    for hints, pattern, replacement in _SHAPES:
        if any(hint in text for hint in hints):
            text = pattern.sub(replacement, text)
    return text
