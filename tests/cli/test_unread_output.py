"""Output that is not read delays no call and no end; a signal ends every server, whatever holds it up."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from http.client import HTTPConnection
from io import StringIO
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from pytest_ycimages import Double
from pytest_ycimages.cli.output import CAPACITY, Output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Start = Callable[..., subprocess.Popen[str]]

MAIN = "from pytest_ycimages.cli import main; main()"
SOON = 2
"""The second in which a server ends, and another one for a machine that is busy with other tests."""
PATIENCE = 60
"""Seconds after which a process that hangs is killed, so that the test fails instead of waiting."""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a command of `ycimages` with its output as a pipe."""
    started: list[tuple[subprocess.Popen[str], threading.Timer]] = []

    def popen(*words: str, **options: Any) -> subprocess.Popen[str]:
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        process = subprocess.Popen(  # noqa: S603 - our own
            [sys.executable, "-c", MAIN, *words], stdin=subprocess.DEVNULL, text=True, cwd=tmp_path, **pipes
        )
        timer = threading.Timer(PATIENCE, process.kill)
        timer.start()
        started.append((process, timer))
        return process

    yield popen
    for process, timer in started:
        timer.cancel()
        with process:
            process.kill()


def url_of(process: subprocess.Popen[str]) -> str:
    """The first line, byte by byte, so that what follows stays in the pipe."""
    assert process.stdout
    read = b""
    while not read.endswith(b"\n"):
        read += os.read(process.stdout.fileno(), 1)
    return read.decode().strip()


def answered(url: str, count: int) -> int:
    """How many of so many calls over one connection are answered, in the time of a test."""
    parts = urlsplit(url)
    connection = HTTPConnection(str(parts.hostname), parts.port, timeout=20)
    for number in range(count):
        connection.request("GET", "/endpoints")
        if connection.getresponse().read() == b"":
            return number
    connection.close()
    return count


def end(process: subprocess.Popen[str], number: signal.Signals) -> int:
    """End a process with a signal, soon, and return its exit code."""
    process.send_signal(number)
    return process.wait(SOON)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("command", ["serve", "record"])
def test_three_thousand_calls_whose_lines_are_not_read(start: Start, command: str, number: signal.Signals) -> None:
    """All are answered, also by the control API, and the end comes within a second."""
    with Double() as upstream:
        process = start(*{"serve": ["serve"], "record": ["record", "a.yaml", f"--upstream={upstream.url}"]}[command])
        url = url_of(process)
        assert answered(url, 3000) == 3000
        assert control(url, "state")["calls"] == 3000
        assert end(process, number) == 0


def control(url: str, path: str) -> Any:
    """What the control API answers."""
    connection = HTTPConnection(str(urlsplit(url).hostname), urlsplit(url).port, timeout=20)
    connection.request("GET", f"/_ycimages/{path}")
    answer = json.load(connection.getresponse())
    connection.close()
    return answer


@pytest.mark.slow
def test_lines_that_were_dropped_are_counted(start: Start) -> None:
    """In their place; all of the others are there, in order."""
    process = start("serve")
    url = url_of(process)
    assert answered(url, 3000) == 3000
    process.terminate()
    lines = process.communicate(timeout=PATIENCE)[0].splitlines()
    assert lines[-1] == "stopped after 3000 calls"
    calls = [line for line in lines if " endpoints.list " in line]
    missing = [line for line in lines if " missing here" in line]
    assert len(calls) + sum(int(line.split()[0]) for line in missing) == 3000
    assert calls == sorted(calls, key=lambda line: float(line.split("s ")[0]))


@pytest.mark.costly
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_call_to_an_upstream_that_hangs_delays_the_end_by_less_than_a_second(
    start: Start, tmp_path: Path, number: signal.Signals
) -> None:
    """The recording has a gap then: it is not marked as complete, and an older one would stay."""
    with Double() as upstream:
        process = start("record", "a.yaml", f"--upstream={upstream.url}")
        url = url_of(process)
        assert answered(url, 1) == 1
        upstream.latency = 30
        arrived = threading.Event()
        upstream.on_call = lambda _: arrived.set()
        with socket.create_connection((str(urlsplit(url).hostname), urlsplit(url).port or 0)) as client:
            client.sendall(b"GET /endpoints HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert arrived.wait(PATIENCE)
            assert end(process, number) == 0
    assert "complete: true" not in (tmp_path / "a.yaml").read_text()


STUCK = """
import os, threading
from pytest_ycimages import Double
def close(*_, **__):
    os.write(2, b"x")
    threading.Event().wait()
Double.close = close
"""


@pytest.mark.costly
@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_a_server_that_does_not_end(first: signal.Signals, second: signal.Signals) -> None:
    """Here, one that never returns from its close; the system ends it, with the signal as its status."""
    words = [sys.executable, "-c", f"{STUCK}\n{MAIN}", "serve"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603
        timer = threading.Timer(PATIENCE, process.kill)
        timer.start()
        url_of(process)
        process.send_signal(first)
        assert process.stderr
        assert os.read(process.stderr.fileno(), 1) == b"x"
        process.send_signal(second)
        assert process.wait(PATIENCE) == -second
        timer.cancel()


@pytest.mark.costly
@pytest.mark.parametrize("command", ["serve | head -1", "serve 2>&1 | head -1", "serve | true"])
def test_a_server_whose_reader_goes_ends(command: str) -> None:
    """By itself, with nothing on standard error."""
    shell = f"{shlex.quote(sys.executable)} -c {shlex.quote(MAIN)} {command}"
    done = subprocess.run(shell, shell=True, capture_output=True, text=True, timeout=PATIENCE, check=True)  # noqa: S602
    assert done.stderr == ""
    assert done.stdout.startswith("http://" * ("head" in command))


@pytest.mark.costly
def test_a_server_without_an_output_serves() -> None:
    """Its standard output is closed from the start; a signal ends it, and no call fails."""
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    shell = f"exec {shlex.quote(sys.executable)} -c {shlex.quote(MAIN)} serve --port {port} >&-"
    with subprocess.Popen(shell, shell=True, stderr=subprocess.PIPE) as process:  # noqa: S602
        timer = threading.Timer(PATIENCE, process.kill)
        timer.start()
        is_up = False
        while not is_up:
            with suppress(ConnectionRefusedError):
                is_up = answered(f"http://127.0.0.1:{port}", 1) == 1
        process.terminate()
        assert process.communicate()[1] == b""
        assert process.returncode == 0
        timer.cancel()


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], tuple[int, int]]]:
    """Put a pipe in the place of standard output, and return its ends for reading and for writing.

    The test does so itself, as pytest sets `sys.stdout` before it runs.
    """
    read, write = os.pipe()
    with os.fdopen(write, "w", encoding="utf-8") as stdout, os.fdopen(read, "rb"):

        def redirect() -> tuple[int, int]:
            monkeypatch.setattr(sys, "stdout", stdout)
            return read, write

        yield redirect


def all_of(read: int, last: bytes) -> bytes:
    """What is written up to `last`, and with it."""
    text = b""
    while last not in text:
        text += os.read(read, 65536)
    return text


@pytest.mark.parametrize("blocks", [True, False])
def test_lines_are_dropped_only_while_the_queue_is_full(pipe: Callable[[], tuple[int, int]], *, blocks: bool) -> None:
    """Each one that is missing is counted where it is missing, whether or not the pipe blocks a writer."""
    read, write = pipe()
    os.set_blocking(write, blocks)
    lines = Output(on_closed=lambda: None)
    lines.print("x" * 2**17)  # more than a pipe holds, so the writer waits in the middle of it
    assert os.read(read, 1) == b"x"  # it has begun, and so the queue is empty
    count = CAPACITY + 10
    for number in range(count):
        lines.print(number)
    first = all_of(read, f"\n{CAPACITY // 2}\n".encode())
    lines.print("more")
    rest = all_of(read, b"more\n")
    shown = [int(line) for line in b"".join((first, rest)).splitlines() if line.isdigit()]
    missing = re.search(rb"(\d+) lines are missing here: the output was not read in time\nmore\n", rest)
    assert shown == list(range(len(shown)))
    assert missing
    assert len(shown) + int(missing[1]) == count
    lines.close()


def test_a_line_to_keep_waits_behind_a_full_queue(pipe: Callable[[], tuple[int, int]]) -> None:
    """It comes after the number of those that were dropped."""
    read, _ = pipe()
    lines = Output(on_closed=lambda: None)
    lines.print("x" * 2**17)
    assert os.read(read, 1) == b"x"
    for number in range(CAPACITY + 10):
        lines.print(number)
    lines.print("kept", keep=True)
    text = all_of(read, b"kept\n")
    assert text.endswith(f"{CAPACITY - 1}\n10 lines are missing here: the output was not read in time\nkept\n".encode())
    lines.close()


@pytest.mark.parametrize("count", [0, 10, CAPACITY + 10])
def test_a_close_gives_up_on_lines_that_are_not_read(pipe: Callable[[], tuple[int, int]], count: int) -> None:
    """Soon, and however many wait; the thread that waits is a daemon."""
    read, _ = pipe()
    lines = Output(on_closed=lambda: None)
    lines.print("x" * 2**17)
    for number in range(count):
        lines.print(number)
    closing = threading.Thread(target=lines.close)
    closing.start()
    closing.join(1)
    assert not closing.is_alive()
    os.set_blocking(read, False)
    while not lines._lines.empty():  # noqa: SLF001 - a thread left behind would write into the pipe of a later test
        with suppress(BlockingIOError):
            os.read(read, 65536)
    lines.close()


@pytest.mark.parametrize("line", ["[bold]x[/]", ":cat:", "я", "a" * 300, "\udc80"])
def test_a_line_is_printed_as_it_is(pipe: Callable[[], tuple[int, int]], line: str) -> None:
    """Without markup, in one piece, and with an escape for what the encoding lacks."""
    read, _ = pipe()
    lines = Output(on_closed=lambda: None)
    lines.print(line, "green")
    lines.close()
    assert all_of(read, b"\n") == line.encode(errors="backslashreplace") + b"\n"


def test_the_end_of_the_reader_is_noticed_before_a_line_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """And after it lines cost nothing and raise nothing."""
    read, write = os.pipe()
    closed = threading.Event()
    with os.fdopen(write, "w", encoding="utf-8") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        lines = Output(on_closed=closed.set)
        os.close(read)
        assert closed.wait(PATIENCE)
        for _ in range(2 * CAPACITY):
            lines.print("x")
        lines.close()


@pytest.mark.parametrize("stdout", [StringIO(), None])
def test_an_output_without_a_descriptor(monkeypatch: pytest.MonkeyPatch, stdout: StringIO | None) -> None:
    """Such as that of a test runner, or none at all."""
    monkeypatch.setattr(sys, "stdout", stdout)
    lines = Output(on_closed=lambda: None)
    lines.print("x")
    lines.close()
    assert stdout is None or stdout.getvalue() == "x\n"
