"""Makes findings of what failed: the trial once more, with all that there is to see of it, and its test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pytest_ycimages.experiment.command import Command
from pytest_ycimages.experiment.judges.judge import name_of
from pytest_ycimages.experiment.pasting import written_test
from pytest_ycimages.experiment.report import FaultRow, Finding
from pytest_ycimages.experiment.trial import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_ycimages.experiment.grouping import Group
    from pytest_ycimages.experiment.judges.judge import Judge
    from pytest_ycimages.experiment.scenario import PlannedFault, Scenario
    from pytest_ycimages.experiment.search import Tried
    from pytest_ycimages.experiment.trials import Bench

_TRIES: Final = 3
"""How many scenarios of a group are made once more before it is said that the client is not the same each time."""


class Findings:
    """Makes findings.

    Args:
        bench: makes trials.
        client: the client.
        judges: who judges.
        settings: what the doubles were given.
    """

    def __init__(self, bench: Bench, client: Any, judges: Iterable[Judge], settings: Mapping[str, Any]) -> None:
        self._bench = bench
        self._client = client
        self._judges = {name_of(judge): judge for judge in judges}
        self._settings = settings

    def of(self, groups: Iterable[Group]) -> tuple[Finding, ...]:
        """A finding for each group."""
        return tuple(map(self._finding, groups))

    def _finding(self, group: Group) -> Finding:
        others = len(group.scenarios) - 1
        judge, cause = group.cause
        for scenario in group.scenarios[:_TRIES]:
            trial, (*verdicts,) = self._bench.judged(scenario)
            if verdicts and (verdicts[0].judge, verdicts[0].cause) == group.cause:
                test = self._test(scenario, judge)
                return Finding(verdicts[0], tuple(verdicts[1:]), trial, others, test)
        trial, _ = self._bench.judged(group.scenarios[0])
        text = "This failed in the search and not when it was repeated: the client is not the same each time."
        return Finding(Verdict(judge, passed=False, explanation=text, cause=cause), (), trial, others, "")

    def _test(self, scenario: Scenario, judge: str) -> str:
        if isinstance(self._client, Command):
            return ""
        return written_test(self._client, scenario, self._judges[judge], self._settings)

    @staticmethod
    def rows(tried: Iterable[Tried]) -> tuple[FaultRow, ...]:
        """How the client fared under each fault alone, in the order in which they were tried."""
        rows: dict[str, list[Tried]] = {}
        for each in tried:
            if len(each.scenario) == 1 and each.summary.struck:
                rows.setdefault(_words(each.scenario.faults[0]), []).append(each)
        return tuple(
            FaultRow(
                words,
                len(made),
                sum(each.summary.succeeded for each in made),
                tuple(each.summary.seconds for each in made if each.summary.succeeded),
            )
            for words, made in rows.items()
        )


def _words(planned: PlannedFault) -> str:
    side = f" {planned.commit} the commit" if len(planned.fault.commits) > 1 else ""
    return f"{planned.fault}{side}{' for good' if planned.lasts else ''}"
