"""Named values that are neither JSON nor parameters: parts of multipart forms, and elements of XML.

Only what is well-formed is seen: a part that begins with its boundary, an element that is closed.
"""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Final

from pytest_ycimages.cassette.placeholders import SCRUBBED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PART: Final = re.compile(
    r"(?:^|(?<=\n))--(?P<boundary>[^\s\"]{1,70})\r?\n(?P<head>(?:[^\r\n]{1,500}\r?\n){1,8})\r?\n"
    r"(?P<body>.*?)(?=\r?\n--(?P=boundary)|\Z)",
    re.DOTALL,
)
_PART_NAME: Final = re.compile(r"""(?<![\w.-])name\*?=(?:"([^"]*)"|([^;\s]+))""", re.IGNORECASE)
_TAG: Final = re.compile(r"<(?P<tag>(?:[\w-]{1,64}:)?(?P<name>[A-Za-z_][\w.-]{0,63}))(?:\s[^<>]*)?(?<!/)>")
_CDATA: Final = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)


def without_named_parts(text: str, names: Callable[[str], bool], inside: Callable[[str], str]) -> str:
    """The text with a placeholder for each part and each element that has the name of a secret.

    Args:
        text: a body, or any text.
        names: whether what has this name is a secret.
        inside: scrubs the parts that have other names.
    """
    if "</" in text:
        text = _without_elements(text, names)
    if "name=" in text:
        text = _PART.sub(lambda match: _part(match, names, inside), text)
    return text


def credentials_in_parts(text: str, opens: Callable[[str], bool]) -> Iterator[str]:
    """What parts and elements hold whose name says that it opens something."""
    for name, start, end in _elements(text) if "</" in text else ():
        if opens(name):
            content = text[start:end].strip()
            cdata = _CDATA.fullmatch(content)
            yield cdata[1] if cdata else unescape(content)
    for match in _PART.finditer(text) if "name=" in text else ():
        if opens(_name_of(match)):
            yield match["body"]


def _without_elements(text: str, names: Callable[[str], bool]) -> str:
    kept, done = [], 0
    for name, start, end in _elements(text):
        if start >= done and names(name) and not text[start:end].isspace():
            kept += [text[done:start], SCRUBBED]
            done = end
    return "".join((*kept, text[done:]))


def _elements(text: str) -> Iterator[tuple[str, int, int]]:
    """Each element that holds something: its name, and from where to where that stands."""
    unclosed: set[str] = set()
    for match in _TAG.finditer(text):
        tag = match["tag"]
        end = -1 if tag in unclosed else text.find(f"</{tag}", match.end())
        if end < 0:
            unclosed.add(tag)
        elif end > match.end():
            yield match["name"], match.end(), end


def _part(match: re.Match[str], names: Callable[[str], bool], inside: Callable[[str], str]) -> str:
    body = match["body"]
    if body.strip():
        body = SCRUBBED if names(_name_of(match)) else inside(body)
    return match.string[match.start() : match.start("body")] + body


def _name_of(match: re.Match[str]) -> str:
    """The name of a part; empty if it has none."""
    found = _PART_NAME.search(match["head"])
    return (found[1] or found[2] or "") if found else ""
