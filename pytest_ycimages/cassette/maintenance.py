"""Takes out of cassettes what a run did not use: interactions, and files that belong to no test.

The rule: a file that has changed since that run is left as it is, as nobody knows what a run would use of it now.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pytest_ycimages.cassette.reading import read_tape
from pytest_ycimages.cassette.usage import Used, read_usage, write_usage
from pytest_ycimages.cassette.writing import write_tape
from pytest_ycimages.errors import CassetteError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_ycimages.cassette.usage import Usage


class Pruned(NamedTuple):
    """What became of one cassette, or would.

    Attributes:
        path: which.
        what: what was taken out, as text; empty if nothing was.
        problem: why nothing was, as text.
    """

    path: Path
    what: str = ""
    problem: str = ""


def prune(usage_file: Path, within: Iterable[Path] = (), *, dry_run: bool = False) -> list[Pruned]:
    """Take out what was not used, and keep the account of the run in step with that.

    Args:
        usage_file: what the run used, as the plugin wrote it down.
        within: only these cassettes, and those in these folders; nothing: all.
        dry_run: change nothing.

    Returns:
        What became of each cassette that something was to be taken out of.

    Raises:
        CassetteError: what the run used is not known.
    """
    usage = read_usage(usage_file)
    ended_at = usage_file.stat().st_mtime_ns
    places = [place.absolute() for place in within]
    pruned = [
        _prune(path, used, ended_at, dry_run=dry_run)
        for path, used in _to_do(usage)
        if path.exists() and (not places or any(place == path or place in path.parents for place in places))
    ]
    done = {str(each.path) for each in pruned if not each.problem}
    if done and not dry_run:
        _keep_in_step(usage_file, usage, done)
        os.utime(usage_file, ns=(ended_at, ended_at))  # it still tells of that run, and what is newer has changed since
    return pruned


def _to_do(usage: Usage) -> Iterator[tuple[Path, Used | None]]:
    """Each cassette that something is to be taken out of; with None, it is to go itself."""
    for name, used in usage.cassettes.items():
        if used.unused:
            yield Path(name), used
    for name in usage.orphans or ():
        yield Path(name), None


def _prune(path: Path, used: Used | None, ended_at: int, *, dry_run: bool) -> Pruned:
    try:
        if path.stat().st_mtime_ns > ended_at:
            raise _changed(path)
        if used is not None:
            return Pruned(path, _take_out(path, used, dry_run=dry_run))
        if not dry_run:
            path.unlink()
    except CassetteError as error:
        return Pruned(path, problem=str(error))
    return Pruned(path, "the whole file: it belongs to no test")


def _take_out(path: Path, used: Used, *, dry_run: bool) -> str:
    tape = read_tape(path)
    if len(tape.interactions) != used.interactions:
        raise _changed(path)
    unused = frozenset(used.unused)
    kept = tuple(each for index, each in enumerate(tape.interactions) if index not in unused)
    if not dry_run:
        write_tape(path, tape._replace(interactions=kept))
    return f"{len(unused)} of {used.interactions} interactions"


def _keep_in_step(usage_file: Path, usage: Usage, done: set[str]) -> None:
    """Write down what is left to do, so that to prune again finds nothing, rather than files that have changed."""
    used = {
        name: Used(each.interactions - len(each.unused), ()) if name in done else each
        for name, each in usage.cassettes.items()
    }
    left = None if usage.orphans is None else [Path(name) for name in usage.orphans if name not in done]
    write_usage(usage_file, used, left)


def _changed(path: Path) -> CassetteError:
    return CassetteError(
        f"{path} has changed since the run whose usage is known, so it is left as it is. "
        "Run the tests again, then prune."
    )
