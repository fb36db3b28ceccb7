"""The page of the judges has all of them in the order in which they judge, and repeats their docstrings."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Final

import pytest

import pytest_ycimages
from pytest_ycimages.experiment.judges import OPTIONAL_JUDGES, REGISTERED
from pytest_ycimages.experiment.trial import VERBS

PAGE: Final = Path(__file__).parents[2] / "docs" / "reference" / "judges.md"
SECTION: Final = re.compile(r"^## `(\w+)(\(.*?\))?`\n\n(.*?)\n\n", re.DOTALL | re.MULTILINE)


SECTIONS: Final = SECTION.findall(PAGE.read_text())


def test_the_page_has_the_default_judges_the_gravest_first_and_then_the_optional_ones() -> None:
    """In the order in which they are asked."""
    ranks = {name: each.rank for name, each in REGISTERED.items() if each.rank is not None}
    names = sorted(ranks, key=ranks.__getitem__)
    expected = [*names, *OPTIONAL_JUDGES]
    missing = [
        f"## `{name}{REGISTERED[name].parameters}`" for name in expected if name not in dict.fromkeys(names_of())
    ]
    assert names_of() == expected, f"edit {PAGE}: add {missing}" if missing else f"edit {PAGE}: order as {expected}"


@pytest.mark.parametrize("name", sorted(REGISTERED))
def test_a_section_says_which_verbs_the_judge_judges(name: str) -> None:
    """In a sentence of its own, after the first paragraph."""
    section = PAGE.read_text().partition(f"## `{name}")[2].partition("\n## ")[0]
    (said,) = re.findall(r"^It judges clients with (?:the verbs? )?(.*)\.$", section, re.MULTILINE)
    verbs = REGISTERED[name].verbs
    assert set(re.findall(r"`(\w+)`", said)) == (set() if verbs == VERBS else set(verbs))
    assert (said == "every verb") is (verbs == VERBS)


def names_of() -> list[str]:
    """The judges of the page."""
    return [name for name, _, _ in SECTIONS]


def test_every_judge_is_public_and_no_other_name_of_these_modules_is() -> None:
    """The table of public names and the registry of judges have the same ones, by the module that defines them."""
    public = {name: home for name, home in vars(pytest_ycimages)["_HOME"].items() if home.startswith("experiment.judg")}
    registered = {name: each.function.__module__.removeprefix("pytest_ycimages.") for name, each in REGISTERED.items()}
    edit = f"edit {Path(pytest_ycimages.__file__)} and the stub beside it"
    assert public == registered, f"{edit}: the judges are {registered}"


@pytest.mark.parametrize(("name", "arguments", "text"), SECTIONS)
def test_a_section_repeats_the_docstring_and_the_limits(name: str, arguments: str, text: str) -> None:
    """What the judge asks for, and its limits unless others are given."""
    function = REGISTERED[name].function
    said = " ".join((inspect.getdoc(function) or "").partition("\n\n")[0].split()).removeprefix("Require that ")
    assert " ".join(text.split()) == said[0].upper() + said[1:]
    assert arguments == REGISTERED[name].parameters
