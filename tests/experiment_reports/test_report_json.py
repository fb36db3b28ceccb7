"""The report as JSON: the same bytes each time, as its schema says, and back."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ycimages import (
    Command,
    Report,
    UsageError,
    report_from_json,
    report_json,
    report_schema,
    run_experiment,
)
from pytest_ycimages.experiment.report import schema_text

from . import small_clients
from .few_reports import FEW, report_of


@pytest.mark.costly
@pytest.mark.parametrize(
    "name", ["telling", *(pytest.param(name, marks=pytest.mark.slow) for name in ("duplicates", "untruthful", "vague"))]
)
def test_the_same_seed_gives_the_same_bytes_in_however_many_processes(name: str) -> None:
    """On every run, on one worker and on two."""
    client = getattr(small_clients, name)
    first, second, spread = (
        report_json(run_experiment(client, faults=FEW[1:4:2], depth=2, seed=7, workers=workers))
        for workers in (1, 1, 2)
    )
    assert json.loads(first)["findings"]
    assert first == second == spread


@pytest.mark.costly
@pytest.mark.parametrize("name", ["telling", "vague"])
def test_what_differs_from_run_to_run_is_left_out(name: str) -> None:
    """The port, and where objects are in memory; what a client says of them is told without."""
    text = report_json(report_of(name))
    assert re.search(r"127\.0\.0\.1:\d", text) is None
    assert re.search(r"0x[0-9a-f]", text) is None
    assert "<object object at 0x...>" in text
    assert "127.0.0.1:PORT" in text


@pytest.mark.costly
def test_another_seed_gives_another_report() -> None:
    """Its ids are drawn from it."""
    one, other = (report_json(run_experiment(small_clients.careful, depth=0, seed=seed)) for seed in (1, 2))
    assert one != other


def test_a_report_says_what_was_found() -> None:
    """The finding with everything that a page or a table shows of it."""
    document = json.loads(report_json(report_of("duplicates")))
    assert (document["ok"], document["complete"], document["seed"], document["depth"]) == (False, True, 0, 1)
    assert document["settings"] == {"timing": "5.0", "unknown_fields": "'ignore'"}
    (finding,) = document["findings"]
    assert finding["judge"] == "no_duplicates"
    assert finding["scenario"] == {
        "words": "unavailable() at call 1 of images.create, after the commit",
        "faults": [{"fault": "unavailable()", "method": "images.create", "nth": 1, "commit": "after", "lasts": False}],
    }
    assert len(finding["trial"]["images"]) == 2
    first, *_, end = finding["trial"]["timeline"]
    assert first["asked"] == "POST /compute/v1/images"
    assert first["told"] == "UNAVAILABLE: unavailable()"
    assert first["happened"].endswith("done all the same")
    assert first["proves"]
    assert end["asked"] == f"the client {finding['trial']['outcome']['words']}"
    assert "def test_duplicates_no_duplicates(ycimages_time, ycimages):" in finding["test"]
    assert {"fault": "slow(seconds=5)", "trials": 4, "succeeded": 4} in [
        {key: row[key] for key in ("fault", "trials", "succeeded")} for row in document["faults"]
    ]


@pytest.mark.parametrize("name", ["careful", "untruthful", "hostile"])
def test_what_is_written_is_as_the_schema_says(name: str) -> None:
    """Of clients with findings and without."""
    document = json.loads(report_json(report_of(name)))
    jsonschema_rs.validate(report_schema(), document)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"seed": "0"},
        {"surplus": 1},
        {"real_seconds": 1},
        {"findings": [{}]},
        {"faults": None},
        {"depth": -1},
    ],
    ids=str,
)
def test_the_schema_refuses_a_changed_report(change: dict[str, Any]) -> None:
    """Wrong values, surplus fields, and fields that are missing."""
    document = json.loads(report_json(report_of("duplicates"))) | change
    assert not jsonschema_rs.is_valid(report_schema(), document)


def test_the_schema_is_one_and_is_that_of_the_form() -> None:
    """The file that is shipped is what pydantic makes of the form: made anew when the form changes."""
    jsonschema_rs.meta.validate(report_schema())
    assert report_schema() == json.loads(schema_text())
    assert report_schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_keys_come_in_the_order_of_the_schema() -> None:
    """So that two reports can be compared line by line."""
    document = json.loads(report_json(report_of("duplicates")))
    assert list(document) == list(report_schema()["properties"])
    assert list(document["findings"][0]) == list(report_schema()["$defs"]["Finding"]["properties"])


@pytest.mark.parametrize("name", ["careful", "duplicates", "hostile"])
def test_a_report_is_read_back(name: str) -> None:
    """Text or bytes; what is read is written as it was."""
    text = report_json(report_of(name))
    read = report_from_json(text)
    assert isinstance(read, Report)
    assert read == report_from_json(text.encode()) == report_of(name)
    assert report_json(read) == text
    assert read.ok is (name == "careful")


@pytest.mark.costly
@given(st.text(st.characters(exclude_categories=[])))
def test_any_text_of_a_client_survives(text: str) -> None:
    """Control characters, quotes, and halves of characters, which are written out."""
    written = report_json(replace(report_of("careful"), client=text))
    written.encode("utf-8")
    read = report_from_json(written)
    assert report_json(read) == written
    if text.isascii() and "0x" not in text:
        assert read.client == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "This is not JSON: "),
        ("{", "This is not JSON: "),
        ("[" * 100_000, "This is not JSON: "),
        (b"\xff\xfe\x00", "This is not JSON: "),
        ("[1]", "not a report of an experiment"),
        ('{"format": "junit"}', 'it has no "format": "pytest-ycimages experiment report"'),
    ],
    ids=["empty", "cut", "deep", "bytes", "a list", "another format"],
)
def test_an_invalid_report_is_refused(text: str | bytes, said: str) -> None:
    """With what it should be."""
    with pytest.raises(UsageError, match=re.escape(said)):
        report_from_json(text)


def test_a_report_of_another_version_is_refused() -> None:
    """It says which is read."""
    text = report_json(report_of("careful")).replace('"version": 1', '"version": 2')
    with pytest.raises(UsageError, match="has version 2 of the form, and this release reads version 1"):
        report_from_json(text)


@pytest.mark.parametrize(
    ("written", "changed", "place"),
    [
        ('"judge": "no_duplicates"', '"judge": 3', "findings.0.judge: "),
        ('"depth": 1', '"depth": 1, "surplus": 1', "surplus: "),
        ('"depth": 1', '"depth": 1, "real_seconds": 1', "real_seconds: "),
    ],
)
def test_a_report_that_was_changed_is_refused(written: str, changed: str, place: str) -> None:
    """The error says where."""
    text = report_json(report_of("duplicates")).replace(written, changed)
    with pytest.raises(UsageError, match=re.escape(f"has been changed: {place}")):
        report_from_json(text)


@pytest.mark.costly
def test_a_command_has_no_test_to_paste() -> None:
    """And its report is as the schema says all the same."""
    document = json.loads(report_json(run_experiment(Command("echo fd8"), depth=0)))
    jsonschema_rs.validate(report_schema(), document)
    assert document["client"] == "echo fd8"
    assert [finding["test"] for finding in document["findings"]] == [""]
