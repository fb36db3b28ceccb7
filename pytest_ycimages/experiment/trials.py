"""The trials of an experiment, each against its own double and at the same virtual moment, in one process or several.

Starting virtual time takes longer than a trial. So it starts once for many trials, and is set back after each.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import warnings
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Self

from pytest_ycimages.double import Double
from pytest_ycimages.errors import UsageError
from pytest_ycimages.experiment.client import client_name, is_importable, set_up, sources_of
from pytest_ycimages.experiment.command import Command, run_command
from pytest_ycimages.experiment.judges import failures
from pytest_ycimages.experiment.plan import NAME, origins_of
from pytest_ycimages.experiment.progress import summary_of
from pytest_ycimages.experiment.running import TrialLimits, run_trial
from pytest_ycimages.virtual.time import VirtualTime

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

    from pytest_ycimages.experiment.client import Client, Fixtures
    from pytest_ycimages.experiment.judges import Judge
    from pytest_ycimages.experiment.plan import ModuleOrigin
    from pytest_ycimages.experiment.progress import Summary
    from pytest_ycimages.experiment.scenario import Scenario
    from pytest_ycimages.experiment.trial import Trial, Verb, Verdict
    from pytest_ycimages.settings import Settings

    Batch = tuple[Sequence[Scenario], list[Summary]]

Workers = int | Literal["auto"]
"""In how many processes trials are made."""
_BATCH: Final = 40
"""How many trials are made at a time: enough for the start of virtual time to cost little."""


@contextmanager
def _ignored_leaks() -> Generator[None]:
    """Do not report resources that clients leave open: faults cut off many of them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield


class TrialRunner(NamedTuple):
    """Makes trials of a client, against doubles with these settings, and has them judged.

    A function runs in virtual time, a command in real time.
    """

    client: Client | Command
    settings: Settings
    limits: TrialLimits
    verb: Verb = "create"
    setup: Callable[[Double], object] | None = None
    fixtures: Fixtures | None = None
    judges: tuple[Judge, ...] = ()

    def trials(self, scenarios: Sequence[Scenario]) -> list[Trial]:
        """Return one trial for each scenario, in their order."""
        if isinstance(self.client, Command):
            return [self._trial(scenario) for scenario in scenarios]
        with _ignored_leaks(), VirtualTime() as time:
            return [self._trial(scenario, time) for scenario in scenarios]

    def _trial(self, scenario: Scenario, time: VirtualTime | None = None) -> Trial:
        try:
            with Double(self.settings, name=NAME) as double, self._opened(double) as values:
                set_up(self.setup, double)
                scenario.inject_into(double)
                if isinstance(self.client, Command):
                    return run_command(self.client, double, scenario, self.limits, self.verb)
                return run_trial(
                    self.client, double, scenario=scenario, limits=self.limits, verb=self.verb, fixtures=values
                )
        finally:
            if time is not None:
                time.begin_again()

    def _opened(self, double: Double) -> AbstractContextManager[Mapping[str, Any]]:
        if self.fixtures is None or isinstance(self.client, Command):
            return nullcontext({})
        return self.fixtures.opened(sources_of(self.client, self.fixtures), double)

    def summaries(self, scenarios: Sequence[Scenario]) -> list[Summary]:
        """Return what a search keeps of a trial of each scenario, in their order."""
        return [summary_of(trial, failures(self.judges, trial)) for trial in self.trials(scenarios)]

    def judged(self, scenario: Scenario) -> tuple[Trial, tuple[Verdict, ...]]:
        """Return a trial, and the verdicts that it failed."""
        (trial,) = self.trials([scenario])
        return trial, failures(self.judges, trial)


def worker_count(workers: Workers) -> int:
    """Return the number of processes; `auto`: as many as pytest-xdist has workers, or else as there are cores."""
    if workers == "auto":
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        return int(os.environ.get("PYTEST_XDIST_WORKER_COUNT") or cores or 1)
    if type(workers) is not int or workers < 1:
        raise UsageError(f'invalid workers={workers!r}: expected a whole number, 1 or more, or "auto".')
    return workers


class WorkerPool:
    """The processes that make the trials of a search: this one, or several. The summaries are the same."""

    def __init__(self, runner: TrialRunner, workers: int) -> None:
        self._runner = runner
        self._pool: ProcessPoolExecutor | None = None
        if workers <= 1:
            return
        needed = [each for each in (runner.client, runner.setup, *runner.judges) if each is not None]
        for each in needed:
            if not is_importable(each if hasattr(each, "__qualname__") else type(each)):
                raise UsageError(
                    f"{client_name(each)} cannot be imported by other processes: with workers={workers}, clients, "
                    "setups and judges are functions of a module. Move it there, or leave `workers` out."
                )
        self._pool = ProcessPoolExecutor(
            workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_load,
            initargs=(origins_of(needed),),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End the processes, and close what the clients of this one have left open."""
        if self._pool:
            self._pool.shutdown(cancel_futures=True)
        with _ignored_leaks():
            gc.collect()

    def summaries(self, scenarios: Sequence[Scenario]) -> Iterator[Batch]:
        """Yield the summaries of a trial of each scenario, a batch at a time, in their order."""
        batches = [scenarios[start : start + _BATCH] for start in range(0, len(scenarios), _BATCH)]
        if self._pool is None:
            yield from ((batch, self._runner.summaries(batch)) for batch in batches)
            return
        try:
            yield from zip(batches, self._pool.map(self._runner.summaries, batches), strict=True)
        except BrokenProcessPool as error:
            raise UsageError(
                "A process that should make trials has ended: what it printed says why. A script that experiments with "
                "workers is imported by each of them, so it begins under `if __name__ == '__main__':`."
            ) from error


def _load(origins: Sequence[ModuleOrigin]) -> None:
    for origin in origins:
        origin.load()
