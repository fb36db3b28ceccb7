"""Files of cassettes: read once, written beside their place and moved there, locked while they are recorded."""

from __future__ import annotations

import errno
import os
import stat
import sys
import threading
from contextlib import suppress
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
from pytest_ycimages.errors import CassetteError, CassetteInUseError

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from pytest_ycimages.cassette.model import CassetteData, CassetteMetadata, Interaction

_PLAIN: Final = getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
"""How every file is opened: at once, also one that waits for another process, such as a FIFO."""
_NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0)
_APPEND: Final = os.O_RDWR | os.O_APPEND | _PLAIN
_MOVES_OPEN_FILES: Final = sys.platform != "win32"
_KINDS: Final = {
    stat.S_IFDIR: "a folder", stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket", stat.S_IFLNK: "a link",
    stat.S_IFCHR: "a device", stat.S_IFBLK: "a device",
}  # fmt: skip

_LONGEST, _START = 1000, 100
"""Characters of the longest path that is shown whole, and of its start and end if it is longer."""

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
            with os.fdopen(_opened(where), "rb") as file:
                version = _version(file.fileno())
                kept = _kept.get(where)
                if kept is None or kept[0] != version:
                    kept = _kept[where] = version, parse(file.read(), Path(path))
        except FileNotFoundError:
            raise missing(Path(path), SUFFIXES) from None
        except OSError as error:
            what = f"it cannot be read: {error.strerror}."
            raise broken(Path(_shown(path)), what, todo="Give the file of a cassette.") from None
        return kept[1]


def _opened(path: str | Path, flags: int = os.O_RDONLY) -> int:
    """Open a regular file, and no other.

    Raises:
        OSError: it cannot be opened; `strerror` says why.
    """
    if "\0" in str(path):
        raise OSError(errno.EINVAL, "its name has a NUL character")
    _check_is_regular(os.stat(path))  # noqa: PTH116 - before it is opened, as opening a device may do something
    file = os.open(path, flags | _PLAIN)
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


def _version(file: int) -> _Version:
    found = os.fstat(file)
    return found.st_ino, found.st_mtime_ns, found.st_size


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
            self._old = _opened(self.path)
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
        try:
            self._file = _created(partial)
        except FileExistsError:
            _remove_leftover(partial)
            try:
                self._file = _created(partial)
            except FileExistsError:
                raise _in_use(self.path, "another process") from None
        if not _locked(self._file) or not _is_at(self._file, partial):
            os.close(self._file)
            self._file = None
            raise _in_use(self.path, "another process")
        if not self.replaces and os.path.lexists(self.path):
            self.discard()
            raise CassetteInUseError(
                f"{self.path} has been written by another process since this recording began; that one stays. "
                "Give each test a cassette of its own."
            )
        return self._file


def _real(path: Path) -> Path:
    """Return a path without links on the way. A link may lead to another cassette only."""
    if "\0" in str(path):
        raise _unwritable(path, "its name has a NUL character")
    real = Path(os.path.realpath(path))
    if real.suffix != path.suffix:
        raise _unwritable(path, f"it is a link to {real}, which is not a cassette by its name")
    return real


def _created(partial: Path) -> int:
    """Create a file, and open it. Whatever has this name already is not opened, nor is a link followed."""
    return os.open(partial, _APPEND | os.O_CREAT | os.O_EXCL | _NO_LINK, 0o666)


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


def _shown(path: str | PathLike[str]) -> str:
    """Return a path for a text: one that no system has is cut."""
    text = os.fspath(path)
    return text if len(text) <= _LONGEST else f"{text[:_START]}…{text[-_START:]}"


def _unwritable(path: Path, why: str | None) -> CassetteError:
    return CassetteError(f"{_shown(path)} cannot be written: {why}. Name a file for the cassette.")


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
