"""A draw depends on the seed, the call and the attempt, and on nothing else."""

from __future__ import annotations

from threading import Barrier, Thread
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import Client

from pytest_ycimages import Double, Latency

if TYPE_CHECKING:
    from collections.abc import Sequence

PATHS: Final = ("/endpoints", "/endpoints/iam", "/nowhere", "/operations/fd800000000000000000")


def drawn(double: Double, paths: Sequence[str]) -> dict[tuple[str, int], float]:
    """Call every path in turn; what was drawn, by call and attempt."""
    client = Client(double.app)
    for path in paths:
        client.get(path)
    return {(call.line, call.attempt): call.latency for call in double.calls}


def double(seed: int = 0, name: str = "a", latency_order: str = "effect_first") -> Double:
    """A double whose every call takes another time."""
    return Double(seed=seed, name=name, clock="manual", latency="uniform(0, 1)", latency_order=latency_order)


@pytest.mark.costly
@given(data=st.data(), paths=st.lists(st.sampled_from(PATHS), max_size=12))
def test_the_order_of_calls_changes_no_latency(data: st.DataObject, paths: list[str]) -> None:
    """Nor does what else is called, nor whether the latency comes first: workers and orders may differ."""
    shuffled = data.draw(st.permutations(paths))
    expected = drawn(double(), paths)
    assert drawn(double(), shuffled) == expected
    assert drawn(double(latency_order="latency_first"), shuffled) == expected
    assert drawn(double(), [path for path in paths if path != "/nowhere"]).items() <= expected.items()


def test_every_attempt_of_every_call_draws_anew() -> None:
    """Two doubles, two seeds, two paths or two attempts share no latency."""
    seen = [
        latency
        for each in (double(), double(seed=1), double(name="b"))
        for latency in drawn(each, PATHS * 5).values()
    ]  # fmt: skip
    assert len(set(seen)) == len(seen) == 60
    assert all(0 <= latency < 1 for latency in seen)


def test_a_draw_is_the_same_on_every_machine() -> None:
    """To the nanosecond: a hash, and no generator of this Python or that."""
    assert drawn(double(), PATHS[:1] * 3) == {
        ("GET /endpoints", 1): 0.138979368,
        ("GET /endpoints", 2): 0.337453004,
        ("GET /endpoints", 3): 0.705540171,
    }


def test_calls_at_the_same_time_draw_as_many_latencies() -> None:
    """Whichever of them is written down first; held back or not."""
    for order in ("effect_first", "latency_first"):
        each = double(latency_order=order)
        together = Barrier(8, timeout=20)

        def call(each: Double = each, together: Barrier = together) -> None:
            together.wait()
            Client(each.app).get("/endpoints")

        threads = [Thread(target=call) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        one_by_one = drawn(double(), PATHS[:1] * 8)
        assert sorted(call.latency for call in each.calls) == sorted(one_by_one.values())


def test_a_latency_that_is_drawn_is_that_of_its_law() -> None:
    """The settings reach the draw."""
    latencies = drawn(Double(clock="manual", latency=Latency.lognormal(1, 1, cap=1.5)), PATHS * 20).values()
    assert max(latencies) == 1.5
    assert 0.3 < sum(latency < 1 for latency in latencies) / 80 < 0.7
