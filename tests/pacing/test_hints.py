"""Where an answer asked the client to wait, and whether it did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_ycimages import Calls, Code
from tests.pacing.waiting import call

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.pacing.waiting import Waiting


def asking(seconds: str, **fields: Any) -> Any:
    """Fields of a call that was refused for now."""
    return {"status": Code.UNAVAILABLE, "done": None, "reply_metadata": {"retry-after": seconds}, **fields}


@pytest.mark.parametrize(
    ("again", "waited", "obeyed"),
    [(None, None, True), (8, 5, True), (7.999999999, 4.999999999, False), (3, 0, False), (2, -1, False)],
)
def test_retry_after_counts_from_the_end_of_the_answer(
    again: float | None, waited: float | None, obeyed: bool  # noqa: FBT001 - a parameter
) -> None:  # fmt: skip
    """To the nanosecond. Not to ask again is to obey."""
    first = call(0, **asking("5", latency=3))
    (hint,) = Calls([first] if again is None else [first, call(again, attempt=2)]).hints
    assert (hint.call, hint.header, hint.asked, hint.waited, hint.obeyed) == (first, "retry-after", 5, waited, obeyed)


def test_the_next_attempt_of_the_same_call_counts() -> None:
    """Other calls may come meanwhile."""
    calls = Calls([
        call(0, series=0, **asking("5", method="images.create")),
        call(1, series=1),
        call(6, series=0, attempt=2, **asking("1", method="images.create")),
        call(6, series=0, attempt=3, method="images.create"),
    ])  # fmt: skip
    assert [(hint.asked, hint.waited, hint.obeyed) for hint in calls.hints] == [(5, 6, True), (1, 0, False)]
    assert calls.pacing["fd8"].hints == ()
    assert [str(hint) for hint in calls.hints] == [
        "retry-after 5.000s at +0.000s: waited 6.000s, obeyed",
        "retry-after 1.000s at +6.000s: waited 0.000s, NOT obeyed",
    ]


@pytest.mark.parametrize("text", ["", "soon", "-1", "Fri, 31 Dec 1999 23:59:59 GMT", "1e3", "٣"])
def test_what_is_no_number_of_seconds_is_no_hint(text: str) -> None:
    """A client cannot obey it either."""
    assert Calls([call(0, **asking(text))]).hints == []


def test_the_poll_interval_counts_until_the_operation_is_done(waiting: Callable[..., Waiting]) -> None:
    """After that there is nothing to poll for."""
    client = waiting(timing=9, poll_interval=3).poll(3, 3, 2, 1, 1)
    pacing = client.pacing
    assert pacing.hints == pacing.poll_interval == tuple(client.double.calls.hints)
    assert pacing.retry_after == ()
    assert [(hint.asked, hint.waited, hint.obeyed) for hint in pacing.hints] == [
        (3, 3, True), (3, 2, False), (3, 1, False)
    ]  # fmt: skip
    assert str(pacing.hints[1]) == "x-operation-poll-interval 3.000s at +6.000s: waited 2.000s, NOT obeyed"


def test_a_poll_may_ask_twice() -> None:
    """Each hint is judged for itself."""
    metadata = {"retry-after": "5", "x-operation-poll-interval": "2"}
    pacing = Calls([call(0, reply_metadata=metadata), call(3, attempt=2)]).pacing["fd8"]
    assert [hint.obeyed for hint in pacing.retry_after] == [False]
    assert [hint.obeyed for hint in pacing.poll_interval] == [True]


def test_no_header_no_hint(waiting: Callable[..., Waiting]) -> None:
    """The double asks for nothing unless it is told to."""
    assert waiting().poll(1, 1).double.calls.hints == []
