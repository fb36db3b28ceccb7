"""A test's handle on its cassette: its file and contents, and what a test or a whole run did not use.

Facts that are not certain are not reported, because `ycimages cassette prune` removes files by them.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from pytest_ycimages.cassette.format import SUFFIXES
from pytest_ycimages.errors import CassetteError, UsageError
from pytest_ycimages.words import sealed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from pytest_ycimages.cassette.model import CassetteMetadata, Interaction
    from pytest_ycimages.cassette.recorder import Recorder

opened: Final = set[Path]()
"""The files of all cassettes that were in doubles of this process, so none of them is unused."""

_LONGEST: Final = 100
_STRANGE: Final = re.compile(r"[^\w.=,+@\[\]-]+", re.ASCII)
"""Characters that are not allowed in the name of a file."""
_RESERVED: Final = re.compile(r"^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?=\.|$)", re.IGNORECASE)
"""Names of devices on Windows, which a name of a file there is before its first dot."""
_DAY: Final = 24 * 60 * 60 * 10**9
"""In nanoseconds."""
ORPHANS_UNKNOWN: Final = (
    "Which cassettes belong to no test is not known: only a run of all tests that passes can tell. Run: pytest"
)


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
    if max_age is None:
        return ""
    age = days_old(metadata, now)
    if age is not None and age <= max_age:
        return ""
    how_old = f"was recorded {age or 0:.0f} days ago, at {metadata.recorded_at}"
    if age is None:
        how_old = "has no date of recording"
    return (
        f"{path} {how_old}, and max_age is {max_age:g} days. See what has changed since then with "
        f"`ycimages verify {path} --upstream URL`, or record it again with: {rerecord}"
    )


class UsedInteractions(NamedTuple):
    """The number of interactions of a cassette, and the indexes of those that no test asked for."""

    interactions: int
    unused: tuple[int, ...]


class StoredUsage(NamedTuple):
    """The use of each cassette in a run, by its path, and the orphans, which belong to no test; None: not known."""

    cassettes: Mapping[str, UsedInteractions]
    orphans: tuple[str, ...] | None


def write_usage(path: Path, used: Mapping[str, tuple[int, tuple[int, ...]]], orphans: Iterable[Path] | None) -> None:
    """Write the use of cassettes in a run, with null for the orphans if the run cannot tell.

    The form: `{"cassettes": {path: {"interactions": n, "unused": [indexes]}}, "orphans": [paths]}`, paths absolute.
    """
    cassettes = {name: {"interactions": count, "unused": unused} for name, (count, unused) in used.items()}
    named = None if orphans is None else [str(orphan.absolute()) for orphan in orphans]
    path.write_text(json.dumps({"cassettes": cassettes, "orphans": named}, indent=1), encoding="utf-8")


def read_usage(path: Path) -> StoredUsage:
    """Return the use of cassettes in the last run.

    Raises:
        CassetteError: the file does not exist or is invalid; the text says how to get one.
    """
    how = "Run the whole suite with its cassettes, and try again: pytest"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        cassettes = data["cassettes"].items()
        used = {name: UsedInteractions(each["interactions"], tuple(each["unused"])) for name, each in cassettes}
        return StoredUsage(used, None if data["orphans"] is None else tuple(data["orphans"]))
    except OSError as error:
        raise CassetteError(f"What the last run used is not known: {path}: {error.strerror}. {how}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CassetteError(f"What the last run used cannot be read from {path}: {error!r}. {how}") from None


_PARTIAL: Final = ".partial"
"""The end of the stem of a recording that was not finished."""
_METADATA: Final = re.compile(rb'(?<![\w/])ycimages"?:')
"""What the head of a cassette has that this package recorded."""
_HEAD: Final = 4096
_NUMBER: Final = re.compile(r"-\d+$", re.ASCII)
"""The end of the stem of the cassettes of a test's second and further doubles."""


class CassetteUsage:
    """How a run, or a worker of pytest-xdist, used its cassettes, as plain values.

    Attributes:
        belonging: files -> how many of the collected tests each belongs to, whether they ran or not.
        passed: files -> how many of the tests that they belong to have passed.
        left: files -> how many of these tests had doubles, all of them fakes.
        used: files -> how many interactions each has, and the indexes of those that no passed test used.
        opened: files that any double opened.
        collected: how many tests were collected, before any were deselected.
        ended: how many tests have ended, with any result.
        incomplete: whether a module of tests could not be collected, or skipped itself.
    """

    def __init__(self, sent: Mapping[str, Any] | None = None) -> None:
        sent = sent or {}
        self.belonging = Counter[str](sent.get("belonging"))
        self.passed = Counter[str](sent.get("passed"))
        self.left = Counter[str](sent.get("left"))
        self.used = {path: (count, tuple(unused)) for path, (count, *unused) in sent.get("used", {}).items()}
        self.opened = set[str](sent.get("opened", ()))
        self.collected: int = sent.get("collected", 0)
        self.ended: int = sent.get("ended", 0)
        self.incomplete: bool = sent.get("incomplete", False)

    def to_worker_output(self) -> dict[str, Any]:
        """Return all of it as values that execnet can send, and from which it can be made again."""
        used = {path: [count, *unused] for path, (count, unused) in self.used.items()}
        counts = {"belonging": dict(self.belonging), "passed": dict(self.passed), "left": dict(self.left)}
        return vars(self) | counts | {"used": used, "opened": sorted(self.opened)}

    @property
    def is_whole(self) -> bool:
        """Whether every collected test has run."""
        return self.ended >= self.collected and not self.incomplete

    def use(self, path: str, count: int, unused: Iterable[int]) -> None:
        """Record which interactions a passed test left unused; those count that every test of the file left unused."""
        before = self.used.get(path)
        both = set(unused) if before is None or before[0] != count else set(unused) & set(before[1])
        self.used[path] = count, tuple(sorted(both))

    def add(self, other: Self) -> None:
        """Add what another worker has seen. All workers collect the same tests."""
        self.belonging |= other.belonging
        self.opened |= other.opened
        self.passed += other.passed
        self.left += other.left
        self.collected = max(self.collected, other.collected)
        self.ended += other.ended
        self.incomplete |= other.incomplete
        for path, (count, unused) in other.used.items():
            self.use(path, count, unused)

    def known(self) -> dict[str, tuple[int, tuple[int, ...]]]:
        """Return the usage of each file all of whose tests have passed."""
        return {
            path: used
            for path, used in self.used.items()
            if all(self.passed[owner] >= self.belonging[owner] for owner in _owners(path))
        }

    def orphans(self, directory: Path) -> list[Path]:
        """Return the cassettes in a folder that no test opened or owns. Call it only if `is_whole`.

        A test that ran with fakes alone does not own one. In a folder where no file has an owner, only files that this
        package recorded count, as the folder may be that of another tool.
        """
        files = [path for path in sorted(directory.rglob("*")) if path.suffix in SUFFIXES]
        orphans = [path for path in files if not self._has_owner(str(path.absolute()))]
        is_ours = len(orphans) < len(files)
        return [path for path in orphans if not path.stem.endswith(_PARTIAL) and (is_ours or _is_recorded_by_us(path))]

    def _has_owner(self, path: str) -> bool:
        return path in self.opened or any(self.belonging[owner] > self.left[owner] for owner in _owners(path))


def _is_recorded_by_us(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return _METADATA.search(file.read(_HEAD)) is not None
    except OSError:
        return False


def _owners(path: str) -> Iterator[str]:
    """Yield the files whose tests a file may belong to: itself, and the first double's, if it is that of the n-th."""
    yield path
    file = Path(path)
    first = _NUMBER.sub("", file.stem)
    if first != file.stem:
        yield str(file.with_name(first + file.suffix))
