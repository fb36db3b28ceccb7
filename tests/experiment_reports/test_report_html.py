"""The HTML page, read as a parser reads it: whole, by itself, and harmless whatever a client says."""

from __future__ import annotations

import base64
import hashlib
import re
import sys
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ycimages import (
    Outcome,
    Report,
    Scenario,
    Trial,
    TrialLimits,
    UsageError,
    Verdict,
    report_from_json,
    report_html,
    report_json,
)
from pytest_ycimages.experiment.findings import reported_finding
from pytest_ycimages.experiment.report import AskedJudge
from pytest_ycimages.experiment.trial import VERBS
from pytest_ycimages.experiment.trials import TrialRunner
from pytest_ycimages.settings import Settings

from .few_reports import report_of
from .small_clients import HOSTILE, duplicates

_VOID: Final = {"meta", "link"}


class Page(HTMLParser):
    """What is on a page: its elements, its text, and what is not well formed about it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.code: dict[str, str] = {}
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element that is empty."""
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """An element ends: the last that began."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Text, or what is in a style or a script."""
        if self._open and self._open[-1] in {"style", "script", "title"}:
            self.code.setdefault(self._open[-1], data)
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of all elements of one kind."""
        return [attributes for each, attributes in self.elements if each == tag]

    def values(self, name: str) -> list[str]:
        """All values of one attribute."""
        return [value for _, attributes in self.elements if (value := attributes.get(name)) is not None]


@pytest.mark.parametrize(
    "names", [("careful",), ("duplicates",), ("hostile",), ("untruthful", "duplicates", "careful")]
)
def test_the_page_is_whole_and_needs_nothing_else(names: tuple[str, ...]) -> None:
    """Every element is closed, ids are unique, links lead to places on the page, and nothing is loaded."""
    page = Page(report_html(*map(report_of, names)))
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert [link for link in page.values("href") if link.removeprefix("#") not in ids] == ["data:,"]
    assert {*page.values("aria-labelledby"), *page.values("data-copies")} <= set(ids)
    assert page.values("src") == []
    assert "url(" not in page.code["style"]
    assert "@import" not in page.code["style"]
    assert page.values("style") == []
    assert [name for _, attributes in page.elements for name in attributes if name.startswith("on")] == []


def test_the_policy_of_the_page_lets_nothing_else_run() -> None:
    """Its own style and script by their digests; no request at all."""
    page = Page(report_html(report_of("duplicates")))
    (policy,) = (each["content"] or "" for each in page.all("meta") if each.get("http-equiv"))
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for kind in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(page.code[kind].encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy


def test_the_page_says_what_was_found() -> None:
    """In its title, and with both sides of the story, the proof marked, and the test."""
    report = report_of("duplicates")
    page = Page(report_html(report, command="ycimages experiment small:duplicates"))
    assert page.code["title"] == "1 finding: tests.experiment_reports.small_clients:duplicates"
    (finding,) = report.findings
    text = " ".join(page.text.split())
    for said in (
        "no_duplicates",
        finding.explanation,
        str(finding.scenario),
        "done all the same",
        "proves the verdict",
        "The same again: ycimages experiment small:duplicates",
        "1 other scenario shows the same.",
    ):
        assert " ".join(said.split()) in text
    assert finding.test in page.text
    assert page.all("html") == [{"lang": "en"}]


def test_the_plots_are_in_the_page() -> None:
    """A bar and a distribution for each fault, each with words for those who do not see them."""
    report = report_of("duplicates")
    page = Page(report_html(report))
    images = [each for each in page.all("svg") if each.get("role") == "img"]
    assert len(images) == len(report.faults) + sum(bool(row.seconds) for row in report.faults)
    row = report.faults[0]
    assert images[0]["aria-label"] == f"{row.succeeded} of {row.trials} succeeded"
    assert images[1]["aria-label"] == f"from {min(row.seconds):g} s to {max(row.seconds):g} s"
    assert len(page.all("circle")) == sum(len(set(each.seconds)) for each in report.faults)


@pytest.mark.costly
def test_several_clients_are_side_by_side() -> None:
    """Each flaw leads to the finding of each client that has it."""
    page = Page(report_html(*map(report_of, ("untruthful", "duplicates", "careful"))))
    assert page.code["title"].endswith("small_clients:untruthful and 2 others")
    links = [each["href"] for each in page.all("a") if each.get("class") == "found"]
    assert links == ["#finding-a-1", "#finding-b-1", "#finding-a-2"]
    assert page.text.count("not found") == 3
    assert "were not tried alike" not in page.text


def test_a_report_that_was_read_from_json_gives_the_same_page() -> None:
    """To the last byte, and each time."""
    report = report_of("untruthful")
    page = report_html(report)
    assert page == report_html(report)
    assert page == report_html(report_from_json(report_json(report)))


def test_hostile_text_is_shown_and_not_obeyed() -> None:
    """An exception with markup, a template, control characters and a hundred thousand letters."""
    text = report_html(report_of("hostile"))
    page = Page(text)
    assert len(page.all("script")) == 1
    assert page.all("img") == []
    assert HOSTILE[:60] in page.text
    assert r"\x1b[31m\u202e👾" in page.text
    assert "{{ 7*7 }}" in page.text
    assert "more characters)" in page.text
    assert "A" * 10_000 not in text
    assert not [character for character in text if not character.isprintable() and character != "\n"]


@cache
def trial_of_duplicates() -> Trial:
    """A trial in which nothing goes wrong."""
    (made,) = TrialRunner(duplicates, Settings(), TrialLimits()).trials([Scenario()])
    return made


def with_text(report: Report, text: str) -> Report:
    """The report with a text in every place that a client or a judge has a say in."""
    (finding, *_) = report.findings
    verdict = Verdict(text, passed=False, explanation=text, cause=text)
    live = replace(trial_of_duplicates(), outcome=Outcome("raised", error=text))
    finding = replace(reported_finding((verdict, verdict), live, finding.others, text), scenario=finding.scenario)
    row = replace(report.faults[0], fault=text)
    return replace(
        report,
        client=text,
        judges=(AskedJudge(text, VERBS),),
        findings=(finding,),
        faults=(row,),
        settings={text: text},
        baseline=finding.trial,
    )


@pytest.mark.costly
@settings(max_examples=25, deadline=None)
@given(st.text(st.one_of(st.sampled_from("<>&\"'/={}%#[]\x00\x1b\u2028\ud800"), st.characters(exclude_categories=[]))))
def test_no_text_breaks_out_of_its_place(text: str) -> None:
    """The page has the same elements as with a harmless text, wherever it stands."""
    report = report_of("duplicates")
    harmless, hostile = (
        Page(report_html(with_text(report, each), with_text(report, each), command=each)) for each in ("a", f"a{text}")
    )
    assert [tag for tag, _ in hostile.elements] == [tag for tag, _ in harmless.elements]
    assert [list(attributes) for _, attributes in hostile.elements] == [
        list(attributes) for _, attributes in harmless.elements
    ]


def test_a_page_of_nothing_is_refused() -> None:
    """It says what to give."""
    with pytest.raises(UsageError, match="A page needs a report"):
        report_html()


def test_what_the_page_takes_is_named_when_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the line that installs it."""
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(UsageError, match=re.escape("pip install 'pytest-ycimages[report]'")):
        report_html(report_of("careful"))


def test_a_client_that_does_not_succeed_even_so_is_told_of() -> None:
    """Judges may pass it, and it is not a success."""
    text = " ".join(Page(report_html(report_of("hostile"))).text.split())
    assert "Nothing went wrong, and it did not succeed: it raised RuntimeError: <script>" in text
