"""What the tests of the judges share: trials of clients, and what a judge says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ycimages import PlannedFault, Scenario, TrialLimits
from pytest_ycimages.experiment.judges import judged
from pytest_ycimages.experiment.trials import TrialRunner
from pytest_ycimages.settings import Settings

if TYPE_CHECKING:
    from pytest_ycimages import Fault, Trial
    from pytest_ycimages.experiment.client import Client
    from pytest_ycimages.experiment.judges import Judge

    from .flawed_clients import Baker


def trial(client: Client, *faults: PlannedFault, calls: int = TrialLimits().calls) -> Trial:
    """A trial of a client under these faults; it ends after so many calls."""
    (made,) = TrialRunner(client, Settings(timing=5), TrialLimits(calls=calls)).trials([Scenario(faults)])
    assert all(made.struck)
    return made


def at(fault: Fault, method: str, nth: int = 1, *, lasts: bool = False) -> PlannedFault:
    """A fault at a call, before the commit where it may be both."""
    return PlannedFault(fault, method, nth, fault.commits[0], lasts)


def said(judge: Judge, made: Trial) -> str:
    """The cause that a judge names, or that it is content, or that it has nothing to say."""
    verdict = judged(judge, made)
    if verdict is None:
        return "nothing"
    return "content" if verdict.passed else verdict.cause


def client(kind: type[Baker]) -> Client:
    """A client of this kind."""
    return lambda url, token: kind(url, token).bake()
