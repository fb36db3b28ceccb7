"""Makes the trials of an experiment, each against a double of its own and at the same virtual moment.

Virtual time begins once for many trials, as that takes longer than a trial does, and is set back after each.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from pytest_ycimages.double import Double
from pytest_ycimages.experiment.judges.judge import failures
from pytest_ycimages.experiment.running import TrialLimits, run_trial
from pytest_ycimages.experiment.summary import summary_of
from pytest_ycimages.virtual.time import VirtualTime

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ycimages.experiment.judges.judge import Judge
    from pytest_ycimages.experiment.running import Client
    from pytest_ycimages.experiment.scenario import Scenario
    from pytest_ycimages.experiment.summary import Summary
    from pytest_ycimages.experiment.trial import Trial, Verdict
    from pytest_ycimages.settings import Settings


NAME: Final = "experiment"
"""What the doubles are called: what they draw comes from it and from the seed."""


class Maker(Protocol):
    """Makes trials."""

    def trials(self, scenarios: Sequence[Scenario]) -> list[Trial]:
        """One trial for each scenario, in their order."""


class VirtualTrials(NamedTuple):
    """Makes trials of a function in virtual time.

    Attributes:
        client: the function.
        settings: of the doubles.
        limits: what a trial may take.
    """

    client: Client
    settings: Settings
    limits: TrialLimits

    def trials(self, scenarios: Sequence[Scenario]) -> list[Trial]:
        """One trial for each scenario, in their order.

        What a client leaves open is not warned of: a trial is about faults, and many clients are cut off in it.
        """
        with warnings.catch_warnings(), VirtualTime() as time:
            warnings.simplefilter("ignore", ResourceWarning)
            return [self._trial(time, scenario) for scenario in scenarios]

    def _trial(self, time: VirtualTime, scenario: Scenario) -> Trial:
        try:
            with Double(self.settings, name=NAME) as double:
                for planned in scenario.faults:
                    double.inject(
                        planned.fault, on=planned.method, when=planned.when, commit=planned.commit, expect=False
                    )
                return run_trial(self.client, double, scenario=scenario, limits=self.limits)
        finally:
            time.begin_again()


class Bench(NamedTuple):
    """Where trials are made and judged.

    Attributes:
        maker: makes them.
        judges: judge them.
    """

    maker: Maker
    judges: tuple[Judge, ...]

    def summaries(self, scenarios: Sequence[Scenario]) -> list[Summary]:
        """What a search keeps of a trial of each scenario, in their order."""
        return [summary_of(trial, failures(self.judges, trial)) for trial in self.maker.trials(scenarios)]

    def judged(self, scenario: Scenario) -> tuple[Trial, tuple[Verdict, ...]]:
        """A trial, and what the judges are not content with."""
        (trial,) = self.maker.trials([scenario])
        return trial, failures(self.judges, trial)
