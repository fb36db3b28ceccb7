"""Kills recordings at moments drawn from a seed. A script, so that what is forked is small and has one thread.

    python -m tests.cassette.files.kills FOLDER TIMES SEED

A recording tells of an interaction when `append` has returned, which is when its client would have the answer. For each
there is a line: its file, and of how many interactions it told. Every second one has an older cassette to replace.
"""

from __future__ import annotations

import os
import random  # noqa: TID251 - from a seed, and nothing of a double
import signal
import sys
from pathlib import Path
from typing import Final

from pytest_ycimages.cassette.file import CassetteWriter, write_cassette
from tests.cassette.files.some import METADATA, cassette, poll

OLD: Final = 7
"""How many interactions an older cassette has."""

_MOST: Final = 30
_TURNS: Final = 3_000


def _record(path: Path, tells: int) -> None:
    """Record without end."""
    writer = CassetteWriter(path, METADATA)
    number = 0
    while True:
        writer.append(poll(number))
        os.write(tells, b".")
        number += 1


def _kill(path: Path, chance: random.Random) -> int:
    """Record until killed; of how many interactions the recording told."""
    hears, tells = os.pipe()
    child = os.fork()
    if not child:
        os.close(hears)
        try:
            _record(path, tells)
        finally:
            os._exit(1)  # whatever goes wrong, there shall be one of us
    os.close(tells)
    told = sum(len(os.read(hears, 1)) for _ in range(chance.randrange(_MOST)))
    for _ in range(chance.randrange(_TURNS)):  # into the midst of the next one
        pass
    os.kill(child, signal.SIGKILL)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    while more := len(os.read(hears, 65_536)):
        told += more
    os.close(hears)
    return told


def kill(folder: Path, times: int, seed: int) -> None:
    """Record and kill so many times."""
    chance = random.Random(seed)  # noqa: S311 - moments, no secrets
    for number in range(times):
        path = folder / f"{number}.yaml"
        if number % 2:
            write_cassette(path, cassette(OLD))
        print(path, _kill(path, chance), flush=True)  # noqa: T201 - the script's answer


if __name__ == "__main__":
    kill(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
