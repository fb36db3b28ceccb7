"""Reader of a cassette's text, and the errors for one that cannot be read.

This package's own layout is split and read as JSON; any other is read whole. Either all of it is understood, or an
error names the line. Only the end of a recording that was killed while it wrote is dropped; the result is then not
marked as complete.
"""

from __future__ import annotations

import difflib
import gc
import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError
from pydantic_core import from_json

from pytest_ycimages.cassette.model import ENCODING, CassetteData, stored_decoded
from pytest_ycimages.cassette.schema import (
    COMPLETE,
    FORMAT,
    INTERACTION,
    METADATA,
    VERSION,
    cassette_of,
    first_wrong,
    interaction_of,
    metadata_of,
    whole_cassette,
)
from pytest_ycimages.errors import CassetteBrokenError, CassetteMissingError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_ycimages.cassette.model import Interaction


_HEAD: Final = re.compile(rb"(?:#[^\n]*\n)*version: 1\nycimages: (\{[^\n]*\})\ninteractions:\n- ")
_BETWEEN: Final = b"\n- "
_ANSWER: Final = b'\n   "response": '
_OURS: Final = b'\n   "ycimages": '
_ENCODED: Final = (ENCODING.encode(), ENCODING.title().encode())
_ITEM_ENDS: Final = b"}\n"
HOW_TO_RECORD: Final = "pytest --ycimages-mode=record, or: ycimages record FILE"
_AGAIN: Final = (
    f"The file is unchanged. Restore it from version control, or delete and record it again: {HOW_TO_RECORD}"
)
_ONE_SIDE: Final = "Keep one side, as two recordings do not mix: git checkout --ours (or --theirs), or record again."
_CONFLICT: Final = re.compile(r"^(?:<{7}|\|{7}|={7}|>{7})(?: [^\n]*)?$", re.MULTILINE)
_SHOWN: Final = 60
_OF_HTTPX: Final = frozenset({"http_version", "status_code", "headers", "content"})
"""The keys of an answer to httpx as vcrpy wrote it up to version 5."""


def parse(data: bytes, path: Path) -> CassetteData:
    """Return the contents of a cassette from the bytes of a file, whose `path` is for errors.

    Raises:
        CassetteBrokenError: it is not a cassette, or damaged.
    """
    data = data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")
    if not data.strip():
        raise broken(path, "it is empty.")
    with _no_garbage_collection():
        return _in_our_layout(data) or _in_any_layout(data, path)


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Disable garbage collection, which would take as long as the reading: all that is read is kept."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _in_our_layout(data: bytes) -> CassetteData | None:
    """Return the cassette; None: another tool wrote it, or it was edited."""
    head = _HEAD.match(data)
    if head is None:
        return None
    is_complete = data.endswith(b"\n" + COMPLETE)
    try:
        metadata = metadata_of(METADATA.validate_json(head[1]))
        items = data[head.end() : -len(COMPLETE)] if is_complete else _without_torn_end(data[head.end() :])
        return CassetteData(metadata, _items(items), is_complete)
    except ValueError:  # what pydantic raises is one, too
        return None


def _items(text: bytes) -> tuple[Interaction, ...]:
    """Return the interactions behind the first `- `."""
    items = text.split(_BETWEEN) if text else []
    if not all(text.count(line) in {0, len(items)} for line in (_ANSWER, _OURS)) and any(map(_has_both, items)):
        raise ValueError("A merge has kept both sides of a line.")  # of which JSON would keep the second
    interactions = tuple([_item(item) for item in items])
    return tuple(map(stored_decoded, interactions)) if any(name in text for name in _ENCODED) else interactions


def _has_both(item: bytes) -> bool:
    return item.count(_ANSWER) > 1 or item.count(_OURS) > 1


def _item(item: bytes) -> Interaction:
    """Return an interaction from the text behind its `- `."""
    try:
        return interaction_of(INTERACTION.validate_json(item))
    except ValidationError:  # a body that is not UTF-8, or an edit
        from pytest_ycimages.cassette.vcr_yaml import load_yaml  # noqa: PLC0415 - rarely needed, and slow to import

        (form,) = load_yaml(b"- " + item)
        return interaction_of(INTERACTION.validate_python(form))


def _without_torn_end(items: bytes) -> bytes:
    """Return the items of an incomplete recording, without one that is cut off.

    Every item ends with a brace at the end of a line, and no line within it does.
    """
    items = items.rstrip(b"\0")  # what some file systems leave behind when the power fails
    whole = items.rfind(_ITEM_ENDS) + len(_ITEM_ENDS) if _ITEM_ENDS in items else 0
    rest = items[whole:]
    if not whole:
        rest = b"- " + rest
    if COMPLETE.startswith(rest) or rest in {b"-", b"- "}:
        return items[:whole]
    if not rest.startswith(b"- ") or _BETWEEN in rest:
        return items  # not torn, but damaged
    from pytest_ycimages.cassette.vcr_yaml import NotYamlError  # noqa: PLC0415 - rarely needed, and slow to import

    try:
        _item(rest[2:])
    except NotYamlError:
        return items[:whole]
    return items  # nothing but the end of its last line is missing


def _in_any_layout(data: bytes, path: Path) -> CassetteData:
    text = _decoded(data, path)
    form = _loaded(text, path)
    _refuse_others(form, path)
    form["interactions"] = list(map(_as_of_today, form.get("interactions", ())))
    try:
        return cassette_of(whole_cassette().validate_python(form))
    except ValidationError as error:
        from pytest_ycimages.cassette.vcr_yaml import line_of  # noqa: PLC0415 - rarely needed

        place, what, is_about_key = first_wrong(error, form)
        raise broken(path, what, line=line_of(text, place, of_key=is_about_key)) from None


def _decoded(data: bytes, path: Path) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        what = f"the byte 0x{data[error.start]:02x} is not UTF-8."
        raise broken(path, what, line=data.count(b"\n", 0, error.start) + 1) from None


def _loaded(text: str, path: Path) -> Any:
    """Return the value of the text, as JSON if it can be, else as YAML."""
    from pytest_ycimages.cassette.vcr_yaml import NotYamlError, RepeatedError, load_yaml  # noqa: PLC0415 - rarely needed

    is_json = path.suffix == ".json"
    if is_json or text.lstrip().startswith("{"):
        try:
            form = from_json(text)
        except ValueError as error:
            if is_json:
                what, _, line = str(error).partition(" at line ")
                at = int(line.partition(" ")[0]) if line else None
                raise conflict(path, text) or broken(path, f"this is not JSON: {what}.", line=at) from None
        else:
            _refuse_repeated(text, path)
            return form
    try:
        return load_yaml(text)
    except RepeatedError as error:
        raise repeated(path, error.what, line=error.line) from None
    except NotYamlError as error:
        raise conflict(path, text) or broken(path, f"this is not YAML: {error.what}.", line=error.line) from None


def _refuse_repeated(text: str, path: Path) -> None:
    """Refuse JSON with a repeated name in an object: a reader would keep the last."""

    def look(pairs: list[tuple[str, Any]]) -> None:
        names = [name for name, _ in pairs]
        for number, name in enumerate(names if len(set(names)) < len(names) else ()):
            if name in names[:number]:
                raise repeated(path, name)

    json.loads(text, object_pairs_hook=look, parse_int=str)


def _refuse_others(form: Any, path: Path) -> None:
    """Refuse what is well-formed, but not a cassette of a known format."""
    if isinstance(form, list) and form and isinstance(form[0], dict) and "request" in form[0]:
        raise broken(path, "it was recorded with vcrpy before 1.0, whose cassettes vcrpy no longer reads.")
    if isinstance(form, dict) and "http_interactions" in form:
        raise broken(path, "it is a cassette of betamax or of Ruby's VCR, not of vcrpy.")
    is_cassette = isinstance(form, dict) and isinstance(form.get("interactions"), list)
    if not is_cassette and not _is_misspelt(form):
        raise broken(path, "it is not a cassette: it has no list of `interactions`.")
    version, metadata = form.get("version", VERSION), form.get("ycimages")
    if version != VERSION:
        raise broken(path, f"its version is {version!r}; only {VERSION} is known.")
    newer = metadata.get("format") if isinstance(metadata, dict) else FORMAT
    if isinstance(newer, int) and newer > FORMAT:
        what = f"it was written by a newer pytest-ycimages, in format {newer}; this one reads {FORMAT}."
        raise broken(path, what, todo="Upgrade: pip install --upgrade pytest-ycimages")


def _is_misspelt(form: Any) -> bool:
    """Return whether a mapping has a key that is nearly `interactions`, which the schema refuses."""
    names = [str(name).casefold() for name in form] if isinstance(form, dict) else []
    return (
        bool(names)
        and "interactions" not in form
        and bool(difflib.get_close_matches("interactions", names, cutoff=0.8))
    )


def _as_of_today(item: Any) -> Any:
    """Return an interaction in today's form of vcrpy: up to version 5 it wrote those of httpx in another way."""
    response = item.get("response") if isinstance(item, dict) else None
    if not isinstance(response, dict) or "status_code" not in response:
        return item
    others = {name: value for name, value in response.items() if name not in _OF_HTTPX}
    return item | {
        "response": {
            "status": {"code": response["status_code"], "message": ""},
            "headers": response.get("headers", {}),
            "body": {"string": response.get("content")},
            **others,
        }
    }


# Errors.


def broken(path: Path, what: str, *, line: int | None = None, todo: str = _AGAIN) -> CassetteBrokenError:
    """Return the error for a file that cannot be read."""
    where = f"{path}, line {line}" if line else str(path)
    return CassetteBrokenError(f"{where}: {what} {todo}")


def conflict(path: Path, text: str) -> CassetteBrokenError | None:
    """Return the error for a file with the markers of a merge; None: it has none."""
    found = _CONFLICT.search(text)
    if found is None:
        return None
    what = f"{found[0][:_SHOWN]!r} is a conflict marker of a merge."
    return broken(path, what, line=text.count("\n", 0, found.start()) + 1, todo=_ONE_SIDE)


def repeated(path: Path, name: str, *, line: int | None = None) -> CassetteBrokenError:
    """Return the error for a repeated name in a mapping, as after a merge that kept both sides."""
    what = f"{name[:_SHOWN]!r} is repeated in one mapping, and only one of them would be read."
    return broken(path, what, line=line, todo=_ONE_SIDE)


def missing(path: Path, suffixes: tuple[str, ...]) -> CassetteMissingError:
    """Return the error for a file that does not exist, with the nearest that do."""
    folder = path.parent
    found = f"The folder {folder} does not exist."
    if folder.is_dir():
        names = sorted(each.name for each in folder.iterdir() if each.suffix in suffixes)
        nearest = difflib.get_close_matches(path.name, names, n=3, cutoff=0.4)
        found = f"The folder {folder.absolute()} has {_named(nearest, names)}."
    return CassetteMissingError(f"The cassette {path} does not exist. {found} To record it: {HOW_TO_RECORD}")


def _named(nearest: list[str], names: list[str]) -> str:
    if not names:
        return "no cassette"
    if not nearest:
        return f"{len(names)} other{'s' if len(names) > 1 else ''}, none with a name like it"
    return f"{', '.join(nearest)} (the nearest of {len(names)})"
