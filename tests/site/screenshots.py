"""The pictures of the documentation: the live page of a double and the report of an experiment, made anew.

`make screenshots` runs it. Ids come from a seed, and the clock is moved by hand.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import requests
from playwright.sync_api import sync_playwright

from pytest_ycimages import Double, first, report_html, run_experiment, unavailable

if TYPE_CHECKING:
    from playwright.sync_api import Page

IMAGES: Final = Path(__file__).parents[2] / "docs" / "images"
LARGEST: Final = 150_000
"""Bytes that a picture in the repository may have."""
BODY: Final = {"folderId": "b1g0000000000000000a", "diskId": "epd0000000000000000a"}


def bake(url: str, token: str) -> str:
    """Create an image, and create it again if the answer was an error."""
    headers = {"Authorization": f"Bearer {token}"}
    answer = requests.post(f"{url}/compute/v1/images", json=BODY, headers=headers, timeout=30)
    if not answer.ok:
        answer = requests.post(f"{url}/compute/v1/images", json=BODY, headers=headers, timeout=30)
    answer.raise_for_status()
    return str(answer.json()["metadata"]["imageId"])


def use(double: Double) -> None:
    """Let a client bake some images, with a fault and some polls."""
    double.inject(unavailable(), on="operations.get", when=first(1))
    headers = {"Authorization": f"Bearer {double.token}"}
    for name in ("web", "db", "cache", "proxy", "queue", "mail", "search"):
        body = {**BODY, "name": name}
        operation = requests.post(f"{double.url}/compute/v1/images", json=body, headers=headers, timeout=30).json()
        for pause in (5, 10, 20):
            double.clock.advance(pause)
            requests.get(f"{double.url}/operations/{operation['id']}", headers=headers, timeout=30)


def save(page: Page, name: str) -> None:
    """Write a picture of what a page shows.

    Raises:
        ValueError: it is too large for the repository.
    """
    path = IMAGES / f"{name}.png"
    page.screenshot(path=path)
    if path.stat().st_size > LARGEST:
        raise ValueError(f"{path} has {path.stat().st_size} bytes: expected at most {LARGEST}")


def main() -> None:
    """Make all pictures."""
    IMAGES.mkdir(exist_ok=True)
    chromium = shutil.which("chromium") or sys.exit("chromium is not installed")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-proxy-server", "--no-sandbox"])
        page = browser.new_page(viewport={"width": 1200, "height": 620})
        with Double(clock="manual", timing=30) as double:
            use(double)
            page.goto(double.page)
            page.get_by_role("tab", name="Operations").or_(page.get_by_role("link", name="Operations")).first.click()
            page.wait_for_timeout(500)
            save(page, "live-page")
        bake.__module__ = "bakery"  # as a user's would be called
        report = Path(folder) / "report.html"
        report.write_text(report_html(run_experiment(bake, judges="no_duplicates")), encoding="utf-8")
        page.goto(report.as_uri())
        save(page, "experiment-report")
        browser.close()


if __name__ == "__main__":
    main()
