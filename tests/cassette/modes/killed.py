"""Kills recording doubles at moments drawn from a seed, while a client asks. A script: what is forked has one thread.

    python -m tests.cassette.modes.killed FOLDER TIMES SEED

For each there is a line: its file, and the ids of the operations that the client was told of.
"""

from __future__ import annotations

import json
import os
import random  # noqa: TID251 - from a seed, and nothing of a double
import signal
import sys
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest_ycimages.backing.record  # noqa: F401 - once here, and not in each child
from pytest_ycimages import Double

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST: Final = 6
_TURNS: Final = 60_000


def _forked(**settings: Any) -> tuple[int, str]:
    """A double in a process of its own: which, and where it is."""
    hears, tells = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(tells, f"{Double(**settings).start().url}\n".encode())
            signal.pause()
        finally:
            os._exit(1)  # whatever goes wrong, there shall be one of us
    os.close(tells)
    with os.fdopen(hears) as line:
        return child, line.readline().strip()


def _told(address: str, child: int, chance: random.Random) -> Iterator[str]:
    """Ask for images until the double is killed in the midst of it; the operations that the client was told of."""
    with closing(HTTPConnection(address, timeout=10)) as connection:
        for number in range(last := chance.randrange(_MOST) + 1):
            body = {"folderId": "b1g00000000000000000", "diskId": "epd0000000000000000a"}
            connection.request("POST", "/compute/v1/images", json.dumps(body), {"Authorization": "Bearer any"})
            if number == last - 1:
                for _ in range(chance.randrange(_TURNS)):  # into the midst of the answer
                    pass
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
            try:
                yield str(json.loads(connection.getresponse().read())["id"])
            except (OSError, HTTPException):
                return


def kill(folder: Path, times: int, seed: int) -> None:
    """Record and kill so many times."""
    chance = random.Random(seed)  # noqa: S311 - moments, no secrets
    service, url = _forked()
    for number in range(times):
        path = folder / f"{number}.yaml"
        child, address = _forked(mode="record", cassette=path, upstream=url)
        told = _told(address.removeprefix("http://"), child, chance)
        print(path, *told, flush=True)  # noqa: T201 - the script's answer
    os.kill(service, signal.SIGKILL)
    os.waitpid(service, 0)


if __name__ == "__main__":
    kill(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
