"""Experiments on clients that delete, update, or create several images: which judges are asked, and what they find."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest
from click.testing import CliRunner

from pytest_ycimages import (
    Candidate,
    Double,
    UsageError,
    assert_survives,
    deletes_images,
    keeps_images,
    nth,
    operation_fails,
    run_experiment,
    unavailable,
)
from pytest_ycimages.cli.commands import ycimages as command
from pytest_ycimages.experiment.judges import JUDGES_OF, REGISTERED, name_of
from pytest_ycimages.experiment.trial import VERBS
from tests.experiment import cleaning_clients
from tests.experiment.cleaning_clients import KEPT, four_images

if TYPE_CHECKING:
    from pytest_ycimages.experiment.trial import Verb

FEW: Final = (Candidate(unavailable(), on="images.[cdu]*"), Candidate(operation_fails()))
"""Faults of the calls that start operations."""
WITHOUT_FAULT: Final = "nothing goes wrong"
KEEPS: Final = f"keeps_images({KEPT!r})"


class Flaw(NamedTuple):
    """A client, what it is for, and what is found of it by which judge."""

    client: str
    verb: Verb
    judge: str
    scenario: str
    cause: str


FLAWS: Final = (
    Flaw("deletes_the_newest", "cleanup", f"keeps_images({KEPT!r})", WITHOUT_FAULT, "deleted what it should keep"),
    Flaw(
        "counts_deletions",
        "cleanup",
        KEEPS,
        "unavailable() at call 1 of images.delete, after the commit",
        "deleted what it should keep",
    ),
    Flaw(
        "ignores_errors",
        "delete",
        "deletes_images()",
        "operation_fails(code='INTERNAL') at call 1 of images.delete",
        "kept what it should delete",
    ),
    Flaw(
        "forgets_the_oldest",
        "cleanup",
        "deletes_images('base-1', 'base-2')",
        WITHOUT_FAULT,
        "kept what it should delete",
    ),
    Flaw("deletes_until_gone", "delete", "deletes_once", WITHOUT_FAULT, "deleted twice"),
    Flaw(
        "labels_carelessly",
        "update",
        "no_lost_updates",
        "operation_fails(code='INTERNAL') at call 1 of images.update",
        "reported success though an update failed",
    ),
    Flaw(
        "bakes_three_with_many_keys",
        "create_many",
        "no_duplicates",
        "unavailable() at call 1 of images.create, after the commit",
        "created again after images.create",
    ),
    Flaw(
        "bakes_three_in_a_hurry",
        "create_many",
        "truthful",
        WITHOUT_FAULT,
        "reported success before the image was READY",
    ),
)


def experiment(client: str, verb: Verb, **options: Any) -> Any:
    """The report on a client of the module, with four images that exist, but for those that create their own."""
    setup = four_images if verb in {"delete", "cleanup"} else None
    options = {"faults": FEW, **options}
    return run_experiment(getattr(cleaning_clients, client), verb=verb, setup=setup, **options)


@pytest.mark.costly
@pytest.mark.parametrize("flaw", FLAWS, ids=lambda flaw: flaw.client)
def test_a_flaw_is_found_alone_and_its_test_fails_as_well(
    flaw: Flaw, project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its judge, among those of the verb, in the shortest scenario; the test to paste shows the same."""
    named = [name_of(each) for each in JUDGES_OF[flaw.verb]]
    judges = [flaw.judge, *(each for each in named if each.partition("(")[0] != flaw.judge.partition("(")[0])]
    report = experiment(flaw.client, flaw.verb, judges=judges)
    finding = next(each for each in report.findings if each.judge == flaw.judge)
    assert (str(finding.scenario), finding.cause) == (flaw.scenario, flaw.cause)
    if flaw.scenario == WITHOUT_FAULT:
        assert len(report.findings) == 1

    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))
    project.makepyfile(test_pasted=finding.test)
    result = project.runpytest_inprocess("-q")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"E *{flaw.judge}: *"])


RIGHT: Final = pytest.mark.parametrize(
    ("client", "verb", "judges"),
    [
        ("cleans", "cleanup", [keeps_images(KEPT), deletes_images("base-1", "base-2", "base-3")]),
        ("cleans_silently", "delete", [keeps_images(KEPT), deletes_images("base-1", "base-2", "base-3")]),
        ("labels_carefully", "update", []),
        ("bakes_three", "create_many", []),
    ],
)


@pytest.mark.costly
@RIGHT
def test_a_client_without_a_flaw_has_no_finding(client: str, verb: Verb, judges: list[Any]) -> None:
    """With all judges of its verb, and those that know what it should do."""
    experiment(client, verb, judges=[*judges, *JUDGES_OF[verb]]).assert_ok()


@pytest.mark.slow
@RIGHT
def test_a_client_without_a_flaw_has_no_grave_finding_with_any_default_fault(
    client: str, verb: Verb, judges: list[Any]
) -> None:
    """With all judges but those of clients that give up, which these do without a cancel."""
    several = [each for each in JUDGES_OF[verb] if name_of(each) not in {"cancels", "recovers"}]
    experiment(client, verb, faults=None, judges=[*judges, *several]).assert_ok()


@pytest.mark.costly
def test_the_images_that_exist_are_those_of_the_setup() -> None:
    """In each trial the same, with the same ids; the client returns those that it has deleted."""
    report = experiment("cleans", "cleanup", judges=[keeps_images(KEPT)])
    trial = report.baseline.run
    assert [image.name for image in trial.before] == ["base-1", "base-2", "base-3", "base-4"]
    assert [image.name for image in trial.images] == [KEPT]
    assert trial.outcome.image_ids == tuple(image.id for image in trial.before[:3])
    assert (trial.verb, trial.succeeded) == ("cleanup", True)


def test_a_deletion_that_failed_is_no_deletion_and_may_be_repeated(ycimages_time: object, ycimages: Double) -> None:  # noqa: ARG001 - turns virtual time on
    """Of an image that is to be kept, too."""
    ycimages.add_image(name="base-1", folder_id="b1g0000000000000000a", age="1d")
    ycimages.add_image(name="base-2", folder_id="b1g0000000000000000a")
    ycimages.inject(operation_fails(), on="images.delete", when=nth(1))
    judges = (keeps_images("base-1"), "deletes_once")
    assert assert_survives(cleaning_clients.cleans, ycimages, *judges, verb="cleanup").failed


def test_each_verb_has_its_judges() -> None:
    """Every verb has those of time and politeness."""
    assert {verb: [name_of(each) for each in judges] for verb, judges in JUDGES_OF.items() if verb != "create"} == {
        "create_many": _with("no_duplicates", "truthful"),
        "update": _with("no_duplicates", "no_lost_updates"),
        "delete": _with("no_duplicates", "deletes_images()", once=True),
        "cleanup": _with("no_duplicates", "deletes_images()", once=True),
    }


@pytest.mark.parametrize(
    ("verb", "judge"), [(verb, name) for name, each in REGISTERED.items() for verb in VERBS if verb not in each.verbs]
)
def test_a_judge_of_other_verbs_is_refused(verb: Verb, judge: str) -> None:
    """By name, as a function and among others; the text says which verbs it judges, and which judges there are."""
    function = REGISTERED[judge].function
    for value in (judge, function, ["finishes", function]):
        with pytest.raises(UsageError, match=rf"The judge {judge}.* is for clients that .* verb='{verb}'.*finishes"):
            run_experiment(cleaning_clients.cleans, verb=verb, judges=value)


@pytest.mark.costly
def test_the_help_says_which_verbs_each_judge_judges() -> None:
    """And the report that is printed does so for those that were asked."""
    text = CliRunner().invoke(command, ["experiment", "--help"]).output
    assert "truthful: create, create_many" in text
    assert "keeps_images(image, *images): every verb" in text
    client = "tests.experiment.cleaning_clients:cleans"
    words = ["experiment", client, "--depth=0", "--verb=delete", "--judge=deletes_once", "--judge=polite"]
    printed = CliRunner().invoke(command, words).output
    assert ", seed 0, verb delete, over REST" in printed
    assert "Judges: deletes_once (delete, cleanup), polite (every verb)" in printed


def _with(*own: str, once: bool = False) -> list[str]:
    again = ["deletes_once"] if once else []
    waits = ["finishes(within=3600)", "bounded(calls=500)"]
    return [*waits, *own, "cancels", *again, "no_useless_retry", "polite", "recovers"]


@pytest.mark.slow
def test_the_search_is_the_same_with_several_processes() -> None:
    """The setup is imported there like the client."""
    alone, shared = (experiment("counts_deletions", "cleanup", judges=[keeps_images(KEPT)], workers=n) for n in (1, 2))
    assert alone.findings == shared.findings


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"verb": "clean"}, "Unknown verb 'clean'. Did you mean"),
        ({"setup": "four_images"}, "invalid setup 'four_images': expected a function setup"),
        ({"setup": lambda: None}, "expected a function setup.double. that adds what exists"),
        ({"judges": "keeps_images()"}, "invalid judge 'keeps_images()'"),
        ({"judges": "keeps_images('')"}, "expected the name or the id of an image"),
        ({"judges": "deletes_images(5)"}, "expected the name or the id of an image"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], text: str) -> None:
    """With what is expected."""
    with pytest.raises(UsageError) as error:
        run_experiment(cleaning_clients.cleans, faults=FEW, **options)
    assert text.replace(".double.", "(double)") in str(error.value)


@pytest.mark.costly
def test_the_command_takes_verb_and_setup() -> None:
    """And prints the test to paste with both."""
    words = ["experiment", "tests.experiment.cleaning_clients:counts_deletions", "--verb", "cleanup"]
    words += ["--setup", "tests.experiment.cleaning_clients:four_images", "--judge", f"keeps_images('{KEPT}')"]
    result = CliRunner().invoke(command, [*words, "--fault", "unavailable()"], env={"COLUMNS": "200"})
    assert result.exit_code == 1, result.output
    assert "deleted image" in result.output
    assert "    four_images(ycimages)\n" in result.output
    assert f"assert_survives(counts_deletions, ycimages, keeps_images('{KEPT}'), verb=\"cleanup\")" in result.output
