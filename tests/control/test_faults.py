"""Faults over the control API, in the words of `inject`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages import Double

    Control = Callable[..., requests.Response]
    Create = Callable[[], requests.Response]

RULE = {"fault": "reset(after=9)", "on": "images.create", "when": "first(1)", "commit": "after"}
TEXT = "inject(reset(after=9), on='images.create', when=first(1), commit='after')"


@pytest.mark.parametrize(
    "body",
    [
        RULE,
        {**RULE, "where": {}, "per": "rule", "expect": True},
        'reset(after=9), on="images.create", when=first(1), commit="after"',
        TEXT,
        [RULE],
    ],
)
def test_a_fault_in_each_form(control: Control, create: Create, ycimages: Double, body: Any) -> None:
    """Injected, numbered, told as it may be written; then it strikes, and its account says so."""
    answer = control("POST", "faults", body)
    assert answer.status_code == 201
    (fault,) = answer.json()["faults"]
    assert (fault["number"], fault["rule"], fault["struck"], fault["in_force"]) == (1, TEXT, 0, True)
    assert str(ycimages.injections[0].rule) == TEXT

    assert control("GET", "faults/check").status_code == 409
    with pytest.raises(requests.ConnectionError):
        create()
    assert create().status_code == 200
    assert control("GET", "faults/check").json() == {"never_struck": [], "report": ""}

    fault = control("GET", "faults/1").json()
    (strike,) = fault["strikes"]
    assert (strike["method"], strike["line"], strike["attempt"]) == ("images.create", "POST /compute/v1/images", 1)
    assert (fault["considered"], fault["struck"], sum(fault["passed"].values())) == (2, 1, 1)
    assert fault["report"] == ycimages.injections[0].report()
    assert control("GET", "faults").json() == {"faults": [fault]}


@pytest.mark.ycimages(faults=["slow(0), expect=False"])
def test_several_at_once(control: Control, ycimages: Double) -> None:
    """They come after those that are there, and the answer has the new ones alone."""
    answer = control("POST", "faults", ["hang(), expect=False", {"fault": "close()", "expect": False}])
    assert [fault["number"] for fault in answer.json()["faults"]] == [2, 3]
    assert [fault["expect"] for fault in answer.json()["faults"]] == [False, False]
    assert len(ycimages.injections) == 3


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"fault": "rest()"}, "Unknown fault"),
        ({**RULE, "comit": "after"}, "Unknown field 'comit'. Did you mean 'commit'? Known: "),
        ({**RULE, "commit": "afer"}, "Unknown commit 'afer'. Did you mean 'after'? Known: after, before."),
        ({**RULE, "on": "image.*"}, "Unknown method 'image.*'. Did you mean "),
        (
            {**RULE, "on": 5},
            "on=5: Input should be a valid string. The fields are fault, on, when, ",
        ),
        ({**RULE, "where": ["name"]}, "where=['name']: Input should be a valid dictionary. "),
        ({**RULE, "where": {"name": 5}}, "where.name=5: Input should be a valid string. "),
        ({**RULE, "expect": "no"}, "expect='no': Input should be a valid boolean. "),
        ({**RULE, "when": 5}, "when=5: Input should be a valid string. "),
        ({**RULE, "when": "5"}, "invalid schedule '5': expected a schedule "),
        ({"on": "images.get"}, "fault is missing. The fields are fault, on, when, "),
        ({}, "fault is missing. The fields are fault, on, when, "),
        ([], "An empty list injects nothing. Give a rule, or several, such as 'reset(), when=first(1)'."),
        (
            ["hang()", "reset("],
            "invalid rule 'reset(': expected a fault, a Rule, a dict, or the arguments of inject(...), such as ",
        ),
        (5, "invalid rule 5: expected a fault, a Rule, a dict, or the arguments of inject(...), such as "),
    ],
)
def test_a_rule_that_cannot_be_is_refused(control: Control, ycimages: Double, body: Any, error: str) -> None:
    """With the text of `inject`; and of a list, nothing is injected then."""
    answer = control("POST", "faults", body)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(error)
    assert not ycimages.injections


def test_one_is_removed_and_then_the_rest(control: Control, create: Create, ycimages: Double) -> None:
    """They strike no more; their accounts stay, and say so."""
    control("POST", "faults", ["internal(), expect=False", "unavailable(), expect=False", "hang(), expect=False"])
    removed = control("DELETE", "faults/1")
    assert (removed.status_code, removed.json()["number"], removed.json()["in_force"]) == (200, 1, False)
    assert create().status_code == 503
    rest = control("DELETE", "faults").json()["faults"]
    assert [(fault["number"], fault["struck"], fault["in_force"]) for fault in rest] == [(2, 1, False), (3, 0, False)]
    assert control("DELETE", "faults").json() == {"faults": []}
    assert create().status_code == 200
    assert len(control("GET", "faults").json()["faults"]) == len(ycimages.injections) == 3


@pytest.mark.parametrize("verb", ["GET", "DELETE"])
def test_there_is_no_fault_of_that_number(control: Control, verb: str) -> None:
    """The text says which there are."""
    answer = control(verb, "faults/1")
    assert (answer.status_code, answer.json()) == (404, {"error": "Unknown fault 1: none was injected."})
    control("POST", "faults", "slow(0), expect=False")
    for number in (0, 2):
        answer = control(verb, f"faults/{number}")
        assert answer.status_code == 404
        assert answer.json() == {"error": f"Unknown fault {number}: they are numbered from 1 to 1."}


def test_the_check_tells_which_never_struck(control: Control, create: Create, ycimages: Double) -> None:
    """409 with the report, for a test that can only look at a status."""
    rules = ["slow(0), on='images.create'", "reset(after=9), on='images.delete'", "hang(), expect=False"]
    control("POST", "faults", rules)
    control("DELETE", "faults/3")
    create()
    answer = control("GET", "faults/check")
    assert answer.status_code == 409
    assert answer.json()["never_struck"] == [2]
    assert answer.json()["report"].startswith("inject(reset(after=9), on='images.delete'): struck 0 of the 0 calls")
    with pytest.raises(requests.ConnectionError):
        requests.delete(f"{ycimages.url}/compute/v1/images/a", timeout=20)
    assert control("GET", "faults/check").status_code == 200


@pytest.mark.ycimages(faults=["internal(), when=first(1)"])
def test_no_call_of_the_control_api_is_struck(control: Control, create: Create, ycimages: Double) -> None:
    """A fault on everything is for the service's calls, and only these are counted and written down."""
    assert control("GET", "state").status_code == 200
    assert control("GET", "nothing").status_code == 404
    assert ycimages.injections[0].considered == 0
    assert not ycimages.calls
    assert create().status_code == 500
