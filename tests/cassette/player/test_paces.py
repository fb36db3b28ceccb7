"""Polls, however many: by state and by time."""

from __future__ import annotations

from typing import Literal

import pytest

from pytest_ycimages import UsageError
from pytest_ycimages.cassette.answers import compact
from pytest_ycimages.cassette.player import Player
from tests.cassette.player.handmade import (
    Client,
    bake,
    cassette,
    create,
    exchange,
    image_id,
    look,
    operation,
    operation_id,
    poll,
)


@pytest.mark.parametrize("polls", [1, 3, 4, 50])
@pytest.mark.parametrize("by_time", [False, True])
@pytest.mark.parametrize("is_compact", [False, True])
def test_a_loop_of_three_polls_ends_in_the_recorded_image_however_often_a_client_polls(
    polls: int, *, by_time: bool, is_compact: bool
) -> None:
    """Fewer times than recorded, as often, and more."""
    recorded = bake()
    client = Client(Player(cassette(*(compact(recorded) if is_compact else recorded))), by_time=by_time)
    client.create()
    for _ in range(polls):
        client.now += 5 / polls
        client.poll()
    assert client.look() == "READY"


def test_by_state_each_poll_shows_the_next_state_and_the_last_one_for_ever() -> None:
    """Time has no part in it."""
    client = Client(Player(cassette(create(1, 0), poll(1, 1), poll(1, 2, description="b"), poll(1, 3, done=True))))
    client.create()
    answers = [client.ask(f"GET /operations/{operation_id(1)}") for _ in range(5)]
    assert [answer["done"] for answer in answers] == [False, False, True, True, True]
    assert answers[1]["description"] == "b"


def test_equal_polls_are_one_state() -> None:
    """Whether the cassette was compacted or not."""
    client = Client(Player(cassette(*bake())))
    client.create()
    assert [client.poll() for _ in range(3)] == [False, True, True]


def test_by_time_the_state_of_the_recorded_moment_is_shown() -> None:
    """Counted from when the operation was started, to the nanosecond."""
    recorded = [create(1, 7), poll(1, 8), poll(1, 9.5, description="b"), poll(1, 19, done=True)]
    client = Client(Player(cassette(*recorded)), by_time=True)
    client.now = 100
    client.create()
    shown = {}
    for client.now in (100, 101, 102, 102.499999999, 102.5, 111.999999999, 112, 1000):
        answer = client.ask(f"GET /operations/{operation_id(1)}")
        shown[client.now] = answer["done"], answer.get("description")
    assert shown == {
        100: (False, None),
        101: (False, None),
        102: (False, None),
        102.499999999: (False, None),
        102.5: (False, "b"),
        111.999999999: (False, "b"),
        112: (True, None),
        1000: (True, None),
    }


def test_by_time_an_operation_that_was_polled_once_is_not_done_before_that() -> None:
    """Until then it is as the answer that started it told."""
    client = Client(Player(cassette(create(1, 0), poll(1, 60, done=True))), by_time=True)
    client.create()
    client.now = 59.9
    played = client.played(f"GET /operations/{operation_id(1)}")
    assert (played.answer.done, played.index) == (False, 0)
    client.now = 60
    assert client.poll()


def test_by_time_an_image_goes_by_the_operation_that_makes_it() -> None:
    """Counted from the same moment."""
    recorded = [create(1, 0), look(1, 1, "CREATING"), look(1, 8, "READY")]
    client = Client(Player(cassette(*recorded)), by_time=True)
    client.now = 50
    client.create()
    assert client.look() == "CREATING"
    client.now = 57.9
    assert client.look() == "CREATING"
    client.now = 58
    assert client.look() == "READY"


def test_by_time_without_the_beginning_time_counts_from_the_first_poll() -> None:
    """Such as on a cassette that was cut."""
    client = Client(Player(cassette(poll(1, 5), poll(1, 8, done=True))), by_time=True)
    client.now = 1000
    assert not client.poll()
    client.now = 1002.9
    assert not client.poll()
    client.now = 1003
    assert client.poll()


def test_a_tape_that_knows_no_times_is_paced_by_state() -> None:
    """Such as one that plain vcrpy recorded."""
    client = Client(Player(cassette(create(1, None), poll(1, None), poll(1, None, done=True))), by_time=True)
    client.create()
    assert [client.poll() for _ in range(2)] == [False, True]


@pytest.mark.parametrize(
    ("pace", "by_time", "done"), [("state", True, True), ("time", False, False), ("auto", True, False)]
)
def test_a_pace_that_is_not_auto_decides_itself(
    pace: Literal["auto", "state", "time"],
    *,
    by_time: bool,
    done: bool,
) -> None:
    """Whatever the double's clock."""
    client = Client(Player(cassette(*bake()), pace=pace), by_time=by_time)
    client.create()
    client.poll()
    assert client.poll() is done


def test_an_unknown_pace_is_refused_with_the_nearest() -> None:
    """When the player is made."""
    with pytest.raises(UsageError, match=r"Unknown pace 'times'. Did you mean 'time'"):
        Player(cassette(), pace="times")  # type: ignore[arg-type]


def test_an_answer_overtaken_on_its_way_does_not_undo_what_was_done() -> None:
    """Two threads of a client may poll at once."""
    client = Client(Player(cassette(create(1, 0), poll(1, 2, done=True), poll(1, 1))))
    client.create()
    assert [client.poll() for _ in range(3)] == [True, True, True]


def test_refusals_among_polls_are_states_too() -> None:
    """What the service refused, it refuses once more."""
    unavailable = {"code": 14, "message": "unavailable"}
    line = f"GET /operations/{operation_id(1)}"
    recorded = [create(1, 0), poll(1, 1), exchange(line, unavailable, 2, status=503), poll(1, 3), poll(1, 4, done=True)]
    client = Client(Player(cassette(*recorded)))
    client.create()
    assert [client.played(line).response.status for _ in range(5)] == [200, 503, 200, 200, 200]
    assert client.poll()


def test_a_poll_may_come_from_any_host_of_the_api() -> None:
    """The host has no part in matching."""
    client = Client(Player(cassette(*bake())))
    assert client.ask(f"GET http://127.0.0.1:4123/operations/{operation_id(1)}") == operation(1, done=False)
    assert client.played(f"GET http://localhost/compute/v1/images/{image_id(1)}").index == 4


def test_by_time_a_client_that_does_not_wait_still_comes_to_the_end() -> None:
    """Nobody moves the clock for it: after as many polls at one moment as were recorded, it goes by state."""
    recorded = [create(1, 0), poll(1, 1), poll(1, 2), poll(1, 19, done=True)]
    for taped in (cassette(*recorded), cassette(*compact(recorded))):
        client = Client(Player(taped), by_time=True)
        client.create()
        assert [client.poll() for _ in range(5)] == [False, False, False, False, True]
