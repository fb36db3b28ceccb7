"""A command as a client: any program, in real time."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING, Final

import pytest

from pytest_ycimages import Double, UsageError, run_experiment
from pytest_ycimages.experiment.command import Command, environment_of
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


@pytest.mark.costly
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


# Its environment.

_CREATES: Final = """
request = urllib.request.Request(url + "/compute/v1/images", body, {"Authorization": "Bearer " + token})
with urllib.request.urlopen(request, timeout=5) as answer:
    print(json.load(answer)["metadata"]["imageId"])
"""
_HEAD: Final = """
import json, os, sys, urllib.request
token = os.environ["YC_TOKEN"]
body = json.dumps({"folderId": os.environ["YC_FOLDER_ID"], "diskId": "epd0000000000000000a"}).encode()
"""
_GRPC: Final = """
import grpc, os
from yandex.cloud.compute.v1 import image_service_pb2 as api
from yandex.cloud.compute.v1.image_service_pb2_grpc import ImageServiceStub
with open(os.environ["YCIMAGES_CA_FILE"], "rb") as file:
    credentials = grpc.ssl_channel_credentials(file.read())
with grpc.secure_channel(os.environ["YCIMAGES_GRPC_ENDPOINT"], credentials) as channel:
    message = api.CreateImageRequest(folder_id=os.environ["YC_FOLDER_ID"], disk_id="epd0000000000000000a")
    metadata = [("authorization", "Bearer " + os.environ["YC_TOKEN"])]
    operation = ImageServiceStub(channel).Create(message, metadata=metadata, timeout=10)
metadata = api.CreateImageMetadata()
operation.metadata.Unpack(metadata)
print(metadata.image_id)
"""


def python(tmp_path: Path, text: str) -> Command:
    """A command that is a program in Python."""
    file = tmp_path / "client.py"
    file.write_text(text)
    return Command(shlex.join([sys.executable, str(file)]))


@pytest.mark.costly
@pytest.mark.parametrize(
    ("text", "transport"),
    [
        (_HEAD + "url = os.environ['YCIMAGES_URL']" + _CREATES, "REST"),
        (_HEAD + "url = 'https://compute.api.cloud.yandex.net'" + _CREATES, "REST"),
        (_GRPC, "gRPC"),
    ],
    ids=["its address", "the name of the service", "grpc"],
)
def test_a_command_reaches_the_double_by_its_environment(text: str, transport: str, tmp_path: Path) -> None:
    """By its address, by the names of the service, or over gRPC with TLS."""
    report = run_experiment(python(tmp_path, text), depth=0, judges="truthful", settings={"timing": "Immediate()"})
    report.assert_ok()
    assert report.baseline.succeeded
    assert report.transports == (transport,)


def test_without_grpc_a_command_has_the_address_alone(monkeypatch: pytest.MonkeyPatch, ycimages: Double) -> None:
    """The rest needs a certificate authority."""
    names = environment_of(ycimages).keys()
    assert {"YCIMAGES_GRPC_ENDPOINT", "YCIMAGES_CA_FILE", "https_proxy", "SSL_CERT_FILE"} < names
    monkeypatch.setattr("pytest_ycimages.experiment.command.find_spec", lambda _: None)
    assert environment_of(ycimages).keys() == {"YCIMAGES_URL", "YC_TOKEN", "YC_FOLDER_ID"}


@pytest.mark.costly
@pytest.mark.parametrize(
    ("line", "outcome"),
    [
        ("sh -c 'echo fd8a; echo fd8b,fd8c'", "returned 'fd8b,fd8c'"),
        ("sh -c 'echo; echo'", "returned None"),
        ("sh -c 'echo out; echo why >&2; exit 3'", "raised exit code 3: why"),
        ("sh -c 'echo out; exit 3'", "raised exit code 3: out"),
        ("sh -c 'kill -9 $$'", "raised signal 9"),
        ("sh -c 'head -c 3000000 /dev/zero | tr \\\\0 x; echo; echo fd8'", "returned 'fd8'"),
        ("cat", "returned None"),
    ],
)
def test_how_a_command_ends_is_how_its_trial_ends(line: str, outcome: str) -> None:
    """By its exit code, and the last line of what it wrote."""
    report = run_experiment(Command(line), depth=0, judges="finishes", verb="delete")
    assert str(report.baseline.outcome) == outcome
    ids = report.baseline.run.outcome.image_ids if report.baseline.run else ()
    assert ids == (("fd8b", "fd8c") if "," in outcome else ("fd8",) if "'fd8'" in outcome else ())
