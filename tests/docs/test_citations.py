"""Every source that the table of behaviours cites is on the page that it names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from pytest_ycimages.fidelity import Behaviour, Gap, read_table

REFERENCE: Final = Path(__file__).parents[2] / "docs" / "reference"
FACTS: Final = (REFERENCE / "api-facts.md").read_text(encoding="utf-8")
SPECIFICATION: Final = (REFERENCE / "images-create.md").read_text(encoding="utf-8")

SECTIONS: Final = frozenset(re.findall(r"^###? (\d+(?:\.\d+)?)\.? ", FACTS, re.MULTILINE))
"""The sections of the facts, such as `2` and `2.1`."""
ITEMS: Final = frozenset(re.findall(r"^(\d+)\. ", FACTS.partition("\n## 7. ")[2].partition("\n## ")[0], re.MULTILINE))
"""The items of section 7."""
PLACES: Final = frozenset(re.findall(r"^\| `(.+?)` \|", SPECIFICATION, re.MULTILINE)) | frozenset(
    re.findall(r"^## (.+)$", SPECIFICATION, re.MULTILINE)
)
"""The fields and headings of the specification."""
ROWS: Final[tuple[Behaviour | Gap, ...]] = (*read_table().behaviours, *read_table().gaps)
SOURCES: Final = sorted({row.source for row in ROWS if ".md" in row.source})
REMARK: Final = re.compile(r" \([^()]*\)| has operations only|; the double's own")


def places(source: str) -> list[tuple[str, str]]:
    """The places that a source cites, each with its page; one without a page is on the page before it."""
    found, page = [], ""
    for part in re.split(r"[,;] ", REMARK.sub("", source)):
        name, _, rest = part.rpartition(".md")
        page = f"{name}.md" if name else page
        if place := rest.strip():
            found.append((page, place))
    return found


def is_there(page: str, place: str) -> bool:
    """Whether a page has a place."""
    if page == "api-facts.md":
        return place.removeprefix("item ") in ITEMS if place.startswith("item ") else place in SECTIONS
    return page == "images-create.md" and place in PLACES


@pytest.mark.parametrize("source", SOURCES)
def test_a_cited_place_exists(source: str) -> None:
    """A section by its number, an item of section 7, or a field or heading of the specification."""
    cited = places(source)
    assert cited
    assert not [f"{page}: {place}" for page, place in cited if not is_there(page, place)]


@pytest.mark.parametrize(
    "source", ["api-facts.md 9.1", "api-facts.md 7, item 99", "README.md, name", "images-create.md, nam"]
)
def test_a_place_that_does_not_exist_is_noticed(source: str) -> None:
    """The check finds what is missing."""
    assert not all(is_there(*each) for each in places(source))
