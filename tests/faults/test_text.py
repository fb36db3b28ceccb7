"""Rules as text, as dicts and as values are the same rules, and read back as they are written."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_ycimages import AfterPolls, Rule, UsageError, after, between, chance, first, nth, over_rate, reset, script
from pytest_ycimages.faults.rule import fault_of, rule_of, rules_of, when_of
from tests.faults.table import CASES

TEXTS = sorted({case.fault for case in CASES})
DETAILED = "error('ABORTED', 'why', details=[{'@type': 'a/b', 'x': [1]}], retry_after=3)"


@pytest.mark.parametrize(
    "text", [*TEXTS, "error('ABORTED', 'why', details=[{'@type': 'a/b', 'x': [1]}], retry_after=3)"]
)
def test_a_fault_reads_back_as_it_is_written(text: str) -> None:
    """Also from what `str` makes of it."""
    fault = fault_of(text)
    assert fault_of(str(fault)) == fault
    assert rule_of(text) == rule_of(fault) == rule_of({"fault": text}) == rule_of(f"inject({text})") == Rule(fault)


@pytest.mark.parametrize(
    "when",
    [
        first(2), nth(1, 3), after(0), chance(0.25), between(0, 5), between(0.5, float("inf")), script([True, False]),
        script([False], then=True), over_rate(3, per=0.5), first(2) & ~nth(1), ~(first(1) | after(3)) & chance(1),
    ],
    ids=str,
)  # fmt: skip
def test_a_schedule_reads_back_as_it_is_written(when: Any) -> None:
    """However it is combined."""
    assert when_of(str(when)) == when


def test_a_rule_reads_back_as_it_is_written() -> None:
    """With all that it says."""
    rule = Rule(
        reset(after=3), on="images.*", when=first(2) | nth(5), commit="after", per="call",
        where={"folderId": "b1g*", "header.x-client": "ci"}, expect=False,
    )  # fmt: skip
    assert rule_of(str(rule)) == rule
    assert repr(rule) == f"Rule({str(rule)[len('inject(') :]}"
    assert repr((rule.fault, rule.when)) == "(reset(after=3), (first(2) | nth(5)))"


def test_several_rules() -> None:
    """A list of anything that is a rule, or one alone."""
    expected = (Rule(reset()), Rule(reset(), when=first(1)))
    assert rules_of(["reset()", {"fault": reset(), "when": "first(1)"}]) == expected
    assert rules_of(reset()) == expected[:1]


def test_an_operation_fault_takes_a_timing() -> None:
    """As a value, as text in text, and as it stands."""
    rules = [
        rule_of("operation_fails(after=AfterPolls(3))"),
        rule_of("operation_fails(after='AfterPolls(3)')"),
        rule_of({"fault": fault_of("operation_fails(after=AfterPolls(polls=3))")}),
    ]
    assert rules[0] == rules[1] == rules[2]
    assert rules[0].fault.effect.asked.timing == AfterPolls(3)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "missing a required argument: 'fault'; expected inject"),
        ("resett()", "Did you mean 'reset'?"),
        ("reset", "reset needs parentheses"),
        ("reset(), reset()", r"invalid rule 'reset\(\), reset\(\)': too many positional arguments"),
        ("reset(afterr=1)", "Did you mean 'after'?"),
        ("reset(1)", r"expected reset\(\*, after=0\)"),
        ("ramp(1)", r"expected ramp\(start, end, \*, over\)"),
        ("reset(after=1+1)", "'1 \\+ 1' is not a value"),
        ("reset(after=x)", "Unknown fault, schedule or timing 'x'"),
        ("reset(), when=frist(1)", "Did you mean 'first'?"),
        ("reset(), when=reset()", "invalid schedule reset"),
        ("reset(), wehn=first(1)", "Did you mean 'when'?"),
        ("reset(), **{}", "is not a value"),
        ("first(1)", "invalid fault first"),
        ("reset() & first(1)", "invalid schedule reset"),
        ("__import__('os').system('true')", "invalid rule"),
        ("reset(", r"invalid rule 'reset\(': expected a fault, a Rule, a dict, or the arguments of inject"),
        ("reset(), when=" + "~" * 5000 + "first(1)", "invalid rule"),
        ("reset(), on=images.create", "'images.create' is not a value"),
    ],
)
def test_invalid_rule_text_is_refused(text: str, says: str) -> None:
    """With the nearest right word, or an example."""
    with pytest.raises(UsageError, match=says):
        rule_of(text)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({}, "expected a fault"),
        ({"fault": "reset()", "o": "*"}, "Did you mean 'on'?"),
        (5, "invalid rule 5: expected a fault"),
    ],
)
def test_an_invalid_rule_is_refused(value: Any, says: str) -> None:
    """With what a rule can be."""
    with pytest.raises(UsageError, match=says):
        rule_of(value)
