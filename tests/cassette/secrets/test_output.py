"""No part of the credential of a recording is in what pytest prints or writes, whatever breaks."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import socket
import subprocess
import sys
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Final

import pytest

from tests.cassette.secrets.breaking_service import INTERRUPT, STEPS, Service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PART: Final = 10
"""Characters of a credential that are too many."""

PROJECT: Final = """
import json, logging, os, signal, warnings

import grpc
import pytest
import requests
from yandex.cloud.compute.v1.image_service_pb2 import CreateImageRequest
from yandex.cloud.compute.v1.image_service_pb2_grpc import ImageServiceStub

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have left it ignored
UPSTREAMS = json.loads(os.environ["UPSTREAMS"])
STEPS = [pytest.param(name, marks=pytest.mark.ycimages(upstream=url), id=name) for name, url in UPSTREAMS.items()]


@pytest.mark.parametrize("way", ["socket", "in process", "gRPC"])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.ycimages_cassette
def test_step(ycimages, step, way):
    session = requests.Session()
    session.trust_env = False
    if way == "in process":
        session.mount(ycimages.url, ycimages.requests_adapter())
    body = {"folderId": ycimages.folder_id, "description": "x" * 10_000}
    headers = {"Authorization": f"Bearer {ycimages.token}", "X-Pid": str(os.getpid())}
    try:
        if way == "gRPC":
            metadata = [("authorization", headers["Authorization"]), ("x-token-bin", ycimages.token.encode())]
            with grpc.insecure_channel(ycimages.grpc_endpoint) as channel:
                request = CreateImageRequest(folder_id=ycimages.folder_id, description=body["description"])
                ImageServiceStub(channel).Create(request, metadata=metadata, timeout=30)
        else:
            url = f"{ycimages.url}/compute/v1/images"
            session.post(url, json=body, headers=headers, timeout=30, allow_redirects=False)
    finally:
        warnings.warn(f"{ycimages} {ycimages.calls}")
        logging.getLogger("client").warning("%s %r", ycimages, list(ycimages.calls))
        print(ycimages.calls, ycimages.settings)
    calls = ycimages.calls[:]
    assert calls == [], calls
"""

EVERYTHING: Final = (
    *("-vvv", "-l", "--full-trace", "--tb=long", "-rA", "--junitxml=report.xml", "-o", "junit_logging=all"),
    *("--log-cli-level=DEBUG", "--log-file=log.txt", "--log-file-level=DEBUG", "-W", "always", "--setup-show"),
)
STYLES: Final = (
    ("-q",),
    ("-vv",),
    ("-vvv", "-l"),
    ("-q", "--tb=short", "-l"),
    ("-vvv", "--tb=short", "-l"),
    ("-vvv", "--tb=native", "-l"),
    ("-vvv", "--tb=line"),
    ("-l", "--full-trace"),
    ("-vvv", "-l", "--tb=auto", "-s"),
    ("-vvv", "--full-trace", "--tb=short", "-rA", "--capture=tee-sys"),
)
TOKENS: Final = {
    "IAM token": lambda size: f"t1.{_drawn(size - 90)}.{_drawn(86)}"[:size],
    "opaque": lambda size: _drawn(size),  # noqa: PLW0108 - defined below
}


def _drawn(size: int) -> str:
    """Letters and digits, the same each time."""
    digests = (hashlib.sha256(f"{size} {number}".encode()).digest() for number in range(size // 32 + 1))
    return base64.b64encode(b"".join(digests), b"ab").decode()[: max(size, 0)]


@pytest.fixture
def upstreams() -> Iterator[dict[str, str]]:
    """The address of a service for each step at which an exchange can break."""
    with ExitStack() as stack:
        services = {step: stack.enter_context(closing(Service(work))) for step, work in STEPS.items()}
        unused = stack.enter_context(socket.socket())
        unused.bind(("127.0.0.1", 0))
        yield {
            "no server": f"http://127.0.0.1:{unused.getsockname()[1]}",
            "no TLS": f"https://127.0.0.1:{services['closed'].port}",
            **{step: f"http://127.0.0.1:{service.port}" for step, service in services.items()},
        }


def parts_shown(token: str, folder: Path, output: str) -> list[str]:
    """Where ten characters of the token in a row are, or all of it in base64."""
    parts = {token[start : start + PART] for start in range(len(token) - PART + 1)}
    parts.add(base64.b64encode(token.encode()).decode()[:-4])
    texts = {"output": output}
    texts |= {path.name: path.read_text(errors="replace") for path in folder.rglob("*") if path.is_file()}
    return [
        f"{name}: {part} in {_around(text, part)}" for name, text in texts.items() for part in parts if part in text
    ]


def _around(text: str, part: str) -> str:
    at = text.index(part)
    return text[max(0, at - 80) : at + 20]


def run(folder: Path, token: str, upstreams: dict[str, str], *options: str) -> str:
    """Run the project's tests as a recording; everything that is printed."""
    (folder / "test_it.py").write_text(PROJECT)
    account = {"YC_TOKEN": token, "YC_FOLDER_ID": "b1gaec42k169jqpo02f7"}
    environment = {**os.environ, **account, "UPSTREAMS": json.dumps(upstreams)}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:randomly", "--ycimages-mode=record"]
    done = subprocess.run(  # noqa: S603 - the command above
        [*command, *options], cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    return done.stdout + done.stderr


@pytest.mark.costly
@pytest.mark.parametrize(
    ("kind", "size"), [("IAM token", 250), ("opaque", 40), pytest.param("opaque", 400, marks=pytest.mark.slow)]
)
def test_no_step_shows_a_part_of_the_credential(
    tmp_path: Path, upstreams: dict[str, str], kind: str, size: int
) -> None:
    """With every variable of every frame, every log record, and a report as XML."""
    token = TOKENS[kind](size)
    output = run(tmp_path, token, upstreams, *EVERYTHING)
    for step in upstreams:
        for way in ("socket", "in process", "gRPC"):
            assert re.search("(ERROR|FAILED) " + re.escape(f"test_it.py::test_step[{step}-{way}]"), output), step
    assert parts_shown(token, tmp_path, output) == []


@pytest.mark.slow
@pytest.mark.parametrize("size", [40, 120, 400])
@pytest.mark.parametrize("style", STYLES, ids=" ".join)
def test_no_style_shows_a_part_of_the_credential(
    tmp_path: Path, upstreams: dict[str, str], style: tuple[str, ...], size: int
) -> None:
    """Of pytest's own."""
    token = TOKENS["opaque"](size)
    output = run(tmp_path, token, upstreams, *style)
    assert "failed" in output
    assert parts_shown(token, tmp_path, output) == []


@pytest.mark.costly
def test_a_page_of_pytest_html_shows_no_part_of_the_credential(tmp_path: Path, upstreams: dict[str, str]) -> None:
    """With everything that it captures."""
    token = TOKENS["opaque"](200)
    output = run(tmp_path, token, upstreams, "-vvv", "-l", "--html=page.html", "--self-contained-html", "-rA")
    assert (tmp_path / "page.html").exists(), output
    assert parts_shown(token, tmp_path, output) == []


@pytest.mark.costly
@pytest.mark.parametrize(
    "style", [EVERYTHING, *(pytest.param(style, marks=pytest.mark.slow) for style in STYLES)], ids=" ".join
)
def test_an_interrupt_shows_no_part_of_the_credential(tmp_path: Path, style: tuple[str, ...]) -> None:
    """It comes while a request waits for its answer, in the thread of the test, and pytest shows where."""
    token = TOKENS["opaque"](200)
    with closing(Service(INTERRUPT)) as service:
        upstreams = {"interrupt": f"http://127.0.0.1:{service.port}"}
        output = run(tmp_path, token, upstreams, "-k", "process", *style)
    assert "KeyboardInterrupt" in output
    assert parts_shown(token, tmp_path, output) == []
