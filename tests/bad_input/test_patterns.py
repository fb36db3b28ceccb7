"""Every regular expression of the package takes linear time, counted in steps of a backtracking engine."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Final

import pytest

from tests.bad_input.patterns import Expression, Walk, expressions, is_endless, pumps, work

if TYPE_CHECKING:
    from collections.abc import Iterator

BOUNDED: Final = frozenset({"_DIGEST", "_EXPECTED", "FORM_PART"})
"""Expressions that look at 48 or 4096 characters from one place, whatever the length of the text."""
EXPRESSIONS: Final = expressions()
ENDLESS: Final = [each for each in EXPRESSIONS if is_endless(each)]
SIZES: Final = (6, 24, 96, 384, 1536)
"""Repetitions, each four times as many: linear work grows by four, quadratic by sixteen."""
GROWTH: Final = 7.0
BUDGET: Final = 300_000


@pytest.fixture(autouse=True)
def deep() -> Iterator[None]:
    """The walk calls itself once for each character of a repeated group."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(200_000)
    yield
    sys.setrecursionlimit(limit)


def grows(expression: Expression, pump: tuple[str, str, str]) -> bool:
    """Whether the work grows faster than the text, up to the largest size; bounded repetitions stop growing before."""
    before, body, end = pump
    last = work(expression, before + body * SIZES[0] + end, BUDGET)
    for size in SIZES[1:]:
        now = work(expression, before + body * size + end, BUDGET)
        if now == BUDGET:
            return True
        if now < GROWTH * last:
            return False
        last = now
    return True


def first_that_grows(expression: Expression, most: int = 1000) -> tuple[str, str, str] | None:
    """The first of so many texts that takes more than linear time; None if there is none."""
    return next((pump for pump in pumps(expression)[:most] if grows(expression, pump)), None)


@pytest.mark.parametrize("expression", ENDLESS, ids=lambda each: each.where)
@pytest.mark.parametrize("most", [12, pytest.param(1000, marks=pytest.mark.slow)])
def test_an_expression_takes_linear_time(expression: Expression, most: int) -> None:
    """For the first repetitions in it; the slow test takes every one, and what is common in bodies and headers."""
    found = first_that_grows(expression, most)
    assert found is None or expression.where.rpartition(".")[2] in BOUNDED


def test_the_package_has_expressions() -> None:
    """They are found in modules and in calls."""
    assert len(EXPRESSIONS) > 50
    assert any(":" in each.where for each in EXPRESSIONS)
    assert {each.where.rpartition(".")[2] for each in ENDLESS} >= BOUNDED


@pytest.mark.costly
@pytest.mark.parametrize(
    ("source", "anchored"),
    [
        (r"(a+)+b", True), (r"(a|a)*b", True), (r"[A-Z]+[a-z]", False), (r"\s+$", False), (r"a.*b.*c", True),
        (r"(?:\\+[nrt]|[\\'])*+x", True),
    ],
)  # fmt: skip
def test_what_takes_longer_is_found(source: str, *, anchored: bool) -> None:
    """Exponential and quadratic ones."""
    assert first_that_grows(Expression("here", source, re.compile(source).flags, anchored)) is not None


@pytest.mark.parametrize("source", [r"a{0,61}b", r"(?>a+)b", r"\A[a-z]+\Z", r"(?<![A-Z])[A-Z]++[a-z]", r'"[^"]*+"'])
def test_what_is_linear_is_not(source: str) -> None:
    """Bounded, atomic and anchored ones."""
    assert first_that_grows(Expression("here", source, re.compile(source).flags, anchored=True)) is None


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=lambda each: each.where)
def test_the_walk_finds_what_the_engine_finds(expression: Expression) -> None:
    """The counter counts the work of the same language."""
    engine = re.compile(expression.source, expression.flags)
    for before, body, end in pumps(expression):
        text = before + body * 3 + end
        found = engine.match(text)
        assert Walk(expression, text, BUDGET).from_start() == (found and found.end()), text
