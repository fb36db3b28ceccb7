"""One time: whatever the client reads agrees with what the double says, at any moment, to the last digit."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_ycimages import After, Double, VirtualTime
from pytest_ycimages.api.message import SECOND
from tests.virtual.calling import create

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
MICROSECONDS = st.integers(1, 10**11)


def _readings() -> dict[str, int]:
    """What every clock says, in microseconds since the epoch; all but the wall clock begin anywhere."""
    naive = dt.datetime.now(), dt.datetime.utcnow(), dt.datetime.today()  # noqa: DTZ002, DTZ003, DTZ005 - client code that knows no zones
    aware = dt.datetime.now(dt.UTC), *(each.replace(tzinfo=dt.UTC) for each in naive)
    assert len(set(aware)) == 1
    return {
        "time": round(time.time() * 10**6),
        "time_ns": time.time_ns() // 1000,
        "monotonic": round(time.monotonic() * 10**6),
        "monotonic_ns": time.monotonic_ns() // 1000,
        "perf_counter": round(time.perf_counter() * 10**6),
        "perf_counter_ns": time.perf_counter_ns() // 1000,
        "datetime": (aware[0] - dt.datetime.fromtimestamp(0, dt.UTC)) // dt.timedelta(microseconds=1),
    }


@pytest.mark.costly
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.differing_executors])
@given(st.lists(MICROSECONDS, max_size=5))
def test_every_clock_moves_by_exactly_what_was_slept(steps: list[int]) -> None:
    """To the microsecond, in which virtual time counts; the wall clock and the double's own agree to the nanosecond."""
    with VirtualTime() as virtual_time:
        virtual_time.horizon = 10**9
        double = Double()
        slept = 0
        for step in [0, *steps]:
            before = _readings()
            time.sleep(step / 10**6)
            slept += step
            assert {name: reading - before[name] for name, reading in _readings().items()} == dict.fromkeys(
                before, step
            )
            assert virtual_time.elapsed == slept / 10**6
            assert double.clock.now() == virtual_time.now() == time.time_ns()
            assert time.time_ns() == int(START.timestamp()) * SECOND + slept * 1000


def test_parts_of_the_calendar_agree(ycimages_time: VirtualTime) -> None:
    """What is made of the time of day: days, struct_time, strftime, log records."""
    ycimages_time.advance(31 * 24 * 3600 - 1)
    time.sleep(1.5)
    assert dt.date.today() == dt.date(2026, 2, 1)  # noqa: DTZ011 - client code that knows no zones
    assert time.gmtime()[:6] == (2026, 2, 1, 0, 0, 0)
    assert time.strftime("%Y-%m") == "2026-02"
    assert time.localtime().tm_mon == 2
    record = logging.LogRecord("", logging.INFO, "", 1, "", None, None)
    assert record.created == time.time() == START.timestamp() + 31 * 24 * 3600 + 0.5
    assert str(ycimages_time) == "2026-02-01T00:00:00.500000+00:00"
    assert repr(ycimages_time) == f"<VirtualTime: {31 * 24 * 3600 + 0.5} seconds have passed>"


def test_an_event_loop_tells_the_same_time(ycimages_time: VirtualTime) -> None:
    """`loop.time` is `time.monotonic`, also on an event loop that was made before."""

    async def main() -> None:
        for seconds in (0.1, 0.25, 1e-6, 7):
            await asyncio.sleep(seconds)
            assert asyncio.get_running_loop().time() == time.monotonic()
            assert time.time() == START.timestamp() + ycimages_time.elapsed

    asyncio.run(main())
    assert ycimages_time.elapsed == 7.350001


def test_what_the_double_writes_down_agrees(ycimages_time: VirtualTime, ycimages: Double) -> None:
    """`createdAt`, `modifiedAt` and the journal."""
    ycimages.timing = After(seconds=90)
    time.sleep(12.25)
    id_ = create(ycimages)
    assert ycimages.operations[id_].created_at == "2026-01-01T00:00:12.250Z"
    time.sleep(89.75)
    assert not ycimages.operations[id_].done
    time.sleep(0.25)
    assert ycimages.operations[id_].done
    time.sleep(5)
    assert ycimages.operations[id_].modified_at == "2026-01-01T00:01:42.250Z"
    assert ycimages.calls[0].at == 12.25
    assert ycimages_time.elapsed == 107.25


def test_the_shortest_of_waits_takes_a_microsecond(ycimages_time: VirtualTime) -> None:
    """Whoever waits for less still gets on, and whoever waits for nothing takes no time."""
    time.sleep(1e-9)
    assert ycimages_time.elapsed == 1e-6
    time.sleep(0)
    assert ycimages_time.elapsed == 1e-6


def test_a_wait_that_floats_cannot_tell_from_none_ends(ycimages_time: VirtualTime) -> None:
    """An event loop adds it to a number of seconds that has ten digits before the point."""
    asyncio.run(asyncio.sleep(1e-9))
    assert ycimages_time.elapsed == 0


def test_the_journal_counts_from_when_virtual_time_began(ycimages_time: VirtualTime, ycimages: Double) -> None:
    """A double's own clock began at the same moment."""
    assert ycimages.clock.began_at == ycimages_time.now()
    ycimages_time.advance(3)
    create(ycimages)
    assert ycimages.calls[0].at == 3
