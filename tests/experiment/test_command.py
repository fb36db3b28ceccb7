"""A command as a client: any program, in real time."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING, Final

import pytest

from pytest_ycimages import UsageError, run_experiment
from pytest_ycimages.experiment.command import Command
from pytest_ycimages.experiment.running import TrialLimits

if TYPE_CHECKING:
    from pathlib import Path

_SCRIPT: Final = """
import json, os, sys, urllib.request
url, token = os.environ["YCIMAGES_URL"], os.environ["YC_TOKEN"]
def call(path, body=None):
    headers = {"Authorization": "Bearer " + token}
    with urllib.request.urlopen(urllib.request.Request(url + path, body, headers), timeout=5) as answer:
        return json.load(answer)
body = json.dumps({"folderId": os.environ["YC_FOLDER_ID"], "diskId": "epd0000000000000000a"}).encode()
operation = call("/compute/v1/images", body)
while not operation["done"]:
    operation = call("/operations/" + operation["id"])
print("made it")
print(operation["metadata"]["imageId"])
"""


@pytest.fixture
def script(tmp_path: Path) -> Command:
    """A client that is a program."""
    file = tmp_path / "bake.py"
    file.write_text(_SCRIPT)
    return Command(shlex.join([sys.executable, "-I", str(file)]))


def test_a_command_is_tried_like_a_function(script: Command) -> None:
    """It is told where to go by its environment, and its last line is the id."""
    report = run_experiment(script, faults="operation_fails()", judges=["truthful", "no_orphans"])
    assert report.baseline.succeeded
    assert report.client == str(script)
    (finding,) = report.findings
    assert finding.cause == "reported success though the operation failed"
    assert finding.test == ""


@pytest.mark.costly
def test_a_command_that_fails_has_its_exit_code_told(script: Command) -> None:
    """With the last line of what it said of it."""
    outcomes: list[str] = []
    run_experiment(
        script,
        faults="permission_denied(), on='images.create', commit='before'",
        judges=lambda trial: outcomes.append(str(trial.outcome)),
    )
    assert outcomes[1] == "raised exit code 1: urllib.error.HTTPError: HTTP Error 403: Forbidden"


@pytest.mark.costly
@pytest.mark.real_clock
def test_a_command_that_does_not_end_is_ended() -> None:
    """And so is what it has started."""
    report = run_experiment(Command("sleep 60"), depth=0, judges="finishes", limits=TrialLimits(seconds=0.1))
    assert report.baseline.outcome.limit == "seconds"


@pytest.mark.costly
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_what_a_command_leaves_behind_is_ended_without_a_wait(tmp_path: Path) -> None:
    """Though it holds on to what the command writes to."""
    held = tmp_path / "held"
    os.mkfifo(held)
    reader = os.open(held, os.O_RDONLY | os.O_NONBLOCK)
    script = tmp_path / "leaves.sh"
    script.write_text(f"sleep 600 3> {shlex.quote(str(held))} &\necho fd8\n")
    report = run_experiment(Command(shlex.join(["sh", str(script)])), depth=0, judges="finishes")
    assert report.baseline.outcome.image_id == "fd8"
    os.set_blocking(reader, True)
    assert os.read(reader, 1) == b""  # comes to its end when it is closed everywhere
    os.close(reader)


@pytest.mark.parametrize(
    ("line", "said"), [("", "empty"), ("'", "cannot be read"), ("/no/such/program", "does not start")]
)
def test_an_invalid_command_is_refused(line: str, said: str) -> None:
    """Before anything is tried."""
    with pytest.raises(UsageError, match=said):
        run_experiment(Command(line), depth=0)
