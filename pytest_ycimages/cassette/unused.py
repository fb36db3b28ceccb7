"""Interactions that a replay had no use for, as the text of an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_ycimages.cassette.model import summary_line
from pytest_ycimages.errors import CassetteUnusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ycimages.cassette.model import CassetteData

_SHOWN: Final = 20


def unused_text(name: str, tape: CassetteData, unused: Sequence[int]) -> str:
    """Which interactions of the cassette `name` had no part, and what to do.

    Args:
        name: which cassette it is, as it may be given to `ycimages cassette prune`.
        tape: what it holds.
        unused: the indexes, as `Player.unused()` returns them.
    """
    count = f"{len(unused)} of {len(tape.interactions)} interactions"
    lines = [f"The test never asked for {count} of {name}:"]
    lines += (f"  {summary_line(index, tape.interactions[index])}" for index in unused[:_SHOWN])
    if len(unused) > _SHOWN:
        lines.append(f"  ... {len(unused) - _SHOWN} more")
    lines.append(f"If the client is right, take them out: ycimages cassette prune {name}")
    return "\n".join(lines)


def unused_error(name: str, tape: CassetteData, unused: Sequence[int]) -> CassetteUnusedError:
    """What a test fails with that left these interactions unused."""
    return CassetteUnusedError(unused_text(name, tape, unused))
