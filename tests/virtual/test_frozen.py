"""Virtual time beside other ways to rule over time: inside frozen time, around it, and on a journey."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import freezegun
import pytest
import time_machine

from pytest_ycimages import After, Double, UsageError, VirtualTime
from pytest_ycimages.cloud.clock import frozen_moment
from tests.virtual.calling import create

if TYPE_CHECKING:
    from collections.abc import Callable

MOMENT: Final = datetime(2030, 5, 17, 12, tzinfo=UTC)


def _now() -> datetime:
    return datetime.now(UTC)


@freezegun.freeze_time(MOMENT)
def test_virtual_time_begins_where_the_test_has_frozen_time() -> None:
    """And frozen time goes on where it was afterwards."""
    with VirtualTime() as virtual_time:
        assert _now() == MOMENT
        time.sleep(100)
        asyncio.run(asyncio.sleep(20))
        threading.Event().wait(3)
        assert _now() == MOMENT + timedelta(seconds=123)
        assert time.time_ns() == virtual_time.now() == Double().clock.now()
    assert _now() == MOMENT


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize(
    "start",
    [MOMENT, datetime(2030, 5, 17, 12), datetime(2030, 5, 17, 14, tzinfo=UTC).astimezone()],  # noqa: DTZ001 - as freezegun takes it
)
def test_virtual_time_begins_where_it_is_told(start: datetime, frozen: bool) -> None:  # noqa: FBT001 - a parameter of pytest's
    """In UTC if the moment has no zone; also when the test has frozen time somewhere else."""
    freezer = freezegun.freeze_time("2001-01-01")
    if frozen:
        freezer.start()
    try:
        with VirtualTime(start) as virtual_time:
            moment = start if start.tzinfo else MOMENT
            assert _now() == moment
            assert virtual_time.now() == round(moment.timestamp()) * 10**9
            time.sleep(0.5)
            assert _now() == moment + timedelta(seconds=0.5)
    finally:
        if frozen:
            freezer.stop()


@freezegun.freeze_time(MOMENT, tick=True)
def test_virtual_time_does_not_run_though_frozen_time_does() -> None:
    """It passes only when everybody waits."""
    with VirtualTime():
        began = _now()
        time.sleep(7)
        assert _now() == began + timedelta(seconds=7)


def test_virtual_time_does_not_tick_though_frozen_time_does() -> None:
    """Looking at it moves nothing, neither inside nor outside."""
    with freezegun.freeze_time(MOMENT, auto_tick_seconds=15) as frozen:
        earliest = frozen_moment(frozen).replace(tzinfo=UTC)  # freezegun's start may read modules that read the clock
        with VirtualTime() as virtual_time:
            began = _now()
            assert began >= earliest
            assert [_now() for _ in range(20)] == [began] * 20
            time.sleep(7)
            assert _now() == began + timedelta(seconds=7)
            assert virtual_time.elapsed == 7
        ticked = frozen_moment(frozen).replace(tzinfo=UTC) - earliest
        assert ticked < timedelta(seconds=15 * 20)  # threads that other tests left may have looked, but not so often


def test_time_may_be_frozen_inside(ycimages_time: VirtualTime, ycimages: Double) -> None:
    """Waits move it from there. Afterwards, what was waited for has passed outside as well, and ticks have not."""
    ycimages.timing = After(seconds=1200)
    with freezegun.freeze_time(MOMENT) as frozen:
        id_ = create(ycimages)
        assert ycimages.operations[id_].created_at == "2030-05-17T12:00:00Z"
        assert ycimages.calls[0].at == 0
        time.sleep(1000)
        assert _now() == MOMENT + timedelta(seconds=1000)
        frozen.tick(200)
        assert ycimages.operations[id_].done
        asyncio.run(asyncio.sleep(5))
        ycimages_time.advance(5)
        ycimages.clock.advance(5)
        assert time.time_ns() == ycimages.clock.now() == ycimages_time.now()
        assert _now() == MOMENT + timedelta(seconds=1215)
    assert ycimages_time.elapsed == 1015
    assert _now() == datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=1015)


@freezegun.freeze_time(MOMENT)
def test_a_decorated_test_is_frozen_inside(ycimages_time: VirtualTime, ycimages: Double) -> None:
    """The fixture comes first then. This is how both are used together most often."""
    ycimages.timing = After(seconds=1200)
    id_ = create(ycimages)
    while not ycimages.operations[id_].done:
        time.sleep(60)
    assert _now() == MOMENT + timedelta(seconds=1200)
    assert ycimages_time.elapsed == 1200


@pytest.mark.parametrize("tick", [False, True])
def test_virtual_time_begins_where_the_test_has_travelled(tick: bool) -> None:  # noqa: FBT001 - a parameter of pytest's
    """time-machine changes the machine's own clock. From there on, time passes only when all threads wait."""
    with time_machine.travel(MOMENT, tick=tick) as traveller, VirtualTime() as virtual_time:
        began = _now()
        assert MOMENT <= began < MOMENT + timedelta(minutes=10)
        time.sleep(10)
        thread = threading.Thread(target=time.sleep, args=(10,))
        thread.start()
        thread.join()
        assert _now() == began + timedelta(seconds=20)
        assert Double().clock.now() == virtual_time.now()
        for move in (traveller.shift, traveller.move_to):
            with pytest.raises(UsageError, match=r"Move their clock with ycimages_time\.travel\("):
                move(3600)
    with time_machine.travel(MOMENT, tick=False) as traveller:
        traveller.shift(60)
        assert _now() == MOMENT + timedelta(minutes=1)


def _enter() -> None:
    with time_machine.travel(MOMENT):
        pytest.fail("it should not have begun")


def _start() -> None:
    time_machine.travel(MOMENT).start()


@time_machine.travel(MOMENT)
def _decorated() -> None:
    pytest.fail("it should not have begun")


async def _in_a_coroutine() -> None:
    async with time_machine.travel(MOMENT):
        pytest.fail("it should not have begun")


@pytest.mark.parametrize("travel", [_enter, _start, _decorated, lambda: asyncio.run(_in_a_coroutine())])
def test_no_journey_begins_in_virtual_time(
    ycimages_time: VirtualTime, ycimages: Double, travel: Callable[[], object]
) -> None:
    """The error says what moves the clock that client and double share. No harm is done."""
    with pytest.raises(UsageError, match=r"^time_machine cannot travel in virtual time: .*ycimages_time\.travel\("):
        travel()
    time.sleep(10)
    assert ycimages_time.elapsed == 10
    assert ycimages.clock.now() == ycimages_time.now() == time.time_ns()
    ycimages_time.travel(MOMENT)
    assert _now() == MOMENT
    assert ycimages.clock.now() == round(MOMENT.timestamp()) * 10**9


def test_whoever_travels_lets_waits_end_on_the_way(ycimages_time: VirtualTime) -> None:
    """In their order; to a moment, or for a duration."""
    ended: list[float] = []

    def wait(seconds: float) -> None:
        time.sleep(seconds)
        ended.append(ycimages_time.elapsed)

    threads = [threading.Thread(target=wait, args=(seconds,)) for seconds in (7200, 60)]
    for thread in threads:
        thread.start()
    ycimages_time.travel(timedelta(hours=1))
    assert ended == [60]
    ycimages_time.travel(datetime(2026, 1, 1, 2))  # noqa: DTZ001 - without a zone it means UTC
    threads[0].join()
    assert ended == [60, 7200]
    assert _now() == datetime(2026, 1, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("destination", "said"),
    [
        (datetime(2025, 1, 1, tzinfo=UTC), "time cannot go back"),
        (timedelta(seconds=-1), "time cannot go back"),
        ("2030-01-01", "expected a datetime"),
        (5, "expected a datetime"),
    ],
)
def test_travelling_back_or_to_nowhere_is_refused(ycimages_time: VirtualTime, destination: Any, said: str) -> None:
    """And moves nothing."""
    with pytest.raises(UsageError, match=said):
        ycimages_time.travel(destination)
    assert ycimages_time.elapsed == 0


def test_frozen_time_that_ticks_may_be_frozen_inside(ycimages_time: VirtualTime) -> None:
    """It runs with the machine's clock, and waits move it in addition."""
    with freezegun.freeze_time(MOMENT, tick=True):
        time.sleep(3600)
        assert MOMENT + timedelta(hours=1) <= _now() < MOMENT + timedelta(hours=2)
    assert ycimages_time.elapsed == 3600


@pytest.mark.costly
def test_a_double_outlives_each_kind_of_time() -> None:
    """Real, virtual, frozen and virtual again: it says which time it is each time."""
    double = Double()
    create(double)
    for _ in range(2):
        with VirtualTime() as virtual_time:
            time.sleep(3)
            create(double)
            assert double.clock.now() == virtual_time.now()
            assert double.calls[-1].at == 0
            time.sleep(4)
            create(double)
            assert double.calls[-1].at == 4
        with freezegun.freeze_time(MOMENT):
            create(double)
            assert double.calls[-1].at == 0
    before = time.time_ns()
    create(double)
    assert before <= double.clock.now() <= time.time_ns()


def _by_all(virtual_time: VirtualTime, double: Double) -> list[Callable[[float], None]]:
    return [virtual_time.advance, double.clock.advance, time.sleep]


def test_whatever_moves_time_moves_the_same(ycimages_time: VirtualTime, ycimages: Double) -> None:
    """The fixture, the double's clock, and the client's sleep."""
    for number, move in enumerate(_by_all(ycimages_time, ycimages), start=1):
        move(2.5)
        move(0)
        assert ycimages_time.elapsed == 2.5 * number
        assert ycimages.clock.now() == time.time_ns() == ycimages_time.now()


def test_all_that_ends_while_time_is_moved_ends_in_its_order(ycimages_time: VirtualTime) -> None:
    """Moving by hand is as if this thread had slept."""
    order = []

    def live(seconds: float) -> None:
        time.sleep(seconds)
        order.append(ycimages_time.elapsed)

    threads = [threading.Thread(target=live, args=(seconds,)) for seconds in (30, 10, 20, 50)]
    for thread in threads:
        thread.start()
    ycimages_time.advance(40)
    assert order == [10, 20, 30]
    for thread in threads:
        thread.join()
    assert order == [10, 20, 30, 50]
