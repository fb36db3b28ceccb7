"""Writes cassettes: a recording as it goes on, each interaction on disk when it has happened, or a whole tape."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_ycimages.cassette.draft import Draft
from pytest_ycimages.cassette.foreign_layouts import block_text, json_text
from pytest_ycimages.cassette.layout import COMPLETE, head_text, item_text, tape_text
from pytest_ycimages.errors import CassetteError

if TYPE_CHECKING:
    from os import PathLike

    from pytest_ycimages.cassette.model import CassetteData, CassetteMetadata, Interaction

YAML_SUFFIXES: Final = (".yaml", ".yml")
JSON_SUFFIXES: Final = (".json",)
SUFFIXES: Final = YAML_SUFFIXES + JSON_SUFFIXES


class CassetteWriter:
    """Writes a recording while it goes on. Safe for threads.

    The file appears with the first interaction. Each is written by one call to the system that appends it, so a process
    that is killed leaves a file that can be read, with every interaction that was appended. If there is a cassette
    already, it stays until the recording is closed: until then the new one is `NAME.partial.yaml` beside it.

    Attributes:
        path: the cassette's file; folders on the way to it are created.
        written: how many interactions have been appended.

    Args:
        path: the cassette's file, a `.yaml`.
        label: what the cassette says of itself.

    Raises:
        CassetteError: the path has another suffix; JSON cannot be appended to.
        CassetteInUseError: another recording of the same file has not come to its end, here or in another process.
    """

    def __init__(self, path: str | PathLike[str], label: CassetteMetadata) -> None:
        self.path = Path(path)
        self.written = 0
        if self.path.suffix not in YAML_SUFFIXES:
            raise CassetteError(_not_yaml(self.path))
        self._label = label
        self._appending = threading.Lock()
        self._draft = Draft(self.path)
        self._is_open = True

    @property
    def replaces(self) -> bool:
        """Whether there was a cassette in this place when the recording began."""
        return self._draft.replaces

    def append(self, interaction: Interaction) -> None:
        """Write an interaction; it is on disk when this returns.

        Raises:
            CassetteError: it holds text that no file can, or the recording has been closed.
            CassetteInUseError: another process began to record the same file after this recording was opened.
            OSError: the file cannot be written. It is left as it was.
        """
        item = item_text(interaction)
        with self._appending:
            if not self._is_open:
                raise CassetteError(f"The recording of {self.path} is closed; nothing can be appended to it.")
            self._draft.write(item if self.written else head_text(self._label) + item)
            self.written += 1
            if not self._draft.replaces:
                self._draft.put_in_place()

    def close(self) -> None:
        """End the recording: the file says that it is complete, and takes the place of an older one.

        A recording without an interaction leaves no file, and an older one as it was.
        """
        with self._appending:
            if self._is_open:
                self._is_open = False
                try:
                    if self.written:
                        self._draft.write(COMPLETE)
                        self._draft.put_in_place()
                finally:
                    self._draft.end()

    def cut_off(self) -> None:
        """End the recording before its time: an older file stays as it was; a new one does not say it is complete."""
        if self._draft.replaces:
            self.discard()
        with self._appending:
            if self._is_open:
                self._is_open = False
                self._draft.end()

    def discard(self) -> None:
        """End the recording as if it had never begun: an older file stays as it was, and a new one goes."""
        with self._appending:
            if self._is_open:
                self._is_open = False
                self._draft.discard()


def write_tape(path: str | PathLike[str], tape: CassetteData, *, pretty: bool = False) -> None:
    """Write a whole cassette at once: the file is the old one or the new one, and nothing between.

    Args:
        path: a `.yaml`, in this package's layout, or a `.json`; vcrpy reads both. Folders on the way are created.
        tape: what to write.
        pretty: YAML in blocks, as vcrpy writes it: longer, slower to read, and easier on the eye. Not for JSON.

    Raises:
        CassetteError: the path has another suffix, or the tape holds what the file cannot: JSON has no bytes.
        CassetteInUseError: the file is being recorded.
    """
    path = Path(path)
    data = _text_for(path, tape, pretty=pretty)
    draft = Draft(path)
    try:
        draft.write(data)
        draft.put_in_place()
    except BaseException:
        draft.discard()
        raise
    draft.end()


def _text_for(path: Path, tape: CassetteData, *, pretty: bool) -> bytes:
    if path.suffix in JSON_SUFFIXES:
        return json_text(tape)
    if path.suffix in YAML_SUFFIXES:
        return block_text(tape) if pretty else tape_text(tape)
    raise CassetteError(f"{path} is no name of a cassette. End it with one of: {', '.join(SUFFIXES)}.")


def _not_yaml(path: Path) -> str:
    if path.suffix in JSON_SUFFIXES:
        yaml = path.with_suffix(".yaml")
        return (
            f"{path} cannot be recorded: JSON cannot be appended to. Record {yaml.name}, "
            f"then: ycimages cassette convert {yaml} {path}"
        )
    return f"{path} cannot be recorded: a cassette's name ends with .yaml. Record {path.with_suffix('.yaml').name}."
