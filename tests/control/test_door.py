"""What holds for every call of the control API, whatever it asks for."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
import requests
from werkzeug.test import Client

from pytest_ycimages.api.gateway import MAX_BODY
from pytest_ycimages.control.routes import PATHS

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages import Double

    Control = Callable[..., requests.Response]
    Create = Callable[[], requests.Response]


@pytest.mark.ycimages(auth="strict", latency=0.001)
def test_it_is_no_call(ycimages: Double, control: Control) -> None:
    """No token is asked for, no answer is late, and the journal does not know of any."""
    answers = [control("GET", path) for path in ("state", "calls", "clock", "control.json", "openapi.json", "stat")]
    answers += [control("POST", "state"), control("POST", "faults", "rest()"), control("HEAD", "state")]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 200, 404, 405, 400, 200]
    assert {answer.headers["content-type"] for answer in answers} == {"application/json"}
    assert not ycimages.calls


def test_an_unknown_path_lists_what_there_is(control: Control) -> None:
    """And names the nearest."""
    for path in ("stat", "faults/", "page", "faults/x"):
        answer = control("GET", path)
        assert answer.status_code == 404
        assert answer.json()["error"].startswith(f"Unknown path '/_ycimages/{path}'. ")
        assert all(each in answer.json()["error"] for each in PATHS)
    assert "Did you mean '/_ycimages/state'?" in control("GET", "stat").json()["error"]


def test_a_wrong_verb_says_which_are_right(control: Control) -> None:
    """In the text, and in `Allow`."""
    answer = control("PATCH", "faults")
    assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE, GET, HEAD, POST")
    assert answer.json() == {
        "error": "PATCH is not allowed for /_ycimages/faults; allowed: DELETE, GET, HEAD, POST",
    }


def test_a_body_that_is_too_large(control: Control, ycimages: Double) -> None:
    """Over the socket and in process."""
    body = b" " * (MAX_BODY + 1)
    error = f"The request's body has {MAX_BODY + 1} bytes; the limit is {MAX_BODY} bytes (4 MiB)"
    over_socket = control("POST", "faults", data=body)
    in_process = Client(ycimages.app).post("/_ycimages/faults", data=body)
    assert (over_socket.status_code, over_socket.json()) == (413, {"error": error})
    assert (in_process.status_code, in_process.json) == (413, {"error": error})
    assert not ycimages.calls


@pytest.mark.ycimages(clock="manual")
def test_it_answers_in_process(ycimages: Double, control: Control) -> None:
    """The same resources, without a socket."""
    client = Client(ycimages.app)
    assert client.post("/_ycimages/clock/advance", json={"seconds": 5}).status_code == 200
    assert client.get("/_ycimages/state").json == control("GET", "state").json()


@pytest.mark.costly
@pytest.mark.ycimages(faults=["slow(0), when=every(2), where={'name': 'a*'}, expect=False"])
def test_it_looks_while_clients_call(ycimages: Double, control: Control) -> None:
    """Accounts, journal and state are whole at any moment, and nobody waits for who looks."""
    headers = {"Authorization": f"Bearer {ycimages.token}"}

    def call() -> None:
        with requests.Session() as session:
            for _ in range(50):
                body = {"folderId": ycimages.folder_id, "diskId": "epd0000000000000000a"}
                session.post(f"{ycimages.url}/compute/v1/images", json=body, headers=headers)

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    paths = ("faults", "calls?method=images.*", "state", "pacing", "faults/check")
    looks = [control("GET", path) for _ in range(10) for path in paths]
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in looks} == {200}
    assert control("GET", "calls?after=150").json()["last"] == len(ycimages.calls) == 200


def test_a_request_that_is_cut_off_by_the_client_harms_nobody(ycimages: Double, control: Control) -> None:
    """The next one is answered."""
    with socket.create_connection((ycimages.host, ycimages.port)) as rude:
        rude.sendall(b"POST /_ycimages/faults HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n[")
    assert control("GET", "faults").json() == {"faults": []}


@pytest.mark.costly
def test_it_is_loaded_by_its_first_request() -> None:
    """Starting a double does not pay for its models."""
    script = """
import sys
from pytest_ycimages import Double
from werkzeug.test import Client
with Double() as double:
    assert "pytest_ycimages.control.models" not in sys.modules
    assert Client(double.app).get("/_ycimages/clock").status_code == 200
    assert "pytest_ycimages.control.models" in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True)  # noqa: S603 - our own


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not on this machine")
@pytest.mark.ycimages(clock="manual", timing=60)
def test_a_test_in_a_shell(ycimages: Double) -> None:
    """The whole story with curl: inject, call, advance, look, check, reset."""

    def curl(path: str, *options: str) -> subprocess.CompletedProcess[str]:
        command = ["curl", "--silent", "--max-time", "20", *options, f"{ycimages.url}{path}"]
        return subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - our words only

    def told(path: str, *options: str) -> Any:
        return json.loads(curl(path, "--fail-with-body", *options).stdout)

    json_body = ("-H", "Content-Type: application/json", "-d")
    rule = json.dumps({"fault": "reset(after=9)", "on": "images.create", "when": "first(1)", "commit": "after"})
    assert told("/_ycimages/faults", *json_body, rule)["faults"][0]["number"] == 1
    image = json.dumps({"folderId": told("/_ycimages/state")["folder_id"], "diskId": "epd0000000000000000a"})
    bearer = ("-H", f"Authorization: Bearer {told('/_ycimages/state')['token']}")
    lost = curl("/compute/v1/images", *bearer, "-d", image)
    assert (lost.returncode, lost.stdout) == (56, "")  # 56: failure in receiving network data
    operation = told("/compute/v1/images", *bearer, "-d", image)
    assert told("/_ycimages/clock/advance", *json_body, '{"seconds": 60}')["elapsed"] == 60
    state = told("/_ycimages/state")
    assert [each["status"] for each in state["images"].values()] == ["READY", "READY"]
    assert state["operations"][operation["id"]]["done"] is True
    assert [call["attempt"] for call in told("/_ycimages/calls")["calls"]] == [1, 2]
    assert told("/_ycimages/faults/check")["never_struck"] == []
    assert told("/_ycimages/reset", "-X", "POST")["images"] == {}
