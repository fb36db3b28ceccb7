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

from pytest_ycimages.cassette.model import HEADER_BREAK, HEADER_NAME
from pytest_ycimages.errors import CassetteError

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_ycimages.cassette.model import CassetteData, CassetteMetadata, Headers, Interaction

YAML_SUFFIXES: Final = (".yaml", ".yml")
JSON_SUFFIXES: Final = (".json",)
SUFFIXES: Final = YAML_SUFFIXES + JSON_SUFFIXES
VERSION: Final = 1
"""The version of vcrpy's format."""
FORMAT: Final = 1
"""The version of the keys that this package adds."""
COMPLETE: Final = b"complete: true\n"
"""The last line of a complete recording."""

_COMMENT: Final = "# Recorded with pytest-ycimages; any vcrpy reads it. Its story: ycimages cassette show FILE\n"
UNSAFE: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_NO_POINT: Final = re.compile(r"(?<![.0-9])[0-9]+(?=e[-+])")
_LONG_NAME: Final = 128
"""In characters. A YAML reader accepts plain keys up to 1,024, and an escape is six."""

_json: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode

VcrForm = dict[str, Any]
"""Texts, numbers, lists and mappings; a body that is not UTF-8 is bytes."""


def as_vcr(interaction: Interaction) -> VcrForm:
    """Return an interaction as a mapping of vcrpy's shape; what vcrpy ignores is under `ycimages`.

    Headers of one name are grouped at the place of the first; nothing else is lost.
    """
    request, response, at, duration, skipped_polls = interaction
    form: VcrForm = {
        "request": {
            "method": request.method,
            "uri": request.uri,
            "body": _text(request.body) if request.body else None,
            "headers": _by_name(request.headers),
        },
        "response": {
            "status": {"code": response.status, "message": response.reason},
            "headers": _by_name(response.headers),
            "body": {"string": _text(response.body)},
        },
    }
    if at is not None or duration or skipped_polls:
        known = {} if at is None else {"at": float(at)}
        form["ycimages"] = known | {"duration": float(duration), "skipped_polls": skipped_polls}
    return form


def _text(body: bytes) -> str | bytes:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body


def _by_name(headers: Headers) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for name, value in headers:
        if HEADER_NAME.fullmatch(name):  # a file with another could not be read
            values.setdefault(name, []).append(HEADER_BREAK.sub(" ", value))
    return values


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


def metadata_form(metadata: CassetteMetadata) -> dict[str, str | int]:
    """Return metadata as a mapping, without what is not known."""
    known = {"format": FORMAT, "origin": metadata.origin.value}
    return known | {name: value for name, value in metadata._asdict().items() if value and name != "origin"}


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

    form = _head(cassette) | {"interactions": [as_vcr(each) for each in cassette.interactions]} | _end(cassette)
    plain = json.dumps(form, ensure_ascii=False, default=repr)
    encoded(plain)  # refuses half a surrogate pair, which PyYAML would write
    # Unless told to escape all that is not ASCII, PyYAML folds lines at characters that it reads back as others.
    return dump_yaml(form, ascii_only=UNSAFE.search(plain) is not None).encode()


def json_text(cassette: CassetteData) -> bytes:
    """Return a whole cassette as JSON, an interaction a line.

    Raises:
        CassetteError: a body is not UTF-8; JSON has no bytes.
    """
    items = ",\n".join(_json_item(number, each) for number, each in enumerate(cassette.interactions, 1))
    head = "".join(f'"{name}": {json.dumps(value, ensure_ascii=False)},\n' for name, value in _head(cassette).items())
    end = "".join(f',\n"{name}": {json.dumps(value)}' for name, value in _end(cassette).items())
    return encoded(f'{{{head}"interactions": [\n{items}\n]{end}}}\n')


def _head(cassette: CassetteData) -> dict[str, Any]:
    return {"version": VERSION, "ycimages": metadata_form(cassette.metadata)}


def _end(cassette: CassetteData) -> dict[str, Any]:
    return {"complete": True} if cassette.is_complete else {}


def _json_item(number: int, interaction: Interaction) -> str:
    try:
        return json.dumps(as_vcr(interaction), ensure_ascii=False, allow_nan=False)
    except TypeError:
        raise CassetteError(
            f"Interaction {number} has a body that is not UTF-8, and JSON has no bytes. Write the cassette as .yaml."
        ) from None
