"""Commands as clients: programs in any language, which find the double in their environment and run in real time."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import threading
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Final

from pytest_ycimages.api.message import SECOND
from pytest_ycimages.cloud.timing import AfterPolls
from pytest_ycimages.errors import UsageError
from pytest_ycimages.experiment.running import TrialLimits
from pytest_ycimages.experiment.trial import Outcome, Trial
from pytest_ycimages.journal import Calls
from pytest_ycimages.virtual.frozen import real_monotonic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_ycimages.double import Double
    from pytest_ycimages.experiment.scenario import Scenario
    from pytest_ycimages.experiment.trial import Limit, Verb

COMMAND_SETTINGS: Final[Mapping[str, object]] = {"timing": AfterPolls(3), "unknown_fields": "ignore"}
"""How the doubles of a command differ from others: operations end by polls, because a command waits in real time."""
COMMAND_LIMITS: Final = TrialLimits(seconds=60.0, calls=500)
"""What a trial of a command may take, in real seconds."""
_READ: Final = 65_536
"""How many bytes of the end of each output are read."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command as a client.

    It finds the double in its environment, as `environment_of` says. It succeeds with exit code 0, and the last line of
    its output is the id of its image, or ids with commas between them.

    Attributes:
        line: the command and its arguments, quoted as for a shell. No shell runs it.

    Raises:
        UsageError: it is empty, or its quotes are not closed.
    """

    line: str

    def __post_init__(self) -> None:
        try:
            words = shlex.split(self.line)
        except ValueError as error:
            raise UsageError(f"The command {self.line!r} cannot be read: {error}.") from None
        if not words:
            raise UsageError("The command is empty. Write such as './bake.sh --size 10'.")

    def __str__(self) -> str:
        return self.line


def run_command(command: Command, double: Double, scenario: Scenario, limits: TrialLimits, verb: Verb) -> Trial:
    """Run a command against a double in real time, and return the trial.

    It writes to files: a pipe stays open for as long as a process that it has left behind holds it.
    """
    before = tuple(double.images.values())
    began, real_began = double.clock.now(), real_monotonic()
    with TemporaryFile() as output, TemporaryFile() as errors:
        process = _started(command, double, output, errors)
        limit = _limit_reached(double, process, limits)
        outcome = Outcome("unended", limit=limit) if limit else _outcome(process.returncode, output, errors)
    return Trial(
        scenario=scenario,
        outcome=outcome,
        calls=Calls(tuple(double.calls)[: limits.calls]),
        images=tuple(double.images.values()),
        operations=tuple(double.operations.values()),
        seconds=(double.clock.now() - began) / SECOND,
        struck=tuple(bool(injection.struck) for injection in double.injections),
        real_seconds=real_monotonic() - real_began,
        before=before,
        verb=verb,
    )


def _started(command: Command, double: Double, output: IO[bytes], errors: IO[bytes]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - to run it is what the user asks for
            shlex.split(command.line),
            env=os.environ | environment_of(double),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            start_new_session=True,
        )
    except OSError as error:
        raise UsageError(f"The command {command.line!r} does not start: {error}.") from error


def _limit_reached(double: Double, process: subprocess.Popen[bytes], limits: TrialLimits) -> Limit | None:
    """Wait until it ends, or end it at a limit; return that limit. What it has started is ended as well."""
    reached: list[Limit] = []

    def end_at(limit: Limit) -> None:
        if not reached:
            reached.append(limit)
            _end(process)

    timer = threading.Timer(limits.seconds, end_at, ["seconds"])
    double.on_call = lambda _: end_at("calls") if len(double.calls) >= limits.calls else None
    with process:
        timer.start()
        try:
            process.wait()
        finally:
            timer.cancel()
            _end(process)
            timer.join()
    return reached[0] if reached else None


def environment_of(double: Double) -> dict[str, str]:
    """Return the variables by which a command finds a double; those of gRPC and of proxies need the extra `grpc`."""
    own = {"YCIMAGES_URL": double.url, "YC_TOKEN": double.token, "YC_FOLDER_ID": double.folder_id}
    if find_spec("trustme") is None:
        return own
    speaks_grpc = {"YCIMAGES_GRPC_ENDPOINT": double.grpc_endpoint, "YCIMAGES_CA_FILE": str(double.ca_path)}
    return double.proxy_environment() | own | speaks_grpc


def _written(file: IO[bytes]) -> str:
    """Return the end of what was written."""
    file.seek(-min(_READ, file.seek(0, os.SEEK_END)), os.SEEK_END)
    return file.read().decode(errors="replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the command and the processes that it has started."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):  # nothing of it is left, in either way of saying so
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()


def _outcome(code: int, output: IO[bytes], errors: IO[bytes]) -> Outcome:
    written, complaint = _written(output), _written(errors)
    if code == 0:
        lines = written.strip().splitlines()
        return Outcome("returned", lines[-1].strip() if lines else None)
    last = (complaint.strip() or written.strip()).splitlines()[-1:]
    how = f"exit code {code}" if code > 0 else f"signal {-code}"
    return Outcome("raised", error=": ".join([how, *last]), traceback=complaint)
