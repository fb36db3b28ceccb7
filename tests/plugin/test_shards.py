"""Tests of experiments that the workers of pytest-xdist share, and those that are a machine's of a CI matrix."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Final

import pytest

from pytest_ycimages import run_experiment
from pytest_ycimages.plugin.experiments import pytest_configure_node
from tests.experiment.flawed_clients import success_on_error

FAULTS: Final = ("unavailable()", "operation_fails()")
_TEST: Final = f"""
    import pytest
    from tests.experiment.flawed_clients import correct, success_on_error

    @pytest.mark.ycimages_experiment(shards="auto")
    @pytest.mark.parametrize("client", [success_on_error])
    def test_it(ycimages_experiment, client):
        ycimages_experiment(client, faults={FAULTS}).assert_ok()
    """


@pytest.fixture
def experiments(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with a test of an experiment that is to be split, whose workers find the clients."""
    root = str(Path(__file__).parents[2])
    monkeypatch.syspath_prepend(root)
    monkeypatch.setenv("PYTHONPATH", root)
    project.makepyfile(_TEST)
    return project


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        ("-d", "--tx", "2*popen"),
        ("-n2",),
        ("-n2", "--dist=loadscope"),
        ("-n2", "--dist=loadgroup"),
        ("-n2", "--dist=worksteal"),
        ("-n3", "--reruns=1", "-p", "rerunfailures"),
    ],
    ids=" ".join,
)
def test_workers_share_an_experiment(options: tuple[str, ...], experiments: pytest.Pytester) -> None:
    """And the controller shows the report of one run."""
    result = experiments.runpytest_subprocess(*options, "-v")
    count = 3 if "-n3" in options else 2
    for number in range(1, count + 1):
        result.stdout.fnmatch_lines([f"*test_it*shard{number}of{count}*"])
    report = str(run_experiment(success_on_error, faults=FAULTS))
    title, _, rest = result.stdout.str().partition("ycimages: experiments of ")[2].partition("\n")
    assert title.startswith("test_workers_share_an_experiment.py::test_it[success_on_error] ")
    assert rest.startswith(f"{report}\n")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.stdout.str().count("A test that fails for this reason, ready to be pasted:") == 1


@pytest.mark.costly
@pytest.mark.parametrize("options", [(), ("-n0",), ("-p", "no:xdist")], ids=" ".join)
def test_without_workers_there_is_one_test(options: tuple[str, ...], experiments: pytest.Pytester) -> None:
    """It shows its own report."""
    if options[-1:] == ("no:xdist",):
        experiments.plugins = []
    result = experiments.runpytest_inprocess(*options, "-v")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*::test_it[[]success_on_error[]] FAILED*", "E *truthful: *"])
    assert "ycimages: experiments of" not in result.stdout.str()


@pytest.mark.slow
def test_each_worker_has_all_of_it_if_each_runs_every_test(experiments: pytest.Pytester) -> None:
    """As `--dist=each` compares machines."""
    result = experiments.runpytest_subprocess("--dist=each", "--tx", "2*popen")
    result.assert_outcomes(failed=2)
    assert "shard1of2" not in result.stdout.str()


@pytest.mark.slow
def test_shards_that_did_not_run_are_told(experiments: pytest.Pytester) -> None:
    """As one that was deselected."""
    result = experiments.runpytest_subprocess("-n2", "-k", "shard1of2")
    result.stdout.fnmatch_lines(
        ["1 of 2 shards have not come to their end, or were not selected: the whole has no report."]
    )


@pytest.mark.slow
def test_shards_that_make_no_report_fail_the_run(experiments: pytest.Pytester) -> None:
    """Though each of them has passed: the client is another one on each worker."""
    experiments.makepyfile(
        """
        import os
        import pytest
        from tests.experiment.flawed_clients import correct

        def client(url, token):
            for _ in range(1 + (os.environ["PYTEST_XDIST_WORKER"] == "gw1")):
                image = correct(url, token)
            return image

        @pytest.mark.ycimages_experiment(shards=2)
        def test_it(ycimages_experiment):
            ycimages_experiment(client, faults=["unavailable()"], judges=lambda trial: None)
        """
    )
    result = experiments.runpytest_subprocess("-n2")
    result.assert_outcomes(passed=2)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*the client did not behave the same in both.*"])


# The same in one process, which is told that it is one of two: where their tests run is a matter of pytest-xdist.

_TWO_WORKERS: Final = """
    import pytest

    @pytest.hookimpl(trylast=True)
    def pytest_configure(config):
        config.workerinput = {"ycimages_workers": 2}
    """


@pytest.fixture
def split(experiments: pytest.Pytester) -> pytest.Pytester:
    """A project whose marked tests are split among two, and run in one process."""
    experiments.makeconftest(_TWO_WORKERS)
    experiments.plugins = []
    return experiments


def _run(project: pytest.Pytester, *options: str) -> pytest.RunResult:
    return project.runpytest_inprocess("-p", "no:xdist", "-v", *options)


@pytest.mark.costly
def test_the_shards_of_a_test_make_one_report(split: pytest.Pytester) -> None:
    """That of a run that is not split, for the test by its own name."""
    result = _run(split)
    result.assert_outcomes(passed=1, failed=1)  # one of them has the finding
    for number in (1, 2):
        result.stdout.fnmatch_lines([f"*test_it*shard{number}of2*"])
    title, _, rest = result.stdout.str().partition("ycimages: experiments of ")[2].partition("\n")
    assert title.startswith("test_the_shards_of_a_test_make_one_report.py::test_it[success_on_error] ")
    assert rest.startswith(f"{run_experiment(success_on_error, faults=FAULTS)}\n")


@pytest.mark.costly
def test_a_shard_that_did_not_run_is_told(split: pytest.Pytester) -> None:
    """The others alone make no report."""
    result = _run(split, "-k", "shard1of2")
    result.assert_outcomes(failed=1, deselected=1)
    result.stdout.fnmatch_lines(["1 of 2 shards have not come to their end, or were not selected: the whole has no *"])


_TWO_CLIENTS: Final = """
    import pytest
    from tests.experiment.flawed_clients import correct

    TESTS = []

    def client(url, token):
        for _ in TESTS:
            image = correct(url, token)
        return image

    @pytest.mark.ycimages_experiment(shards=2)
    def test_it(ycimages_experiment):
        TESTS.append(1)
        ycimages_experiment(client, faults=["unavailable()"], judges=lambda trial: None, workers="auto")
    """


@pytest.mark.costly
@pytest.mark.parametrize(("options", "ends"), [((), 1), (("--ycimages-shard=1/2", "--ycimages-report-dir=kept"), 0)])
def test_shards_of_two_clients_fail_the_run_that_has_all(
    options: tuple[str, ...], ends: int, split: pytest.Pytester
) -> None:
    """A run that is a shard itself leaves it to those who merge."""
    split.makepyfile(_TWO_CLIENTS)
    result = _run(split, *options)
    result.assert_outcomes(passed=2)
    assert (result.ret, "the client did not behave the same in both." in result.stdout.str()) == (ends, bool(ends))
    files = sorted(file.name.rpartition(".shard-")[2] for file in (split.path / "kept").glob("*.shard-*.json"))
    assert files == ([] if ends else ["1-of-4.json", "3-of-4.json"])


@pytest.mark.parametrize(("marker", "count"), [("", 1), ("shards=1", 1), ("shards=3", 3), ("shards='auto'", 2)])
def test_a_marked_test_is_split_as_asked(marker: str, count: int, split: pytest.Pytester) -> None:
    """Into as many as there are workers, by default; a test without the marker is not."""
    mark = f"@pytest.mark.ycimages_experiment({marker})" if marker else ""
    split.makepyfile(f"import pytest\n{mark}\ndef test_it(ycimages_experiment): pass")
    result = _run(split)
    result.assert_outcomes(passed=count)
    assert result.stdout.str().count(f"of{count}] PASSED") == (count if count > 1 else 0)


@pytest.mark.parametrize(("distributes", "workers"), [("load", 4), ("worksteal", 4), ("each", 1), ("no", 1)])
def test_a_worker_is_told_among_how_many_tests_are_distributed(distributes: str, workers: int) -> None:
    """`each` lets every worker run every test."""
    node = SimpleNamespace(
        config=SimpleNamespace(option=SimpleNamespace(dist=distributes)), workerinput={"workercount": 4}
    )
    pytest_configure_node(node)
    assert node.workerinput["ycimages_workers"] == workers


@pytest.mark.parametrize(
    ("marker", "words"),
    [
        ("ycimages_experiment(shards=0)", "invalid shards=0: expected 'auto', or a whole number such as 4."),
        ("ycimages_experiment(shards='many')", "invalid shards='many'"),
        ("ycimages_experiment(shards=True)", "invalid shards=True"),
        ("ycimages_experiment(4)", "it takes shards= and nothing else"),
        ("ycimages_experiment(shard=4)", "it takes shards= and nothing else"),
        (
            "ycimages_experiments(shards=4)",
            "'ycimages_experiments'. Did you mean 'ycimages_experiment'?",
        ),
    ],
)
def test_a_wrong_marker_is_an_error_of_collection(marker: str, words: str, project: pytest.Pytester) -> None:
    """With what is expected."""
    project.makepyfile(f"import pytest\n@pytest.mark.{marker}\ndef test_it(ycimages_experiment): pass")
    result = project.runpytest_inprocess("--collect-only")
    result.assert_outcomes(errors=1)
    assert words in result.stdout.str()


@pytest.mark.parametrize("shard", ["9/8", "0/8", "a/b", ""])
def test_a_wrong_shard_is_an_error_of_usage(shard: str, project: pytest.Pytester) -> None:
    """Before a test runs."""
    result = project.runpytest_inprocess(f"--ycimages-shard={shard}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*--ycimages-shard: invalid shard '{shard}': expected *"])
