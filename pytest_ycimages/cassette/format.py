r"""Text of a cassette: what vcrpy reads as YAML, in three lines of JSON for each interaction.

The file is written by appending whole lines, and split without being parsed: only the first line of an interaction
begins with `- `. JSON is almost YAML. What a YAML reader would refuse or misread is written so that both read the same:

- characters that YAML counts among breaks or does not print are escaped; pairs of `\u` escapes never occur, as a
  character beyond U+FFFF is written as itself;
- a number with an exponent has a point;
- a body that is not UTF-8 is a `!!binary`, and a very long name of a header an explicit key. JSON has neither, so such
  an interaction can be read as YAML only.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from typing import TYPE_CHECKING, Any, Final

from pytest_ycimages.cassette.schema import VERSION, as_vcr, cassette_form, metadata_form
from pytest_ycimages.errors import CassetteError

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_ycimages.cassette.model import CassetteData, CassetteMetadata, Interaction
    from pytest_ycimages.cassette.schema import VcrForm

YAML_SUFFIXES: Final = (".yaml", ".yml")
JSON_SUFFIXES: Final = (".json",)
SUFFIXES: Final = YAML_SUFFIXES + JSON_SUFFIXES
COMPLETE: Final = b"complete: true\n"
"""The last line of a complete recording."""

_COMMENT: Final = "# Recorded with pytest-ycimages; any vcrpy reads it. Its story: ycimages cassette show FILE\n"
UNSAFE: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_NO_POINT: Final = re.compile(r"(?<![.0-9])[0-9]+(?=e[-+])")
_LONG_NAME: Final = 128
"""In characters. A YAML reader accepts plain keys up to 1,024, and an escape is six."""

_json: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def text_for(path: Path, cassette: CassetteData, *, pretty: bool) -> bytes:
    """Return the text of a cassette in the format that the suffix of `path` names; `pretty`: YAML in blocks.

    Raises:
        CassetteError: another suffix, or JSON of a body that is not UTF-8.
    """
    if path.suffix in JSON_SUFFIXES:
        return json_text(cassette)
    if path.suffix in YAML_SUFFIXES:
        return block_text(cassette) if pretty else cassette_text(cassette)
    raise CassetteError(
        f"invalid name of a cassette {str(path)!r}: expected one that ends with one of {', '.join(SUFFIXES)}."
    )


def head_text(metadata: CassetteMetadata) -> bytes:
    """Return the text before the first interaction."""
    return encoded(f"{_COMMENT}version: {VERSION}\nycimages: {_json(metadata_form(metadata))}\ninteractions:\n")


def item_text(interaction: Interaction) -> bytes:
    """Return an interaction as an item of the cassette's list.

    Raises:
        CassetteError: part of it is text that UTF-8 cannot encode.
    """
    form = as_vcr(interaction)
    written = _flow if _is_beyond_json(interaction, form) else _json
    numbers = _NO_POINT.sub(r"\g<0>.0", _json(form.get("ycimages")))  # each of which YAML reads as a number
    ours = f',\n   "ycimages": {numbers}' if "ycimages" in form else ""
    return encoded(f'- {{"request": {written(form["request"])},\n   "response": {written(form["response"])}{ours}}}\n')


def cassette_text(cassette: CassetteData) -> bytes:
    """Return the text of a whole cassette."""
    items = b"".join(map(item_text, cassette.interactions))
    head = head_text(cassette.metadata)
    return (head if items else head[:-1] + b" []\n") + items + COMPLETE * cassette.is_complete


def encoded(text: str) -> bytes:
    """Return the bytes of JSON, with what YAML would misread escaped.

    Raises:
        CassetteError: UTF-8 cannot encode the text.
    """
    try:
        return UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode()
    except UnicodeEncodeError:
        raise CassetteError(
            "A recorded text holds half of a surrogate pair: UTF-8 cannot encode it, so a cassette cannot hold it. "
            "Decode headers as latin-1 before they are recorded."
        ) from None


def _is_beyond_json(interaction: Interaction, form: VcrForm) -> bool:
    bodies = form["request"]["body"], form["response"]["body"]["string"]
    headers = (*interaction.request.headers, *interaction.response.headers)
    return any(isinstance(body, bytes) for body in bodies) or any(len(name) > _LONG_NAME for name, _ in headers)


def _flow(value: Any) -> str:
    """Return a value as YAML in one line: JSON, with tags for bytes, and explicit keys where they are long."""
    if isinstance(value, bytes):
        return f'!!binary "{b64encode(value).decode()}"'
    if isinstance(value, dict):
        keys = {name: _json(name) if len(name) <= _LONG_NAME else f"? {_json(name)} " for name in value}
        return f"{{{', '.join(f'{keys[name]}: {_flow(each)}' for name, each in value.items())}}}"
    return _json(value)


def block_text(cassette: CassetteData) -> bytes:
    """Return a whole cassette as YAML in blocks, as vcrpy writes it."""
    from pytest_ycimages.cassette.vcr_yaml import dump_yaml  # noqa: PLC0415 - rarely needed, and slow to import

    form = cassette_form(cassette)
    plain = json.dumps(form, ensure_ascii=False, default=repr)
    encoded(plain)  # refuses half a surrogate pair, which PyYAML would write
    # Unless told to escape all that is not ASCII, PyYAML folds lines at characters that it reads back as others.
    return dump_yaml(form, ascii_only=UNSAFE.search(plain) is not None).encode()


def json_text(cassette: CassetteData) -> bytes:
    """Return a whole cassette as JSON, an interaction a line.

    Raises:
        CassetteError: a body is not UTF-8; JSON has no bytes.
    """
    form: VcrForm = cassette_form(cassette)
    items = ",\n".join(_json_item(number, each) for number, each in enumerate(form["interactions"], 1))
    values = {name: f"[\n{items}\n]" if name == "interactions" else _json(value) for name, value in form.items()}
    return encoded("{" + ",\n".join(f'"{name}": {value}' for name, value in values.items()) + "}\n")


def _json_item(number: int, form: VcrForm) -> str:
    try:
        return _json(form)
    except TypeError:
        raise CassetteError(
            f"Interaction {number} has a body that is not UTF-8, and JSON has no bytes. Write the cassette as .yaml."
        ) from None
