"""Timings: the values that users give, in Python and as text, and the errors of invalid ones."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError
from typing import TYPE_CHECKING

import pytest

from pytest_ycimages import (
    REALISTIC,
    REALISTIC_IMAGE,
    After,
    AfterPolls,
    Immediate,
    LogNormal,
    Never,
    PerGiB,
    Schedule,
    Start,
    Timing,
    Uniform,
    UsageError,
)
from pytest_ycimages.api.message import SECOND
from pytest_ycimages.cloud.timing import TIMINGS, timing_of
from tests.cloud.operations import START, begun

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS_RULE = ": expected zero seconds or more; for an operation that does not end, use Never()"
POLLS_RULE = ": expected a whole number, 1 or more; for an operation that is done before any poll, use Immediate()"


@pytest.mark.parametrize(
    ("timing", "schedule"),
    [
        (Immediate(), Schedule(ends_at=START)),
        (After(0), Schedule(ends_at=START)),
        (After(2.5), Schedule(ends_at=START + 2_500_000_000)),
        (After(0.1), Schedule(ends_at=START + 100_000_000)),
        (After(seconds=1e-9), Schedule(ends_at=START + 1)),
        (After(1e300), Schedule(ends_at=START + 10**11 * SECOND)),
        (AfterPolls(3), Schedule(polls=3)),
        (Never(), Schedule()),
    ],
)
def test_a_timing_makes_its_schedule(timing: Timing, schedule: Schedule) -> None:
    """The end is a whole number of nanoseconds, a number of polls, or nothing."""
    assert timing.schedule(begun()) == schedule


@pytest.mark.parametrize("name", TIMINGS)
def test_every_timing_is_public_under_its_own_name(name: str) -> None:
    """What text can name, Python can import."""
    import pytest_ycimages  # noqa: PLC0415 - the names are asked of the package itself

    assert getattr(pytest_ycimages, name) is TIMINGS[name]


def test_a_timing_is_a_value_that_does_not_change() -> None:
    """Equal when equal, and frozen: one timing may serve many doubles."""
    timing = After(5)
    assert timing == After(5.0)
    with pytest.raises(FrozenInstanceError):
        timing.seconds = 6  # type: ignore[misc]  # setting it must fail


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: After(-1), f"invalid After(seconds=-1){SECONDS_RULE}"),
        (lambda: After(-1e-9), f"invalid After(seconds=-1e-09){SECONDS_RULE}"),
        (lambda: After(math.nan), f"invalid After(seconds=nan){SECONDS_RULE}"),
        (lambda: After(math.inf), f"invalid After(seconds=inf){SECONDS_RULE}"),
        (lambda: AfterPolls(0), f"invalid AfterPolls(0){POLLS_RULE}"),
        (lambda: AfterPolls(-3), f"invalid AfterPolls(-3){POLLS_RULE}"),
    ],
)
def test_an_invalid_value_raises_an_error_with_an_alternative(make: Callable[[], Timing], text: str) -> None:
    """The text has the given value, the expected one, and the next step."""
    with pytest.raises(UsageError) as refusal:
        make()
    assert str(refusal.value) == text


@pytest.mark.parametrize("polls", [1.5, math.nan, "3", None])
def test_a_number_of_polls_that_is_not_whole_is_refused(polls: object) -> None:
    """There is no poll 1.5: counting towards it would never come to an end."""
    with pytest.raises(UsageError, match="AfterPolls"):
        AfterPolls(polls)  # type: ignore[arg-type]  # tests are not always type-checked


@pytest.mark.parametrize("seconds", ["5", None, [1]])
def test_seconds_that_are_no_number_are_refused(seconds: object) -> None:
    """A wrong type is a usage error like any other, not a comparison that failed somewhere inside."""
    with pytest.raises(UsageError, match="After"):
        After(seconds)  # type: ignore[arg-type]  # tests are not always type-checked


@pytest.mark.parametrize(
    ("written", "timing"),
    [
        (5, After(5)),
        (0, After(0)),
        (2.5, After(2.5)),
        ("5", After(5)),
        ("2.5", After(2.5)),
        (" 2.5 ", After(2.5)),
        ("1e-3", After(0.001)),
        ("AfterPolls(3)", AfterPolls(3)),
        ("AfterPolls(polls=3)", AfterPolls(3)),
        ("After(5)", After(5)),
        ("After(seconds=5)", After(5)),
        ("Never()", Never()),
        ("Immediate()", Immediate()),
        (" Immediate() ", Immediate()),
        (AfterPolls(2), AfterPolls(2)),
        ("Uniform(1, 5)", Uniform(1, 5)),
        ("LogNormal(median=12, sigma=0.4)", LogNormal(12, 0.4)),
        ("LogNormal(12, 0.4, cap=60)", LogNormal(12, 0.4, 60)),
        ("PerGiB(7, base=2)", PerGiB(7, base=2)),
        ("REALISTIC", REALISTIC),
        (" REALISTIC_IMAGE ", REALISTIC_IMAGE),
    ],
)
def test_a_timing_may_be_written_as_a_number_as_text_or_as_itself(written: object, timing: Timing) -> None:
    """A marker, an ini file and a command line say the same thing in their own way."""
    assert timing_of(written) == timing


@pytest.mark.parametrize(
    "text",
    [
        "immediate",
        "os.system('x')",
        "__import__('os')",
        "After(__import__('os'))",
        "After(1)(2)",
        "After()",
        "After(1, 2)",
        "After(minutes=1)",
        "After(**{'seconds': 1})",
        "AfterPolls(*[1])",
        "1 +",
        "",
        "5x",
        "[5]",
        "None",
        "\0",
    ],
)
def test_invalid_timing_text_is_refused_and_never_run(text: str) -> None:
    """Text is read as a literal, so nothing that it names is ever called."""
    with pytest.raises(UsageError) as refusal:
        timing_of(text)
    said = str(refusal.value)
    assert said.startswith((f"invalid timing {text!r}: ", "Unknown timing ", "Unknown argument of After "))
    assert "expected After(seconds)" in said or "Known: seconds." in said or all(name in said for name in TIMINGS)


def test_a_timing_without_its_parentheses_is_told_to_take_them() -> None:
    """`Never` looks right to who wrote it, so a list that repeats `Never` is no help: it must say `Never()`."""
    with pytest.raises(UsageError, match=r"Never\(\)"):
        timing_of("Never")


def test_a_misspelt_timing_is_told_the_nearest_one() -> None:
    """The text names what was meant, and all that there is."""
    with pytest.raises(UsageError) as refusal:
        timing_of("Aftr(3)")
    assert str(refusal.value) == (
        "Unknown timing 'Aftr'. Did you mean 'After'? Known: After, AfterPolls, Immediate, LogNormal, Never, PerGiB, "
        "REALISTIC, REALISTIC_DELETE, REALISTIC_DISK, REALISTIC_IMAGE, REALISTIC_SLOW_DISK, REALISTIC_SNAPSHOT, "
        "REALISTIC_URI, Uniform."
    )


@pytest.mark.parametrize("value", [True, False, None, After, Never, object, [5], b"5", 1j])
def test_a_value_that_is_no_timing_is_refused(value: object) -> None:
    """A bool is no number of seconds, and a class is no timing: it lacks its values."""
    with pytest.raises(UsageError) as refusal:
        timing_of(value)
    said = str(refusal.value)
    assert said.startswith(
        f"invalid timing {value!r}: expected seconds such as 2.5, a duration such as '200ms', '1.5s' or '1h30m', "
    )
    assert all(name in said for name in TIMINGS)


@pytest.mark.parametrize("text", ["True", "False", "'True'"])
def test_a_bool_is_no_number_of_seconds_in_text_either(text: str) -> None:
    """`ycimages_timing = True` is a mistake, and not one second."""
    with pytest.raises(UsageError):
        timing_of(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("-1", f"invalid After(seconds=-1){SECONDS_RULE}"),
        ("1e999", f"invalid After(seconds=inf){SECONDS_RULE}"),
        ("After(-1)", f"invalid After(seconds=-1){SECONDS_RULE}"),
        ("AfterPolls(0)", f"invalid AfterPolls(0){POLLS_RULE}"),
    ],
)
def test_a_value_in_text_is_held_to_the_same_rules(text: str, said: str) -> None:
    """Text is another way to write a timing, not a way around its rules."""
    with pytest.raises(UsageError) as refusal:
        timing_of(text)
    assert str(refusal.value) == said


def test_anything_with_a_schedule_is_a_timing() -> None:
    """Users may write timings of their own: `Timing` is a protocol."""

    class AtMidnight:
        def schedule(self, start: Start) -> Schedule:
            return Schedule(ends_at=start.at + -start.at % (24 * 3600 * SECOND))

    own = AtMidnight()
    assert timing_of(own) is own


@pytest.mark.parametrize("text", ["Script(5)", "BySource(uri=5)", " Script "])
def test_what_only_python_can_say_is_refused_as_text(text: str) -> None:
    """The text says where it can be said."""
    with pytest.raises(UsageError) as refusal:
        timing_of(text)
    assert str(refusal.value) == f"invalid timing {text!r}: give it in Python, such as Settings(timing=...)"
