"""`ycimages serve`, and what else serves: its first lines, a line for every call, and a clean end."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import grpc
import pytest
from click.testing import CliRunner
from yandex.cloud.compute.v1.image_service_pb2 import CreateImageRequest
from yandex.cloud.compute.v1.image_service_pb2_grpc import ImageServiceStub

from pytest_ycimages import Double, nth, reset
from pytest_ycimages.cassette.file import read_cassette
from pytest_ycimages.cli.commands import ycimages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Serve = Callable[..., subprocess.Popen[str]]

PATIENCE = 30
"""Seconds after which a process that hangs is killed, so that the test fails instead of waiting."""

MAIN = "from pytest_ycimages.cli import main; main()"


@pytest.fixture
def serve(pytester: pytest.Pytester) -> Iterator[Serve]:
    """Start `ycimages serve`, or another command, with options, its output as a pipe."""
    started: list[subprocess.Popen[Any]] = []
    timers = []

    def start(*options: str, command: str = "serve") -> subprocess.Popen[Any]:
        process: subprocess.Popen[Any] = pytester.popen(
            [sys.executable, "-c", MAIN, command, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        timers.append(threading.Timer(PATIENCE, process.kill))
        timers[-1].start()
        return process

    yield start
    for timer, process in zip(timers, started, strict=True):
        timer.cancel()
        with process:
            process.kill()


def line_of(process: subprocess.Popen[str]) -> str:
    """The next line that the process prints."""
    assert process.stdout
    return process.stdout.readline().removesuffix("\n")


def beginning(process: subprocess.Popen[str]) -> list[str]:
    """Return the lines that come before the first call; the last one is for the shell."""
    lines = [line_of(process)]
    while not lines[-1].startswith("export "):
        assert lines[-1], lines
        lines.append(line_of(process))
    return lines


def request_of(line: str) -> Request:
    """The request that a curl line would send."""
    words = iter(shlex.split(line))
    assert next(words) == "curl"
    headers, data, url = {}, None, ""
    for word in words:
        if word == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        elif word == "-d":
            data = next(words).encode()
        else:
            url = word
    return Request(url, data, headers)  # noqa: S310 - a double on loopback


def answer_to(request: Request) -> Any:
    """The JSON that answers `request`."""
    with urlopen(request) as reply:  # noqa: S310 - a double on loopback
        return json.load(reply)


@pytest.mark.costly
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_prints_its_url_a_curl_line_that_works_and_every_call(serve: Serve, number: signal.Signals) -> None:
    """First the URL alone, then the curl line, TLS, and the calls; a signal ends it with exit code 0 and no noise."""
    process = serve()
    url, curl, page, tls, exports = beginning(process)
    assert url.startswith("http://127.0.0.1:")
    port, path = re.fullmatch(r"gRPC and TLS at localhost:(\d+); the certificate authority: (.+)", tls).groups()  # type: ignore[union-attr]
    assert url.endswith(f":{port}")
    assert page == f"watch it at {url}/_ycimages/"
    with urlopen(f"{url}/_ycimages/page.js") as script:  # noqa: S310 - a double on loopback
        assert script.headers["content-type"].startswith("text/javascript")
    assert Path(path).read_text().startswith("-----BEGIN CERTIFICATE-----")
    assert curl.startswith("curl -H 'Authorization: Bearer t1.")
    assert curl.endswith(f" {url}/compute/v1/images")

    program = f"{exports}; curl --silent https://api.cloud.yandex.net/endpoints/iam"
    assert '"id": "iam"' in subprocess.run(["sh", "-c", program], check=True, capture_output=True, text=True).stdout  # noqa: S603, S607 - ours
    assert "GET /endpoints/iam  OK" in line_of(process)

    operation = answer_to(request_of(curl))
    assert operation["done"] is False
    image_id = operation["metadata"]["imageId"]
    assert line_of(process).endswith(
        f"POST /compute/v1/images  OK  running  operation {operation['id']}  image {image_id}"
    )
    with pytest.raises(HTTPError) as refusal:
        urlopen(f"{url}/operations/:cat:[bold]")  # noqa: S310 - a double on loopback
    refusal.value.close()
    assert " operations.get    GET /operations/:cat:[bold]  UNAUTHENTICATED  " in line_of(process)

    process.send_signal(number)
    stdout, stderr = process.communicate()
    assert (process.returncode, stdout, stderr) == (0, "stopped after 3 calls\n", "")


@pytest.mark.costly
def test_the_line_of_a_long_call_is_cut(serve: Serve) -> None:
    """And says how long it is; neither the output nor the lines that wait for a reader grow with it."""
    process = serve("--auth=off")
    url, *_ = beginning(process)
    with pytest.raises(HTTPError) as refusal:
        urlopen(f"{url}/endpoints/{'a' * 5000}")  # noqa: S310 - a double on loopback
    refusal.value.close()
    line = line_of(process)
    assert "GET /endpoints/aaa" in line
    assert re.search(r"a… \(\d+ characters\)$", line)
    assert len(line) < 1100


@pytest.mark.costly
def test_serve_takes_its_settings_as_options(serve: Serve) -> None:
    """Auth, timing, contract, latency and seed do what they do everywhere."""
    process = serve(
        "--auth=off", "--timing=Immediate()", "--contract=current", "--latency=fixed(0.001)", "--set=seed=7"
    )
    url, curl, *_ = beginning(process)
    folder_id = json.loads(request_of(curl).data or b"")["folderId"]  # type: ignore[arg-type]  # it is bytes
    body = json.dumps({"folderId": folder_id, "diskId": "epd", "pooled": True}).encode()
    operation = answer_to(Request(f"{url}/compute/v1/images", body))  # noqa: S310 - a double on loopback
    assert operation["done"] is True
    assert operation["response"]["pooled"] is True
    assert line_of(process).endswith("  0.001s late")
    process.terminate()
    _, stderr = process.communicate()
    assert (process.returncode, stderr) == (0, "")


CONFIG = """\
seed = 7
auth = "off"
timing = "Immediate()"

[latency]
"images.create" = 0.001

[[faults]]
fault = "unavailable(retry_after=2)"
on = "images.create"
when = "first(2)"

[[faults]]
fault = "slow(0)"
on = "images.get"
where = { imageId = "fd8*" }
expect = false
"""


@pytest.mark.costly
def test_serve_takes_faults_and_settings_from_a_file_and_options_win(serve: Serve, tmp_path: Path) -> None:
    """A fault of the command line stands before those of the file; at the end each tells what it has done."""
    config = tmp_path / "double.toml"
    config.write_text(CONFIG)
    process = serve(f"--config={config}", "--seed=8", "--fault", "internal(), on='images.create', when=first(1)")
    url, curl, *_ = beginning(process)
    state = answer_to(Request(f"{url}/_ycimages/state"))  # noqa: S310 - a double on loopback
    assert {name: state["settings"][name] for name in ("seed", "auth", "timing", "latency")} == {
        "seed": 8,
        "auth": "off",
        "timing": "Immediate()",
        "latency": {"images.create": "0.001"},
    }
    for status in (500, 503):
        with pytest.raises(HTTPError) as refusal:
            urlopen(request_of(curl))  # noqa: S310 - a double on loopback
        refusal.value.close()
        assert refusal.value.code == status
    assert answer_to(request_of(curl))["done"] is True

    process.terminate()
    stdout, stderr = process.communicate()
    assert (process.returncode, stderr) == (0, "")
    accounts = [line for line in stdout.splitlines() if line.startswith("inject(")]
    assert [account.partition(",")[0] for account in accounts] == [
        "inject(internal()",
        "inject(unavailable(retry_after=2)",
        "inject(slow(seconds=0)",
    ]
    assert [account.partition(": struck ")[2].split()[0] for account in accounts] == ["1", "1", "0"]


@pytest.mark.costly
@pytest.mark.parametrize("how", ["option", "set", "control"])
def test_serve_ends_with_1_if_a_fault_never_struck(serve: Serve, how: str) -> None:
    """Wherever the fault came from; the account says which, and what came nearest."""
    rule = "reset(after=9), on='images.create'"
    process = serve(*{"option": ("--fault", rule), "set": ("--set", f"faults={rule}"), "control": ()}[how])
    url, *_ = beginning(process)
    if how == "control":
        answer_to(Request(f"{url}/_ycimages/faults", json.dumps(rule).encode(), {"Content-Type": "application/json"}))  # noqa: S310 - a double on loopback
    process.terminate()
    stdout, stderr = process.communicate()
    assert (process.returncode, stderr) == (1, "")
    first, account, *_, last = stdout.splitlines()
    assert first == "stopped after 0 calls"
    assert account.startswith("inject(reset(after=9), on='images.create'): struck 0 of the 0 calls")
    assert last == "1 fault(s) never struck; add expect=False if that is intended"


@pytest.mark.costly
def test_record_ends_with_1_and_says_why_if_a_call_could_not_be_passed_on(serve: Serve, tmp_path: Path) -> None:
    """In the words of what failed, which was not the double; without a traceback."""
    with Double() as upstream:
        upstream.inject(reset(), when=nth(1))
        process = serve(str(tmp_path / "a.yaml"), f"--upstream={upstream.url}", command="record")
        url, *_ = beginning(process)
        with pytest.raises(HTTPError) as refusal:
            urlopen(f"{url}/endpoints")  # noqa: S310 - a double on loopback
        refusal.value.close()
        answer_to(Request(f"{url}/endpoints"))  # noqa: S310 - a double on loopback
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate()
        assert (process.returncode, stderr) == (1, "")
        said = stdout.partition("stopped after 2 calls\n")[2]
        assert f"GET /endpoints cannot be passed on to {upstream.url}: " in said
        assert "Is that the right upstream" in said
        assert "double failed" not in said


@pytest.mark.costly
def test_serve_for_other_machines_prints_the_token_of_its_control_api_once(serve: Serve) -> None:
    """It is asked for in full, and the token opens the control API."""
    process = serve("--host", "0.0.0.0", "--allow-remote")  # noqa: S104 - which is the point
    url, _, control, *_ = beginning(process)
    token = control.partition("Authorization: Bearer ")[2].partition("'")[0]
    assert url.startswith("http://0.0.0.0:")
    assert control == f"control API: curl -H 'Authorization: Bearer {token}' {url}/_ycimages/state"
    with pytest.raises(HTTPError, match="401"):
        urlopen(f"{url}/_ycimages/state")  # noqa: S310 - a double
    state = answer_to(Request(f"{url}/_ycimages/state", headers={"Authorization": f"Bearer {token}"}))  # noqa: S310 - as above
    assert state["settings"]["host"] == "0.0.0.0"  # noqa: S104 - as above
    process.terminate()
    stdout, stderr = process.communicate()
    assert (process.returncode, stderr) == (0, "")
    assert token not in stdout


@pytest.mark.costly
def test_serve_takes_a_token(serve: Serve) -> None:
    """On loopback too."""
    process = serve("--control-token", "t0ken")
    url, _, control, *_ = beginning(process)
    assert "Bearer t0ken" in control
    assert answer_to(Request(f"{url}/_ycimages/health")) == {"status": "ok"}  # noqa: S310 - a double on loopback
    process.terminate()
    assert process.wait() == 0


@pytest.mark.costly
def test_serve_refuses_other_machines_unless_asked_in_full(serve: Serve) -> None:
    """The error names the option that is missing."""
    process = serve("--host", "0.0.0.0")  # noqa: S104 - refused is the point
    _, stderr = process.communicate()
    assert process.returncode == 2
    assert "set allow_remote too" in " ".join(stderr.split())


@pytest.mark.costly
def test_record_and_replay_serve_grpc_and_the_cassette_is_like_any_other(serve: Serve, tmp_path: Path) -> None:
    """At the address and with the authority that they print; every command reads what was recorded."""
    path = tmp_path / "a.yaml"

    def create(command: str, *options: str) -> Any:
        process = serve(str(path), *options, command=command)
        _, curl, _, tls = (line_of(process) for _ in range(4))
        found = re.fullmatch(r"gRPC and TLS at (localhost:\d+); the certificate authority: (.*)", tls)
        assert found is not None
        folder = curl.partition('"folderId": "')[2].partition('"')[0]
        with grpc.secure_channel(found[1], grpc.ssl_channel_credentials(Path(found[2]).read_bytes())) as channel:
            metadata = (("authorization", curl.partition("Authorization: ")[2].partition("'")[0]),)
            request = CreateImageRequest(folder_id=folder, disk_id="epd0000000000000000a")
            answer = ImageServiceStub(channel).Create(request, metadata=metadata, timeout=20)
        process.terminate()
        stdout, stderr = process.communicate()
        assert (process.returncode, stderr) == (0, "")
        assert "images.create" in stdout
        return answer

    with Double() as upstream:
        recorded = create("record", f"--upstream={upstream.url}")
    assert create("replay") == recorded
    for command in (
        ["cassette", "show", "--body", str(path)],
        ["cassette", "check", str(path)],
        ["cassette", "scrub", "--dry-run", str(path)],
        ["cassette", "compact", str(path)],
        ["verify", str(path)],
        ["cassette", "convert", str(path), str(tmp_path / "a.json")],
    ):
        done = CliRunner().invoke(ycimages, command)
        assert (command, done.exit_code) == (command, 0), done.output
    assert read_cassette(tmp_path / "a.json").interactions == read_cassette(path).interactions
