"""Whole pytest processes in a project of their own, with exactly the plugins that are asked for."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from .broken import BrokenError
from .stopwatch import timed

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

_LEFT_OUT: Final = (
    "PYTEST_ADDOPTS",
    "PYTEST_PLUGINS",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONDEVMODE",
    "COVERAGE_PROCESS_START",
)


class Run(NamedTuple):
    """One pytest process: milliseconds on the wall, and of processor time."""

    wall: float
    processor: float


class Project:
    """A directory with tests. Nothing of it is left when it is closed."""

    def __init__(self) -> None:
        self._directory = TemporaryDirectory(prefix="ycimages-bench-")
        self._environment = {name: value for name, value in os.environ.items() if name not in _LEFT_OUT}
        self._environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        self.write("pytest.ini", "[pytest]\n")

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Delete the directory."""
        self._directory.cleanup()

    def write(self, name: str, text: str) -> None:
        """Add a file."""
        Path(self._directory.name, name).write_text(text, encoding="utf-8")

    def read(self, name: str) -> str:
        """What a run has left in a file."""
        return Path(self._directory.name, name).read_text(encoding="utf-8")

    def run(self, name: str, *, plugins: Iterable[str] = ()) -> Run:
        """Run the tests of one file in a process of its own.

        Raises:
            BrokenError: pytest failed.
        """
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        for plugin in plugins:
            command += ["-p", plugin]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done, wall = timed(
            lambda: subprocess.run(  # noqa: S603 - our own interpreter on our own file
                [*command, name], cwd=self._directory.name, env=self._environment, capture_output=True, check=False
            )
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            raise BrokenError(f"{' '.join(command)} {name} ended with {done.returncode}:\n{done.stdout.decode()}")
        processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Run(wall / 1000, processor * 1000)
