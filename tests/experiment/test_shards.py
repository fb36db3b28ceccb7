"""Shards of an experiment: parts of its search, tried apart, that make the report of one run."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_ycimages import UsageError, merge_shards, report_from_json, report_json, run_experiment, unavailable
from pytest_ycimages.experiment.search import WHOLE, Shard, shard_of
from pytest_ycimages.experiment.shards import part_from_json

from . import flawed_clients
from .flawed_clients import correct, duplicates_on_a_lost_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

SOME: Final = ("unavailable()", "truncate()", "operation_fails()")


def shards(client: Callable[..., Any], count: int, **options: Any) -> list[str]:
    """What each shard of an experiment writes."""
    numbers = range(1, count + 1)
    return [report_json(run_experiment(client, shard=f"{number}/{count}", **options)) for number in numbers]


@cache
def three(**options: Any) -> Sequence[str]:
    """Three shards of a small experiment, made once."""
    return shards(correct, 3, faults=[unavailable()], **options)


@pytest.mark.costly
@pytest.mark.parametrize(
    ("client", "count", "options"),
    [
        ("correct", 8, {"depth": 0}),
        ("success_on_error", 2, {"depth": 1}),
        ("duplicates_on_a_lost_answer", 3, {"depth": 0, "random": 20}),
        pytest.param("duplicates_on_a_lost_answer", 8, {"depth": 2}, marks=pytest.mark.slow),
        pytest.param("correct", 3, {"depth": 2, "seed": 7}, marks=pytest.mark.slow),
        pytest.param("success_on_error", 8, {"depth": 1, "random": 30}, marks=pytest.mark.slow),
        pytest.param("duplicates_on_a_lost_answer", 5, {"depth": 1, "random": 30}, marks=pytest.mark.slow),
    ],
)
def test_shards_make_the_report_of_one_run(client: str, count: int, options: dict[str, Any]) -> None:
    """To the last byte, in any order; also if there are more shards than scenarios."""
    function = getattr(flawed_clients, client)
    whole = run_experiment(function, faults=SOME, **options)
    merged = merge_shards(*reversed(shards(function, count, faults=SOME, **options)))
    assert report_json(merged) == report_json(whole)
    assert str(merged) == str(whole)
    assert merged.part is None


@pytest.mark.costly
def test_shards_share_the_work() -> None:
    """Each tries the baseline, and the rest is tried once."""
    parts = [part_from_json(text) for text in three()]
    own = [entry.scenario.words for part in parts for entry in part.own]
    assert len(own) == len(set(own)) == 10
    assert [len(part.own) for part in parts] == [4, 3, 3]
    assert [[entry.scenario.words for entry in part.shared] for part in parts] == [["nothing goes wrong"]] * 3


@pytest.mark.costly
def test_the_report_of_a_shard_is_short() -> None:
    """The report of all has the rest."""
    report = run_experiment(duplicates_on_a_lost_answer, faults=[unavailable()], shard="2/2")
    with pytest.raises(AssertionError) as raised:
        report.assert_ok()
    first, finding, last = str(raised.value).splitlines()
    assert first.endswith("1 finding(s) in shard 2/2 in 6 scenarios of up to 1 fault(s), seed 0.")
    assert finding.startswith("no_duplicates: The client made 2 images where one was asked for")
    assert last == "The report of all shards shows what happened, and has tests to paste."


@pytest.mark.costly
@pytest.mark.parametrize("depth", [1, 2])
def test_a_shard_that_was_stopped_goes_on_from_its_file(
    depth: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a report of shards that were stopped is not complete, however far each has come."""
    monkeypatch.setattr("pytest_ycimages.experiment.trials._BATCH", 1)
    options: dict[str, Any] = {"faults": ["unavailable(), on='images.create'", "operation_fails()"], "depth": depth}
    file = tmp_path / "progress"
    stopped = report_json(run_experiment(correct, shard="1/2", budget=0, state=file, **options))
    late, early = (report_json(run_experiment(correct, shard="2/2", budget=each, **options)) for each in (None, 0))
    assert not merge_shards(stopped, late).complete
    assert not merge_shards(stopped, early).complete
    resumed = report_json(run_experiment(correct, shard="1/2", state=file, **options))
    assert report_json(merge_shards(resumed, late)) == report_json(run_experiment(correct, **options))


# What a shard is.


def test_a_shard_is_written_as_a_number_and_how_many_there_are() -> None:
    """None and 1/1 are all of it."""
    assert shard_of("3/8") == Shard(3, 8)
    assert shard_of(Shard(3, 8)) == Shard(3, 8)
    assert shard_of(None) == shard_of("1/1") == WHOLE


@pytest.mark.parametrize("count", [1, 2, 3, 8])
@pytest.mark.parametrize("inner", [1, 2, 5])
def test_parts_of_parts_are_all_of_it(count: int, inner: int) -> None:
    """Each value is in one."""
    values = list(range(23))
    outer = [Shard(number, count) for number in range(1, count + 1)]
    found = [Shard(number, inner).within(each).part_of(values) for each in outer for number in range(1, inner + 1)]
    assert sorted(value for part in found for value in part) == values
    assert sorted(value for each in outer for value in each.part_of(values)) == values


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("9/8", "one from '1/8' to '8/8'"),
        ("0/8", "one from '1/8' to '8/8'"),
        ("1/0", "two numbers from 1 on"),
        ("a/b", "such as '3/8'"),
        ("3", "such as '3/8'"),
        ("", "such as '3/8'"),
        ("-1/8", "such as '3/8'"),
        ("1/8/2", "such as '3/8'"),
        ("\uff11/8", "such as '3/8'"),
        (" 1/8", "such as '3/8'"),
        ("1/8\n", "such as '3/8'"),
        ("1.0/8", "such as '3/8'"),
        ("9999999/9999999", "such as '3/8'"),
        ((3, 8), "such as '3/8'"),
        (3, "such as '3/8'"),
    ],
)
def test_what_is_no_shard_is_refused_before_anything_is_tried(value: Any, expected: str) -> None:
    """With what is expected."""
    with pytest.raises(UsageError, match=expected) as raised:
        run_experiment(correct, shard=value)
    assert str(raised.value).startswith(f"invalid shard {value!r}: expected ")


# What is not merged.


@pytest.mark.costly
def test_missing_and_repeated_shards_are_named() -> None:
    """Those that are there are not enough."""
    one, two, last = three()
    with pytest.raises(UsageError, match=r"1 of 3 shards missing: 2/3\. .* --state"):
        merge_shards(one, last)
    with pytest.raises(UsageError, match=r"text 1 and text 3 are both shard 2/3\."):
        merge_shards(two, one, two)
    with pytest.raises(UsageError, match="Give the file of each"):
        merge_shards()


@pytest.mark.costly
@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("release", "9.9", "the version of pytest-ycimages differ"),
        ("count", 4, "the number of shards differ"),
        ("client", "other:bake", "the client differ"),
        ("verb", "update", r"the verb differ\(s\): create and update"),
        ("seed", 5, r"the seed differ\(s\): 0 and 5"),
        ("depth", 2, r"the depth differ\(s\): 1 and 2"),
        ("judges", [{"name": "polite", "verbs": ["create"]}], "the judges differ"),
        (
            "settings",
            {"timing": "9.0"},
            r"the settings differ\(s\): timing=5.0, unknown_fields='ignore' and timing=9.0",
        ),
    ],
)
def test_shards_of_other_experiments_are_refused(field: str, value: Any, words: str) -> None:
    """With what differs."""
    one, two, last = three()
    document = json.loads(two)
    (document if field in document else document["report"])[field] = value
    changed = json.dumps(document)
    with pytest.raises(UsageError, match=rf"text 1 and text 2 are not shards of one experiment: {words}"):
        merge_shards(one, changed, last)


@pytest.mark.costly
@pytest.mark.parametrize("name", ["source", "faults", "limits", "setup", "random"])
def test_what_is_too_long_to_show_is_compared_as_well(name: str) -> None:
    """Such as the text of the client."""
    one, two, last = three()
    words = "the file of the client" if name == "source" else f"the {name}"
    document = json.loads(two)
    document["about"][name] = "another"
    with pytest.raises(UsageError, match=rf"not shards of one experiment: {words} differ"):
        merge_shards(one, json.dumps(document), last)


@pytest.mark.costly
def test_other_files_are_refused_with_what_they_are() -> None:
    """A whole report, a shard where a report is asked for, another version, and what is no JSON."""
    one, *_ = three()
    whole = report_json(run_experiment(correct, depth=0))
    with pytest.raises(UsageError, match="report of a whole experiment"):
        merge_shards(one, whole)
    with pytest.raises(UsageError, match=r"one shard of an experiment\. Merge it"):
        report_from_json(one)
    for text, words in (
        ("", "not JSON"),
        ("[]", "not a shard"),
        (one[: len(one) // 2], "not JSON"),
        (json.dumps(json.loads(one) | {"version": 2}), "version 2 of the form"),
        (json.dumps(json.loads(one) | {"own": 3}), "has been changed: own"),
        (json.dumps(json.loads(one) | {"more": 3}), "has been changed: more"),
    ):
        with pytest.raises(UsageError, match=words):
            merge_shards(text)


_MOOD: Final = {"images": 1}


def moody(url: str, token: str) -> str:
    """Make one image or two, as the machine has it."""
    return [correct(url, token) for _ in range(_MOOD["images"])][-1]


@pytest.mark.costly
def test_a_client_that_differs_between_machines_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its shards have tried parts of different searches."""
    options: dict[str, Any] = {"faults": [unavailable()]}
    one = report_json(run_experiment(moody, shard="1/2", **options))
    monkeypatch.setitem(_MOOD, "images", 2)
    two = report_json(run_experiment(moody, shard="2/2", **options))
    with pytest.raises(
        UsageError, match=r"the client did not behave the same in both. They differ first under: nothing"
    ):
        merge_shards(one, two)
