"""How moments are printed: operations and tokens as protobuf prints times, resources to the second."""

from __future__ import annotations

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ycimages.api.message import SECOND, operation_time, resource_time

RECORDED = 1764952914_452564354
YEAR_10000 = 253402300800 * SECOND


def test_an_operation_prints_all_digits_of_a_second() -> None:
    """As recorded on 2025-12-05."""
    assert operation_time(RECORDED) == "2025-12-05T16:41:54.452564354Z"


def test_a_resource_prints_whole_seconds() -> None:
    """The fraction is cut, not rounded."""
    assert resource_time(RECORDED) == "2025-12-05T16:41:54Z"
    assert resource_time(1 * SECOND + 999_999_999) == "1970-01-01T00:00:01Z"


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1, "1970-01-01T00:00:00.000000001Z"),
        (1000, "1970-01-01T00:00:00.000001Z"),
        (1_000_000, "1970-01-01T00:00:00.001Z"),
        (100, "1970-01-01T00:00:00.000000100Z"),
        (10_000, "1970-01-01T00:00:00.000010Z"),
        (100_000_000, "1970-01-01T00:00:00.100Z"),
        (SECOND, "1970-01-01T00:00:01Z"),
        (1_606_000_000_033_021_000, "2020-11-21T23:06:40.033021Z"),
        (1_709_208_000 * SECOND + 120_000_000, "2024-02-29T12:00:00.120Z"),
        (1_767_225_600 * SECOND - 1, "2025-12-31T23:59:59.999999999Z"),
    ],
)
def test_digits_come_in_groups_of_three(nanoseconds: int, text: str) -> None:
    """None, three, six or nine; no nanosecond is lost to a float."""
    assert operation_time(nanoseconds) == text


@settings(derandomize=True, database=None, deadline=None, max_examples=100)
@given(st.integers(0, YEAR_10000 - 1), st.sampled_from([1, 10, 1000, 10**5, 10**6, 10**8, SECOND]))
def test_a_moment_is_printed_as_protobuf_prints_it(moment: int, unit: int) -> None:
    """Whatever its last digit; and the two forms agree to the second."""
    moment -= moment % unit
    stamp = Timestamp(seconds=moment // SECOND, nanos=moment % SECOND)
    assert operation_time(moment) == stamp.ToJsonString()
    assert f"{operation_time(moment)[:19]}Z" == resource_time(moment)
