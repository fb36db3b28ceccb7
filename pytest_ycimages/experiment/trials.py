"""The plan of an experiment, and its trials: each against its own double, in one process or several.

Starting virtual time takes longer than a trial. So it starts once for many trials, and is set back after each.
"""

from __future__ import annotations

import gc
import importlib.util
import multiprocessing
import os
import re
import sys
import warnings
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Self

from pytest_ycimages.double import Double
from pytest_ycimages.errors import UsageError
from pytest_ycimages.experiment.client import client_name, is_importable, set_up, source_digest, sources_of
from pytest_ycimages.experiment.command import Command, run_command
from pytest_ycimages.experiment.judges import failures, name_of
from pytest_ycimages.experiment.progress import summary_of
from pytest_ycimages.experiment.running import TrialLimits, run_trial
from pytest_ycimages.virtual.time import VirtualTime

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence

    from pytest_ycimages.experiment.client import Client, Fixtures
    from pytest_ycimages.experiment.judges import Judge
    from pytest_ycimages.experiment.progress import Summary
    from pytest_ycimages.experiment.scenario import Candidate, Scenario
    from pytest_ycimages.experiment.search import Shard
    from pytest_ycimages.experiment.trial import Trial, Verb, Verdict
    from pytest_ycimages.settings import Settings

    Batch = tuple[Sequence[Scenario], list[Summary]]

Workers = int | Literal["auto"]
"""In how many processes trials are made."""
NAME: Final = "experiment"
"""The name of the doubles: their random values depend on it and on the seed."""
_RANDOM: Final = re.compile(r"\b(?:Uniform|LogNormal)\b")
"""The words of settings that are random."""
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


class Plan(NamedTuple):
    """What an experiment is to do: the options of `run_experiment`, read; `runner` has those of each trial."""

    runner: TrialRunner
    candidates: tuple[Candidate, ...]
    settings: Mapping[str, Any]
    depth: int
    random: int
    budget: float | None
    shard: Shard

    @property
    def about(self) -> Mapping[str, Any]:
        """Return what decides the results of trials, for a file from which the search goes on."""
        client, setup = self.runner.client, self.runner.setup
        return {
            "client": client_name(client),
            "source": source_digest(client),
            "faults": [f"{each.fault} {each.on} {each.commits} {each.lasts} {each.over}" for each in self.candidates],
            "judges": [f"{name_of(judge)} {source_digest(judge)}" for judge in self.runner.judges],
            "settings": {name: repr(value) for name, value in self.settings.items()},
            "seed": self.runner.settings.seed,
            "limits": list(self.runner.limits),
            "verb": self.runner.verb,
            "setup": f"{client_name(setup)} {source_digest(setup)}" if setup else "",
        }

    @property
    def repeated(self) -> Mapping[str, Any]:
        """Return the settings of a test that repeats a trial, with the seed if anything depends on it."""
        seed = self.runner.settings.seed
        is_random = seed or _RANDOM.search(repr(self.settings))
        return {**self.settings, "seed": seed, "name": NAME} if is_random else self.settings


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


class ModuleOrigin(NamedTuple):
    """The name of a module, and its file; empty without one."""

    name: str
    path: str

    def load(self) -> None:
        """Import the module under its name, from its file if the name alone is not found."""
        if self.name in sys.modules:
            return
        try:
            importlib.import_module(self.name)
        except ImportError:
            spec = importlib.util.spec_from_file_location(self.name, self.path) if self.path else None
            if spec is None or spec.loader is None:
                raise
            module = importlib.util.module_from_spec(spec)
            sys.modules[self.name] = module
            spec.loader.exec_module(module)


def origins_of(values: Iterable[object]) -> list[ModuleOrigin]:
    """Return the modules that other processes need before they can unpickle `values`."""
    modules = {name: sys.modules.get(name) for each in values if (name := getattr(each, "__module__", None))}
    return [ModuleOrigin(name, getattr(module, "__file__", None) or "") for name, module in sorted(modules.items())]


def _load(origins: Sequence[ModuleOrigin]) -> None:
    for origin in origins:
        origin.load()
