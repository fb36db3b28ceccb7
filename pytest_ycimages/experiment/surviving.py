"""One trial inside a test: what a finding is pasted as."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ycimages.experiment.client import checked_client
from pytest_ycimages.experiment.experiment import limits_for
from pytest_ycimages.experiment.judges.judge import failures, judges_of
from pytest_ycimages.experiment.running import run_trial
from pytest_ycimages.experiment.story import timeline_of

if TYPE_CHECKING:
    from pytest_ycimages.double import Double
    from pytest_ycimages.experiment.running import Client
    from pytest_ycimages.experiment.trial import Trial


def assert_survives(client: Client, double: Double, *judges: object) -> Trial:
    """Run a client once against a double, with whatever faults are injected, and assert that the judges are content.

    Args:
        client: takes the URL and the token, and returns the id of the image that it made, or raises; sync or async.
        double: what it talks to, in virtual time.
        judges: who judges; all there are, if none is named.

    Returns:
        The trial, for more to be asserted of it.

    Raises:
        AssertionError: a judge is not content; the text says why, and shows the timeline.
        UsageError: virtual time does not last, or the client is none.
    """
    __tracebackhide__ = True
    named = judges_of(judges or None)
    trial = run_trial(checked_client(client), double, limits=limits_for(named))
    failed = failures(named, trial)
    if failed:
        words = "\n".join(f"{verdict.judge}: {verdict.explanation}" for verdict in failed)
        raise AssertionError(f"{words}\nWhat goes wrong: {trial.scenario}.\n{timeline_of(trial, failed)}")
    return trial
