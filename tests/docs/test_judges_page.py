"""The page of the judges has all of them in the order in which they judge, and says what their docstrings do."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

import pytest_ycimages
from pytest_ycimages.experiment.judges.judge import DEFAULT_JUDGES, name_of

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE: Final = Path(__file__).parents[2] / "docs" / "reference" / "judges.md"
SECTION: Final = re.compile(r"^## `(\w+)(\(.*?\))?`\n\n(.*?)\n\n", re.DOTALL | re.MULTILINE)


def function_of(name: str) -> Callable[..., object]:
    """The public function of a judge, or that makes it."""
    function: Callable[..., object] = getattr(pytest_ycimages, name)
    return function


def test_the_page_has_all_judges_the_gravest_first() -> None:
    """As they are asked."""
    names = [name for name, _, _ in SECTION.findall(PAGE.read_text())]
    assert names == [name_of(judge).partition("(")[0] for judge in DEFAULT_JUDGES]


@pytest.mark.parametrize(("name", "arguments", "text"), SECTION.findall(PAGE.read_text()))
def test_a_section_says_what_the_docstring_does(name: str, arguments: str, text: str) -> None:
    """What it asks for, and its limits unless others are given."""
    function = function_of(name)
    assert " ".join(text.split()) == " ".join((inspect.getdoc(function) or "").partition("\n\n")[0].split())
    parameters = inspect.signature(function).parameters.values()
    limits = ", ".join(f"{each.name}={each.default:g}" for each in parameters if each.default is not each.empty)
    assert arguments == (f"({limits})" if limits else "")
