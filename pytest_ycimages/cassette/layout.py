r"""How a cassette is laid out as text: what vcrpy reads as YAML, in three lines of JSON for each interaction.

Nothing but whole lines, so that a file can be written by appending, and split without being parsed: no line begins
with `- ` but the first of an interaction. JSON is YAML only nearly. What a YAML reader would refuse, or take for
something else, is written in a way that both read alike:

- characters that YAML counts among breaks or does not print are escaped; pairs of `\u` escapes never occur, as a
  character beyond U+FFFF stands for itself;
- a number with an exponent has a point;
- a body that is no UTF-8 is a `!!binary`, and a very long name of a header an explicit key. JSON has neither, so such
  an interaction can be read as YAML only.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from typing import TYPE_CHECKING, Any, Final

from pytest_ycimages.cassette.vcr_form import as_vcr
from pytest_ycimages.errors import CassetteError

if TYPE_CHECKING:
    from pytest_ycimages.cassette.model import CassetteData, CassetteMetadata, Interaction
    from pytest_ycimages.cassette.vcr_form import VcrForm

VERSION: Final = 1
"""Of the format of vcrpy's cassettes."""

FORMAT: Final = 1
"""Of what this package adds to it."""

COMPLETE: Final = b"complete: true\n"
"""The last line of a recording that came to its end."""

_COMMENT: Final = "# Recorded with pytest-ycimages; any vcrpy reads it. Its story: ycimages cassette show FILE\n"
UNSAFE: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_NO_POINT: Final = re.compile(r"(?<![.0-9])[0-9]+(?=e[-+])")
_LONG_NAME: Final = 128
"""In characters. A YAML reader takes a key for one up to 1,024, and an escape is six."""

_json: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def head_text(label: CassetteMetadata) -> bytes:
    """What stands before the first interaction."""
    return encoded(f"{_COMMENT}version: {VERSION}\nycimages: {_json(label_form(label))}\ninteractions:\n")


def item_text(interaction: Interaction) -> bytes:
    """An interaction as an item of the cassette's list.

    Raises:
        CassetteError: part of it is text that no UTF-8 stands for.
    """
    form = as_vcr(interaction)
    written = _flow if _is_beyond_json(interaction, form) else _json
    ours = f',\n   "ycimages": {_numbers(form["ycimages"])}' if "ycimages" in form else ""
    return encoded(f'- {{"request": {written(form["request"])},\n   "response": {written(form["response"])}{ours}}}\n')


def tape_text(tape: CassetteData) -> bytes:
    """A whole cassette."""
    items = b"".join(map(item_text, tape.interactions))
    head = head_text(tape.metadata)
    return (head if items else head[:-1] + b" []\n") + items + COMPLETE * tape.is_complete


def label_form(label: CassetteMetadata) -> dict[str, str | int]:
    """A label as a mapping. What is not known is left out."""
    known = {"format": FORMAT, "origin": label.origin.value}
    return known | {name: value for name, value in label._asdict().items() if value and name != "origin"}


def encoded(text: str) -> bytes:
    """The bytes of JSON with nothing in it that YAML would take for something else.

    Raises:
        CassetteError: no UTF-8 stands for the text.
    """
    try:
        return UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode()
    except UnicodeEncodeError:
        raise CassetteError(
            "A recorded text holds half of a surrogate pair: no UTF-8 stands for it, so a cassette cannot hold it. "
            "Decode headers as latin-1 before they are recorded."
        ) from None


def _numbers(form: dict[str, float]) -> str:
    """Numbers by their names, each of which YAML takes for a number."""
    return _NO_POINT.sub(r"\g<0>.0", _json(form))


def _is_beyond_json(interaction: Interaction, form: VcrForm) -> bool:
    return (
        isinstance(form["request"]["body"], bytes)
        or isinstance(form["response"]["body"]["string"], bytes)
        or any(len(name) > _LONG_NAME for name, _ in interaction.request.headers)
        or any(len(name) > _LONG_NAME for name, _ in interaction.response.headers)
    )


def _flow(value: Any) -> str:
    """A value as YAML in one line: JSON, with tags for bytes and explicit keys where they are too long for others."""
    if isinstance(value, bytes):
        return f'!!binary "{b64encode(value).decode()}"'
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_key(name)}: {_flow(each)}' for name, each in value.items())}}}"
    return _json(value)


def _key(name: str) -> str:
    return _json(name) if len(name) <= _LONG_NAME else f"? {_json(name)} "
