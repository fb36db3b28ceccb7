"""What changes do to what may be shown: of operations, of their images, and of lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_ycimages.cassette.player import Player
from pytest_ycimages.cassette.timeline import Timelines
from tests.cassette.player.handmade import (
    IMAGES,
    Client,
    bake,
    cassette,
    create,
    exchange,
    image,
    image_id,
    look,
    operation,
    operation_id,
    poll,
)

if TYPE_CHECKING:
    from pytest_ycimages.cassette.model import Interaction

LIST = f"GET {IMAGES}?folderId=b1g"
IMAGE = f"{IMAGES}/{image_id(1)}"
CANCEL = f"GET /operations/{operation_id(1)}:cancel"


def listing(*names: str, at: float = 0) -> Interaction:
    """A list of images of these names."""
    return exchange(LIST, {"images": [{"id": name, "status": "READY"} for name in names]}, at)


def names(client: Client) -> list[str]:
    """The names in the list, as it is shown now."""
    return [image["id"] for image in client.ask(LIST)["images"]]


def test_equal_changes_are_played_once_each_in_the_order_of_the_tape() -> None:
    """And then no more."""
    same = {"folderId": "b1g"}
    client = Client(Player(cassette(create(1, 0, same), create(2, 1, same))))
    assert client.ask(f"POST {IMAGES}", same)["id"] == operation_id(1)
    assert client.ask(f"POST {IMAGES}", same)["id"] == operation_id(2)
    assert client.refused(f"POST {IMAGES}", same).is_used


def test_operations_keep_their_own_state() -> None:
    """Polling one shows nothing of the other."""
    client = Client(
        Player(cassette(create(1, 0), create(2, 0), poll(1, 1), poll(2, 1), poll(2, 2, done=True), *bake(3, 5)))
    )
    client.create(1)
    client.create(2)
    assert [client.poll(2), client.poll(2), client.poll(1), client.poll(1), client.poll(2)] == [
        *(False, True),
        *(False, False),
        True,
    ]


def test_once_the_operation_was_shown_done_its_image_shows_nothing_older() -> None:
    """Before that, the image may lag."""
    recorded = [create(1, 0), look(1, 1, "CREATING"), poll(1, 2), poll(1, 3, done=True), look(1, 4, "READY")]
    client = Client(Player(cassette(*recorded)))
    client.create()
    client.poll()
    assert client.look() == "CREATING"
    client.poll()
    assert [client.look(), client.look()] == ["READY", "READY"]


@pytest.mark.parametrize("by_time", [False, True])
def test_an_image_looked_at_only_before_the_end_is_shown_as_its_operation_told_of_it(*, by_time: bool) -> None:
    """Else a client that waits for READY would wait for ever."""
    client = Client(Player(cassette(create(1, 0), look(1, 1, "CREATING"), poll(1, 2, done=True))), by_time=by_time)
    client.create()
    client.now = 2
    assert client.look() == "CREATING"
    assert client.poll()
    assert client.ask(f"GET {IMAGE}") == image(1, "READY")


def test_by_time_too_an_image_does_not_contradict_its_operation() -> None:
    """Though the next look at it was recorded later than now."""
    recorded = [create(1, 0), look(1, 1, "CREATING"), poll(1, 3, done=True), look(1, 4, "READY")]
    client = Client(Player(cassette(*recorded)), by_time=True)
    client.create()
    client.now = 3.5
    assert client.look() == "CREATING"
    assert client.poll()
    assert client.look() == "READY"


def test_a_list_is_not_shown_before_the_change_that_it_shows() -> None:
    """However often it is asked for."""
    recorded = [listing("a"), create(1, 1), listing("a", "b", at=2), create(2, 3), listing("a", "b", "c", at=4)]
    client = Client(Player(cassette(*recorded)))
    assert [names(client) for _ in range(3)] == [["a"]] * 3
    client.create(1)
    assert [names(client) for _ in range(3)] == [["a", "b"]] * 3
    client.create(2)
    assert names(client) == ["a", "b", "c"]


def test_a_list_is_not_shown_after_the_change_that_ended_it() -> None:
    """A client that did not list before sees what came of its change."""
    client = Client(Player(cassette(listing("a"), create(1, 1), listing("a", "b", at=2))))
    client.create(1)
    assert names(client) == ["a", "b"]


def test_a_list_that_nothing_else_was_recorded_of_is_shown_before_its_change() -> None:
    """There is nothing else to show."""
    client = Client(Player(cassette(create(1, 1), listing("a", at=2))))
    assert names(client) == ["a"]


def test_lists_that_differ_without_a_change_come_in_the_order_of_the_tape() -> None:
    """And the last one stays."""
    client = Client(Player(cassette(listing("a"), listing("b", at=1), listing("a", at=2))))
    assert [names(client) for _ in range(4)] == [["a"], ["b"], ["a"], ["a"]]


def test_a_refused_change_makes_nothing_true() -> None:
    """So no list waits for it."""
    refused = exchange(f"POST {IMAGES}", {"code": 8}, 1, body={"name": "a"}, status=429)
    client = Client(Player(cassette(listing("a"), refused, listing("b", at=2))))
    assert [names(client), names(client)] == [["a"], ["b"]]


def test_an_image_is_not_gone_before_it_was_deleted() -> None:
    """It stays READY for as long as the client likes."""
    delete = exchange(f"DELETE {IMAGE}", {"done": True, "id": "d", "metadata": {"imageId": image_id(1)}}, 5)
    gone = exchange(f"GET {IMAGE}", {"code": 5}, 6, status=404)
    client = Client(Player(cassette(*bake(), delete, gone)))
    client.create()
    assert [client.poll(), client.poll()] == [False, True]
    assert [client.look() for _ in range(3)] == ["READY"] * 3
    client.ask(f"DELETE {IMAGE}")
    assert client.played(f"GET {IMAGE}").response.status == 404


def test_a_client_that_gives_up_and_cancels_sees_the_operation_run_until_then() -> None:
    """The client that was recorded polls as often as it did, and then cancels."""
    error = {"code": 1, "message": "cancelled"}
    recorded = [create(1, 0), *(poll(1, at) for at in (1, 2, 3)), exchange(CANCEL, operation(1, done=False), 3.5)]
    client = Client(Player(cassette(*recorded, poll(1, 4, done=True, error=error))))
    client.create()
    assert [client.poll() for _ in range(3)] == [False, False, False]
    client.ask(CANCEL)
    assert client.poll()
    assert client.refused(CANCEL).is_used


def test_a_client_that_never_cancels_comes_to_the_recorded_end_all_the_same() -> None:
    """After as many polls as were recorded before the cancel."""
    error = {"code": 1, "message": "cancelled"}
    recorded = [create(1, 0), poll(1, 1), poll(1, 2), exchange(CANCEL, operation(1, done=False), 3)]
    client = Client(Player(cassette(*recorded, poll(1, 4, done=True, error=error))))
    client.create()
    assert [client.poll() for _ in range(4)] == [False, False, True, True]


def test_by_time_a_cancel_begins_to_count_when_it_comes() -> None:
    """Two seconds after it, the operation is done, as recorded."""
    error = {"code": 1, "message": "cancelled"}
    recorded = [create(1, 0), poll(1, 1), exchange(CANCEL, operation(1, done=False), 60)]
    client = Client(Player(cassette(*recorded, poll(1, 62, done=True, error=error))), by_time=True)
    client.create()
    client.now = 10
    client.ask(CANCEL)
    client.now = 11.9
    assert not client.poll()
    client.now = 12
    assert client.poll()


def test_an_image_still_on_its_way_does_not_wait_for_a_change_that_never_comes() -> None:
    """No poll loop is without end."""
    patch = exchange(f"PATCH {IMAGE}", operation(2, done=True), 2, body={"description": "x"})
    client = Client(Player(cassette(create(1, 0), look(1, 1, "CREATING"), patch, look(1, 3, "READY"))))
    client.create()
    assert [client.look() for _ in range(3)] == ["CREATING", "READY", "READY"]


def test_tokens_are_given_for_any_exchange_and_any_number_of_times() -> None:
    """Their bodies were never kept."""
    client = Client(Player(cassette(exchange("POST /iam/v1/tokens", {"iamToken": "t1.x"}, 0, body="scrubbed"))))
    assert [client.ask("POST /iam/v1/tokens", {"jwt": jwt})["iamToken"] for jwt in "abc"] == ["t1.x"] * 3


def test_a_request_that_has_nothing_to_do_with_images_comes_in_order_and_the_last_for_ever() -> None:
    """Such as one to the metadata service of a machine."""
    url = "GET http://169.254.169.254/computeMetadata/v1/token"
    client = Client(Player(cassette(exchange(url, {"n": 1}), exchange(url, {"n": 2}))))
    assert [client.ask(url)["n"] for _ in range(3)] == [1, 2, 2]


def test_another_player_of_a_cassette_begins_anew() -> None:
    """And has no part in what the first one played."""
    recorded = cassette(*bake())
    client = Client(Player(recorded))
    client.create()
    client.poll()
    again = Client(Player(recorded))
    again.create()
    assert not again.poll()
    assert again.player.unused() == [4]
    assert client.refused(f"POST {IMAGES}", {"folderId": "b1g", "name": "bake-1"}).is_used


def test_players_of_one_tape_share_what_it_was_read_into_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cassette is looked through once in a run, for each set of rules, however many tests replay it."""
    looked_through = []
    made = Timelines.__init__

    def counted(self: Timelines, *arguments: Any) -> None:
        looked_through.append(self)
        made(self, *arguments)

    monkeypatch.setattr(Timelines, "__init__", counted)
    shared = cassette(*bake())
    first, second = Client(Player(shared)), Client(Player(shared))
    assert len(looked_through) == 1
    for client in (first, second):
        client.create()
    assert first.refused(f"POST {IMAGES}", {"folderId": "b1g", "name": "bake-1"}).is_used
    Player(shared, volatile={"name": "bake-*"})
    Player(shared, volatile={"name": "bake-*"})
    assert len(looked_through) == 2
    Player(cassette(*bake()))
    assert len(looked_through) == 3
