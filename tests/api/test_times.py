"""How moments are printed: operations with nine digits of a second, resources with none."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ycimages.api.message import SECOND, operation_time, resource_time

RECORDED = 1764952914_452564354
YEAR_10000 = 253402300800 * SECOND


def test_an_operation_prints_nine_digits_of_a_second() -> None:
    """As recorded on 2025-12-05."""
    assert operation_time(RECORDED) == "2025-12-05T16:41:54.452564354Z"


def test_a_resource_prints_whole_seconds() -> None:
    """The fraction is cut, not rounded."""
    assert resource_time(RECORDED) == "2025-12-05T16:41:54Z"
    assert resource_time(1 * SECOND + 999_999_999) == "1970-01-01T00:00:01Z"


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000000000Z"),
        (1, "1970-01-01T00:00:00.000000001Z"),
        (SECOND, "1970-01-01T00:00:01.000000000Z"),
        (1_709_208_000 * SECOND + 120_000_000, "2024-02-29T12:00:00.120000000Z"),
        (1_767_225_600 * SECOND - 1, "2025-12-31T23:59:59.999999999Z"),
    ],
)
def test_the_nine_digits_are_always_there(nanoseconds: int, text: str) -> None:
    """Also when they are zeros; no nanosecond is lost to a float."""
    assert operation_time(nanoseconds) == text


@settings(derandomize=True, database=None, deadline=None, max_examples=100)
@given(st.lists(st.integers(0, YEAR_10000 - 1), min_size=2, max_size=5))
def test_times_sort_as_text_the_way_they_sort_as_numbers(moments: list[int]) -> None:
    """So clients may compare them as strings; and the two forms agree to the second."""
    assert sorted(map(operation_time, moments)) == [operation_time(moment) for moment in sorted(moments)]
    assert [f"{operation_time(moment)[:19]}Z" for moment in moments] == list(map(resource_time, moments))
