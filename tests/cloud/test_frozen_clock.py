"""A double follows whatever time the test has made: frozen by freezegun, or travelled to with time-machine."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import freezegun
import pytest
import time_machine

from pytest_ycimages import After, Double, UsageError
from pytest_ycimages.api.message import SECOND
from pytest_ycimages.cloud import clock
from pytest_ycimages.cloud.clock import RealClock
from tests.virtual.calling import create

if TYPE_CHECKING:
    from collections.abc import Callable

MOMENT: Final = datetime(2030, 5, 17, 12, tzinfo=UTC)


def _at(moment: datetime) -> int:
    return round(moment.timestamp()) * SECOND


def _double() -> tuple[Double, str]:
    double = Double(timing=After(seconds=1200))
    return double, create(double)


def test_a_tick_moves_an_operation() -> None:
    """No word about the double."""
    with freezegun.freeze_time(MOMENT) as frozen:
        double, id_ = _double()
        assert double.operations[id_].created_at == "2030-05-17T12:00:00Z"
        frozen.tick(timedelta(seconds=1199))
        assert not double.operations[id_].done
        frozen.tick()
        assert double.operations[id_].done
        assert double.operations[id_].modified_at == "2030-05-17T12:20:00Z"
        assert double.clock.now() == time.time_ns()


def test_a_move_moves_an_operation() -> None:
    """Forward, and back: time that a test has set back is its wish."""
    with freezegun.freeze_time(MOMENT) as frozen:
        double, id_ = _double()
        frozen.move_to(MOMENT + timedelta(hours=1))
        assert double.operations[id_].done
        frozen.move_to(MOMENT)
        assert not double.operations[id_].done


@freezegun.freeze_time(MOMENT)
def test_a_decorated_function() -> None:
    """As most tests write it."""
    double, id_ = _double()
    assert double.clock.now() == double.clock.began_at == _at(MOMENT)
    assert double.operations[id_].created_at == "2030-05-17T12:00:00Z"


@freezegun.freeze_time(MOMENT)
class TestADecoratedClass:
    """As others write it."""

    def test_of_a_class(self) -> None:
        """A double's own clock can be moved then, and takes the client's along."""
        double, id_ = _double()
        double.clock.advance(1200)
        assert double.operations[id_].done
        assert datetime.now(UTC) == MOMENT + timedelta(seconds=1200)


@pytest.mark.parametrize("moment", [datetime(1999, 12, 31, tzinfo=UTC), datetime(2190, 1, 1, tzinfo=UTC)])
def test_a_double_that_is_older_than_the_freeze(moment: datetime) -> None:
    """Frozen in its past or in its future: its journal counts from there, and what it makes then behaves."""
    double = Double(timing=After(seconds=10), operation_retention=None)
    old = create(double)
    with freezegun.freeze_time(moment) as frozen:
        id_ = create(double)
        assert double.calls[-1].at == 0
        assert double.clock.began_at == _at(moment)
        assert double.operations[id_].created_at.startswith(moment.strftime("%Y-%m-%d"))
        assert double.operations[old].done is (moment.year == 2190)
        frozen.tick(10)
        assert double.operations[id_].done
        create(double)
        assert double.calls[-1].at == 10
    before = time.time_ns()
    assert before <= double.clock.now() <= time.time_ns()


def test_frozen_time_that_runs_can_be_advanced() -> None:
    """From where it has come to, not from where it began."""
    freezer: Any = freezegun.freeze_time(MOMENT, tick=True)
    with freezer as frozen:
        frozen.start -= timedelta(hours=1)  # which is to say that an hour has passed
        clock = RealClock()
        clock.advance(5)
        assert _at(MOMENT) + 3605 * SECOND <= clock.now() < _at(MOMENT) + 4000 * SECOND


def test_looking_at_a_double_ticks_nothing() -> None:
    """With `auto_tick_seconds`, every look of the client's moves time by a step; those of the double's do not."""
    with freezegun.freeze_time(MOMENT, auto_tick_seconds=15):
        clock = RealClock()
        assert [clock.now() for _ in range(3)] == [_at(MOMENT)] * 3
        assert [datetime.now(UTC) for _ in range(2)] == [MOMENT, MOMENT + timedelta(seconds=15)]
        clock.advance(5)
        clock.advance(0)
        assert clock.now() == _at(MOMENT) + 35 * SECOND


def test_calls_that_are_late_at_the_same_time_move_frozen_time_once() -> None:
    """Two that wait for the same moment are there together."""
    with freezegun.freeze_time(MOMENT):
        clock = RealClock()
        moment = clock.now() + 10 * SECOND
        threads = [threading.Thread(target=clock.wait_until, args=(moment, _no_pause)) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert clock.now() == moment
        clock.wait_until(moment - SECOND, _no_pause)
        assert clock.now() == moment


def _no_pause(seconds: float) -> None:
    raise AssertionError(seconds)


@pytest.mark.parametrize("tick", [False, True])
def test_a_double_travels_with_the_test(tick: bool) -> None:  # noqa: FBT001 - a parameter of pytest's
    """time-machine changes what the machine's own clock says."""
    with time_machine.travel(MOMENT, tick=tick) as traveller:
        double, id_ = _double()
        assert double.operations[id_].created_at.startswith("2030-05-17T12:00:0")
        traveller.shift(1201)
        assert double.operations[id_].done
        traveller.move_to(MOMENT)
        assert not double.operations[id_].done
        assert abs(double.clock.now() - _at(MOMENT)) < 60 * SECOND


def test_a_double_is_older_than_the_journey() -> None:
    """To the past; and afterwards it is back in the present."""
    double = Double()
    with time_machine.travel(datetime(1999, 1, 1, tzinfo=UTC), tick=False):
        create(double)
        assert double.calls[0].at == 0
        assert double.clock.now() == _at(datetime(1999, 1, 1, tzinfo=UTC))
    before = time.time_ns()
    assert before <= double.clock.now() <= time.time_ns()


def test_a_journey_cannot_be_advanced_by_the_double() -> None:
    """It is the traveller who moves; the text says how a double's time can be moved."""
    with time_machine.travel(MOMENT, tick=False), pytest.raises(UsageError, match="this double runs on the real clock"):
        Double().clock.advance(5)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets the clock of the machine, in seconds."""

    def set_to(seconds: int) -> None:
        monkeypatch.setattr(clock, "_read_real", lambda: seconds * SECOND)

    return set_to


def test_a_machine_that_is_set_back_does_not_take_the_double_with_it(machine: Callable[[int], None]) -> None:
    """Its time stands for a moment and goes on from there, however often that happens; forward it follows."""
    machine(1000)
    real = RealClock()
    seen = []
    for seconds in (1010, 400, 405, 300, 310, 5000):
        machine(seconds)
        seen.append(real.now() // SECOND)
    assert seen == [1010, 1010, 1015, 1015, 1025, 5715]


def test_a_machine_may_be_set_back_while_time_is_frozen(machine: Callable[[int], None]) -> None:
    """Frozen time has nothing to do with it; afterwards, what the machine says counts anew."""
    machine(1000)
    real = RealClock()
    with freezegun.freeze_time(MOMENT):
        assert real.now() == _at(MOMENT)
    machine(500)
    assert real.now() == real.began_at == 500 * SECOND
