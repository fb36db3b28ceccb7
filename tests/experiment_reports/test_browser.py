"""The page in a real browser, where one is installed: nothing on the console, nothing asked of the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_ycimages import report_html

from .browser import CHROMIUM, Browser
from .few_reports import report_of
from .small_clients import HOSTILE

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

pytestmark = [
    pytest.mark.costly,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
    pytest.mark.timeout(120),
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Generator[Browser]:
    """One browser for all these tests; each opens its own page."""
    with Browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


def page_of(folder: Path, *names: str) -> Path:
    """The page of some of the small clients."""
    page = folder / "report.html"
    page.write_text(report_html(*map(report_of, names), command="ycimages experiment m:f"), encoding="utf-8")
    return page


def test_the_browser_would_tell_of_requests_and_of_the_console(browser: Browser, tmp_path: Path) -> None:
    """A page that does what ours do not: else the tests below would show nothing."""
    page = tmp_path / "bad.html"
    page.write_text("<!DOCTYPE html><img src='http://192.0.2.1/x.png'><script>console.error('oops'); nope()</script>")
    browser.open(page)
    assert "http://192.0.2.1/x.png" in browser.requests
    assert len(browser.console) >= 2


@pytest.mark.parametrize(
    "names", [("duplicates",), ("careful",), ("hostile",), ("untruthful", "duplicates", "careful", "hostile")]
)
def test_the_page_opens_without_an_error_and_without_the_network(
    browser: Browser, tmp_path: Path, names: tuple[str, ...]
) -> None:
    """It asks for itself, and for the empty icon that is written in it."""
    page = page_of(tmp_path, *names)
    browser.open(page)
    assert browser.console == []
    assert set(browser.requests) <= {page.as_uri(), "data:,"}
    assert browser.run("document.querySelector('h1').innerText")


def test_hostile_text_is_text(browser: Browser, tmp_path: Path) -> None:
    """It makes no element, runs no script, and does not make the page wider."""
    browser.open(page_of(tmp_path, "hostile"))
    assert browser.run("document.title").startswith("1 finding: ")
    assert browser.run("document.querySelectorAll('script, img').length") == 1
    shown = browser.run("document.body.textContent")
    assert HOSTILE[:60] in shown
    assert r"\x1b[31m\u202e👾" in shown
    assert "{{ 7*7 }}" in shown
    assert browser.run("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", [360, 1250])
def test_the_page_fits_a_small_screen_and_a_large_one(browser: Browser, tmp_path: Path, width: int) -> None:
    """What is wider scrolls by itself, and no word is broken into letters."""
    browser.ask("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
    browser.open(page_of(tmp_path, "untruthful", "careful"))
    assert browser.run("document.documentElement.scrollWidth") <= width
    assert browser.run("Math.min(...[...document.querySelectorAll('tbody th')].map(each => each.clientWidth))") > 100


CONTRAST = """
[...document.querySelectorAll('p, li, td, th, dt, dd, h1, h2, h3, code, a, button, summary, strong')].map(each => {
  const parts = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
    .map(c => c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
  let behind = each, paper = [0, 0, 0, 0];
  while (behind && paper[3] === 0) {
    const found = parts(getComputedStyle(behind).backgroundColor);
    paper = found.length === 3 ? [...found, 1] : found;
    behind = behind.parentElement;
  }
  const [one, other] = [light(parts(getComputedStyle(each).color)), light(paper)].sort((a, b) => b - a);
  return [(one + .05) / (other + .05), each.outerHTML.slice(0, 80)];
}).filter(([contrast]) => contrast < 4.5)
"""
"""The elements whose text stands out too little from what is behind it, by the rule of WCAG 2 AA."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_readable_in_light_and_in_dark(browser: Browser, tmp_path: Path, scheme: str) -> None:
    """Each text stands out from what is behind it."""
    browser.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    browser.open(page_of(tmp_path, "untruthful", "careful"))
    background = browser.run("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") is (scheme == "light")
    assert browser.run(CONTRAST) == []


def test_the_test_can_be_copied_with_the_keyboard(browser: Browser, tmp_path: Path) -> None:
    """Every button and link is come by with Tab alone; Enter on a button copies what is beside it."""
    browser.open(page_of(tmp_path, "duplicates"))
    browser.ask("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    browser.ask("Page.bringToFront")
    reached = []
    for _ in range(40):
        browser.press("Tab")
        reached.append(browser.run("document.activeElement.innerText"))
        if reached[-1] == "Copy the test":
            break
    assert reached[0] == "Skip to the findings"
    assert reached[-1] == "Copy the test"
    browser.press("Enter")
    copied = browser.run("navigator.clipboard.readText()")
    assert copied == report_of("duplicates").findings[0].test
    assert browser.run("document.activeElement.innerText") == "Copied"


def test_without_scripts_only_the_copy_buttons_are_gone(browser: Browser, tmp_path: Path) -> None:
    """Everything else is there."""
    browser.ask("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(page_of(tmp_path, "duplicates"))
        assert browser.console == []
        shown = browser.ask("Runtime.evaluate", expression="document.body.innerText", returnByValue=True)
    finally:
        browser.ask("Emulation.setScriptExecutionDisabled", value=False)
    text = shown["result"]["value"]
    assert "def test_duplicates_no_duplicates(ycimages_time, ycimages):" in text
    assert "Copy the test" not in text
