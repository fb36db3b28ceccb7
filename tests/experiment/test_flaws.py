"""Every flaw is found, alone, with its shortest scenario; a client without a flaw has no finding."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from pytest_ycimages import (
    TrialLimits,
    cancel_ignored,
    operation_fails,
    operation_never_ends,
    reset,
    run_experiment,
    truncate,
    unavailable,
)

from . import flawed_clients

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages import Report


_WHY: Final = "code='INTERNAL', message='Injected: the source of the image cannot be read'"
SLOW: Final = "operation_slow(seconds=360) at call 1 of images.create"


class Flaw(NamedTuple):
    """A client that is wrong in one way, and what is to be found of it."""

    client: str
    judge: str
    scenario: str

    @property
    def depth(self) -> int:
        """At how many faults it is found."""
        return self.scenario.count(" and ") + 1


FLAWS: Final = (
    Flaw(
        "duplicates_on_a_lost_answer",
        "no_duplicates",
        "unavailable() at call 1 of images.create, after the commit",
    ),
    Flaw("new_key_per_attempt", "no_duplicates", "unavailable() at call 1 of images.create, after the commit"),
    Flaw("polls_for_ever", "finishes(within=3600)", "operation_never_ends() at call 1 of images.create"),
    Flaw("success_on_error", "truthful", SLOW),
    Flaw(
        "ignores_error_before_done",
        "finishes(within=3600)",
        f"operation_fails({_WHY}, rollback=600) at call 1 of images.create",
    ),
    Flaw(
        "retries_code_3",
        "no_useless_retry",
        "error(code='INVALID_ARGUMENT') at call 1 of images.create, before the commit",
    ),
    Flaw("storms", "bounded(calls=500)", "refuse(seconds=5) at call 1 of images.create, before the commit"),
    Flaw("leaves_an_orphan_on_time_out", "no_orphans", SLOW),
    Flaw("cancels_after_done", "cancels", SLOW),
    Flaw("fatal_not_found", "recovers", "operation_seen_late(reads=1) at call 1 of images.create"),
    Flaw(
        "trusts_a_truncated_body",
        "truthful",
        f"operation_fails({_WHY}) at call 1 of images.create and "
        "truncate() at call 4 of operations.get, after the commit",
    ),
)

LONG: Final = {"storms"}
"""Flaws whose trials are long, so that they are left to `make test-all`."""


DEEP: Final = (
    unavailable(),
    reset(),
    truncate(),
    operation_fails(message="Injected: the source of the image cannot be read"),
    operation_never_ends(),
    cancel_ignored(),
)
"""One fault of each kind, for experiments with two faults at once."""


def _examined(flaw: Flaw) -> Report:
    client, limits = getattr(flawed_clients, flaw.client), TrialLimits(calls=501)
    return run_experiment(client, faults=DEEP if flaw.depth > 1 else None, depth=flaw.depth, limits=limits)


@pytest.mark.slow
@pytest.mark.parametrize("flaw", [flaw for flaw in FLAWS if flaw.depth > 1], ids=lambda flaw: flaw.client)
def test_a_deep_flaw_is_found_alone_among_all_faults(flaw: Flaw) -> None:
    """With the default faults."""
    report = run_experiment(getattr(flawed_clients, flaw.client), depth=flaw.depth, workers=2)
    (finding,) = report.findings
    assert (finding.judge, str(finding.scenario)) == (flaw.judge, flaw.scenario)


@pytest.mark.costly
@pytest.mark.parametrize(
    "flaw",
    [
        pytest.param(flaw, id=flaw.client, marks=[pytest.mark.slow] if flaw.depth > 1 or flaw.client in LONG else [])
        for flaw in FLAWS
    ],
)
def test_a_flaw_is_found_alone_and_its_test_fails_until_it_is_mended(
    flaw: Flaw, project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One finding, by the judge that it concerns, in the shortest scenario; the test to paste shows the same."""
    report = _examined(flaw)
    (finding,) = report.findings
    assert (finding.judge, str(finding.scenario)) == (flaw.judge, flaw.scenario)
    assert report.complete

    run = _runner(project, monkeypatch)
    result = run(finding.test)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"E *{flaw.judge.replace('[', '[[]')}: *"])
    mended = finding.test.replace(f"import {flaw.client}\n", f"import correct as {flaw.client}\n")
    assert mended != finding.test
    run(mended).assert_outcomes(passed=1)


def _runner(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], pytest.RunResult]:
    """Runs a text as a test file of a user, who has the clients in his project."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))

    def run(text: str) -> pytest.RunResult:
        project.makepyfile(test_pasted=text)
        return project.runpytest_inprocess("-q")

    return run


@pytest.mark.costly
def test_a_client_without_a_flaw_has_no_finding() -> None:
    """With any default fault, and with any two of the few."""
    run_experiment(flawed_clients.correct).assert_ok()
    report = run_experiment(flawed_clients.correct, faults=DEEP, depth=2)
    report.assert_ok()
    assert report.counts.tried > 100


@pytest.mark.slow
def test_a_client_without_a_flaw_has_no_finding_with_any_two_default_faults() -> None:
    """In over two thousand scenarios."""
    report = run_experiment(flawed_clients.correct, depth=2, workers=2)
    report.assert_ok()
    assert report.counts.tried > 2_000
