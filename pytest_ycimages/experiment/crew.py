"""Who makes the trials of a search: this process, or several. What comes of them is the same, and in the same order."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import sys
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Literal

from pytest_ycimages.errors import UsageError
from pytest_ycimages.experiment.client import client_name, is_importable, origins_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from pytest_ycimages.experiment.client import Origin
    from pytest_ycimages.experiment.scenario import Scenario
    from pytest_ycimages.experiment.summary import Summary
    from pytest_ycimages.experiment.trials import Bench

    Batch = tuple[Sequence[Scenario], list[Summary]]
    Crew = Callable[[Sequence[Scenario]], Iterator[Batch]]
    """Makes a trial of each scenario, some at a time, in their order."""

Workers = int | Literal["auto"]
"""In how many processes trials are made."""

_BATCH: Final = 40
"""How many trials are made at a time: enough for the beginning of virtual time to cost little."""


def workers_of(workers: Workers) -> int:
    """The number of processes; `auto`: as many as pytest-xdist has workers, or else as this process may use cores.

    Raises:
        UsageError: it is neither `auto` nor a whole number, 1 or more.
    """
    if workers == "auto":
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        return int(os.environ.get("PYTEST_XDIST_WORKER_COUNT") or cores or 1)
    if type(workers) is not int or workers < 1:
        raise UsageError(f'workers={workers!r} cannot be: it is a whole number, 1 or more, or "auto".')
    return workers


@contextmanager
def crew_of(bench: Bench, client: object, workers: int) -> Generator[Crew]:
    """Who makes the trials, until the context ends.

    Args:
        bench: how they are made.
        client: the client, by its function.
        workers: in how many processes; 1: in this one.

    Raises:
        UsageError: other processes cannot come by the client or a judge.
    """
    if workers <= 1:
        yield lambda scenarios: ((batch, bench.summaries(batch)) for batch in _batches(scenarios))
        return
    needed = (client, *bench.judges)
    for each in needed:
        named = each if hasattr(each, "__qualname__") else type(each)
        if not is_importable(named):
            raise UsageError(
                f"{client_name(each)} cannot be imported by other processes: with workers={workers}, clients and "
                "judges are functions of a module. Move it there, or leave `workers` out."
            )
    pool = ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin,
        initargs=(list(sys.path), origins_of(needed), pickle.dumps(bench)),
    )
    try:
        yield lambda scenarios: _spread(pool, scenarios)
    finally:
        pool.shutdown(cancel_futures=True)


def _batches(scenarios: Sequence[Scenario]) -> Iterator[Sequence[Scenario]]:
    return (scenarios[start : start + _BATCH] for start in range(0, len(scenarios), _BATCH))


def _spread(pool: ProcessPoolExecutor, scenarios: Sequence[Scenario]) -> Iterator[Batch]:
    batches = list(_batches(scenarios))
    try:
        yield from zip(batches, pool.map(_summaries, batches), strict=True)
    except BrokenProcessPool as error:
        raise UsageError(
            "A process that should make trials has ended: what it printed says why. A script that experiments with "
            "workers is imported by each of them, so it begins under `if __name__ == '__main__':`."
        ) from error


_benches: Final[list[Bench]] = []
"""In a process of the pool: how trials are made there."""


def _begin(path: list[str], origins: Sequence[Origin], bench: bytes) -> None:
    sys.path[:] = path
    for origin in origins:
        origin.load()
    _benches.append(pickle.loads(bench))  # noqa: S301 - it comes from the process that has started this one


def _summaries(scenarios: Sequence[Scenario]) -> list[Summary]:
    return _benches[-1].summaries(scenarios)
