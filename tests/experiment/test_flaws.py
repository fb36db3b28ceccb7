"""The heart of the room: every flaw is found, alone, with its shortest scenario; and who has none is found none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from pytest_ycimages import run_experiment

from . import flawed_clients

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages import Report

_WHY: Final = "code='INTERNAL', message='Injected: the source of the image cannot be read'"


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
    Flaw("success_on_error", "truthful", f"operation_fails({_WHY}) at call 1 of images.create"),
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
    Flaw("leaves_an_orphan_on_time_out", "no_orphans", "operation_never_ends() at call 1 of images.create"),
    Flaw("cancels_after_done", "cancels", f"operation_fails({_WHY}) at call 1 of images.create"),
    Flaw("fatal_not_found", "recovers", "operation_seen_late(reads=1) at call 1 of images.create"),
    Flaw(
        "trusts_a_truncated_body",
        "truthful",
        f"operation_fails({_WHY}) at call 1 of images.create and "
        "truncate() at call 4 of operations.get, after the commit",
    ),
)


def _examined(flaw: Flaw) -> Report:
    return run_experiment(getattr(flawed_clients, flaw.client), depth=flaw.depth, workers=flaw.depth)


@pytest.mark.parametrize("flaw", FLAWS, ids=[flaw.client for flaw in FLAWS])
def test_a_flaw_is_found_alone_and_its_test_fails_until_it_is_mended(
    flaw: Flaw, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One finding, by the judge whose matter it is, in the shortest scenario; and what is pasted shows the same."""
    report = _examined(flaw)
    (finding,) = report.findings
    assert (finding.judge, str(finding.scenario)) == (flaw.judge, flaw.scenario)
    assert report.complete

    run = _runner(pytester, monkeypatch)
    result = run(finding.test)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"E *{flaw.judge.replace('[', '[[]')}: *"])
    mended = finding.test.replace(f"import {flaw.client}\n", f"import correct as {flaw.client}\n")
    assert mended != finding.test
    run(mended).assert_outcomes(passed=1)


def _runner(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], pytest.RunResult]:
    """Runs a text as a test file of a user, who has the clients in his project."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))
    monkeypatch.setenv("PYTEST_ADDOPTS", "")

    def run(text: str) -> pytest.RunResult:
        pytester.makepyfile(test_pasted=text)
        return pytester.runpytest_inprocess("-q", "-p", "no:randomly")

    return run


def test_a_client_without_a_flaw_has_no_finding_at_depth_2() -> None:
    """Whatever two faults of the whole catalogue strike it."""
    report = run_experiment(flawed_clients.correct, depth=2, workers=2)
    report.assert_ok()
    assert report.counts.tried > 2_000
