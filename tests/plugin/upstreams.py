"""A service in another process, as the real one is."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Generator

_SERVE: Final = """
import sys
from pytest_ycimages import Double
with Double(timing=sys.argv[1], latency=sys.argv[2]) as double:
    print(double.url, double.token, flush=True)
    sys.stdin.read()
    print(sum(call.method == "operations.get" for call in double.calls), flush=True)
"""


class Elsewhere:
    """A double in another process.

    Attributes:
        url: its address.
        token: a token that it accepts.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert process.stdout is not None
        self.url, self.token = process.stdout.readline().split()

    def polls(self) -> int:
        """Stop it, and return how often it was polled."""
        return int(self._process.communicate(timeout=30)[0])


@contextmanager
def elsewhere(timing: str, latency: str = "0") -> Generator[Elsewhere]:
    """Start a double in another process."""
    command = [sys.executable, "-c", _SERVE, timing, latency]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own
        try:
            yield Elsewhere(process)
        finally:
            process.kill()
