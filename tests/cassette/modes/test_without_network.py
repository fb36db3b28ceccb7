"""A suite that replays needs no network: it passes where there is no route and no resolver."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[3]
SUITE: Final = ("test_matrix.py", "test_replay.py", "test_time.py")


def _namespace() -> list[str] | None:
    """The command that runs another in a network namespace of its own; None where that is not allowed."""
    found = shutil.which("unshare")
    for options in ([], ["--user", "--map-root-user"]):
        command = [found or "", *options, "--net", "--"]
        if found and subprocess.run([*command, "true"], check=False, capture_output=True).returncode == 0:  # noqa: S603 - our own words
            return command
    return None


@pytest.mark.slow
def test_recording_and_replaying_take_no_network() -> None:
    """All clients in both ways, with loopback alone. It first makes sure that nothing else can be reached."""
    namespace = _namespace()
    if namespace is None:
        pytest.skip("this machine allows no network namespace")
    suite = [f"tests/cassette/modes/{name}" for name in SUITE]
    command = [*namespace, sys.executable, "-m", "tests.cassette.modes.without_network", "-q", "-p", "no:xdist", *suite]
    lean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    ran = subprocess.run(command, cwd=ROOT, env=lean, timeout=200, capture_output=True, text=True, check=False)  # noqa: S603 - likewise
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert " passed in " in ran.stdout
