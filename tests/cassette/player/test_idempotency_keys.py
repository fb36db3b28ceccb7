"""A request that comes again with its idempotency key."""

from __future__ import annotations

from pytest_ycimages.cassette.player import Player
from tests.cassette.player.handmade import IMAGES, Client, bake, cassette, create, exchange, operation_id, poll

BODY = {"folderId": "b1g", "name": "bake-1"}


def test_the_same_key_gets_the_same_answer_again() -> None:
    """It is no second use of the interaction."""
    client = Client(Player(cassette(*bake())))
    first = client.played(f"POST {IMAGES}", BODY, "k")
    again = client.played(f"POST {IMAGES}", BODY, "k")
    assert (again.response, again.index) == (first.response, 0)
    assert client.player.played[0] == 1


def test_another_key_or_none_is_another_request() -> None:
    """And a change is played once."""
    client = Client(Player(cassette(*bake())))
    client.create(1, "k")
    assert client.refused(f"POST {IMAGES}", BODY, "other").is_used
    assert client.refused(f"POST {IMAGES}", BODY).is_used


def test_what_was_recorded_of_the_repeated_request_is_played_first() -> None:
    """An answer that tells of the same operation is the answer to its repetition."""
    client = Client(Player(cassette(create(1, 0), create(1, 1), poll(1, 2, done=True))))
    client.create(1, "k")
    assert client.played(f"POST {IMAGES}", BODY, "k").index == 1
    client.played(f"POST {IMAGES}", BODY, "k")
    assert client.player.played == {0: 1, 1: 1}
    assert client.player.unused() == [2]


def test_a_repeated_request_leaves_the_answer_of_another_alone() -> None:
    """Two equal requests with different keys were two images."""
    client = Client(Player(cassette(create(1, 0, BODY), create(2, 1, BODY))))
    assert [client.create(1, "k")["id"] for _ in range(3)] == [operation_id(1)] * 3
    assert client.create(1, "other")["id"] == operation_id(2)


def test_a_refusal_is_not_repeated() -> None:
    """A retry with the same key gets what the recorded retry got."""
    refusal = exchange(f"POST {IMAGES}", {"code": 14}, 0, body=BODY, status=503)
    client = Client(Player(cassette(refusal, create(1, 1))))
    assert client.played(f"POST {IMAGES}", BODY, "k").response.status == 503
    assert client.create(1, "k")["id"] == operation_id(1)


def test_bodies_that_come_with_a_used_key_are_not_compared() -> None:
    """The service does not either (api-facts.md, 4.3)."""
    client = Client(Player(cassette(*bake(1), *bake(2, 10))))
    client.create(1, "k")
    assert client.ask(f"POST {IMAGES}", {"name": "unheard-of"}, "k")["id"] == operation_id(1)
    assert client.create(2, "k")["id"] == operation_id(2)  # but what was recorded is what happened


def test_the_repeated_answer_shows_the_operation_as_it_is_by_then() -> None:
    """What was shown done is not shown running again."""
    client = Client(Player(cassette(*bake())))
    assert not client.create(1, "k")["done"]
    client.poll()
    assert client.poll()
    assert client.create(1, "k")["done"]
