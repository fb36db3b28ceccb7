"""Experiments: what is tried, in which order, and that the same is found each time, however it is looked for."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.request import Request, urlopen

import pytest

from pytest_ycimages import (
    Candidate,
    UsageError,
    VirtualTime,
    goaway,
    hang,
    operation_never_ends,
    ramp,
    reset,
    run_experiment,
    slow,
    stream_reset,
    truncate,
    unavailable,
)
from pytest_ycimages.experiment.experiment import limits_for
from pytest_ycimages.experiment.judges import judges_of
from pytest_ycimages.experiment.running import TrialLimits
from pytest_ycimages.experiment.scenario import DEFAULT_FAULTS
from pytest_ycimages.experiment.trials import ModuleOrigin, worker_count
from pytest_ycimages.faults.catalogue import CATALOGUE

from . import flawed_clients
from .flawed_clients import correct, duplicates_on_a_lost_answer

if TYPE_CHECKING:
    from pytest_ycimages import Report, Trial


FEW: Final = (slow(5), unavailable(), reset(), operation_never_ends())


def everything(report: Report) -> tuple[Any, ...]:
    """All that is to be the same."""
    return str(report), report.counts, report.faults, report.findings, report.baseline, report.complete


def test_a_new_fault_is_not_tried_by_itself() -> None:
    """It needs a row in `DEFAULT_FAULTS`; `ramp`, which needs many calls, has none."""
    assert {candidate.fault.name for candidate in DEFAULT_FAULTS} == set(CATALOGUE) - {ramp.__name__}


def test_faults_of_http2_are_tried_at_grpc_calls_alone() -> None:
    """So clients over REST are tried as they would be without these faults."""
    of_http2 = {fault.__name__ for fault in (stream_reset, goaway)}
    assert {each.fault.name for each in DEFAULT_FAULTS if each.over == "gRPC"} == of_http2
    assert not {each.fault.name for each in DEFAULT_FAULTS if each.over != "gRPC"} & of_http2


@pytest.mark.costly
def test_depth_0_tries_the_client_alone() -> None:
    """Nothing goes wrong in it."""
    report = run_experiment(correct, depth=0)
    assert report.counts.tried == 1
    assert report.baseline.run is not None
    assert str(report.baseline.run.scenario) == "nothing goes wrong"
    assert report.faults == ()


@pytest.mark.costly
def test_depth_1_tries_every_fault_at_every_call_on_either_side_of_the_commit() -> None:
    """Five calls, and those faults that can strike each of them."""
    report = run_experiment(correct, faults=FEW)
    assert report.counts.tried == 1 + 5 * 1 + 5 * 2 + 5 * 2 + 1
    assert [(row.fault, row.trials, row.succeeded) for row in report.faults] == [
        ("slow(seconds=5)", 5, 5),
        ("unavailable() before the commit", 5, 5),
        ("unavailable() after the commit", 5, 5),
        ("reset() before the commit", 5, 5),
        ("reset() after the commit", 5, 5),
        ("operation_never_ends()", 1, 0),
    ]
    assert report.faults[0].seconds == (6.0, 7.5, 9.75, 13.125, 13.125)


@pytest.mark.costly
def test_deeper_scenarios_come_from_the_calls_that_shorter_ones_made() -> None:
    """A call that only a fault brings about is struck as well: the cancel of an operation that never ends."""
    scenarios: list[str] = []

    def note(trial: Trial) -> None:
        scenarios.append(str(trial.scenario))

    run_experiment(correct, faults=[operation_never_ends(), unavailable()], depth=2, judges=[note])
    never = "operation_never_ends() at call 1 of images.create"
    assert f"{never} and unavailable() at call 1 of operations.cancel, before the commit" in scenarios
    assert f"{never} and unavailable() at call 1 of operations.get, before the commit" in scenarios
    assert not [each for each in scenarios if each.startswith("unavailable() at call 1 of operations.get, after")
                and " and " in each]  # as with `before`: the client went on alike  # fmt: skip


@pytest.mark.costly
def test_what_fails_is_not_extended() -> None:
    """A flaw is mended before what it hides is looked for."""
    report = run_experiment(duplicates_on_a_lost_answer, faults=[unavailable(), reset()], depth=2)
    (finding,) = report.findings
    assert len(finding.scenario) == 1
    alone = "at call 1 of images.create, after the commit"
    assert str(finding.scenario) == f"unavailable() {alone}"
    assert finding.others > 0


@pytest.mark.costly
def test_the_first_of_the_faults_is_the_mildest() -> None:
    """So the order of the faults decides what a finding shows."""
    report = run_experiment(duplicates_on_a_lost_answer, faults=[reset(), unavailable()])
    assert str(report.findings[0].scenario) == "reset() at call 1 of images.create, after the commit"


@pytest.mark.costly
@pytest.mark.parametrize(
    ("written", "count"),
    [
        (hang(), 5 * 2),
        ([hang()], 5 * 2),
        ("hang(), on='images.create'", 2),
        ("hang(), on='images.create', commit='after'", 1),
        ([Candidate(hang(), on="operations.*", commits=("before",))], 4),
        ([Candidate(unavailable(), on="images.create", lasts=True)], 2),
    ],
)
def test_faults_are_read_from_what_users_write(written: object, count: int) -> None:
    """Themselves, as text, or with where they are tried."""
    assert run_experiment(correct, faults=written).counts.tried == 1 + count


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"faults": []}, "leaves an experiment nothing to try"),
        ({"faults": "reset(), when=first(2)"}, "an experiment tries that out"),
        ({"faults": [3]}, "invalid rule 3"),
        ({"depth": -1}, "invalid depth=-1: expected a whole number, 0 or more"),
        ({"workers": 0}, "invalid workers=0: expected"),
        ({"workers": "all"}, "invalid workers='all': expected a whole number, 1 or more, or \"auto\"."),
        ({"random": 1.5}, "invalid random=1.5: expected"),
        ({"settings": {"timng": 3}}, "Did you mean 'timing'"),
        ({"judges": "truthfull"}, "Did you mean 'truthful'"),
        ({"budget": "30s"}, "invalid budget='30s': expected a number of seconds"),
        ({"budget": -1}, "invalid budget=-1: expected"),
        ({"seed": "x"}, "seed"),
        ({"limits": (1, 2, 3)}, "expected TrialLimits(seconds=, calls=, patience=)"),
        ({"limits": TrialLimits(calls=0)}, "invalid TrialLimits(calls=0): expected"),
        ({"limits": TrialLimits(seconds=-1)}, "invalid TrialLimits(seconds=-1): expected"),
        ({"faults": Candidate("rest()")}, "Did you mean 'reset'"),  # type: ignore[arg-type]  # what is tested
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_tried(options: dict[str, Any], said: str) -> None:
    """With what can be."""
    with pytest.raises(UsageError) as raised:
        run_experiment(correct, **options)
    assert said in str(raised.value)


@pytest.mark.parametrize("client", [3, lambda: "fd8", lambda ulr: ulr, lambda url, token, more: (url, token, more)])
def test_an_invalid_client_is_refused(client: Any) -> None:
    """It takes the URL and the token."""
    with pytest.raises(UsageError, match=r"client\(url, token\)"):
        run_experiment(client)


def test_an_experiment_has_virtual_time_of_its_own() -> None:
    """Within another it is refused, with what would do."""
    with VirtualTime(), pytest.raises(UsageError, match="Leave `ycimages_time` out"):
        run_experiment(correct)


# The same each time.


@pytest.mark.costly
@pytest.mark.parametrize(
    "name",
    [
        "fatal_not_found",
        pytest.param("duplicates_on_a_lost_answer", marks=pytest.mark.slow),
        pytest.param("success_on_error", marks=pytest.mark.slow),
    ],
)
def test_the_same_is_found_each_time_and_by_however_many_processes(name: str) -> None:
    """To the last word."""
    client = getattr(flawed_clients, name)
    faults = ["unavailable()", "operation_seen_late(reads=1)", "truncate()", "operation_fails()"]
    first, second, spread = (run_experiment(client, faults=faults, depth=2, workers=workers) for workers in (1, 1, 2))
    assert first.findings
    assert everything(first) == everything(second) == everything(spread)


@pytest.mark.costly
def test_another_seed_draws_other_ids_and_finds_the_same() -> None:
    """The seed is told."""
    one, other = (run_experiment(duplicates_on_a_lost_answer, faults=FEW, seed=seed) for seed in (0, 7))
    assert other.seed == 7
    assert [str(finding.scenario) for finding in one.findings] == [str(each.scenario) for each in other.findings]
    assert one.baseline.images[0].id != other.baseline.images[0].id


def test_other_processes_take_what_can_be_imported() -> None:
    """A function inside another cannot."""

    def inner(url: str, token: str) -> str:
        return correct(url, token)

    with pytest.raises(UsageError, match="cannot be imported by other processes"):
        run_experiment(inner, faults=FEW, workers=2)


def test_there_are_as_many_processes_as_xdist_has_workers_or_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """If they are to be found out."""
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "5")
    assert (worker_count("auto"), worker_count(3)) == (5, 3)
    monkeypatch.delenv("PYTEST_XDIST_WORKER_COUNT")
    assert 1 <= worker_count("auto") <= (os.cpu_count() or 1)


@pytest.mark.costly
def test_a_process_that_does_not_come_up_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has printed why."""
    monkeypatch.setattr("pytest_ycimages.experiment.trials.origins_of", lambda _: [ModuleOrigin("no.such.module", "")])
    with pytest.raises(UsageError, match="begins under `if __name__"):
        run_experiment(correct, faults=FEW, workers=2)


def test_a_judge_that_allows_more_gives_trials_more() -> None:
    """Else it would never see what is too much."""
    limits = limits_for(judges_of(["finishes(within=7200)", "bounded(calls=3000)"]))
    assert (limits.seconds, limits.calls) == (7200, 3001)
    assert limits_for(judges_of("truthful")) == TrialLimits()


@pytest.mark.costly
def test_the_same_fault_twice_is_tried_once() -> None:
    """Two candidates may come to the same."""
    assert run_experiment(correct, faults=[hang(), hang()]).counts.tried == 11


# Beyond the depth.


def looks_once(url: str, token: str) -> None:
    """Lists the images with one call, and takes no for an answer."""
    path, headers = "/compute/v1/images?folderId=b1g0000000000000000a", {"Authorization": f"Bearer {token}"}
    with suppress(OSError), urlopen(Request(url + path, headers=headers), timeout=30):  # noqa: S310 - of a double
        return


@pytest.mark.parametrize("faults", ["unavailable()", "operation_lost()"])
def test_no_scenario_is_random_where_too_few_calls_can_be_struck(faults: str) -> None:
    """One call, or none, has no two faults at calls of their own."""
    report = run_experiment(looks_once, verb="cleanup", faults=faults, random=5)
    assert (report.complete, report.counts.random) == (True, 0)


@pytest.mark.costly
def test_scenarios_drawn_at_random_are_shrunk_to_the_shortest_and_mildest() -> None:
    """Though only scenarios of two faults and more were tried, what is found has one, and the mildest."""
    faults = [slow(5), unavailable(), reset(), truncate(), hang()]
    report = run_experiment(duplicates_on_a_lost_answer, faults=faults, depth=0, random=60)
    (finding,) = report.findings
    assert str(finding.scenario) == "unavailable() at call 1 of images.create, after the commit"
    assert report.counts.random >= 30
    again = run_experiment(duplicates_on_a_lost_answer, faults=faults, depth=0, random=60)
    assert everything(report) == everything(again)


# Stopping, and going on.


@pytest.mark.costly
def test_a_budget_that_is_spent_is_told() -> None:
    """What was found by then is found; but all is not well."""
    report = run_experiment(correct, budget=0)
    assert not report.complete
    assert 1 < report.counts.tried < 169
    with pytest.raises(AssertionError, match="give it more, or a file to go on from"):
        report.assert_ok()


@pytest.mark.costly
def test_progress_is_told() -> None:
    """How many of the present wave have been tried, and how many there are."""
    seen: list[tuple[int, int]] = []
    run_experiment(correct, faults=[unavailable()], progress=lambda *each: seen.append(each))
    assert seen == [(1, 1), (10, 10)]


@pytest.mark.costly
def test_a_candidate_may_have_its_fault_as_text() -> None:
    """As text may stand for a fault everywhere else."""
    in_text = Candidate("unavailable()", on="images.create")  # type: ignore[arg-type]  # what is tested
    assert run_experiment(correct, faults=in_text).counts.tried == 1 + 2


@pytest.mark.costly
def test_a_judge_that_raises_is_named_with_its_place_and_the_scenario() -> None:
    """It is a judge of one's own, as ours take every trial."""

    def rash(trial: Trial) -> str:
        return str(trial.calls[100])

    with pytest.raises(
        UsageError, match=r"The judge rash raised IndexError: .* at .*test_experiment.py:\d+, where .*: "
    ):
        run_experiment(correct, depth=0, judges=rash)


# The seed.


@pytest.mark.costly
@pytest.mark.parametrize("options", [{"seed": 3}, {"settings": {"seed": 3}}, {"seed": 3, "settings": {"seed": 4}}])
def test_the_seed_is_that_of_the_settings_unless_it_is_given(options: dict[str, Any]) -> None:
    """The report says which, and so does the test to paste; it does without for the one that every test has."""
    report = run_experiment(duplicates_on_a_lost_answer, faults=[unavailable()], **options)
    assert report.seed == 3
    assert report == run_experiment(duplicates_on_a_lost_answer, faults=[unavailable()], seed=3)
    marker = '@pytest.mark.ycimages(timing=5.0, unknown_fields="ignore", seed=3, name="experiment")'
    assert marker in report.findings[0].test
    (usual,) = run_experiment(duplicates_on_a_lost_answer, faults=[unavailable()]).findings
    assert "seed" not in usual.test


# The report.


@pytest.mark.costly
def test_a_report_says_everything_in_words() -> None:
    """The verdict, what goes wrong, both sides of the story, and the test."""
    report = run_experiment(duplicates_on_a_lost_answer, faults=[unavailable()])
    with pytest.raises(AssertionError) as raised:
        report.assert_ok()
    text = str(raised.value)
    for part in (
        "flawed_clients:duplicates_on_a_lost_answer: 1 finding(s) in 11 scenarios of up to 1 fault(s), seed 0.",
        "1. no_duplicates: The client made 2 images where one was asked for: ",
        "What goes wrong: unavailable() at call 1 of images.create, after the commit.",
        "done all the same",
        "def test_duplicates_on_a_lost_answer_no_duplicates(ycimages_time, ycimages):",
    ):
        assert part in text


@pytest.mark.costly
def test_a_client_that_is_not_the_same_each_time_is_told_so() -> None:
    """It failed in the search, and not when it was repeated."""
    runs: list[str] = []

    def moody(url: str, token: str) -> str:
        runs.append(url)
        if len(runs) == 1:
            raise RuntimeError("not now")
        return correct(url, token)

    (finding,) = run_experiment(moody, depth=0, judges=lambda trial: trial.outcome.error).findings
    assert "the client does not behave the same each time" in finding.explanation
    assert finding.test == ""


@pytest.mark.costly
@pytest.mark.usefixtures("clients_path")
def test_the_fixture_takes_the_settings_of_the_test(project: pytest.Pytester) -> None:
    """The marker's, and the seed of the command line."""
    project.makepyfile(
        """
        import pytest
        from tests.experiment.flawed_clients import correct, success_on_error

        @pytest.mark.ycimages(timing=20)
        def test_right(ycimages_experiment):
            report = ycimages_experiment(correct, faults="unavailable()")
            report.assert_ok()
            assert report.seed == 5
            assert report.baseline.seconds > 20

        def test_flawed(ycimages_experiment):
            ycimages_experiment(success_on_error, faults="operation_fails()").assert_ok()
        """
    )
    result = project.runpytest_inprocess("--ycimages-seed=5")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["E *truthful: The client reported success with image *"])


@pytest.mark.costly
@pytest.mark.usefixtures("clients_path")
@pytest.mark.parametrize(("options", "seed"), [((), 3), (("--ycimages-seed=5",), 5)])
def test_the_seed_is_the_one_that_a_double_of_the_test_would_have(
    options: tuple[str, ...], seed: int, project: pytest.Pytester
) -> None:
    """The command line's, or else the marker's; what the experiment itself is given wins over both."""
    project.makepyfile(
        f"""
        import pytest
        from tests.experiment.flawed_clients import correct

        @pytest.mark.ycimages(seed=3)
        def test_it(ycimages_experiment, ycimages):
            assert ycimages.settings.seed == {seed}
            assert ycimages_experiment(correct, depth=0).seed == {seed}
            assert ycimages_experiment(correct, depth=0, seed=4).seed == 4
            assert ycimages_experiment(correct, depth=0, settings={{"seed": 6}}).seed == 6
        """
    )
    project.runpytest_inprocess(*options).assert_outcomes(passed=1)


@pytest.mark.costly
@pytest.mark.usefixtures("clients_path")
def test_a_test_to_paste_draws_what_the_experiment_drew(project: pytest.Pytester) -> None:
    """Where chance decides how long an operation takes, and so whether the client is too impatient."""
    settings = {"timing": "LogNormal(300, 0.9)"}
    failing = 0
    for seed in range(4):
        report = run_experiment(
            flawed_clients.leaves_an_orphan_on_time_out, depth=0, judges="no_orphans", settings=settings, seed=seed
        )
        for finding in report.findings:
            project.makepyfile(**{f"test_{seed}": finding.test})
            failing += 1
    assert failing == 3  # of four
    project.runpytest_inprocess().assert_outcomes(failed=failing)
