"""Makes text from clients harmless to look at: what cannot be seen is spelled, and what is too long is cut."""

from __future__ import annotations

from typing import Final

_KEPT: Final = "\n"
_MOST: Final = 2_000
"""How many characters of one text are shown: an exception may have swallowed an answer of megabytes."""


def legible(text: str, most: int = _MOST) -> str:
    r"""The text with control characters, and those that turn or hide others, spelled such as `\x1b`.

    Args:
        text: any text, that of a hostile client included.
        most: how many characters of it are shown; how many more there are is said.
    """
    left_out = len(text) - most
    cut = f"{text[:most]}… ({left_out:,} more characters)" if left_out > 0 else text
    return cut if cut.isprintable() else "".join(map(_spelled, cut))


def _spelled(character: str) -> str:
    if character.isprintable() or character in _KEPT:
        return character
    return ascii(character)[1:-1]
