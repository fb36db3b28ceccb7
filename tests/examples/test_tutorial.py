"""The tutorial on experiments says what is so: its clients, what is found of each of them, and its tests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from tests.examples.tutorial import HERE, PAGE, blocks, report_of

if TYPE_CHECKING:
    from tests.examples.tutorial import Block


DEPTH_1: Final = ("no_duplicates", "truthful", "finishes", "no_useless_retry", "polite", "recovers", "no_orphans")
"""The judges that the first client does not satisfy, in the order in which the tutorial deals with them."""


class Step(NamedTuple):
    """A client of the tutorial.

    Attributes:
        client: its file.
        depth: how many faults at once are tried.
        judges: those that are not content with it.
    """

    client: str
    depth: int
    judges: tuple[str, ...]


STEPS: Final = (
    Step("bake_1.py", 1, DEPTH_1),
    Step("bake_2.py", 1, DEPTH_1[1:]),
    Step("bake_3.py", 1, DEPTH_1[2:]),
    Step("bake_4.py", 1, DEPTH_1[3:]),
    Step("bake_5.py", 1, DEPTH_1[4:]),
    Step("bake_6.py", 1, ()),
    Step("bake_6.py", 2, ("no_orphans",)),
    Step("bake_7.py", 2, ()),
)

LONG: Final = (pytest.mark.slow, pytest.mark.timeout(1200))
"""Of a step with two faults at once: a minute on a quiet machine; and of clients that poll for ever."""


def shown(text: str) -> str:
    """What differs between versions of the clients' libraries is nothing that the tutorial is about."""
    return re.sub(r"HTTPConnectionPool\(.*?\)\)\)", "...", text)


@pytest.mark.costly
@pytest.mark.parametrize(
    "step",
    [pytest.param(step, marks=LONG) if step.depth > 1 or step in STEPS[1:3] else step for step in STEPS],
    ids=lambda step: f"{step.client}, depth {step.depth}",
)
def test_each_step_leaves_fewer_judges_that_complain(step: Step) -> None:
    """Exactly those, and the page shows what they say."""
    report = report_of(step.client, step.depth)
    assert report.complete
    assert {finding.judge.partition("(")[0] for finding in report.findings} == set(step.judges)
    for block in blocks():
        if block.experiment == (step.client, step.depth):
            assert shown(block.shown) == shown(block.made())


@pytest.mark.parametrize(
    "block", [each for each in blocks() if each.experiment is None], ids=lambda each: str(each[:2])
)
def test_the_page_shows_the_clients_as_they_are(block: Block) -> None:
    """The whole of them, or what changes from one to the next."""
    assert block.shown == block.made()


def test_all_that_the_page_shows_is_made_or_run() -> None:
    """Its reports come from the experiments above, and every step is on it."""
    found = blocks()
    assert {each.experiment for each in found} - {None} <= {(step.client, step.depth) for step in STEPS}
    assert {word for each in found for word in each.words if word.endswith(".py")} == {step.client for step in STEPS}
    fences = re.findall(r"^```.*?^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert {*fences} - {each.shown for each in found} == set(own_tests())


def test_the_explanation_counts_the_scenarios_of_the_last_step() -> None:
    """Those of one fault, of two, and the one in which nothing goes wrong, as the page's last report has them."""
    (last,) = [each.shown for each in blocks() if each.kind == "head" and each.words == ("bake_7.py", "2")]
    text = (PAGE.parents[1] / "explanation" / "experiments.md").read_text()
    one, two = re.search(r"(\d+) scenarios of one fault and ([\d,]+) of\s+two", text).groups()  # type: ignore[union-attr]  # it is there
    assert f" {1 + int(one) + int(two.replace(',', ''))} scenarios" in last


def own_tests() -> list[str]:
    """The test files that the reader writes himself."""
    return re.findall(r'^```python title="test_bake\.py"\n.*?^```$', PAGE.read_text(), re.DOTALL | re.MULTILINE)


def _code(fenced: str) -> str:
    return fenced.partition("\n")[2].removesuffix("```")


@pytest.mark.slow
@pytest.mark.parametrize(("client", "outcome"), [("bake_5.py", "failed"), ("bake_6.py", "passed")])
def test_the_test_of_the_page_passes_when_nothing_is_found(client: str, outcome: str, project: pytest.Pytester) -> None:
    """As the reader runs it, before two faults at once are tried."""
    first, second = own_tests()
    assert second == first.replace("(bake)", "(bake, depth=2)")
    _written(project, client, _code(first)).assert_outcomes(**{outcome: 1})


@pytest.mark.parametrize(("client", "outcome"), [("bake_1.py", "failed"), ("bake_2.py", "passed")])
def test_the_test_to_paste_fails_until_its_step_is_done(client: str, outcome: str, project: pytest.Pytester) -> None:
    """For the first finding."""
    (pasted,) = [each.shown for each in blocks() if each.kind == "test"]
    _written(project, client, _code(pasted)).assert_outcomes(**{outcome: 1})


def _written(project: pytest.Pytester, client: str, test: str) -> pytest.RunResult:
    project.makepyfile(bake=(HERE / client).read_text(), test_bake=test)
    return project.runpytest_inprocess("-q")
