"""The command line of the benchmark: `python -m tests.bench [--quick] [--only NAME]`.

Exits with 0 however the targets are met: a target is a matter for people, and machines differ. Anything else
means that the benchmark itself broke.
"""

from __future__ import annotations

import logging
import os
import platform
from typing import TYPE_CHECKING, Final

import click
from rich.console import Console

from . import (
    cassette_files,
    cassette_replay,
    experiment,
    faults,
    growth,
    grpc_calls,
    in_flight,
    latency,
    lifecycle,
    plugin_cost,
    soak,
    throughput,
    virtual_time,
    walks,
)
from .broken import BrokenError
from .goals import summary
from .stopwatch import seconds

if TYPE_CHECKING:
    from .goals import Goal

_BENCHMARKS: Final = {
    "plugin": plugin_cost.measure,
    "lifecycle": lifecycle.measure,
    "growth": growth.measure,
    "latency": latency.measure,
    "throughput": throughput.measure,
    "virtual-time": virtual_time.measure,
    "in-flight": in_flight.measure,
    "faults": faults.measure,
    "grpc": grpc_calls.measure,
    "cassettes": cassette_files.measure,
    "replay": cassette_replay.measure,
    "experiment": experiment.measure,
    "walks": walks.measure,
    "soak": soak.measure,
}
_WIDTH: Final = 150


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--only", multiple=True, type=click.Choice(list(_BENCHMARKS)), help="Run this one; may be repeated.")
@click.option("--quick", is_flag=True, help="Fewer rounds: half a minute, and rougher figures.")
def bench(only: tuple[str, ...], *, quick: bool) -> None:
    """Measure what pytest-ycimages costs, beside its peers, its floor and its targets."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, _WIDTH)
    console.print(f"Python {platform.python_version()}, {platform.platform()}")
    console.print(_busy())
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # the access logs of all peers
    goals: list[Goal] = []
    began = seconds()
    for name in only or _BENCHMARKS:
        start = seconds()
        try:
            for sheet in _BENCHMARKS[name](quick=quick):
                console.print(sheet.table(), "")
                goals += sheet.goals
        except BrokenError as error:
            raise click.ClickException(f"{name}: {error}") from error
        console.print(f"[dim]{name} took {seconds() - start:.1f} s[/]\n")
    console.print(summary(goals))
    console.print(f"[dim]in {seconds() - began:.0f} s; {_busy()}[/]")


def _busy() -> str:
    """How much else the machine has to do: with more than about one running, read the ratios, not the figures."""
    return f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}"


if __name__ == "__main__":
    bench(prog_name="python -m tests.bench")
