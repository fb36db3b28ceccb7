"""The page of errors: each text on it is printed for the mistake that it explains."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from tests.docs.mistakes import MISTAKES

PAGE: Final = Path(__file__).parents[2] / "docs" / "how-to" / "troubleshoot.md"
ENTRIES: Final[dict[str, str]] = dict(
    re.findall(r"^## ([^\n]+)\n\n```text\n(.*?)\n```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
)
"""The headings of the page, and the text below each."""


def test_the_page_has_an_entry_for_each_mistake() -> None:
    """In the same order."""
    assert list(ENTRIES) == list(MISTAKES)


@pytest.mark.costly
@pytest.mark.parametrize("name", MISTAKES)
def test_an_error_has_the_text_that_the_page_shows(
    name: str, project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Line by line; what differs from case to case is an ellipsis on the page."""
    mistake = MISTAKES[name]
    for variable in ("YC_TOKEN", "YC_FOLDER_ID"):
        monkeypatch.delenv(variable, raising=False)
    if "no:ycimages" in mistake.options:
        monkeypatch.delenv("PYTEST_ADDOPTS")
    project.makepyfile(test_it=mistake.code)
    project.makefile(".ini", pytest=f"[pytest]\n{mistake.ini}\n")
    result = project.runpytest_inprocess("--tb=short", *mistake.options)
    printed = " ".join(f"{result.stdout}\n{result.stderr}".split())
    for line in ENTRIES[name].splitlines():
        pattern = ".*".join(map(re.escape, " ".join(line.split()).split("…")))
        assert re.search(pattern, printed), line
