"""What a run used of its cassettes, as a file: so that what nobody used can be taken out afterwards.

The form: `{"cassettes": {path: {"interactions": n, "unused": [indexes]}}, "orphans": [paths]}`, paths absolute; with
null for the orphans if the run was not one that can tell.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_ycimages.errors import CassetteError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


ORPHANS_UNKNOWN: Final = (
    "Which cassettes belong to no test is not known: only a run of all tests that passes can tell. Run: pytest"
)


class Used(NamedTuple):
    """What was used of one cassette.

    Attributes:
        interactions: how many it had.
        unused: the indexes of those that no test asked for.
    """

    interactions: int
    unused: tuple[int, ...]


class Usage(NamedTuple):
    """What a run used.

    Attributes:
        cassettes: path -> what was used of it.
        orphans: the paths of those that no test has anything to do with; None if that is not known.
    """

    cassettes: Mapping[str, Used]
    orphans: tuple[str, ...] | None


def write_usage(path: Path, used: Mapping[str, tuple[int, tuple[int, ...]]], orphans: Iterable[Path] | None) -> None:
    """Write down what a run used, in the place of what was there."""
    told = {
        "cassettes": {name: {"interactions": count, "unused": list(unused)} for name, (count, unused) in used.items()},
        "orphans": None if orphans is None else [str(orphan.absolute()) for orphan in orphans],
    }
    path.write_text(json.dumps(told, indent=1), encoding="utf-8")


def read_usage(path: Path) -> Usage:
    """What was written down.

    Raises:
        CassetteError: there is no such file, or it is something else; the text says how to get one.
    """
    how = "Run the whole suite with its cassettes, and try again: pytest"
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        used = {name: Used(each["interactions"], tuple(each["unused"])) for name, each in told["cassettes"].items()}
        return Usage(used, None if told["orphans"] is None else tuple(told["orphans"]))
    except OSError as error:
        raise CassetteError(f"What the last run used is not known: {path}: {error.strerror}. {how}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CassetteError(f"What the last run used cannot be read from {path}: {error!r}. {how}") from None
