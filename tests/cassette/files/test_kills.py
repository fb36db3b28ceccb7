"""A recording that is killed, at whatever moment, leaves a file that can be read, with all that its client was told."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_ycimages.cassette.file import CassetteWriter, read_cassette
from pytest_ycimages.cassette.model import CassetteData
from pytest_ycimages.cassette.partial_file import is_partial, partial_path
from tests.cassette.files.kills import OLD
from tests.cassette.files.some import METADATA, cassette, poll
from tests.cassette.files.vcr import seen

ROOT = Path(__file__).parents[3]
TIMES = 200
OFTEN = 20  # vcrpy takes its time to read
WHOLE = (
    b"}\n"  # how a file ends in which no item is torn: one that is, the system had written in part when it was killed
)


@pytest.mark.costly
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the script forks")
def test_two_hundred_killed_recordings_lose_nothing_that_was_answered(tmp_path: Path) -> None:
    """Half of them new, half of an older cassette, which stays, and the next may begin.

    vcrpy reads them too, but for the rare one whose last item is torn: this package passes that item over.
    """
    command = [sys.executable, "-m", "tests.cassette.files.kills", str(tmp_path), str(TIMES), "20261125"]
    run = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S603 - this very Python
    outcomes = [line.rsplit(" ", 1) for line in run.stdout.splitlines()]
    assert len(outcomes) == TIMES
    for number, (name, told) in enumerate(outcomes):
        path = Path(name)
        new = partial_path(path) if number % 2 else path
        if number % 2:
            assert read_cassette(path) == cassette(OLD)
        if int(told) or new.exists():
            left = _left(new)
            if number < OFTEN and (data := new.read_bytes()).endswith(WHOLE):
                assert len(seen(data)) == len(left.interactions)
            assert len(left.interactions) - int(told) in {0, 1}, new.read_bytes()
            assert left == CassetteData(METADATA, tuple(map(poll, range(len(left.interactions)))), is_complete=False)
        CassetteWriter(path, METADATA).close()
    assert len({told for _, told in outcomes}) > 10, "the moments are hardly spread"


def _left(path: Path) -> CassetteData:
    """What a killed recording has left. A draft that nothing was written to yet holds nothing."""
    if is_partial(path) and not path.stat().st_size:
        return CassetteData(METADATA, (), is_complete=False)
    return read_cassette(path)
