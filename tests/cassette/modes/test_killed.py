"""A recording double that is killed leaves a file that can be read, with all that its client was told."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from pytest_ycimages.cassette.file import read_cassette
from pytest_ycimages.cassette.requests import json_object

ROOT: Final = Path(__file__).parents[3]
TIMES: Final = 200


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the script forks")
def test_two_hundred_doubles_that_are_killed_lose_nothing_that_was_answered(tmp_path: Path) -> None:
    """Each interaction is on disk before the client has its answer, through proxy, scrubbing and all."""
    command = [sys.executable, "-m", "tests.cassette.modes.killed", str(tmp_path), str(TIMES), "20261125"]
    run = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S603 - this very Python
    outcomes = [line.split(" ") for line in run.stdout.splitlines()]
    assert len(outcomes) == TIMES
    for name, *told in outcomes:
        if told or Path(name).exists():
            cassette = read_cassette(name)
            assert not cassette.is_complete
            written = [json_object(each.response.body)["id"] for each in cassette.interactions]
            assert written[: len(told)] == told
            assert len(written) - len(told) in {0, 1}
    assert len({len(told) for _, *told in outcomes}) > 4, "the moments are hardly spread"
