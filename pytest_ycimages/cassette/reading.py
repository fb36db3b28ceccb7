"""Reads cassettes, each once: what has been read is kept for as long as its file stays as it is."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_ycimages.cassette.damage import broken, missing
from pytest_ycimages.cassette.parsing import parse
from pytest_ycimages.cassette.writing import SUFFIXES

if TYPE_CHECKING:
    from os import PathLike

    from pytest_ycimages.cassette.model import CassetteData


class _State(NamedTuple):
    """What tells one content of a file from another without reading it."""

    file: int
    modified: int
    size: int


_kept: Final = dict[str, tuple[_State, "CassetteData"]]()
_reading: Final = threading.Lock()


def read_tape(path: str | PathLike[str]) -> CassetteData:
    """What a cassette holds: one of this package, or any other that vcrpy reads, in YAML or JSON.

    Read once in a process, however often it is asked for, until its file changes. Safe for threads. The values are
    frozen, and shared by all who ask.

    Args:
        path: the file.

    Raises:
        CassetteMissingError: there is no such file.
        CassetteBrokenError: it is no cassette, or a damaged one. It is left as it is.
    """
    where = os.path.abspath(path)  # noqa: PTH100 - cheaper than Path.absolute, and this is asked for each test
    with _reading:
        try:
            with open(where, "rb") as file:  # noqa: PTH123 - likewise
                state = _state(file.fileno())
                kept = _kept.get(where)
                if kept is None or kept[0] != state:
                    kept = _kept[where] = state, parse(file.read(), Path(path))
        except FileNotFoundError:
            raise missing(Path(path), SUFFIXES) from None
        except OSError as error:
            raise broken(
                Path(path), f"it cannot be read: {error.strerror}.", todo="Give the file of a cassette."
            ) from None
        return kept[1]


def _state(file: int) -> _State:
    found = os.fstat(file)
    return _State(found.st_ino, found.st_mtime_ns, found.st_size)
