"""The documentation site as `make docs` has built it: its links, its inventory, its search, and what it loads."""

from __future__ import annotations

import os
import re
import zlib
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import pytest

import pytest_ycimages
from pytest_ycimages import plugin, strategies
from pytest_ycimages.settings import Settings

SITE: Final = Path(os.environ.get("YCIMAGES_SITE", ""))
DOCS: Final = Path(__file__).parents[2] / "docs"
LOADED: Final = {("script", "src"), ("link", "href"), ("img", "src"), ("iframe", "src"), ("source", "srcset")}
"""Attributes whose files a browser loads with a page."""

pytestmark = pytest.mark.skipif("YCIMAGES_SITE" not in os.environ, reason="make docs builds the site and runs this")


class Page(HTMLParser):
    """The addresses and anchors of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag names."""
        for name, value in attrs:
            if name == "id" and value:
                self.anchors.add(value)
            elif (tag, name) in LOADED and value:
                self.loaded.append(value)
            elif (tag, name) == ("a", "href") and value:
                self.links.append(value)


@cache
def page(path: Path) -> Page:
    """Return what a page has."""
    return Page(path)


@cache
def inventory() -> frozenset[tuple[str, str]]:
    """Return the kinds and names of the objects that other sites can link to."""
    content = (SITE / "objects.inv").read_bytes().split(b"\n", 4)[4]
    rows = re.findall(r"^(.+?) (\S+:\S+) -?\d+ ", zlib.decompress(content).decode(), re.MULTILINE)
    return frozenset((kind, name) for name, kind in rows)


@cache
def pages() -> tuple[Path, ...]:
    """Return the pages of the site."""
    return tuple(sorted(SITE.rglob("*.html")))


def test_every_page_of_the_documentation_is_on_the_site() -> None:
    """Each as a page of its own."""
    built = {path.relative_to(SITE).with_suffix("") for path in pages()}
    assert {path.relative_to(DOCS).with_suffix("") for path in DOCS.rglob("*.md")} <= built


def test_every_link_leads_to_a_page_and_an_anchor_of_it() -> None:
    """Those of the navigation and of the API as well."""
    missing = []
    for path in pages():
        for link in {*page(path).links, *page(path).loaded}:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            is_page = target.suffix == ".html" and parts.fragment
            if not target.is_file() or (is_page and unquote(parts.fragment) not in page(target).anchors):
                missing.append(f"{path.relative_to(SITE)}: {link}")
    assert not missing


def test_no_page_loads_a_file_from_elsewhere() -> None:
    """No font, script, style or picture: the site can be read offline, and tells no one who reads it."""
    elsewhere = [f"{path.name}: {each}" for path in pages() for each in page(path).loaded if urlsplit(each).netloc]
    styles = [
        path for path in SITE.rglob("*.css") if re.search(r"url\(.?(https?:)?//|@import", path.read_text("utf-8"))
    ]
    assert (elsewhere, styles) == ([], [])


def test_the_inventory_has_every_public_name() -> None:
    """Of the package and of its strategies."""
    names = {name.removeprefix("pytest_ycimages.") for kind, name in inventory() if kind.startswith("py:")}
    wanted = {*pytest_ycimages.__all__, *(f"strategies.{name}" for name in strategies.__all__)}
    assert wanted - names == set(), "name their modules in a block of docs/reference/api"


@pytest.mark.parametrize(
    "name", ["Double.inject", "Double.add_image", "Calls.of", "VirtualTime.travel", "Report.assert_ok"]
)
def test_the_inventory_has_methods(name: str) -> None:
    """Inherited ones as well."""
    assert ("py:method", f"pytest_ycimages.{name}") in inventory()


def test_the_inventory_has_what_the_plugin_registers() -> None:
    """Fixtures, markers, options and keys of the configuration."""
    fixtures = {name for name in vars(plugin.fixtures) if name.startswith("ycimages")}
    assert {name for kind, name in inventory() if kind == "std:fixture"} == fixtures
    assert len([name for kind, name in inventory() if kind == "std:marker"]) == len(plugin.MARKERS)
    assert {"--ycimages-seed", "--ycimages-mode"} <= {name for kind, name in inventory() if kind == "std:cmdoption"}
    keys = {name.removeprefix("ycimages_") for kind, name in inventory() if kind == "std:confval"}
    assert {"cassette_dir", "orphans"} == keys - Settings.model_fields.keys()


@pytest.mark.parametrize("path", ["reference/api/doubles", "reference/api/faults", "reference/api/experiments"])
def test_signatures_are_readable(path: str) -> None:
    """No addresses of objects, no markup of docstrings that was left as it is."""
    text = re.sub(r"<[^>]+>", "", (SITE / f"{path}.html").read_text(encoding="utf-8"))
    assert not re.findall(r".{20} object at 0x|.{20} at 0x[0-9a-f]{6}|.*:py:obj:.*|.*``.*", text)


def test_the_start_page_has_a_tab_for_each_client() -> None:
    """Which the browser remembers for other pages."""
    text = (SITE / "index.html").read_text(encoding="utf-8")
    tabs = re.findall(r'data-sync-group="client" data-sync-id="([^"]+)"', text)
    assert tabs[:5] == ["requests", "httpx", "aiohttp", "SDK", "curl"]


@pytest.mark.parametrize("word", ["duplicates", "cassette", "ycimages_time", "goaway"])
def test_the_search_knows_words_of_the_pages(word: str) -> None:
    """In the index that the browser loads."""
    assert word in (SITE / "searchindex.js").read_text(encoding="utf-8")
