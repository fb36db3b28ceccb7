"""What is said of a cassette that cannot be read: which file, which line, what was found there, and what to do."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Final

from pytest_ycimages.errors import CassetteBrokenError, CassetteMissingError

if TYPE_CHECKING:
    from pathlib import Path

HOW_TO_RECORD: Final = "pytest --ycimages-mode=record, or: ycimages record FILE"
_AGAIN: Final = (
    f"The file is left as it is. Restore it from version control, or delete it and record again: {HOW_TO_RECORD}"
)
_ONE_SIDE: Final = (
    "Take one side whole, as two recordings do not mix: git checkout --ours (or --theirs), or record again."
)
_CONFLICT: Final = re.compile(r"^(?:<{7}|\|{7}|={7}|>{7})(?: [^\n]*)?$", re.MULTILINE)
_SHOWN: Final = 60


def broken(path: Path, what: str, *, line: int | None = None, todo: str = _AGAIN) -> CassetteBrokenError:
    """The error for a file that cannot be read."""
    where = f"{path}, line {line}" if line else str(path)
    return CassetteBrokenError(f"{where}: {what} {todo}")


def conflict(path: Path, text: str) -> CassetteBrokenError | None:
    """The error for a file in which a merge has left its markers; None: there are none."""
    found = _CONFLICT.search(text)
    if found is None:
        return None
    return broken(
        path,
        f"{found[0][:_SHOWN]!r} is a mark of a merge that met a conflict.",
        line=text.count("\n", 0, found.start()) + 1,
        todo=_ONE_SIDE,
    )


def repeated(path: Path, name: str, *, line: int | None = None) -> CassetteBrokenError:
    """The error for a file in which a name stands twice in a mapping, as after a merge that kept both sides."""
    return broken(
        path,
        f"{name[:_SHOWN]!r} stands twice in one mapping, and only one of them would be read.",
        line=line,
        todo=_ONE_SIDE,
    )


def line_at(data: bytes, position: int) -> int:
    """The number of the line that `position` is on."""
    return data.count(b"\n", 0, position) + 1


def missing(path: Path, suffixes: tuple[str, ...]) -> CassetteMissingError:
    """The error for a file that is not there, with those that are."""
    folder = path.parent
    if not folder.is_dir():
        found = f"There is no folder {folder}."
    else:
        names = sorted(each.name for each in folder.iterdir() if each.suffix in suffixes)
        nearest = difflib.get_close_matches(path.name, names, n=3, cutoff=0.4)
        found = f"The folder {folder.absolute()} has {_named(nearest, names)}."
    return CassetteMissingError(f"There is no cassette {path}. {found} To record it: {HOW_TO_RECORD}")


def _named(nearest: list[str], names: list[str]) -> str:
    if not names:
        return "no cassette"
    if not nearest:
        return f"{len(names)} other{'s' if len(names) > 1 else ''}, none with a name like it"
    return f"{', '.join(nearest)} (the nearest of {len(names)})"
