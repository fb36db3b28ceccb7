"""What an experiment has found, as values. How they are printed is said elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_ycimages.experiment.story import told

if TYPE_CHECKING:
    from pytest_ycimages.experiment.scenario import Scenario
    from pytest_ycimages.experiment.trial import Trial, Verdict


@dataclass(frozen=True, slots=True)
class Finding:
    """One flaw.

    Attributes:
        verdict: what the first judge says that the client failed.
        also: what the other judges say that it failed in the same trial.
        trial: the trial of the shortest and mildest scenario that shows it.
        others: how many other scenarios have shown the same, by judge and cause.
        test: a pytest function that fails for the same reason, ready to be pasted; empty for a command.
    """

    verdict: Verdict
    also: tuple[Verdict, ...]
    trial: Trial
    others: int
    test: str

    @property
    def scenario(self) -> Scenario:
        """What goes wrong."""
        return self.trial.scenario

    def __str__(self) -> str:
        """For people: the verdict, what goes wrong, the timeline, and the test."""
        return told(self)


@dataclass(frozen=True, slots=True)
class FaultRow:
    """How the client fared under one fault alone, wherever it struck.

    Attributes:
        fault: the fault as it may be written, with `before` or `after` the commit where it may be both, and `for good`
            for one that lasts.
        trials: in how many scenarios of this one fault it struck.
        succeeded: in how many of them the client succeeded.
        seconds: the virtual seconds that it took in each of these, in the order of the scenarios.
    """

    fault: str
    trials: int
    succeeded: int
    seconds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """How far a search has come.

    Attributes:
        tried: scenarios that were tried, those taken from a state file included.
        unreached: of these, in how many a fault never struck.
        unextended: scenarios that were not extended, because the client went on as in another one that was.
        failing: scenarios in which a judge was not content.
        random: of those tried, how many were drawn.
    """

    tried: int
    unreached: int
    unextended: int
    failing: int
    random: int


@dataclass(frozen=True, slots=True)
class Report:
    """What an experiment has found. The same client, seed and options give an equal report each time.

    Attributes:
        client: the client, as `module:function`, or the command.
        seed: what ids, and the scenarios that were drawn, come from.
        depth: up to how many faults at once every scenario was tried.
        judges: the judges, as they may be written.
        baseline: the trial in which nothing went wrong.
        findings: the flaws, those with the fewest faults first.
        faults: how the client fared under each fault alone, mildest first.
        counts: how far the search has come.
        complete: whether it came to its end within its budget.
        settings: the settings of the doubles that differ from the defaults, as text.
        real_seconds: what it cost in real time. Not compared, and in no report that is to be the same each time.
    """

    client: str
    seed: int
    depth: int
    judges: tuple[str, ...]
    baseline: Trial
    findings: tuple[Finding, ...]
    faults: tuple[FaultRow, ...]
    counts: Counts
    complete: bool = True
    settings: tuple[tuple[str, str], ...] = ()
    real_seconds: float = field(default=0.0, compare=False)

    @property
    def ok(self) -> bool:
        """Whether there is no finding."""
        return not self.findings

    def assert_ok(self) -> None:
        """Assert that there is no finding, and that the search came to its end.

        Raises:
            AssertionError: there is one; the text has all of them, each with its timeline and a test to paste.
        """
        __tracebackhide__ = True
        if self.findings or not self.complete:
            raise AssertionError(str(self))

    def __str__(self) -> str:
        """For people: how far the search came, and all findings."""
        counts = self.counts
        found = f"{len(self.findings)} finding(s)" if self.findings else "no finding"
        lines = [
            f"{self.client}: {found} in {counts.tried} scenarios of up to {self.depth} fault(s), seed {self.seed}.",
        ]
        if not self.complete:
            lines.append("The search was not over when its budget was: give it more, or a file to go on from (state=).")
        lines += (f"\n{number}. {finding}" for number, finding in enumerate(self.findings, 1))
        return "\n".join(lines)
