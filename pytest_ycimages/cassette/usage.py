"""Use of cassettes in a run: the tests that they belong to, the interactions that no test asked for, and their removal.

Facts that are not certain are not reported, because `ycimages cassette prune` removes files by them. A file that has
changed since the run is left unchanged.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from pytest_ycimages.cassette.file import SUFFIXES, read_cassette, write_cassette
from pytest_ycimages.errors import CassetteError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

ORPHANS_UNKNOWN: Final = (
    "Which cassettes belong to no test is not known: only a run of all tests that passes can tell. Run: pytest"
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
        files = [path for path in sorted(directory.rglob("*")) if path.suffix in SUFFIXES and path.is_file()]
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


# Removal of what is not used.


class Pruned(NamedTuple):
    """What `prune` removed from one cassette, or would remove.

    Attributes:
        path: the file.
        what: what was removed, as text; empty for nothing.
        problem: why nothing was removed, as text.
    """

    path: Path
    what: str = ""
    problem: str = ""


def prune(usage_file: Path, within: Iterable[Path] = (), *, dry_run: bool = False) -> list[Pruned]:
    """Remove unused interactions and files, and update the usage file accordingly.

    Args:
        usage_file: the usage that the plugin wrote.
        within: only these cassettes, and those in these folders; empty means all.
        dry_run: change nothing.

    Returns:
        The outcome for each cassette with unused interactions.

    Raises:
        CassetteError: the usage of the run is unknown.
    """
    usage = read_usage(usage_file)
    ended_at = usage_file.stat().st_mtime_ns
    places = [place.absolute() for place in within]
    to_do: dict[str, UsedInteractions | None] = {name: used for name, used in usage.cassettes.items() if used.unused}
    to_do |= dict.fromkeys(usage.orphans or ())
    pruned = [
        _prune(path, used, ended_at, dry_run=dry_run)
        for path, used in ((Path(name), used) for name, used in to_do.items())
        if path.exists() and (not places or any(place == path or place in path.parents for place in places))
    ]
    done = {str(each.path) for each in pruned if not each.problem}
    if done and not dry_run:
        _keep_in_step(usage_file, usage, done)
        os.utime(usage_file, ns=(ended_at, ended_at))  # it still tells of that run, and what is newer has changed since
    return pruned


def _prune(path: Path, used: UsedInteractions | None, ended_at: int, *, dry_run: bool) -> Pruned:
    try:
        if path.stat().st_mtime_ns > ended_at:
            raise _stale(path)
        if used is not None:  # None: a file that belongs to no test
            return Pruned(path, _take_out(path, used, dry_run=dry_run))
        if not dry_run:
            path.unlink()
    except CassetteError as error:
        return Pruned(path, problem=str(error))
    except OSError as error:
        return Pruned(path, problem=f"{path} cannot be changed, so it is left as it is: {error.strerror}.")
    return Pruned(path, "the whole file: it belongs to no test")


def _take_out(path: Path, used: UsedInteractions, *, dry_run: bool) -> str:
    cassette = read_cassette(path)
    if len(cassette.interactions) != used.interactions:
        raise _stale(path)
    unused = frozenset(used.unused)
    kept = tuple(each for index, each in enumerate(cassette.interactions) if index not in unused)
    if not dry_run:
        write_cassette(path, cassette._replace(interactions=kept))
    return f"{len(unused)} of {used.interactions} interactions"


def _keep_in_step(usage_file: Path, usage: StoredUsage, done: set[str]) -> None:
    """Store the remaining work, so that a second run finds nothing to do instead of changed files."""
    used = {
        name: UsedInteractions(each.interactions - len(each.unused), ()) if name in done else each
        for name, each in usage.cassettes.items()
    }
    left = None if usage.orphans is None else [Path(name) for name in usage.orphans if name not in done]
    write_usage(usage_file, used, left)


def _stale(path: Path) -> CassetteError:
    return CassetteError(
        f"{path} has changed since the run whose usage is known, so it is left as it is. "
        "Run the tests again, then prune."
    )
