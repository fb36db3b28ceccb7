"""Files of cassettes: read once, and written interaction by interaction, or whole."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_ycimages.cassette.format import (
    COMPLETE,
    JSON_SUFFIXES,
    SUFFIXES,
    YAML_SUFFIXES,
    head_text,
    item_text,
    text_for,
)
from pytest_ycimages.cassette.parsing import broken, missing, parse
from pytest_ycimages.cassette.partial_file import PartialFile, open_regular
from pytest_ycimages.errors import CassetteError

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from pytest_ycimages.cassette.model import CassetteData, CassetteMetadata, Interaction

_LONGEST: Final = 1000
"""Characters of a path that are shown."""

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
            raise broken(Path(str(path)[:_LONGEST]), what, todo="Give the file of a cassette.") from None
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
        written: how many interactions have been appended.

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
        self._metadata = metadata
        self._appending = threading.Lock()
        self._partial = PartialFile(self.path)
        self._is_open = True

    @property
    def replaces(self) -> bool:
        """Whether there was a cassette in this place when the recording began."""
        return self._partial.replaces

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
            self._partial.write(item if self.written else head_text(self._metadata) + item)
            self.written += 1
            if not self._partial.replaces:
                self._partial.move_into_place()

    def close(self) -> None:
        """Mark the file as complete, and put it in place of an older one; without an interaction, change nothing."""
        self._end(self._complete)

    def cut_off(self) -> None:
        """End the recording early: an older file stays; without one, the new one is not marked as complete."""
        if self._partial.replaces:
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
