"""Findings: the trial of a flaw once more, with its whole timeline, and a pytest function that fails as it does."""

from __future__ import annotations

import ast
import re
from string import Template
from typing import TYPE_CHECKING, Any, Final

from pytest_ycimages.experiment.client import is_importable, sources_of
from pytest_ycimages.experiment.command import Command
from pytest_ycimages.experiment.judges import REGISTERED, name_of
from pytest_ycimages.experiment.report import (
    FailedVerdict,
    Finding,
    ReportedFault,
    ReportedImage,
    ReportedOutcome,
    ReportedScenario,
    ReportedTrial,
)
from pytest_ycimages.experiment.timeline import moments_of
from pytest_ycimages.experiment.trial import Verdict
from pytest_ycimages.faults.catalogue import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_ycimages.experiment.scenario import PlannedFault, Scenario
    from pytest_ycimages.experiment.search import Cause
    from pytest_ycimages.experiment.trial import Trial
    from pytest_ycimages.experiment.trials import Plan

_TRIES: Final = 3
"""How many scenarios of a flaw are repeated before the client is said to behave differently each time."""
UNREPEATED: Final = (
    "This failed in the search but not when it was repeated: the client does not behave the same each time."
)


def reproduce(flaw: Cause, scenarios: Sequence[Scenario], plan: Plan) -> Finding:
    """Repeat the mildest of the scenarios that have shown a flaw until one shows it again, and return the finding."""
    others = len(scenarios) - 1
    judge, cause = flaw
    for scenario in scenarios[:_TRIES]:
        trial, verdicts = plan.runner.judged(scenario)
        if verdicts and (verdicts[0].judge, verdicts[0].cause) == flaw:
            return reported_finding(verdicts, trial, others, _test(plan, scenario, judge))
    trial, _ = plan.runner.judged(scenarios[0])
    return reported_finding((Verdict(judge, passed=False, explanation=UNREPEATED, cause=cause),), trial, others, "")


def reported_finding(verdicts: tuple[Verdict, ...], trial: Trial, others: int, test: str) -> Finding:
    """Return a finding: its first verdict names the flaw, the others are of the same trial."""
    verdict, *also = verdicts
    return Finding(
        judge=verdict.judge,
        cause=verdict.cause,
        explanation=verdict.explanation,
        also=tuple(FailedVerdict(judge=each.judge, cause=each.cause, explanation=each.explanation) for each in also),
        scenario=reported_scenario(trial.scenario),
        others=others,
        trial=reported_trial(trial, verdicts),
        test=test,
    )


def reported_trial(trial: Trial, verdicts: tuple[Verdict, ...] = ()) -> ReportedTrial:
    """Return a trial as a report shows it, with the calls marked that prove these verdicts."""
    outcome = trial.outcome
    return ReportedTrial(
        outcome=ReportedOutcome(
            words=str(outcome),
            ending=outcome.ending,
            image_id=outcome.image_id,
            error=outcome.error,
            limit=outcome.limit,
        ),
        succeeded=trial.succeeded,
        seconds=trial.seconds,
        images=(
            *(ReportedImage(id=each.id, name=each.name, status=each.status.name) for each in trial.images),
            *(ReportedImage(id=each.id, name=each.name, status="GONE") for each in trial.gone),
        ),
        timeline=moments_of(trial, verdicts),
        run=trial,
    )


def reported_scenario(scenario: Scenario) -> ReportedScenario:
    """Return a scenario as a report has it."""
    faults = (
        ReportedFault(fault=str(each.fault), method=each.method, nth=each.nth, commit=each.commit, lasts=each.lasts)
        for each in scenario.faults
    )
    return ReportedScenario(words=str(scenario), faults=tuple(faults))


def fault_words(planned: PlannedFault) -> str:
    """Return the words of a fault in the row that it has in a report."""
    side = f" {planned.commit} the commit" if len(planned.fault.commits) > 1 else ""
    return f"{planned.fault}{side}{' for good' if planned.lasts else ''}"


# The test to paste.

_TEMPLATE: Final = Template('''\
$imports


$marker
def test_${name}($arguments):
    """$doc"""
$setup$injections    assert_survives($client, ycimages, $judge$verb)
''')


def _test(plan: Plan, scenario: Scenario, judge: str) -> str:
    """Return a test of the client under one scenario, for one judge, by the public API; an empty text for a command.

    The first fault has to strike: a test that never comes to it shows nothing. The others may not strike once the
    client is mended: it may never make the call that they were to strike.
    """
    client, setup, verb = plan.runner.client, plan.runner.setup, plan.runner.verb
    if isinstance(client, Command):
        return ""
    given = ", ".join(f"{name}={_literal(value)}" for name, value in plan.repeated.items())
    injections = "".join(
        f"    ycimages.inject({_injected(each, number)})\n" for number, each in enumerate(scenario.faults)
    )
    judge_name = judge.partition("(")[0]
    public = {"assert_survives", *_classes(given)}
    for each in scenario.faults:
        public |= {str(each.when).partition("(")[0]} | ({each.fault.name} & CATALOGUE.keys())
    fixtures = sources_of(client, plan.runner.fixtures or ())
    passed = "".join(f", {each}={each}" for each in fixtures)
    own: list[Any] = [client, *([setup] if setup else [])]
    if judge_name in REGISTERED:
        public.add(judge_name)
    else:
        own += [each for each in plan.runner.judges if name_of(each) == judge]
    return _TEMPLATE.substitute(
        imports="\n".join(_imports(sorted(public, key=str.lower), own, is_partial=bool(fixtures))),
        marker=f"@pytest.mark.ycimages({given})",
        arguments=", ".join(["ycimages_time", "ycimages", *fixtures]),
        name=re.sub(r"\W", "_", f"{_name(client)}_{judge_name}"),
        doc=f"What goes wrong: {scenario}.".replace("\\", "\\\\").replace('"', '\\"'),
        setup=f"    {_name(setup)}(ycimages)\n" if setup else "",
        injections=injections,
        verb="" if verb == "create" else f', verb="{verb}"',
        client=f"partial({_name(client)}{passed})" if fixtures else _name(client),
        judge=judge,
    )


def _name(client: Any) -> str:
    return str(getattr(client, "__name__", "client"))


def _literal(value: object) -> str:
    """Return a value as it is written; text between double quotes, as formatters have it."""
    written = repr(value)
    return f'"{written[1:-1]}"' if isinstance(value, str) and '"' not in written else written


def _classes(given: str) -> set[str]:
    """Return the classes that keyword arguments name, such as `AfterPolls`."""
    try:
        tree = ast.parse(f"given({given})", mode="eval")
    except SyntaxError:  # the `repr` of a class of the user's
        return set()
    calls = (each.func for each in ast.walk(tree) if isinstance(each, ast.Call))
    return {each.id for each in calls if isinstance(each, ast.Name)} - {"given"}


def _injected(planned: PlannedFault, number: int) -> str:
    """Return the arguments of `inject`."""
    commit = f', commit="{planned.commit}"' if len(planned.fault.commits) > 1 else ""
    expect = ", expect=False" if number else ""
    return f'{planned.fault}, on="{planned.method}", when={planned.when}{commit}{expect}'


def _imports(public: Iterable[str], own: Iterable[Any], *, is_partial: bool) -> list[str]:
    lines = ["from functools import partial", ""] if is_partial else []
    lines += ["import pytest", "", f"from pytest_ycimages import {', '.join(public)}"]
    modules: dict[str, list[str]] = {}
    for each in own:
        if is_importable(each) and "." not in each.__qualname__:
            modules.setdefault(each.__module__, []).append(_name(each))
        else:
            lines.append(f"# import {_name(each)} here: it is not a function of a module that can be imported")
    return [*lines, *(f"from {module} import {', '.join(sorted(names))}" for module, names in modules.items())]
