"""The codes of google.rpc, and the HTTP status that the gateway gives each."""

from __future__ import annotations

import pytest

from pytest_ycimages.api.status import Code

TABLE = """
0 OK 200
1 CANCELLED 499
2 UNKNOWN 500
3 INVALID_ARGUMENT 400
4 DEADLINE_EXCEEDED 504
5 NOT_FOUND 404
6 ALREADY_EXISTS 409
7 PERMISSION_DENIED 403
8 RESOURCE_EXHAUSTED 429
9 FAILED_PRECONDITION 400
10 ABORTED 409
11 OUT_OF_RANGE 400
12 UNIMPLEMENTED 501
13 INTERNAL 500
14 UNAVAILABLE 503
15 DATA_LOSS 500
16 UNAUTHENTICATED 401
"""
ROWS = [(int(number), name, int(status)) for number, name, status in map(str.split, TABLE.strip().splitlines())]


@pytest.mark.parametrize(("number", "name", "status"), ROWS, ids=[name for _, name, _ in ROWS])
def test_a_code_has_the_number_the_name_and_the_status_of_the_table(number: int, name: str, status: int) -> None:
    """Documented in the vendor's guide to errors."""
    assert Code(number).name == name
    assert Code(number).http_status == status


def test_no_code_is_without_a_row_and_no_status_without_a_code() -> None:
    """The table is whole."""
    assert len(ROWS) == len(Code)
