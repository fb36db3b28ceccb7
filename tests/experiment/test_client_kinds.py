"""Clients of each kind: functions, classes, context managers, generators, sync and async, and what they ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_ycimages import Command, Double, UsageError, VirtualTime, assert_survives, run_experiment, unavailable

from . import client_kinds
from .client_kinds import KINDS
from .flawed_clients import Baker, correct

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_ycimages import Report

FAULT: Any = "unavailable(), on='images.create', commit='after'"


def tried(client: Any, **options: Any) -> Report:
    """The report on a client that is to meet a lost answer."""
    return run_experiment(client, faults=FAULT, **options)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_client_is_tried_alike(kind: str, ycimages_time: VirtualTime, ycimages: Double) -> None:
    """What it returns is the id, and it is made anew for each trial."""
    assert ycimages_time.elapsed == 0
    first = assert_survives(KINDS[kind], ycimages)
    second = assert_survives(KINDS[kind], ycimages, "truthful")
    assert first.outcome.image_id != second.outcome.image_id
    assert {image.id for image in ycimages.images.values()} == {first.outcome.image_id, second.outcome.image_id}


@pytest.mark.costly
@pytest.mark.parametrize("kind", ["Managed", "AsyncManaged", "yields", "generates", "by_names", "a partial"])
def test_the_search_is_that_of_a_function(kind: str) -> None:
    """With the same counts, and no finding."""
    report, expected = tried(KINDS[kind]), tried(correct)
    report.assert_ok()
    assert report.counts == expected.counts
    assert report.baseline.succeeded


@pytest.mark.costly
def test_what_a_class_does_as_it_leaves_is_judged() -> None:
    """A clean-up there counts, and so does one that is missing or fails."""
    causes = {
        name: [each.cause for each in run_experiment(getattr(client_kinds, name), depth=0, judges=judges).findings]
        for name, judges in (
            ("CancelsOnExit", ["no_orphans", "cancels"]),
            ("LeavesOnExit", ["no_orphans"]),
            ("FailsOnExit", ["no_orphans"]),
            ("HidesErrors", ["truthful"]),
        )
    }
    assert causes == {
        "CancelsOnExit": [],
        "LeavesOnExit": ["failed and left an image that it knew of"],
        "FailsOnExit": ["failed and left an image that it knew of"],
        "HidesErrors": ["reported success before the image was READY"],
    }


@pytest.mark.costly
def test_a_class_is_in_the_test_to_paste() -> None:
    """By its name."""
    (finding,) = run_experiment(client_kinds.LeavesOnExit, depth=0, judges="no_orphans").findings
    assert "from tests.experiment.client_kinds import LeavesOnExit\n" in finding.test
    assert "assert_survives(LeavesOnExit, ycimages, no_orphans)" in finding.test


class _NotCalled:
    def bake(self) -> str:
        return ""


@pytest.mark.parametrize(
    ("client", "text"),
    [
        (_NotCalled, "a class whose objects cannot be called. Give it a method __call__"),
        (_NotCalled.bake, "cannot be called with a URL and a token"),
        (lambda: "", "cannot be called with a URL and a token"),
        (lambda url, token, more: (url, token, more), "missing a required argument: 'more'. It asks for 'more'"),
        (lambda root_certificate, ycimages: (root_certificate, ycimages), "'root_certificate' ('root_certificates'?)"),
        (lambda ycimages, tmp_path: (ycimages, tmp_path), "fixtures in `ycimages_experiment` alone"),
        (5, "invalid client 5"),
    ],
)
def test_a_client_that_cannot_be_called_is_refused(client: Any, text: str) -> None:
    """With what it may ask for."""
    with pytest.raises(UsageError) as error:
        run_experiment(client, depth=0)
    assert text in str(error.value)


def test_a_command_is_no_client_of_one_trial(ycimages_time: VirtualTime, ycimages: Double) -> None:
    """It has real time."""
    assert ycimages_time.elapsed == 0
    with pytest.raises(UsageError, match="invalid client Command"):
        assert_survives(Command("true"), ycimages)  # type: ignore[arg-type]  # what is tested


@pytest.mark.costly
def test_a_setup_that_fails_is_named() -> None:
    """With what it raised."""

    def setup(double: Double) -> None:
        double.add_image(nam="base")

    with pytest.raises(
        UsageError, match=r"The setup .*setup raised UsageError: .*nam.* called with the double of each trial"
    ):
        run_experiment(correct, setup=setup, faults=[unavailable()])


@pytest.mark.costly
def test_a_setup_that_exits_does_not_end_the_run() -> None:
    """As a script that is called there may do."""

    def setup(_: Double) -> None:
        raise SystemExit(2)

    with pytest.raises(UsageError, match="raised SystemExit: 2"):
        run_experiment(correct, setup=setup, depth=0)


@pytest.mark.costly
def test_a_generator_without_an_end_is_left() -> None:
    """After so many ids."""

    def endless(url: str, token: str) -> Iterator[str]:
        while True:
            yield url + token

    trial = run_experiment(endless, depth=0, judges="finishes").baseline
    assert trial.outcome.ending == "returned"


@pytest.mark.costly
def test_a_client_that_keeps_a_connection_to_its_first_double_is_told_so() -> None:
    """Else no fault would strike, and nothing would be found."""
    bakers: list[Baker] = []

    def keeps(url: str, token: str) -> str:
        if not bakers:
            bakers.append(Baker(url, token))
        bakers[0].key = bakers[0].new_key()
        return bakers[0].bake()

    with pytest.raises(UsageError, match="called the double of its first trial, and not those of later ones"):
        run_experiment(keeps, faults=[unavailable()])


@pytest.mark.costly
def test_a_report_of_megabytes_is_cut() -> None:
    """Before its text is looked through."""

    def talks(url: str, token: str) -> str:
        correct(url, token)
        return "x" * 3_000_000

    def cries(url: str, token: str) -> str:
        correct(url, token)
        raise ValueError("x" * 3_000_000)

    for client in (talks, cries):
        outcome = run_experiment(client, depth=0, judges="finishes").baseline.outcome
        assert len(outcome.image_id or outcome.error) < 10_100


# Fixtures.


@pytest.mark.costly
@pytest.mark.usefixtures("clients_path")
def test_a_client_may_ask_for_fixtures_anew_for_each_trial(project: pytest.Pytester) -> None:
    """With the double of the trial; those of a wider scope exist once."""
    project.makepyfile(
        """
        import pytest
        from tests.experiment.flawed_clients import Baker

        made = {"baker": 0, "ended": 0, "wide": 0, "finalized": 0}

        @pytest.fixture(scope="module")
        def wide():
            made["wide"] += 1
            return []

        @pytest.fixture
        def baker(ycimages, request):
            made["baker"] += 1
            request.addfinalizer(lambda: made.update(finalized=made["finalized"] + 1))
            assert request.getfixturevalue("ycimages") is ycimages
            yield Baker(ycimages.url, ycimages.token)
            made["ended"] += 1

        @pytest.fixture
        def name(name_of_module):
            return name_of_module

        class Test:
            @pytest.fixture
            def name_of_module(self, tmp_path):
                assert isinstance(self, Test)
                return tmp_path

            @pytest.fixture
            def tmp_path(self, tmp_path):
                (tmp_path / "new").mkdir()  # fails if it is not a fresh one
                return tmp_path

            def test_it(self, ycimages_experiment):
                def bake(baker, wide, name, monkeypatch, folder_id):
                    wide.append(name)
                    monkeypatch.setenv("IN_A_TRIAL", folder_id)
                    return baker.bake()

                report = ycimages_experiment(bake, faults="unavailable(), on='images.create'")
                report.assert_ok()
                trials = report.counts.tried + 1  # the baseline is repeated for the report
                assert made == {"baker": trials, "ended": trials, "wide": 1, "finalized": trials}
        """
    )
    project.runpytest_inprocess("-q").assert_outcomes(passed=1)


@pytest.mark.costly
@pytest.mark.usefixtures("clients_path")
def test_fixtures_are_for_one_process(project: pytest.Pytester) -> None:
    """A client that asks for none is tried in several, and one that does is refused."""
    project.makepyfile(
        """
        import pytest
        from pytest_ycimages import UsageError
        from tests.experiment.client_kinds import by_names
        from tests.experiment.flawed_clients import correct

        def asks(ycimages, tmp_path):
            pass

        @pytest.mark.parametrize("client", [correct, by_names])
        def test_several(client, ycimages_experiment):
            ycimages_experiment(client, depth=0, workers=2).assert_ok()

        def test_one(ycimages_experiment):
            with pytest.raises(UsageError, match="asks for the fixtures tmp_path, which exist in this process alone"):
                ycimages_experiment(asks, depth=0, workers=2)
        """
    )
    project.runpytest_inprocess("-q").assert_outcomes(passed=3)


@pytest.mark.costly
@pytest.mark.usefixtures("clients_path")
def test_a_test_to_paste_asks_for_the_fixtures(project: pytest.Pytester) -> None:
    """It fails as the trial did."""
    project.makepyfile(
        bakery="""
        def bake(baker, tmp_path):
            assert tmp_path.is_dir()
            return baker.bake()
        """
    )
    project.makeconftest(
        """
        import pytest
        from tests.experiment.flawed_clients import _NoKey

        @pytest.fixture
        def baker(ycimages):
            return _NoKey(ycimages.url, ycimages.token)
        """
    )
    project.makepyfile(
        test_it="""
        from pathlib import Path
        from bakery import bake

        def test_it(ycimages_experiment):
            (finding,) = ycimages_experiment(bake, faults="unavailable(), on='images.create'").findings
            Path("test_pasted.py").write_text(finding.test)
        """
    )
    project.runpytest_inprocess("-q", "test_it.py").assert_outcomes(passed=1)
    text = (project.path / "test_pasted.py").read_text()
    assert "def test_bake_no_duplicates(ycimages_time, ycimages, baker, tmp_path):" in text
    assert "assert_survives(partial(bake, baker=baker, tmp_path=tmp_path), ycimages, no_duplicates)" in text
    result = project.runpytest_inprocess("-q", "test_pasted.py")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E *no_duplicates: *"])


@pytest.mark.parametrize(
    ("fixture", "text"),
    [
        ("ycimages_time", "Ask for `ycimages`, the double of the trial"),
        ("ycimages_factory", "Ask for `ycimages`, the double of the trial"),
        ("slow", "'slow' cannot be an argument of a client under experiment: it is async"),
        ("many", "it is parametrized"),
        ("outer", "The fixture 'slow' cannot be an argument"),
        ("mising", "cannot be called with a URL and a token"),
    ],
)
def test_a_fixture_that_cannot_be_made_for_each_trial_is_refused(
    fixture: str, text: str, project: pytest.Pytester
) -> None:
    """Before anything is tried; also one that another one asks for."""
    project.makepyfile(
        f"""
        import pytest

        @pytest.fixture
        async def slow(): return 1

        @pytest.fixture(params=[1, 2])
        def many(request): return request.param

        @pytest.fixture
        def outer(slow): return slow

        def test_it(ycimages_experiment):
            ycimages_experiment(lambda ycimages, {fixture}: None, depth=0)
        """
    )
    result = project.runpytest_inprocess("-q")
    result.assert_outcomes(failed=1)
    assert text in result.stdout.str()


@pytest.mark.costly
@pytest.mark.usefixtures("clients_path")
def test_an_unmodified_program_is_intercepted_in_each_trial(project: pytest.Pytester) -> None:
    """By the trial's own double."""
    project.makepyfile(
        """
        import json, urllib.request

        def bake(ycimages_intercept, token, folder_id):
            body = json.dumps({"folderId": folder_id, "diskId": "epd0000000000000000a"}).encode()
            url = "https://compute.api.cloud.yandex.net/compute/v1/images"
            request = urllib.request.Request(url, body, {"Authorization": "Bearer " + token})
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)["metadata"]["imageId"]

        def test_it(ycimages_experiment):
            report = ycimages_experiment(bake, depth=0, settings={"timing": "Immediate()"})
            report.assert_ok()
        """
    )
    project.runpytest_inprocess("-q").assert_outcomes(passed=1)
