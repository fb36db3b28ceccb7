"""Partial files: the next contents of a file, written beside its place, locked, and moved there.

A partial file is always a new one, and no link is followed to create it. Only regular files are opened: opening a FIFO
would wait for another process.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

from pytest_ycimages.errors import CassetteError, CassetteInUseError, shortened

_PLAIN: Final = getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
"""How every file is opened: at once, also one that waits for another process, such as a FIFO."""
_NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0)
_APPEND: Final = os.O_RDWR | os.O_APPEND | _PLAIN
_MOVES_OPEN_FILES: Final = sys.platform != "win32"
_KINDS: Final = {
    stat.S_IFDIR: "a folder", stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket", stat.S_IFLNK: "a link",
    stat.S_IFCHR: "a device", stat.S_IFBLK: "a device",
}  # fmt: skip

_places: Final = set[Path]()
_taking: Final = threading.Lock()

_TAKEN: Final = frozenset({errno.EACCES, errno.EAGAIN, errno.EDEADLK})

if sys.platform == "win32":
    import msvcrt

    _FAR: Final = 2**40  # a locked byte cannot be read by others, so lock one far behind the end

    def _lock(file: int) -> None:
        os.lseek(file, _FAR, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def open_regular(path: str | Path) -> int:
    """Open a regular file for reading, and return its descriptor.

    Raises:
        OSError: it cannot be opened; `strerror` says why.
    """
    if "\0" in str(path):
        raise OSError(errno.EINVAL, "its name has a NUL character")
    _check_is_regular(os.stat(path))  # noqa: PTH116 - before it is opened, as opening a device may do something
    file = os.open(path, os.O_RDONLY | _PLAIN)
    try:
        _check_is_regular(os.fstat(file))
    except BaseException:
        os.close(file)
        raise
    return file


def _check_is_regular(found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "of an unknown kind")
        raise OSError(errno.EINVAL, f"it is {kind}, not a file")


def partial_path(path: Path) -> Path:
    """Return the path of the partial file of `path`: `NAME.partial.yaml`."""
    return path.with_name(f"{path.stem}.partial{path.suffix}")


def is_partial(path: Path) -> bool:
    """Return whether a file is a partial one, by its name: its recording goes on, or was killed."""
    return Path(path.stem).suffix == ".partial"


class PartialFile:
    """The next contents of a file, written beside its place and moved there. Not safe for threads.

    A place has one partial file at a time, in all processes. That file is locked, and the one that it will replace, so
    that a killed process leaves no lock behind.

    Attributes:
        replaces: whether there was a file in its place at the start.

    Raises:
        CassetteError: the path cannot be that of a cassette, such as a folder, or a link to another kind of file.
        CassetteInUseError: another recording of the same file goes on.
    """

    def __init__(self, path: Path) -> None:
        self.path = _real(path)
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
            self.end()
            raise

    def write(self, data: bytes) -> None:
        """Append `data`: all of it, or on an error nothing.

        Raises:
            CassetteInUseError: another process has begun to record the same file.
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

    def move_into_place(self) -> None:
        """Move the partial file to its place, if anything was written; later writes are appended to it there."""
        if self._file is None or self._is_in_place:
            return
        partial = partial_path(self.path)
        if _MOVES_OPEN_FILES:
            partial.replace(self.path)
        else:
            os.close(self._file)
            if self._old is not None:
                os.close(self._old)
            self._file = self._old = None
            partial.replace(self.path)
            self._file = os.open(self.path, _APPEND)
            _locked(self._file)
        self._is_in_place = True

    def end(self) -> None:
        """Close the file and release it. A partial file that was not moved stays where it is."""
        for file in (self._file, self._old):
            if file is not None:
                os.close(file)
        self._file = self._old = None
        with _taking:
            _places.discard(self.path)

    def discard(self) -> None:
        """Undo everything: an older file stays, and a new one is removed."""
        written = None if self._file is None else self.path if self._is_in_place else partial_path(self.path)
        if written and _MOVES_OPEN_FILES:
            written.unlink(missing_ok=True)
        self.end()
        if written and not _MOVES_OPEN_FILES:
            written.unlink(missing_ok=True)

    def _lock_old(self) -> bool:
        """Lock the older file; False: there is none."""
        try:
            self._old = open_regular(self.path)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise _unwritable(self.path, error.strerror) from None
        if not _locked(self._old):
            raise _in_use(self.path, "another process")
        return True

    def _begin(self) -> int:
        """Create the partial file. One of a killed recording is removed."""
        partial = partial_path(self.path)
        partial.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(partial):
            _remove_leftover(partial)
        try:
            file = os.open(partial, _APPEND | os.O_CREAT | os.O_EXCL | _NO_LINK, 0o666)
        except FileExistsError:
            raise _in_use(self.path, "another process") from None
        if not _locked(file) or not _is_at(file, partial):
            os.close(file)
            raise _in_use(self.path, "another process")
        self._file = file
        if not self.replaces and os.path.lexists(self.path):
            self.discard()
            raise CassetteInUseError(
                f"{self.path} has been written by another process since this recording began; that one stays. "
                "Give each test a cassette of its own."
            )
        return file


def _real(path: Path) -> Path:
    """Return a path without links on the way. A link may lead to another cassette only."""
    if "\0" in str(path):
        raise _unwritable(path, "its name has a NUL character")
    real = Path(os.path.realpath(path))
    if real.suffix != path.suffix:
        raise _unwritable(path, f"it is a link to {real}, which is not a cassette by its name")
    return real


def _remove_leftover(partial: Path) -> None:
    """Remove what a killed recording has left.

    Raises:
        CassetteError: it is not a file.
        CassetteInUseError: the recording that writes it goes on.
    """
    try:
        _check_is_regular(os.lstat(partial))
        file = os.open(partial, os.O_RDWR | _PLAIN | _NO_LINK)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unwritable(partial, error.strerror) from None
    try:
        if not _locked(file):
            raise _in_use(partial, "another process")
        if _MOVES_OPEN_FILES and _is_at(file, partial):
            partial.unlink()
    finally:
        os.close(file)
    if not _MOVES_OPEN_FILES:
        partial.unlink(missing_ok=True)


def _is_at(file: int, path: Path) -> bool:
    """Return whether an open file is still the one at `path`: another process may have moved it."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file), path.lstat())
    return False


def _unwritable(path: Path, why: str | None) -> CassetteError:
    return CassetteError(f"{shortened(str(path))} cannot be written: {why}. Name a file for the cassette.")


def _in_use(path: Path, by: str) -> CassetteInUseError:
    return CassetteInUseError(
        f"{path} is being written by {by}. Two recordings of one file would mix their answers. "
        "Wait until the other has ended, or give each test a cassette of its own."
    )


def _locked(file: int) -> bool:
    """Lock an open file until it is closed. False: another process has; true on a file system without locks."""
    try:
        _lock(file)
    except OSError as error:
        return error.errno not in _TAKEN
    return True
