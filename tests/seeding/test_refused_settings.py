"""invalid settings: refused when the double is made, in words that say what would be right."""

from __future__ import annotations

from typing import Any, Final

import pytest

from pytest_ycimages import After, AfterPolls, Double, Settings, UsageError
from pytest_ycimages.text_values import DURATIONS

SECONDS: Final = f"seconds, zero or more, such as 2.5, or a duration {DURATIONS}"


NAMES: Final = ", ".join(sorted(Settings.model_fields))
TIMINGS: Final = "Immediate, After, AfterPolls, Uniform, LogNormal, PerGiB, Never"
NO_TIMING: Final = (
    f"expected seconds such as 2.5, a duration {DURATIONS}, REALISTIC, or one of {TIMINGS} with its arguments, "
    "such as AfterPolls(3)"
)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"sead": 1}, f"Unknown setting 'sead'. Did you mean 'seed'? Known: {NAMES}."),
        ({"xyz": 1}, f"Unknown setting 'xyz'. Known: {NAMES}."),
        ({"contract": "today"}, "invalid settings: contract='today': Input should be 'page' or 'current'."),
        ({"auth": "no"}, "invalid settings: auth='no': Input should be 'any', 'strict' or 'off'."),
        ({"clock": "fast"}, "invalid settings: clock='fast': Input should be 'real' or 'manual'."),
        (
            {"unknown_fields": "fail"},
            "invalid settings: unknown_fields='fail': Input should be 'ignore', 'warn' or 'reject'.",
        ),
        (
            {"unknown_resources": "no"},
            "invalid settings: unknown_resources='no': Input should be 'accept' or 'not_found'.",
        ),
        (
            {"idempotency_key_format": "x"},
            "invalid settings: idempotency_key_format='x': Input should be 'any' or 'uuid'.",
        ),
        (
            {"idempotency_key_reuse": "x"},
            "invalid settings: idempotency_key_reuse='x': Input should be 'first' or 'reject'.",
        ),
        (
            {"violation_paths": "camel"},
            (
                "invalid settings: violation_paths='camel': Input should be 'camelCase', 'snake_case' or 'GoCase' "
                "(did you mean 'camelCase'?)."
            ),
        ),
        (
            {"rollback": -1},
            f"invalid rollback=-1: expected {SECONDS}.",
        ),
        (
            {"cancel_delay": "soon"},
            f"invalid cancel_delay='soon': expected {SECONDS}.",
        ),
        (
            {"cancel": "lost"},
            "Unknown cancel 'lost'. Did you mean 'loses'? Known: late, loses, refused, too_late, wins.",
        ),
        (
            {"outcome": "fine"},
            ("invalid outcome 'fine': expected Success() or a Failure, such as Failure('UNAVAILABLE', 'try again')"),
        ),
        (
            {"host": "0.0.0.0"},  # noqa: S104 - that it is refused is the point
            (
                "invalid settings: host='0.0.0.0': Input should be '127.0.0.1', '::1' or 'localhost', which no other "
                "machine can reach. If others shall, as in a container, set allow_remote too."
            ),
        ),
        ({"port": 70000}, "invalid settings: port=70000: Input should be less than or equal to 65535."),
        (
            {"port": -1, "auth": "no"},
            (
                "invalid settings: auth='no': Input should be 'any', 'strict' or 'off'; "
                "port=-1: Input should be greater than or equal to 0."
            ),
        ),
        ({"timing": "soon"}, f"invalid timing 'soon': {NO_TIMING}"),
        (
            {"timing": "After()"},
            "invalid timing 'After()': missing a required argument: 'seconds'; expected After(seconds)",
        ),
        (
            {"timing": "AfterPoll(1)"},
            (
                "Unknown timing 'AfterPoll'. Did you mean 'AfterPolls'? Known: After, AfterPolls, Immediate, "
                "LogNormal, Never, PerGiB, REALISTIC, REALISTIC_DELETE, REALISTIC_DISK, REALISTIC_IMAGE, "
                "REALISTIC_SLOW_DISK, REALISTIC_SNAPSHOT, REALISTIC_URI, Uniform."
            ),
        ),
        (
            {"timing": None},
            f"invalid timing None: {NO_TIMING}",
        ),
        (
            {"timing": -1},
            "invalid After(seconds=-1): expected zero seconds or more; for an operation that does not end, use Never()",
        ),
    ],
)
def test_a_setting_that_cannot_be_is_refused(settings: dict[str, Any], text: str) -> None:
    """All that are wrong at once; an unknown name with the nearest right one."""
    with pytest.raises(UsageError) as refusal:
        Double(**settings)
    assert str(refusal.value) == text


@pytest.mark.parametrize("given", [5, "seed=1", [("seed", 1)]])
def test_what_gives_no_settings_is_refused(given: Any) -> None:
    """Settings or a mapping do."""
    with pytest.raises(UsageError) as refusal:
        Double(given)
    assert str(refusal.value) == (
        f"invalid settings {given!r}: expected Settings(...), or a dict such as {{'timing': 5, 'auth': 'off'}}"
    )


@pytest.mark.parametrize("polls", [0, -1])
def test_a_timing_that_cannot_be_is_refused_where_it_is_written(polls: int) -> None:
    """Not only when a double is given it."""
    with pytest.raises(UsageError) as refusal:
        AfterPolls(polls)
    assert str(refusal.value) == (
        f"invalid AfterPolls({polls}): expected a whole number, 1 or more; "
        "for an operation that is done before any poll, use Immediate()"
    )


def test_the_timing_of_a_double_is_held_to_the_same() -> None:
    """It may be set in words, too, and what cannot be leaves it as it was."""
    double = Double(timing=3)
    with pytest.raises(UsageError, match="invalid timing 'soon'"):
        double.timing = "soon"
    assert double.timing == After(3)
    double.timing = "AfterPolls(2)"
    assert double.timing == AfterPolls(2)
