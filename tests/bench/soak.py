"""A server that runs for long: whether `ycimages serve` takes more memory once its journal is full."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from .broken import BrokenError
from .goals import Goal, Sheet
from .stopwatch import seconds

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

_CALLS: Final = 400_000
_QUICK: Final = 20_000
_LIMIT: Final = 10_000
_QUICK_LIMIT: Final = 500
_SAMPLES: Final = 20
_GROWTH: Final = 1.03
"""How many times of its memory at a quarter of the calls the server may take at their end."""

_MAIN: Final = "from pytest_ycimages.cli import main; main()"
_PATIENCE: Final = 30.0


def measure(*, quick: bool) -> Generator[Sheet]:
    """One sheet: the memory of a server whose output is not read, after each twentieth of the calls."""
    if not Path("/proc/self/status").exists():
        yield Sheet("No soak: this system does not say how much memory a process takes", ("what",))
        return
    calls, limit = (_QUICK, _QUICK_LIMIT) if quick else (_CALLS, _LIMIT)
    words = [sys.executable, "-c", _MAIN, "serve", "--timing=AfterPolls(1)", f"--set=journal_limit={limit}"]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:  # noqa: S603 - our own
        try:
            yield _sheet(process, calls, limit)
        finally:
            process.kill()


def _sheet(process: subprocess.Popen[bytes], calls: int, limit: int) -> Sheet:
    client = _Client(_first_line(process))
    taken: list[int] = []
    began = seconds()
    for number, _ in enumerate(client.calls(), 1):
        if number % (calls // _SAMPLES) == 0:
            taken.append(_memory(process.pid))
        if number == calls:
            break
    rate = calls / (seconds() - began)
    state = client.ask("GET", "/_ycimages/state")
    sheet = Sheet(
        f"{calls:,} calls to a server with journal_limit={limit:,} whose output is not read",
        ("what", "figure"),
        note="the calls create, poll, read, update, list and delete images, with keys, and some are refused",
    )
    sheet.row("calls in a second", rate)
    sheet.row("calls that the journal has dropped", state["dropped_calls"])
    sheet.row("operations that it knows", len(state["operations"]))
    sheet.row("memory after a twentieth of the calls, MiB", taken[0] / 1024)
    sheet.row("memory after a quarter of them, MiB", taken[_SAMPLES // 4 - 1] / 1024)
    goal = Goal("server after a soak", "end / quarter", taken[-1] / taken[_SAMPLES // 4 - 1], _GROWTH, "x")
    sheet.row("memory at their end, MiB", taken[-1] / 1024, goals=[goal])
    return sheet


def _first_line(process: subprocess.Popen[bytes]) -> str:
    """The first line, byte by byte, so that nothing else is read."""
    assert process.stdout
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(process.stdout.fileno(), 1)
        if not byte:
            raise BrokenError(f"the server ended with {process.wait()} before it printed its address")
        line += byte
    return line.decode().strip()


def _memory(pid: int) -> int:
    """The resident memory of a process, in KiB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))


class _Client:
    """A client that makes the same round of calls again and again, over one connection."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._connection = HTTPConnection(str(parts.hostname), parts.port, timeout=_PATIENCE)
        state = self.ask("GET", "/_ycimages/state")
        self._folder_id = state["folder_id"]
        self._headers = {"Authorization": f"Bearer {state['token']}"}

    def ask(self, verb: str, path: str, body: Any = None, **headers: str) -> Any:
        """The JSON of an answer, whatever its status."""
        self._connection.request(verb, path, json.dumps(body) if body is not None else None, headers)
        return json.loads(self._connection.getresponse().read())

    def calls(self) -> Iterator[Any]:
        """Make calls without end."""
        number = 0
        while True:
            number += 1
            yield from self._round(number)

    def _round(self, number: int) -> Iterator[Any]:
        images, key = "/compute/v1/images", {"Idempotency-Key": f"key-{number}"}
        headers = self._headers
        asked = {"folderId": self._folder_id, "diskId": f"epd{number:017}", "name": f"image-{number}"}
        created = self.ask("POST", images, asked, **headers, **key)
        yield created
        image_id = created["metadata"]["imageId"]
        for _ in range(2):
            yield self.ask("GET", f"/operations/{created['id']}", **headers)
        yield self.ask("GET", f"{images}/{image_id}", **headers)
        changes = {"updateMask": "description", "description": f"{number}"}
        updated = self.ask("PATCH", f"{images}/{image_id}", changes, **headers)
        yield updated
        yield self.ask("GET", f"/operations/{updated['id']}", **headers)
        yield self.ask("GET", f"{images}?folderId={self._folder_id}", **headers)
        yield self.ask("GET", f"/operations/fd8{number:017}", **headers)
        yield self.ask("GET", f"{images}/{number}")
        yield self.ask("GET", "/endpoints")
        deleted = self.ask("DELETE", f"{images}/{image_id}", **headers)
        yield deleted
        yield self.ask("GET", f"/operations/{deleted['id']}", **headers)
