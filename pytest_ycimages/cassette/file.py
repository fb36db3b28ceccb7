r"""Files of cassettes: read once, and written interaction by interaction, or whole.

What vcrpy reads as YAML is written as three lines of JSON for each interaction. A recording appends whole lines, and a
reader splits the file without parsing it: only the first line of an interaction begins with `- `. JSON is almost YAML.
What a YAML reader would refuse or misread is written so that both read the same:

- characters that YAML counts among breaks or does not print are escaped; pairs of `\u` escapes never occur, as a
  character beyond U+FFFF is written as itself;
- a number with an exponent has a point;
- a body that is not UTF-8 is a `!!binary`, and a very long name of a header an explicit key. JSON has neither, so such
  an interaction can be read as YAML only.
"""

from __future__ import annotations

import json
import os
import re
import threading
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pytest_ycimages.cassette.parsing import broken, missing, parse
from pytest_ycimages.cassette.partial_file import PartialFile, open_regular
from pytest_ycimages.cassette.schema import COMPLETE, VERSION, as_vcr, cassette_form, metadata_form
from pytest_ycimages.errors import CassetteError, shortened

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from pytest_ycimages.cassette.model import CassetteData, CassetteMetadata, Interaction
    from pytest_ycimages.cassette.schema import VcrForm

YAML_SUFFIXES: Final = (".yaml", ".yml")
JSON_SUFFIXES: Final = (".json",)
SUFFIXES: Final = YAML_SUFFIXES + JSON_SUFFIXES
_COMMENT: Final = "# Recorded with pytest-ycimages; any vcrpy reads it. Its story: ycimages cassette show FILE\n"
UNSAFE: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_NO_POINT: Final = re.compile(r"(?<![.0-9])[0-9]+(?=e[-+])")
_LONG_NAME: Final = 128
"""In characters. A YAML reader accepts plain keys up to 1,024, and an escape is six."""

_json: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
_Version = tuple[int, int, int]
"""The version of a file, known without reading it."""
_kept: Final = dict[str, tuple[_Version, "CassetteData"]]()
_reading: Final = threading.Lock()


def read_cassette(path: str | PathLike[str]) -> CassetteData:
    """Return the contents of a cassette, or of any other that vcrpy reads, in YAML or JSON. Safe for threads.

    A file is read once in a process, until it changes; its frozen values are shared.

    Raises:
        CassetteMissingError: the file does not exist.
        CassetteBrokenError: it is not a cassette, or damaged. It is left as it is.
    """
    where = os.path.abspath(path)  # noqa: PTH100 - cheaper than Path.absolute, and called for each test
    with _reading:
        try:
            with os.fdopen(open_regular(where), "rb") as file:
                version = _version(file.fileno())
                kept = _kept.get(where)
                if kept is None or kept[0] != version:
                    kept = _kept[where] = version, parse(file.read(), Path(path))
        except FileNotFoundError:
            raise missing(Path(path), SUFFIXES) from None
        except OSError as error:
            what = f"it cannot be read: {error.strerror}."
            raise broken(Path(shortened(str(path))), what, todo="Give the file of a cassette.") from None
        return kept[1]


def _version(file: int) -> _Version:
    found = os.fstat(file)
    return found.st_ino, found.st_mtime_ns, found.st_size


class CassetteWriter:
    """Writes a recording as it goes on. Safe for threads.

    The file appears with the first interaction. Each is appended by one call to the system, so a process that is killed
    leaves a file with every interaction that was appended. An older cassette stays until the recording is closed: until
    then the new one is `NAME.partial.yaml` beside it.

    Attributes:
        metadata: the metadata of the cassette.
        written: how many interactions have been appended.
        replaces: whether there was a cassette in this place when the recording began.

    Args:
        path: the cassette's file, a `.yaml`; folders on the way to it are created.
        metadata: the metadata of the cassette.

    Raises:
        CassetteError: the path has another suffix; JSON cannot be appended to.
        CassetteInUseError: another recording of the same file goes on, here or in another process.
    """

    def __init__(self, path: str | PathLike[str], metadata: CassetteMetadata) -> None:
        self.path = Path(path)
        self.written = 0
        if self.path.suffix not in YAML_SUFFIXES:
            raise CassetteError(_not_yaml(self.path))
        self.metadata = metadata
        self._appending = threading.Lock()
        self._partial = PartialFile(self.path)
        self.replaces = self._partial.replaces
        self._is_open = True

    def append(self, interaction: Interaction) -> None:
        """Write an interaction to disk.

        Raises:
            CassetteError: it holds text that no file can, or the recording has been closed.
            CassetteInUseError: another process began to record the same file after this recording was opened.
            OSError: the file cannot be written. It is left as it was.
        """
        item = item_text(interaction)
        with self._appending:
            if not self._is_open:
                raise CassetteError(f"The recording of {self.path} is closed; nothing can be appended to it.")
            self._partial.write(item if self.written else head_text(self.metadata) + item)
            self.written += 1
            if not self.replaces:
                self._partial.move_into_place()

    def close(self) -> None:
        """Mark the file as complete, and put it in place of an older one; without an interaction, change nothing."""
        self._end(self._complete)

    def cut_off(self) -> None:
        """End the recording early: an older file stays; without one, the new one is not marked as complete."""
        if self.replaces:
            self.discard()
        self._end(self._partial.end)

    def discard(self) -> None:
        """Undo the recording: an older file stays as it was, and a new one is removed."""
        self._end(self._partial.discard)

    def _complete(self) -> None:
        try:
            if self.written:
                self._partial.write(COMPLETE)
                self._partial.move_into_place()
        finally:
            self._partial.end()

    def _end(self, end: Callable[[], None]) -> None:
        with self._appending:
            if self._is_open:
                self._is_open = False
                end()


def write_cassette(path: str | PathLike[str], cassette: CassetteData, *, pretty: bool = False) -> None:
    """Write a whole cassette at once: at any moment, the file is the old one or the new one.

    Args:
        path: a `.yaml`, in this package's layout, or a `.json`; vcrpy reads both. Folders on the way are created.
        cassette: its contents.
        pretty: YAML in blocks, as vcrpy writes it: longer and slower to read. Not for JSON.

    Raises:
        CassetteError: the path has another suffix, or the cassette holds what the file cannot: JSON has no bytes.
        CassetteInUseError: the file is being recorded.
    """
    path = Path(path)
    data = text_for(path, cassette, pretty=pretty)
    partial = PartialFile(path)
    try:
        partial.write(data)
        partial.move_into_place()
    except BaseException:
        partial.discard()
        raise
    partial.end()


def _not_yaml(path: Path) -> str:
    if path.suffix in JSON_SUFFIXES:
        yaml = path.with_suffix(".yaml")
        return (
            f"{path} cannot be recorded: JSON cannot be appended to. Record {yaml.name}, "
            f"then: ycimages cassette convert {yaml} {path}"
        )
    return f"{path} cannot be recorded: a cassette's name ends with .yaml. Record {path.with_suffix('.yaml').name}."


# Text.


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
