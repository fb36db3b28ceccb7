"""Latencies as users write them: as Python, as text, per method, and what is said of those that cannot be."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ycimages import Latency, UsageError
from pytest_ycimages.api.methods import METHODS, UNROUTED
from pytest_ycimages.latency import latency_of, per_method

if TYPE_CHECKING:
    from collections.abc import Callable

FRACTIONS: Final = st.integers(0, 2**53 - 1).map(lambda number: number / 2**53)
"""Everything that can be drawn: 53 bits, from 0 up to but not including 1."""

SECONDS: Final = st.floats(0, 1e6)
EXPECTED: Final = (
    "expected seconds or a duration such as '200ms', '1.5s' or '1h30m', one of fixed(0.2), uniform(0.1, 0.4) and "
    "lognormal(0.2, 0.5, "
    "cap=2), or a dict from methods to these"
)


@pytest.mark.parametrize(
    ("written", "latency"),
    [
        (0, Latency.fixed(0)),
        (0.2, Latency.fixed(0.2)),
        ("0.2", Latency.fixed(0.2)),
        (" 2e-1 ", Latency.fixed(0.2)),
        ("200ms", Latency.fixed(0.2)),
        ("1.5 m", Latency.fixed(90)),
        ("fixed(2)", Latency.fixed(2)),
        ("fixed(seconds=2, over_body=True)", Latency.fixed(2, over_body=True)),
        ("uniform(0.1, 0.4)", Latency.uniform(0.1, 0.4)),
        ("uniform(shortest=0.1, longest=0.4)", Latency.uniform(0.1, 0.4)),
        ("lognormal(0.2, 0.5)", Latency.lognormal(0.2, 0.5)),
        ("lognormal(0.2, 0.5, cap=2)", Latency.lognormal(0.2, 0.5, cap=2)),
        (Latency.uniform(1, 2), Latency.uniform(1, 2)),
        ({"images.*": 0.2, "*": "3s"}, {"images.*": Latency.fixed(0.2), "*": Latency.fixed(3)}),
        ("{'images.*': 0.2, '*': 'fixed(3)'}", {"images.*": Latency.fixed(0.2), "*": Latency.fixed(3)}),
        ({}, {}),
    ],
)
def test_a_latency_may_be_written_in_many_ways(written: object, latency: object) -> None:
    """A marker, an ini file and a command line say the same thing in their own way."""
    assert latency_of(written) == latency


@pytest.mark.parametrize(
    "latency",
    [
        Latency.fixed(0.2),
        Latency.fixed(0.2, over_body=True),
        Latency.uniform(0, 1.5, over_body=True),
        Latency.lognormal(0.2, 0.5),
        Latency.lognormal(0.2, 0.5, cap=2, over_body=True),
    ],
)
def test_a_latency_is_shown_as_it_is_written(latency: Latency) -> None:
    """`str` is what an ini file says, `repr` what a test says."""
    assert latency_of(str(latency)) == latency
    assert eval(repr(latency), {"Latency": Latency}) == latency  # noqa: S307 - that is what repr promises


def test_a_latency_is_a_value_that_does_not_change() -> None:
    """Equal when equal, and frozen: one latency may serve many doubles."""
    latency = Latency.fixed(5)
    assert latency == Latency.fixed(5.0)
    assert latency != Latency.fixed(5, over_body=True)
    assert len({latency, Latency.fixed(5)}) == 1
    with pytest.raises(FrozenInstanceError):
        latency.over_body = True  # type: ignore[misc]  # that it cannot be set is the point


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Latency.fixed(-1), r"invalid latency fixed\(-1\): expected zero seconds or more"),
        (
            lambda: Latency.fixed(math.inf),
            r"invalid latency fixed\(inf\): .* a minute is enough",
        ),
        (lambda: Latency.fixed(math.nan), r"invalid latency fixed\(nan\)"),
        (lambda: Latency.fixed(True), r"invalid latency fixed\(True\)"),  # noqa: FBT003 - refused is the point
        (lambda: Latency.fixed(None), r"invalid latency fixed\(None\)"),  # type: ignore[arg-type]  # likewise
        (lambda: Latency.uniform(2, 1), r"invalid latency uniform\(2, 1\): .* the shorter one first"),
        (lambda: Latency.uniform(-1, 1), r"invalid latency uniform\(-1, 1\)"),
        (lambda: Latency.lognormal(-1, 1), r"invalid latency lognormal\(-1, 1\): expected median and cap in seconds"),
        (lambda: Latency.lognormal(1, -1), r"invalid latency lognormal\(1, -1\)"),
        (lambda: Latency.lognormal(1, 1, cap=-1), r"invalid latency lognormal\(1, 1, cap=-1\)"),
        (lambda: Latency.lognormal(1, 100), r"invalid latency lognormal\(1, 100\): .* expected a cap"),
        (lambda: Latency.fixed(1, over_body=1), r"invalid over_body=1: expected True or False"),  # type: ignore[arg-type]
    ],
)
def test_a_latency_that_cannot_be_is_refused_with_the_rule(make: Callable[[], Latency], text: str) -> None:
    """When it is written, and not at the first call."""
    with pytest.raises(UsageError, match=f"^{text}"):
        make()


@pytest.mark.parametrize(
    "text", ["0.2y", "1 +", "", "None", "True", "[1]", "'0.2'", "fixed()", "fixed(1, 2, 3)", "fixed(minutes=1)",
             "os.system('x')", "fixed(__import__('os'))", "uniform(*[1, 2])", "fixed(**{'seconds': 1})"],
)  # fmt: skip
def test_invalid_latency_text_is_refused_and_never_run(text: str) -> None:
    """The text says what would be one."""
    with pytest.raises(UsageError) as refusal:
        latency_of(text)
    said = str(refusal.value)
    assert said.startswith((f"invalid latency {text!r}: ", "Unknown latency '", "Unknown argument of fixed 'minutes'"))
    assert any(way in said for way in (EXPECTED, "expected fixed(seconds, ", "Known: "))


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("unifrm(1, 2)", "Unknown latency 'unifrm'. Did you mean 'uniform'? Known: fixed, lognormal, uniform."),
        ("uniform", "invalid latency 'uniform': uniform needs parentheses, such as uniform(0.1, 0.4)"),
        (True, f"invalid latency True: {EXPECTED}"),
        ({"images.get": {}}, f"invalid latency {{}}: {EXPECTED}"),
    ],
)
def test_what_is_nearly_a_latency_is_told_what_it_lacks(written: object, text: str) -> None:
    """The nearest word, or the values."""
    with pytest.raises(UsageError) as refusal:
        latency_of(written)
    assert str(refusal.value) == text


def test_a_method_that_does_not_exist_is_refused_with_the_nearest() -> None:
    """A misspelt word must not look like a method that is fast."""
    with pytest.raises(UsageError, match=r"^Unknown method 'image\.create'\. Did you mean 'images\.create'\?"):
        latency_of({"image.create": 1})


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"operations.get": 1, "operations.*": 2}, {"operations.get": 1, "operations.cancel": 2}),
        ({"operations.*": 2, "operations.get": 1}, {"operations.get": 2, "operations.cancel": 2}),
        ({"operations.get": 0, "operations.*": 2}, {"operations.cancel": 2}),
        ({"unrouted": 1}, {"unrouted": 1}),
        (0, {}),
        ({}, {}),
    ],
)
def test_the_first_pattern_that_fits_counts(written: Any, expected: dict[str, float]) -> None:
    """In the order in which they are written; a method that is not late is not there."""
    assert per_method(latency_of(written)) == {word: Latency.fixed(seconds) for word, seconds in expected.items()}


def test_one_latency_is_that_of_every_method() -> None:
    """Calls that no method serves included."""
    assert set(per_method(Latency.fixed(1))) == {*METHODS, UNROUTED}


@given(fraction=FRACTIONS, ends=st.tuples(SECONDS, SECONDS).map(sorted))
def test_uniform_stays_between_its_limits(fraction: float, ends: list[float]) -> None:
    """Whatever is drawn."""
    shortest, longest = ends
    assert shortest <= Latency.uniform(shortest, longest).at(fraction) <= longest


@given(fraction=FRACTIONS, median=SECONDS, sigma=st.floats(0, 200), cap=SECONDS)
def test_lognormal_keeps_to_its_cap(fraction: float, median: float, sigma: float, cap: float) -> None:
    """And is never negative, however wide it is."""
    assert 0 <= Latency.lognormal(median, sigma, cap).at(fraction) <= cap


@given(fractions=st.lists(FRACTIONS, min_size=2).map(sorted))
def test_a_larger_draw_is_a_longer_latency(fractions: list[float]) -> None:
    """The inverse of a distribution never falls."""
    for latency in (Latency.uniform(0.1, 0.4), Latency.lognormal(0.2, 0.5), Latency.lognormal(0.2, 0.5, cap=0.3)):
        drawn = [latency.at(fraction) for fraction in fractions]
        assert drawn == sorted(drawn)


def test_half_of_the_draws_are_below_the_median() -> None:
    """And the documented share beyond some medians is that."""
    assert Latency.lognormal(0.2, 0.5).at(0.5) == pytest.approx(0.2)
    assert Latency.lognormal(1, 0.5).at(39 / 40) == pytest.approx(2.7, abs=0.05)
    assert Latency.lognormal(1, 1).at(39 / 40) == pytest.approx(7.1, abs=0.05)
    assert Latency.lognormal(0, 100).at(0.999) == 0
