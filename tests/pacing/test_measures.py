"""What is measured of a client's pace, and which calls belong to which operation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ycimages import Calls, Code, Pacing
from tests.pacing.waiting import BODY, call, polls

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.pacing.waiting import Waiting


def pacing_of(*times: float) -> Pacing:
    """How a client paced itself that polled at these times."""
    return polls(*times).pacing["fd8"]


def test_a_steady_client_is_measured_exactly(waiting: Callable[..., Waiting]) -> None:
    """In seconds, with no error of floats."""
    pacing = waiting(timing=0.3).poll(0.1, 0.1, 0.1, 0.1).pacing
    assert pacing.first_after == 0.1
    assert pacing.intervals == [0.1, 0.1, 0.1]
    assert pacing.pauses == [0.1, 0.1, 0.1]
    assert (pacing.growth, pacing.jitter) == (1, 0)
    assert pacing.done_seen_at == 0.3
    assert [poll.at for poll in pacing.polls_after_done] == [0.4]


def test_a_pause_is_the_interval_less_the_latency(waiting: Callable[..., Waiting]) -> None:
    """Which of the call is held back, and which of the answer, makes no difference."""
    for order in ("effect_first", "latency_first"):
        pacing = waiting(latency=0.25, latency_order=order, timing=3.5).poll(1, 1, 2).pacing
        assert pacing.first_after == 1
        assert pacing.intervals == [1.25, 2.25]
        assert pacing.pauses == [1, 2]
        assert pacing.done_seen_at == 5


def test_a_client_that_does_not_wait_for_answers_has_negative_pauses() -> None:
    """It gave up, or it polls in parallel."""
    pacing = polls(0, 5, 6, latency=10).pacing["fd8"]
    assert pacing.intervals == [5, 1]
    assert pacing.pauses == [-5, -9]
    assert (pacing.growth, pacing.jitter) == (None, None)


@pytest.mark.parametrize(
    ("times", "growth", "jitter"),
    [
        ((), None, None),
        ((0,), None, None),
        ((0, 1), None, None),
        ((0, 1, 3), 2, None),
        ((0, 1, 3, 7, 15), 2, 0),
        ((0, 1, 3, 7, 15, 23, 31), 2, 0),
        ((0, 0.05, 0.2, 0.65), 3, 0),
        ((0, 8, 12, 14), 0.5, 0),
        ((0, 0, 0, 0), None, None),
        ((0, 10, 21, 31, 42, 52), 1.0045, 0.0950),
    ],
)
def test_growth_and_jitter_are_medians(times: tuple[float, ...], growth: float | None, jitter: float | None) -> None:
    """A cap or a single odd pause does not hide the course."""
    pacing = pacing_of(*times) if times else Pacing("fd8", None, None, (), None, (), ())
    assert pacing.growth == (growth if growth is None else pytest.approx(growth, abs=1e-4))
    assert pacing.jitter == (jitter if jitter is None else pytest.approx(jitter, abs=1e-4))


@pytest.mark.costly
@given(pauses=st.lists(st.integers(1, 10**12), min_size=3, max_size=20), factor=st.integers(1, 1000))
def test_a_client_that_is_slower_throughout_has_the_same_course(pauses: list[int], factor: int) -> None:
    """Growth and jitter have no unit; intervals are exact to the nanosecond."""
    times = [sum(pauses[:number]) for number in range(len(pauses) + 1)]
    slow, fast = (pacing_of(*(each * unit / 1e9 for each in times)) for unit in (factor, 1))
    assert fast.intervals == [pause / 1e9 for pause in pauses]
    assert slow.growth == pytest.approx(fast.growth)
    assert slow.jitter == pytest.approx(fast.jitter, abs=1e-9)


def test_polls_that_fail_are_polls(waiting: Callable[..., Waiting]) -> None:
    """A client that polls on after a refusal keeps its pace or does not."""
    client = waiting().poll(1)
    client.ask("GET", f"/operations/{client.id}", authorization="")
    assert [poll.status for poll in client.pacing.polls] == [Code.OK, Code.UNAUTHENTICATED]


def test_operations_are_told_apart(waiting: Callable[..., Waiting]) -> None:
    """Each has its own polls; one that nobody polls is there as well, and one that never was is not."""
    client = waiting().poll(1, 1)
    second = client.ask("POST", "/compute/v1/images", BODY)
    client.double.clock.advance(5)
    client.ask("GET", f"/operations/{second['id']}")
    third = client.ask("POST", "/compute/v1/images", BODY)
    client.ask("GET", "/operations/fd800000000000000000")
    pacing = client.double.calls.pacing
    assert list(pacing) == [client.id, second["id"], third["id"]]
    assert [len(each.polls) for each in pacing.values()] == [2, 1, 0]
    assert [each.first_after for each in pacing.values()] == [1, 5, None]


def test_a_client_may_wait_by_looking_at_the_image(waiting: Callable[..., Waiting]) -> None:
    """READY is the end of it. A client that polls the operation as well looks at the image for another reason."""
    pacing = waiting(timing=3).look(2, 2, 2).pacing
    assert [poll.method for poll in pacing.polls] == ["images.get"] * 3
    assert pacing.intervals == [2, 2]
    assert pacing.done_seen_at == 4
    assert len(pacing.polls_after_done) == 1
    pacing = waiting(timing=3).look(1).poll(2).look(1).pacing
    assert [poll.method for poll in pacing.polls] == ["operations.get"]
    assert pacing.polls_after_done == ()


def test_who_knows_from_the_first_answer_does_not_wait(waiting: Callable[..., Waiting]) -> None:
    """To look at the image afterwards is no polling."""
    client = waiting(timing="Immediate()").look(1)
    assert client.pacing.polls == ()
    assert client.pacing.done == client.double.calls[0]
    client.poll(1)
    assert client.pacing.polls_after_done == client.pacing.polls != ()


def test_who_waits_for_a_deletion_waits_for_not_found(waiting: Callable[..., Waiting]) -> None:
    """The image's looks belong to the latest operation that shows in its status."""
    client = waiting(timing=3).look(3)
    client.ask("PATCH", f"/compute/v1/images/{client.image_id}", {"updateMask": "name", "name": "a"})
    client.look(3)
    deletion = client.ask("DELETE", f"/compute/v1/images/{client.image_id}")
    client.look(1, 2, 1)
    create, update, delete = client.double.calls.pacing.values()
    assert [len(each.polls) for each in (create, update, delete)] == [2, 0, 3]
    assert delete.operation_id == deletion["id"]
    assert [poll.status.name for poll in delete.polls] == ["OK", "NOT_FOUND", "NOT_FOUND"]
    assert delete.done_seen_at == delete.polls[1].at
    assert len(delete.polls_after_done) == 1


def test_the_answer_to_a_cancel_may_show_the_end(waiting: Callable[..., Waiting]) -> None:
    """A poll after it is one too many."""
    client = waiting().poll(1)
    client.ask("POST", f"/operations/{client.id}:cancel")
    client.poll(1)
    assert client.pacing.done is not None
    assert client.pacing.done.method == "operations.cancel"
    assert len(client.pacing.polls_after_done) == 1


def test_a_poll_that_was_under_way_is_not_after_done() -> None:
    """It came in before the answer that showed the end was complete."""
    calls = Calls([call(0, attempt=1, latency=5, done=True), call(3, attempt=2), call(5, attempt=3)])
    assert [poll.at for poll in calls.pacing["fd8"].polls_after_done] == [5]


def test_the_start_is_the_last_answer_before_the_first_poll() -> None:
    """A client that lost the first answer learns of its operation from the second."""
    create = {"method": "images.create", "line": "POST /compute/v1/images", "series": 1}
    calls = Calls([call(0, **create), call(4, attempt=2, **create), call(5), call(9, attempt=3, **create)])
    assert calls.pacing["fd8"].first_after == 1
    assert calls[2:].pacing["fd8"].first_after is None


def test_an_operation_that_is_not_there_is_told_which_are(waiting: Callable[..., Waiting]) -> None:
    """As a mapping tells it."""
    client = waiting()
    with pytest.raises(KeyError, match=f"no answer named an operation 'x'; known: {client.id}"):
        client.double.calls.pacing["x"]
    with pytest.raises(KeyError, match="known: none"):
        Calls([]).pacing["x"]
    assert repr(Calls([]).pacing) == "no operations"
    assert repr(client.double.calls.pacing) == str(client.pacing)
