"""Makes a stored report of a report: leaves out what differs from run to run, and what no file can hold."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pytest_ycimages.experiment.stored_report import (
    StoredCounts,
    StoredFault,
    StoredFaultRow,
    StoredFinding,
    StoredImage,
    StoredMoment,
    StoredOutcome,
    StoredReport,
    StoredScenario,
    StoredTrial,
    StoredVerdict,
)
from pytest_ycimages.experiment.story import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_ycimages.experiment.report import Finding, Report
    from pytest_ycimages.experiment.scenario import Scenario
    from pytest_ycimages.experiment.trial import Outcome, Trial, Verdict

_ADDRESS: Final = re.compile(r"\b0x[0-9a-fA-F]{6,}")
"""Where an object lies in memory, as `repr` tells it."""
_PORT: Final = re.compile(r"(?<=127\.0\.0\.1:)\d+|(?<=\[::1\]:)\d+|(?<=localhost:)\d+")
"""The port of a double, in a URL that a client tells of."""


def stored(report: Report | StoredReport) -> StoredReport:
    """A report as it is stored; one that is already is given back."""
    if isinstance(report, StoredReport):
        return report
    return StoredReport(
        client=_text(report.client),
        ok=report.ok,
        complete=report.complete,
        seed=report.seed,
        depth=report.depth,
        judges=tuple(map(_text, report.judges)),
        settings={name: _text(value) for name, value in sorted(report.settings)},
        counts=StoredCounts.model_validate(report.counts, from_attributes=True),
        findings=tuple(map(_finding, report.findings)),
        faults=tuple(
            StoredFaultRow(fault=_text(row.fault), trials=row.trials, succeeded=row.succeeded, seconds=row.seconds)
            for row in report.faults
        ),
        baseline=_trial(report.baseline, ()),
    )


def _finding(finding: Finding) -> StoredFinding:
    verdict = finding.verdict
    return StoredFinding(
        judge=_text(verdict.judge),
        cause=_text(verdict.cause),
        explanation=_text(verdict.explanation),
        also=tuple(map(_verdict, finding.also)),
        scenario=_scenario(finding.scenario),
        others=finding.others,
        trial=_trial(finding.trial, (verdict, *finding.also)),
        test=_whole(finding.test),
    )


def _verdict(verdict: Verdict) -> StoredVerdict:
    return StoredVerdict(judge=_text(verdict.judge), cause=_text(verdict.cause), explanation=_text(verdict.explanation))


def _scenario(scenario: Scenario) -> StoredScenario:
    faults = (
        StoredFault(
            fault=_text(str(each.fault)), method=each.method, nth=each.nth, commit=each.commit, lasts=each.lasts
        )
        for each in scenario.faults
    )
    return StoredScenario(words=_text(str(scenario)), faults=tuple(faults))


def _trial(trial: Trial, verdicts: Iterable[Verdict]) -> StoredTrial:
    return StoredTrial(
        outcome=_outcome(trial.outcome),
        succeeded=trial.succeeded,
        seconds=trial.seconds,
        images=tuple(StoredImage(id=image.id, status=str(image.status.name)) for image in trial.images),
        timeline=tuple(
            StoredMoment(
                at=row.at, asked=_text(row.asked), told=_text(row.told), happened=_text(row.happened), proves=row.proves
            )
            for row in rows_of(trial, verdicts)
        ),
    )


def _outcome(outcome: Outcome) -> StoredOutcome:
    return StoredOutcome(
        words=_text(str(outcome)),
        ending=outcome.ending,
        image_id=None if outcome.image_id is None else _text(outcome.image_id),
        error=_text(outcome.error),
        limit=outcome.limit,
    )


def _text(text: str) -> str:
    """The text without the port of the double and the addresses of objects, which differ from run to run."""
    return _whole(_PORT.sub("PORT", _ADDRESS.sub("0x...", text)))


def _whole(text: str) -> str:
    """The text with halves of characters, which no file can hold, written out."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
