"""A test's handle on its cassette: its file and contents, its name, and its age."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_ycimages.cassette.file import SUFFIXES
from pytest_ycimages.errors import UsageError
from pytest_ycimages.words import sealed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_ycimages.cassette.exchange import Recorder
    from pytest_ycimages.cassette.model import CassetteMetadata, Interaction

opened: Final = set[Path]()
"""The files of all cassettes that were in doubles of this process, so none of them is unused."""

_LONGEST: Final = 100
_STRANGE: Final = re.compile(r"[^\w.=,+@\[\]-]+", re.ASCII)
"""Characters that are not allowed in the name of a file."""
_RESERVED: Final = re.compile(r"^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?=\.|$)", re.IGNORECASE)
"""Names of devices on Windows, which a name of a file there is before its first dot."""
_DAY: Final = 24 * 60 * 60 * 10**9
"""In nanoseconds."""


@sealed
class Cassette:
    """The cassette of a double. Methods for recordings raise UsageError in other modes.

    Args:
        path: the file; in mode `record`, the file that will be there once the recording is complete.
        metadata: its metadata: the source of its answers, when it was recorded, and more.
        interactions: returns its present interactions.
        unused: returns the indexes of those without a part in any answer.
        recorder: its recorder, while it is recorded.
    """

    def __init__(
        self,
        path: Path,
        metadata: CassetteMetadata,
        interactions: Callable[[], Sequence[Interaction]],
        unused: Callable[[], Sequence[int]] = tuple,
        *,
        recorder: Recorder | None = None,
    ) -> None:
        self.path = path
        self.metadata = metadata
        self._interactions = interactions
        self._unused = unused
        self._recorder = recorder

    @property
    def interactions(self) -> Sequence[Interaction]:
        """Its interactions; in mode `record`, those recorded by now."""
        return self._interactions()

    @property
    def replaces(self) -> bool:
        """Whether it is a recording that replaces an older file, once it is complete."""
        return self._recorder is not None and self._recorder.replaces

    @property
    def unused(self) -> Sequence[int]:
        """The indexes of the interactions that have had no part in any answer by now; in mode `record`, none."""
        return self._unused()

    def discard(self) -> None:
        """Drop a recording: an older file stays as it was, and a new one is removed."""
        self._recording("discard").discard()

    def defer(self) -> None:
        """Keep the recording open when its double is closed, until `finish` is called."""
        self._recording("defer").defer()

    def finish(self, *, whole: bool) -> None:
        """End a deferred recording. Unless `whole`, as when the test failed, an older file stays as it was.

        Raises:
            OSError: the file cannot be written.
        """
        self._recording("finish").finish(whole=whole)

    def _recording(self, what: str) -> Recorder:
        if self._recorder is None:
            raise UsageError(f"{self.path} is not being recorded, so there is nothing to {what}.")
        return self._recorder

    def __repr__(self) -> str:
        return f"<Cassette {self.path}: {len(self.interactions)} interactions, origin {self.metadata.origin}>"


def named(directory: Path, name: str) -> Path:
    """Return the file of a named cassette; one without a suffix is YAML."""
    path = directory / name
    return path if path.suffix in SUFFIXES else path.with_name(f"{path.name}.yaml")


def of_test(directory: Path, module: str, names: Sequence[str], *, part: str = "", is_alike: bool = False) -> Path:
    """Return the file of a test without a named cassette: a folder for the module, a file for the test.

    Doubles that the tests of a class share have a file beside those of the tests; those of a module have one beside
    its folder, and those of the session have `session.yaml`.

    Two tests never share one: a name that is not allowed for a file on any system is changed, and gets a part of its
    hash. So does a name with `is_alike`: a file system that ignores case would take it for another.
    """
    folders = [each for each in Path(module).with_suffix("").parts if each not in {"..", "/"}]
    test = f"{'.'.join(names) if names else folders.pop()}{part}"
    plain = _RESERVED.sub(r"\g<0>-", _STRANGE.sub("-", test))[:_LONGEST]
    if is_alike or plain != test:
        hashed = f"{module}::{test}" if is_alike else test
        plain += f"-{hashlib.blake2b(hashed.encode(), digest_size=4).hexdigest()}"
    return directory.joinpath(*(_RESERVED.sub(r"\g<0>-", folder) for folder in folders), f"{plain}.yaml")


def numbered(path: Path, number: int) -> Path:
    """Return the file of the n-th double of a test: the first has the test's own."""
    return path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")


def days_old(metadata: CassetteMetadata, now: int) -> float | None:
    """Return the days between a recording and `now`, in nanoseconds since the epoch; None: not known."""
    try:
        recorded_at = datetime.fromisoformat(metadata.recorded_at)
    except ValueError:
        return None
    if recorded_at.tzinfo is None:
        recorded_at = recorded_at.replace(tzinfo=UTC)
    return (now - recorded_at.timestamp() * 10**9) / _DAY


def expired_text(path: Path, metadata: CassetteMetadata, now: int, max_age: float | None, rerecord: str) -> str:
    """Return why a cassette has expired, and what to do; empty if it has not."""
    age = days_old(metadata, now)
    if max_age is None or (age is not None and age <= max_age):
        return ""
    recorded_at = metadata.recorded_at
    how_old = "has no date of recording" if age is None else f"was recorded {age:.0f} days ago, at {recorded_at}"
    return (
        f"{path} {how_old}, and max_age is {max_age:g} days. See what has changed since then with "
        f"`ycimages verify {path} --upstream URL`, or record it again with: {rerecord}"
    )
