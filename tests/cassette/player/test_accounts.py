"""What was played, what never had a part, and what the client has been shown."""

from __future__ import annotations

from pytest_ycimages.cassette.no_match import unused_text
from pytest_ycimages.cassette.player import Player
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

UNUSED = """\
The test never asked for 2 of 5 interactions of tests/cassettes/bake.yaml:
  interaction 2: GET https://operation.api.cloud.yandex.net/operations/fd8op000000000000001 -> 200 at +1.000s
  interaction 5: GET https://compute.api.cloud.yandex.net/compute/v1/images/fd8im000000000000001 -> 200 at +3.500s
If the client is right, take them out: ycimages cassette prune tests/cassettes/bake.yaml"""


def test_every_interaction_counts_how_often_it_was_an_answer() -> None:
    """States that were left out count nothing."""
    client = Client(Player(cassette(*bake())))
    client.create()
    for _ in range(5):
        client.poll()
    assert client.player.played == {0: 1, 1: 1, 3: 4}


def test_a_client_that_polls_less_leaves_no_state_unused() -> None:
    """One state shown is enough for all of a request."""
    client = Client(Player(cassette(*bake())))
    client.create()
    client.poll()
    client.look()
    assert client.player.unused() == []


def test_what_was_never_asked_is_unused() -> None:
    """A request that reads with all its answers, a change for each time it was not made."""
    client = Client(Player(cassette(*bake(), create(1, 9))))
    assert client.player.unused() == [0, 1, 2, 3, 4, 5]
    client.create()
    client.poll()
    assert client.player.unused() == [4, 5]


def test_a_request_without_an_answer_uses_nothing() -> None:
    """Not even the nearest."""
    client = Client(Player(cassette(*bake())))
    client.refused("GET /endpoints")
    assert client.player.unused() == [0, 1, 2, 3, 4]
    assert not client.player.played


def test_the_text_names_each_and_the_command_that_removes_them() -> None:
    """Counted from 1, with verb, address, status and moment."""
    recorded = cassette(*bake())
    assert unused_text("tests/cassettes/bake.yaml", recorded, [1, 4]) == UNUSED


def test_the_text_does_not_grow_without_end() -> None:
    """After twenty it says how many more there are."""
    recorded = cassette(*(create(number, number) for number in range(100)))
    text = unused_text("x.yaml", recorded, range(100))
    assert len(text.splitlines()) == 23
    assert "... 80 more" in text


def test_what_was_shown_is_known_of_operations_and_images() -> None:
    """An operation that is done tells of its image."""
    client = Client(Player(cassette(*bake())))
    client.create()
    assert client.player.shown.operations == {operation_id(1): operation(1, done=False)}
    assert client.player.shown.images == {}
    client.poll()
    client.poll()
    assert client.player.shown.operations[operation_id(1)]["done"]
    assert client.player.shown.images == {image_id(1): image(1, "READY")}


def test_images_of_lists_are_known_and_deleted_ones_are_not() -> None:
    """Nor are those that are not found any more."""
    delete = {
        "done": True,
        "id": "del",
        "metadata": {
            "@type": "type.googleapis.com/yandex.cloud.compute.v1.DeleteImageMetadata",
            "imageId": image_id(1),
        },
        "response": {"@type": "type.googleapis.com/google.protobuf.Empty"},
    }
    recorded = [
        exchange(f"GET {IMAGES}", {"images": [image(1, "READY"), image(2, "READY")]}, 0),
        exchange(f"GET {IMAGES}:latestByFamily?family=f", image(3, "READY"), 1),
        exchange(f"DELETE {IMAGES}/{image_id(1)}", delete, 2),
        exchange(f"GET {IMAGES}/{image_id(2)}", {"code": 5}, 3, status=404),
    ]
    client = Client(Player(cassette(*recorded)))
    client.ask(f"GET {IMAGES}")
    client.ask(f"GET {IMAGES}:latestByFamily?family=f")
    assert sorted(client.player.shown.images) == [image_id(1), image_id(2), image_id(3)]
    client.ask(f"DELETE {IMAGES}/{image_id(1)}")
    client.played(f"GET {IMAGES}/{image_id(2)}")
    assert sorted(client.player.shown.images) == [image_id(3)]


def test_a_failed_create_leaves_no_image() -> None:
    """Though it was shown CREATING."""
    failed = poll(1, 3, done=True, error={"code": 9, "message": "no"})
    client = Client(Player(cassette(create(1, 0), look(1, 1, "CREATING"), failed)))
    client.create()
    client.look()
    assert image_id(1) in client.player.shown.images
    client.poll()
    assert client.player.shown.images == {}
