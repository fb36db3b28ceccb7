"""A whole cassette in the layouts of vcrpy's own serializers: YAML in blocks, and JSON. Slower to read, read alike."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pytest_ycimages.cassette.layout import UNSAFE, VERSION, encoded, label_form
from pytest_ycimages.cassette.vcr_form import as_vcr
from pytest_ycimages.errors import CassetteError

if TYPE_CHECKING:
    from pytest_ycimages.cassette.model import CassetteData, Interaction


def block_text(tape: CassetteData) -> bytes:
    """YAML in blocks."""
    from pytest_ycimages.cassette.yaml_text import dump_yaml  # noqa: PLC0415 - seldom needed, and not cheap

    form = _head(tape) | {"interactions": [as_vcr(each) for each in tape.interactions]} | _end(tape)
    plain = json.dumps(form, ensure_ascii=False, default=repr)
    encoded(plain)  # refuses half a surrogate pair, which PyYAML would write
    # Unless told to escape all that is not ASCII, PyYAML folds lines at characters that it reads back as others.
    return dump_yaml(form, ascii_only=UNSAFE.search(plain) is not None).encode()


def json_text(tape: CassetteData) -> bytes:
    """JSON, an interaction a line.

    Raises:
        CassetteError: a body is no UTF-8; JSON has no bytes.
    """
    items = ",\n".join(_json_item(number, each) for number, each in enumerate(tape.interactions, 1))
    head = "".join(f'"{name}": {json.dumps(value, ensure_ascii=False)},\n' for name, value in _head(tape).items())
    end = "".join(f',\n"{name}": {json.dumps(value)}' for name, value in _end(tape).items())
    return encoded(f'{{{head}"interactions": [\n{items}\n]{end}}}\n')


def _head(tape: CassetteData) -> dict[str, Any]:
    return {"version": VERSION, "ycimages": label_form(tape.metadata)}


def _end(tape: CassetteData) -> dict[str, Any]:
    return {"complete": True} if tape.is_complete else {}


def _json_item(number: int, interaction: Interaction) -> str:
    try:
        return json.dumps(as_vcr(interaction), ensure_ascii=False, allow_nan=False)
    except TypeError:
        raise CassetteError(
            f"Interaction {number} has a body that is no UTF-8, and JSON has no bytes. Write the cassette as .yaml."
        ) from None
