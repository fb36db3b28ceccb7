"""Serving a double from the command line: its URL, a ready curl line, then a line for every call."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any

from rich.console import Console

from pytest_ycimages.api.status import Code
from pytest_ycimages.double import Double
from pytest_ycimages.errors import DoubleFailedError, FaultNeverStruckError, YCImagesError
from pytest_ycimages.faults.injection import never_struck

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType

    from pytest_ycimages.call import Call


def serve_until_stopped(settings: Mapping[str, Any]) -> bool:
    """Serve until SIGINT or SIGTERM, then print what each fault has done, and what became of the cassette.

    Args:
        settings: settings of the double; see `Settings`.

    Returns:
        Whether every fault that was to strike has, and all is well with the cassette.

    Raises:
        UsageError: a setting that cannot be, or a port that is taken.
        CassetteError: a cassette that cannot be replayed or recorded.
    """
    console = Console(highlight=False, soft_wrap=True, emoji=False)
    stopped = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the form that signal asks for
        stopped.set()

    def show(call: Call) -> None:
        style = "green" if call.status is Code.OK else "yellow"
        console.print(str(call), style=style, markup=False)

    serving = False
    try:
        with Double(settings, on_call=show) as double:
            serving = True
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, stop)
            console.print(double.url)
            console.print(_curl(double), style="dim", markup=False)
            stopped.wait()
            console.print(f"stopped after {len(double.calls)} calls", style="dim")
            _show_faults(double, console)
            _show_cassette(double, console)
    except FaultNeverStruckError:
        return False  # the accounts that were printed say so
    except YCImagesError as error:
        told = _what_failed(error)
        if not serving or told is None:
            raise
        console.print(told, style="red", markup=False)
        return False
    return True


def _what_failed(error: YCImagesError) -> str | None:
    """What went wrong, for people; None: the double itself is broken, and a traceback says more."""
    if isinstance(error, DoubleFailedError):
        cause = error.__cause__
        return str(cause) if isinstance(cause, YCImagesError) else None
    return "\n".join([str(error), *getattr(error, "__notes__", ())])


def _show_cassette(double: Double, console: Console) -> None:
    if double.settings.mode != "fake":
        console.print(repr(double.cassette), style="dim", markup=False)


def _show_faults(double: Double, console: Console) -> None:
    accounts = double.accounts
    idle = never_struck(accounts)
    for account in accounts:
        console.print(account.report, style="red" if account in idle else "dim", markup=False)
    if idle:
        console.print(f"{len(idle)} fault(s) never struck; if that is all right, add expect=False", style="red")


def _curl(double: Double) -> str:
    body = f'{{"folderId": "{double.folder_id}", "diskId": "epd0000000000000000a"}}'
    return f"curl -H 'Authorization: Bearer {double.token}' -d '{body}' {double.url}/compute/v1/images"
