"""The promise: a client that polls for twenty minutes and gives up does so at once, and at exactly that moment."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.virtual.calling import CLIENTS, unending, with_http_client

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages import Double, VirtualTime


@pytest.mark.parametrize(
    ("poll", "every"),
    [pytest.param(with_http_client, 1, marks=pytest.mark.costly), *((poll, 15) for poll in CLIENTS)],
)
def test_a_client_gives_up_after_exactly_twenty_minutes(
    poll: Callable[..., None], every: int, ycimages_time: VirtualTime, ycimages: Double
) -> None:
    """Client, double and fixture agree to the microsecond, and each poll comes exactly when the client wants it."""
    path = unending(ycimages)
    with pytest.raises(TimeoutError):
        poll(ycimages, path, 1200, every)
    assert ycimages_time.elapsed == 1200
    assert datetime.now(UTC) == datetime(2026, 1, 1, 0, 20, tzinfo=UTC)
    assert ycimages.clock.now() == time.time_ns()
    polls = ycimages.calls.of("operations.get")
    assert [call.at for call in polls[: 1200 // every]] == list(range(0, 1200, every))
    assert {call.at for call in polls[1200 // every :]} <= {1200}


@pytest.mark.parametrize("poll", CLIENTS)
def test_many_clients_at_once_neither_hurry_nor_wait_for_each_other(
    poll: Callable[[Double, str, float], None], ycimages_time: VirtualTime, ycimages_factory: Callable[..., Double]
) -> None:
    """One after the other, on doubles of their own, each takes the time that it takes."""
    for number in range(1, 4):
        double = ycimages_factory()
        with pytest.raises(TimeoutError):
            poll(double, unending(double), 5)
        assert ycimages_time.elapsed == 5 * number
        assert [call.at for call in double.calls.of("operations.get")[:5]] == [0, 1, 2, 3, 4]
