"""What an experiment costs: a trial, all scenarios of one fault, and all of two on two processes."""

from __future__ import annotations

import gc
from statistics import median
from typing import TYPE_CHECKING, Final

from pytest_ycimages import Scenario, TrialLimits, run_experiment
from pytest_ycimages.experiment.trials import TrialRunner
from pytest_ycimages.settings import Settings
from tests.experiment.flawed_clients import correct

from .broken import BrokenError
from .goals import Goal, Sheet
from .stopwatch import timed

if TYPE_CHECKING:
    from collections.abc import Generator

_CALLS: Final = 10
_TIMING: Final = 60.0
"""Virtual seconds that an operation takes, so that the client makes so many calls when nothing goes wrong."""
_ONE: Final = 5.0
_TWO: Final = 120.0
"""Seconds that all scenarios of one fault, and of two, may take."""


def measure(*, quick: bool) -> Generator[Sheet]:
    """One sheet for a trial, one for whole experiments."""
    yield _trials(100 if quick else 500)
    yield _experiments(deepest=1 if quick else 2)


def _trials(count: int) -> Sheet:
    trials = TrialRunner(correct, Settings(timing=_TIMING, unknown_fields="ignore"), TrialLimits())
    made = trials.trials([Scenario()])
    if len(made[0].calls) != _CALLS:
        raise BrokenError(f"the client makes {len(made[0].calls)} calls, and not {_CALLS}")
    gc.collect()
    spent = timed(lambda: trials.trials([Scenario()] * count))[1] / 1e6
    each = [trial.real_seconds * 1000 for trial in trials.trials([Scenario()] * count)]
    sheet = Sheet(f"Trials of a client of {_CALLS} calls, http.client", ("what", "figure"))
    sheet.row("trials per second, one process", count / spent)
    sheet.row("milliseconds of one, its double left out", median(each))
    return sheet


def _experiments(deepest: int) -> Sheet:
    sheet = Sheet(
        f"Experiments on a client of {_CALLS} calls, the whole catalogue, all judges",
        ("depth", "processes", "scenarios", "scenarios / s", "seconds"),
    )
    for depth, workers, limit in ((1, 1, _ONE), (2, 2, _TWO))[:deepest]:
        report = run_experiment(correct, depth=depth, workers=workers, settings={"timing": _TIMING})
        if report.findings:
            raise BrokenError(f"the client has a flaw: {report}")
        tried, seconds = report.counts.tried, report.real_seconds
        goal = Goal(f"experiment of depth {depth}", f"seconds on {workers} process(es)", seconds, limit, " s")
        sheet.row(str(depth), str(workers), str(tried), tried / seconds, seconds, goals=[goal])
    return sheet
