"""A cassette's bytes read into a tape. Our own layout is split and read as JSON; all else is read whole.

The rule: either all of it is understood, or an error says where it is not. The one thing that is let go is the end of
a recording that was killed while it wrote, and the tape says so.
"""

from __future__ import annotations

import gc
import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError
from pydantic_core import from_json

from pytest_ycimages.cassette.bodies import ENCODING, stored_decoded
from pytest_ycimages.cassette.damage import broken, conflict, line_at, repeated
from pytest_ycimages.cassette.interaction import NOT_LABELLED, Tape
from pytest_ycimages.cassette.layout import COMPLETE, FORMAT, VERSION
from pytest_ycimages.cassette.shape import CASSETTE, INTERACTION, LABEL, first_wrong, interaction_of, label_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_ycimages.cassette.interaction import Interaction

_HEAD: Final = re.compile(rb"(?:#[^\n]*\n)*version: 1\nycimages: (\{[^\n]*\})\ninteractions:\n- ")
_BETWEEN: Final = b"\n- "
_ANSWER: Final = b'\n   "response": '
_OURS: Final = b'\n   "ycimages": '
_ENCODED: Final = (ENCODING.encode(), ENCODING.title().encode())
_ITEM_ENDS: Final = b"}\n"
_JSON_LINE: Final = re.compile(r" at line (\d+) column \d+$")


def parse(data: bytes, path: Path) -> Tape:
    """Read a cassette.

    Args:
        data: the file, whole.
        path: its name, for errors.

    Raises:
        CassetteBrokenError: it is no cassette, or a damaged one.
    """
    data = data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")
    if not data.strip():
        raise broken(path, "it is empty.")
    with _no_garbage_collection():
        return _in_our_layout(data) or _in_any_layout(data, path)


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Let Python not look for garbage: what is read is all kept, and looking through it takes as long as reading it."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _in_our_layout(data: bytes) -> Tape | None:
    """The tape; None: somebody else wrote this, or changed it."""
    head = _HEAD.match(data)
    if head is None:
        return None
    is_complete = data.endswith(b"\n" + COMPLETE)
    try:
        label = label_of(LABEL.validate_json(head[1]))
        items = data[head.end() : -len(COMPLETE)] if is_complete else _without_torn_end(data[head.end() :])
        return Tape(label, _items(items), is_complete)
    except ValueError:  # what pydantic raises is one, too
        return None


def _items(text: bytes) -> tuple[Interaction, ...]:
    """The interactions that stand behind the first `- `."""
    items = text.split(_BETWEEN) if text else []
    if not all(text.count(line) in {0, len(items)} for line in (_ANSWER, _OURS)) and any(map(_has_both, items)):
        raise ValueError("A merge has kept both sides of a line.")
    interactions = tuple([_item(item) for item in items])
    return tuple(map(stored_decoded, interactions)) if any(name in text for name in _ENCODED) else interactions


def _has_both(item: bytes) -> bool:
    """Whether a merge has kept both sides of a line, of which JSON's readers would keep the second."""
    return item.count(_ANSWER) > 1 or item.count(_OURS) > 1


def _item(item: bytes) -> Interaction:
    """An interaction from what stands behind its `- `."""
    try:
        return interaction_of(INTERACTION.validate_json(item))
    except ValidationError:  # a body that is no UTF-8, or a change by hand
        from pytest_ycimages.cassette.yaml_text import load_yaml  # noqa: PLC0415 - seldom needed, and not cheap

        (form,) = load_yaml(b"- " + item)
        return interaction_of(INTERACTION.validate_python(form))


def _without_torn_end(items: bytes) -> bytes:
    """The items of a recording that did not come to its end, without one that is cut off.

    Every item ends with a brace at the end of a line, and no line within it does.
    """
    items = items.rstrip(b"\0")  # what some file systems leave behind when the power fails
    whole = items.rfind(_ITEM_ENDS) + len(_ITEM_ENDS) if _ITEM_ENDS in items else 0
    rest = items[whole:]
    if not whole:
        rest = b"- " + rest
    if COMPLETE.startswith(rest) or rest == b"-":
        return items[:whole]
    if not rest.startswith(b"- ") or _BETWEEN in rest:
        return items  # not torn, but damaged
    try:
        _item(rest[2:])
    except ValueError:
        return items[:whole]
    return items  # nothing but the end of its last line is missing


def _in_any_layout(data: bytes, path: Path) -> Tape:
    text = _decoded(data, path)
    form = _loaded(text, path)
    _refuse_others(form, path)
    form["interactions"] = list(map(_as_of_today, form["interactions"]))
    try:
        cassette = CASSETTE.validate_python(form)
    except ValidationError as error:
        from pytest_ycimages.cassette.yaml_text import line_of  # noqa: PLC0415 - as above

        place, what = first_wrong(error, form)
        raise broken(path, what, line=line_of(text, place)) from None
    label = cassette.get("ycimages")
    return Tape(
        label_of(label) if label else NOT_LABELLED,
        tuple(stored_decoded(interaction_of(item)) for item in cassette["interactions"]),
        cassette.get("complete", label is None),
    )


def _decoded(data: bytes, path: Path) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        what = f"the byte 0x{data[error.start]:02x} is no UTF-8 here."
        raise broken(path, what, line=line_at(data, error.start)) from None


def _loaded(text: str, path: Path) -> Any:
    """The value that the text stands for, as JSON if it can be, and else as YAML."""
    from pytest_ycimages.cassette.yaml_text import NotYamlError, RepeatedError, load_yaml  # noqa: PLC0415 - as above

    is_json = path.suffix == ".json"
    if is_json or text.lstrip().startswith("{"):
        try:
            form = from_json(text)
        except ValueError as error:
            if is_json:
                raise conflict(path, text) or _not_json(path, str(error)) from None
        else:
            _refuse_repeated(text, path)
            return form
    try:
        return load_yaml(text)
    except RepeatedError as error:
        raise repeated(path, error.what, line=error.line) from None
    except NotYamlError as error:
        raise conflict(path, text) or broken(path, f"this is no YAML: {error.what}.", line=error.line) from None


def _refuse_repeated(text: str, path: Path) -> None:
    """Refuse JSON in which a name stands twice in an object: a reader would keep what stands last."""

    def look(pairs: list[tuple[str, Any]]) -> None:
        names = [name for name, _ in pairs]
        for number, name in enumerate(names if len(set(names)) < len(names) else ()):
            if name in names[:number]:
                raise repeated(path, name)

    json.loads(text, object_pairs_hook=look, parse_int=str)


def _not_json(path: Path, what: str) -> Exception:
    found = _JSON_LINE.search(what)
    return broken(path, f"this is no JSON: {_JSON_LINE.sub('', what)}.", line=int(found[1]) if found else None)


def _refuse_others(form: Any, path: Path) -> None:
    """Refuse what is well-formed, and no cassette that can be read here."""
    if isinstance(form, list) and form and isinstance(form[0], dict) and "request" in form[0]:
        raise broken(path, "it was recorded with vcrpy before 1.0, whose cassettes vcrpy reads no more.")
    if isinstance(form, dict) and "http_interactions" in form:
        raise broken(path, "it is a cassette of betamax or of Ruby's VCR, not of vcrpy.")
    if not isinstance(form, dict) or not isinstance(form.get("interactions"), list):
        raise broken(path, "it is no cassette: there is no list of `interactions` in it.")
    version, label = form.get("version", VERSION), form.get("ycimages")
    if version != VERSION:
        raise broken(path, f"its version is {version!r}; only {VERSION} is known.")
    newer = label.get("format") if isinstance(label, dict) else FORMAT
    if isinstance(newer, int) and newer > FORMAT:
        raise broken(
            path,
            f"it was written by a newer pytest-ycimages, in format {newer}; this one reads {FORMAT}.",
            todo="Upgrade: pip install --upgrade pytest-ycimages",
        )


def _as_of_today(item: Any) -> Any:
    """An interaction as vcrpy writes it today: up to version 5 it wrote those of httpx in another way."""
    response = item.get("response") if isinstance(item, dict) else None
    if not isinstance(response, dict) or "status_code" not in response:
        return item
    return item | {
        "response": {
            "status": {"code": response["status_code"], "message": ""},
            "headers": response.get("headers", {}),
            "body": {"string": response.get("content")},
        }
    }
