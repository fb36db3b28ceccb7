"""Ways of reading the same text: as it is, without its escapes, without percent-encoding, and what is in base64 in it.

Every way keeps the lines where they are, so that a find can be told by its line. A line end that was escaped is a
vertical tab.
"""

from __future__ import annotations

import binascii
import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    """A way of reading a text.

    Attributes:
        text: what there is to read.
        encoding: what has been taken off; empty for nothing.
        starts: where in the text a new line of the original begins, and that line; empty: lines are lines.
    """

    text: str
    encoding: str = ""
    starts: tuple[tuple[int, int], ...] = ()

    def line(self, at: int) -> int:
        """The line of the original, from 1, that a place in this text is from."""
        if not self.starts:
            return self.text.count("\n", 0, at) + 1
        return self.starts[bisect_right(self.starts, at, key=lambda start: start[0]) - 1][1]


def views_of(text: str) -> Iterator[View]:
    """Every way of reading `text`: as it is, with each layer taken off that there is, and what is in base64."""
    text = text.replace("\0", "")  # UTF-16 that is read as if each byte were a character
    yield View(text)
    for _ in range(_LAYERS):
        bare = _ESCAPE.sub(_unescaped, text) if "\\" in text else text
        bare = unquote(_ENCODED_LINE_END.sub("\v", bare)) if "%" in bare else bare
        if bare == text:
            break
        text = bare
        yield View(text, "escapes")
    yield _from_base64(text)


def _unescaped(match: re.Match[str]) -> str:
    code, byte, folded, plain = match.groups()
    if folded is not None:
        return folded + "\n"
    if plain is not None:
        return "\v" if plain == "n" else " " if plain in _CONTROL else plain
    character = chr(int(code or byte, 16))
    return "" if character == "\0" else "\v" if character == "\n" else character


def _from_base64(text: str) -> View:
    """What is in base64 in a text, each piece on a line of its own."""
    parts, starts, size = [], [], 0
    line, counted = 1, 0
    for match in sorted((*_RUN.finditer(text), *_WRAPPED.finditer(text)), key=re.Match.start):
        line, counted = line + text.count("\n", counted, match.start()), match.start()
        run = match[0].translate(_URL_SAFE)
        for offset in _OFFSETS:
            part = _decoded(run[offset:])
            parts.append(part)
            starts.append((size, line))
            size += len(part)
    return View("".join(parts), "base64", tuple(starts))


def _decoded(run: str) -> str:
    whole = run[: len(run) // 4 * 4]
    rest = run[len(whole) :]
    last = rest.ljust(4, "=") if len(rest) > 1 else ""
    return binascii.a2b_base64(whole + last).decode("utf-8", "replace") + "\n"
