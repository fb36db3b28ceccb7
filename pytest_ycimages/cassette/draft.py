"""A file that is written beside its place, and put there by renaming: its place never holds half of it.

The rule: one draft of a place at a time, in this process and in all others. The draft itself is what is locked, and the
file that it will replace, so that a process that is killed leaves no lock behind.
"""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

from pytest_ycimages.cassette.lock import lock
from pytest_ycimages.errors import CassetteInUseError

_APPEND: Final = os.O_CREAT | os.O_RDWR | os.O_APPEND | getattr(os, "O_BINARY", 0)
_MOVES_OPEN_FILES: Final = sys.platform != "win32"

_places: Final = set[Path]()
_taking: Final = threading.Lock()


def draft_of(path: Path) -> Path:
    """Where the draft of `path` is written, such as `NAME.partial.yaml`."""
    return path.with_name(f"{path.stem}.partial{path.suffix}")


def is_draft(path: Path) -> bool:
    """Whether a file is a draft, by its name: one of a recording that goes on, or that was killed."""
    return Path(path.stem).suffix == ".partial"


class Draft:
    """The next contents of a file. Not for several threads at once.

    Attributes:
        path: its place.
        replaces: whether there was a file in its place when the draft began.

    Raises:
        CassetteInUseError: another draft of the same place has not come to its end.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.realpath(path))
        self._file: int | None = None
        self._old: int | None = None
        self._size = 0
        self._is_in_place = False
        with _taking:
            if self.path in _places:
                raise _in_use(self.path, "another recording of this process")
            _places.add(self.path)
        try:
            self.replaces = self._lock_old()
        except BaseException:
            self._leave()
            raise

    def write(self, data: bytes) -> None:
        """Append `data`: all of it, or on an error nothing.

        Raises:
            CassetteInUseError: another process has begun a draft of the same place.
            OSError: the file cannot be written, for example because the disk is full.
        """
        if self._file is None:
            self._file = self._begin()
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(data)

    def put_in_place(self) -> None:
        """Let the draft be the file, if anything was written. What is written later is appended to it."""
        if self._file is None or self._is_in_place:
            return
        draft = draft_of(self.path)
        if _MOVES_OPEN_FILES:
            draft.replace(self.path)
        else:
            os.close(self._file)
            if self._old is not None:
                os.close(self._old)
            self._file = self._old = None
            draft.replace(self.path)
            self._file = os.open(self.path, _APPEND)
            lock(self._file)
        self._is_in_place = True

    def end(self) -> None:
        """Close the file and let others have it. A draft that was not put in place stays where it is."""
        for file in (self._file, self._old):
            if file is not None:
                os.close(file)
        self._file = self._old = None
        self._leave()

    def discard(self) -> None:
        """Undo everything: the file that was in place stays, or there is none."""
        if self._file is not None:
            written = self.path if self._is_in_place else draft_of(self.path)
            if _MOVES_OPEN_FILES:
                written.unlink(missing_ok=True)
                self.end()
            else:
                self.end()
                written.unlink(missing_ok=True)
        self.end()

    def _leave(self) -> None:
        with _taking:
            _places.discard(self.path)

    def _lock_old(self) -> bool:
        """Lock the file that is in place; False: there is none."""
        try:
            self._old = os.open(self.path, os.O_RDONLY)
        except FileNotFoundError:
            return False
        if not lock(self._old):
            os.close(self._old)
            self._old = None
            raise _in_use(self.path, "another process")
        return True

    def _begin(self) -> int:
        """Open the draft, empty. One that a killed recording has left is overwritten."""
        draft = draft_of(self.path)
        draft.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(draft, _APPEND, 0o666)
        if not lock(file) or not _is_at(file, draft):
            os.close(file)
            raise _in_use(self.path, "another process")
        self._file = file
        if not self.replaces and self.path.exists():
            self.discard()
            raise CassetteInUseError(
                f"{self.path} has been written by another process since this recording began; that one stays. "
                "Give each test a cassette of its own."
            )
        os.ftruncate(file, 0)
        return file


def _is_at(file: int, path: Path) -> bool:
    """Whether an open file is still the one at `path`, as another process may have moved it meanwhile."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file), path.stat())
    return False


def _in_use(path: Path, by: str) -> CassetteInUseError:
    return CassetteInUseError(
        f"{path} is being written by {by}. Two recordings of one file would mix their answers. "
        "Wait until the other has ended, or give each test a cassette of its own."
    )
