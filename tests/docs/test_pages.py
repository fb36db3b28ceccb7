"""What holds for every page: how it begins, what its examples import, and that the files it names exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Final

import pytest

import pytest_ycimages

ROOT: Final = Path(__file__).parents[2]
PACKAGE: Final = Path(pytest_ycimages.__file__).parent
"""Where it is installed, which need not be beside the tests."""
README: Final = ROOT / "README.md"
PAGES: Final = [README, *sorted((ROOT / "docs").rglob("*.md"))]
EXAMPLES: Final = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PRIVATE: Final = re.compile(r"^\s*(?:from|import) (pytest_ycimages\.(?!strategies\b)[\w.]+)", re.MULTILINE)
RELATIVE: Final = re.compile(r"\]\((?!https?:|#|mailto:)([^)]*)\)")
FOR_USE: Final = frozenset({"how-to", "reference", "tutorial"})

ARCHITECTURE: Final = ROOT / "docs" / "explanation" / "architecture.md"
CONTRIBUTING: Final = ROOT / "docs" / "explanation" / "contributing.md"
STEP: Final = re.compile(r"^ *([\w/]+\.py) +([\w.]+)", re.MULTILINE)
"""A line of a way through the code: a module, and a function or class of it."""
MODULE: Final = re.compile(r"`((?:pytest_ycimages/)?[a-z_]+/[\w/]*\.py|tests/[\w/]+\.py|docs/[\w/-]+\.md)`")


def named(page: Path) -> str:
    """A page as the tests call it."""
    return str(page.relative_to(ROOT))


def text_of(page: Path) -> str:
    """The text of a page, without comments at its top."""
    return re.sub(r"\A(?:<!--.*?-->\n)+", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_the_readme_has_no_relative_link() -> None:
    """A package index shows it without the files beside it."""
    assert RELATIVE.findall(text_of(README)) == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_no_example_imports_a_private_module(page: Path) -> None:
    """Examples use public names: those of the package, and `pytest_ycimages.strategies`."""
    found = [module for code in EXAMPLES.findall(text_of(page)) for module in PRIVATE.findall(code)]
    assert not found


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_a_page_begins_with_its_title_and_what_it_is_for(page: Path) -> None:
    """A title, and then a paragraph, before any heading, table or example."""
    title, paragraph, *_ = text_of(page).split("\n\n")
    assert re.fullmatch(r"# .+", title)
    assert re.match(r"[`\[]?\w", paragraph), paragraph


def anchors(page: Path) -> set[str]:
    """The anchors that the headings of a page have on GitHub."""
    headings = re.findall(
        r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", text_of(page), flags=re.DOTALL | re.MULTILINE), re.MULTILINE
    )
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_anchor_that_a_page_links_to_exists(page: Path) -> None:
    """On itself or another page."""
    links = re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", text_of(page))
    missing = [
        f"{path}#{anchor}" for path, anchor in links if anchor not in anchors((page.parent / path) if path else page)
    ]
    assert not missing


@pytest.mark.parametrize("page", [page for page in PAGES if page.parent.name in FOR_USE], ids=named)
def test_a_page_for_use_has_an_example_or_a_table(page: Path) -> None:
    """Guides, the reference and tutorials."""
    assert re.search(r"^(?:```|\|)", text_of(page), re.MULTILINE)


def test_the_map_has_every_room() -> None:
    """The rooms of the map are those of the import rules."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    rooms = {room for layer in layers for room in layer.split(" | ")}
    rows = re.findall(r"^\| (`.+?) \|", text_of(ARCHITECTURE).partition("## The way")[0], re.MULTILINE)
    mapped = {name.rstrip("/") for row in rows for name in re.findall(r"`(\w+/?)`", row)}
    assert rooms - mapped == set()


@pytest.mark.parametrize(("module", "name"), STEP.findall(text_of(ARCHITECTURE)))
def test_a_step_of_a_way_exists(module: str, name: str) -> None:
    """The module has the class, its method, or the function."""
    path = PACKAGE / module
    code = path.read_text(encoding="utf-8") if path.exists() else ""
    missing = [
        word for word in name.split(".") if not re.search(rf"^ *(?:async )?(?:def|class) {word}\b", code, re.MULTILINE)
    ]
    assert not missing


@pytest.mark.parametrize("page", [ARCHITECTURE, CONTRIBUTING], ids=named)
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    """Also in running text. What is in an example of an addition is not there yet."""
    names = set(MODULE.findall(text_of(page))) - NEW
    folders = (PACKAGE, PACKAGE.parent, ROOT)
    assert not [name for name in names if not any((folder / name).exists() for folder in folders)]


NEW: Final = {"pytest_ycimages/server/in_process/acme.py", "tests/cli/test_cassette_count.py"}
"""The files that the examples of `contributing.md` add."""


def test_the_start_page_lists_every_page() -> None:
    """In the list from which the site takes its navigation."""
    start = ROOT / "docs" / "index.md"
    listed = re.findall(r"^- \[.+\]\((.+\.md)\)$", text_of(start).partition("<!-- contents -->")[2], re.MULTILINE)
    pages = {str(page.relative_to(start.parent)) for page in (ROOT / "docs").rglob("*.md")} - {"index.md"}
    assert sorted(listed) == sorted(pages), f"edit {start}: list each page once"


def test_pictures_are_small_and_shown() -> None:
    """`make screenshots` makes them."""
    images = list((ROOT / "docs" / "images").iterdir())
    shown = {Path(name).name for page in PAGES for name in re.findall(r"!\[.+\]\((.+)\)", text_of(page))}
    assert {image.name for image in images} == shown
    assert not [image.name for image in images if image.stat().st_size > 150_000]


@pytest.mark.parametrize("page", [page for page in PAGES if page.parent.name == "how-to"], ids=named)
def test_a_guide_has_an_example_or_a_table_on_its_first_screen(page: Path) -> None:
    """Within 25 lines."""
    assert re.search(r"^(?:```|\|)", "\n".join(text_of(page).splitlines()[:25]), re.MULTILINE)
