"""What a request without an answer is told: what was asked, what is nearest, what differs, and what to do."""

from __future__ import annotations

from typing import Any

from pytest_ycimages.cassette.player import Player
from tests.cassette.player.handmade import (
    IMAGES,
    Client,
    bake,
    cassette,
    create,
    exchange,
    image_id,
    operation_id,
    poll,
)

BODY: dict[str, Any] = {"folderId": "b1g", "name": "bake-1"}
AGAIN = "pytest tests/test_bake.py::test_bake --ycimages-mode=record"


def client(*, volatile: dict[str, str] | None = None) -> Client:
    """A client of a cassette with one bake."""
    return Client(Player(cassette(*bake()), name="cassettes/bake.yaml", rerecord=AGAIN, volatile=volatile))


DIFFERS = """\
The cassette has no answer for POST /compute/v1/images
  asked:    {"folderId": "b1g", "name": "bake-2"}
  cassette: cassettes/bake.yaml, 5 interactions, 5 not played yet
  in force: pace='auto', volatile={}
  nearest:  interaction 1, POST https://compute.api.cloud.yandex.net/compute/v1/images at +0.000s, not used yet
    body.name: recorded "bake-1", asked "bake-2"
  next:     if the client is right, record again: pytest tests/test_bake.py::test_bake --ycimages-mode=record
  next:     if this value differs from run to run, say so: volatile={'name': 'bake-*'}"""


def test_a_field_that_differs_is_named_with_both_values() -> None:
    """And the rule that would make it volatile."""
    assert str(client().refused(f"POST {IMAGES}", {**BODY, "name": "bake-2"})) == DIFFERS


USED = """\
The cassette has no answer for POST /compute/v1/images
  asked:    {"folderId": "b1g", "name": "bake-1"}
  cassette: cassettes/bake.yaml, 5 interactions, 4 not played yet
  in force: pace='auto', volatile={'name': 'bake-*'}
  nearest:  interaction 1, POST https://compute.api.cloud.yandex.net/compute/v1/images at +0.000s: the same request, \
already used, and a change is played once
  next:     if the client is right, record again: pytest tests/test_bake.py::test_bake --ycimages-mode=record"""


def test_a_change_asked_for_once_more_is_told_that_it_is_used_up() -> None:
    """There is no difference to show."""
    asking = client(volatile={"name": "bake-*"})
    asking.create()
    assert str(asking.refused(f"POST {IMAGES}", BODY)) == USED


ELSEWHERE = """\
The cassette has no answer for GET /operations/other
  cassette: cassettes/bake.yaml, 5 interactions, 5 not played yet
  in force: pace='auto', volatile={}
  nearest:  interaction 2, GET https://operation.api.cloud.yandex.net/operations/fd8op000000000000001 at +1.000s, \
not used yet
    path: recorded "/operations/fd8op000000000000001", asked "/operations/other"
  next:     if the client is right, record again: pytest tests/test_bake.py::test_bake --ycimages-mode=record"""


def test_another_operation_is_compared_with_an_operation() -> None:
    """Though its path is another."""
    assert str(client().refused("GET /operations/other")) == ELSEWHERE


NOTHING = """\
The cassette has no answer for GET storage.yandexcloud.net/b/k?a=1
  cassette: the cassette, 0 interactions, 0 not played yet
  in force: pace='auto', volatile={}
  nearest:  nothing was recorded
  next:     if the client is right, record the cassette again"""


def test_an_empty_tape_says_so() -> None:
    """And what to do."""
    refused = Client(Player(cassette())).refused("GET https://storage.yandexcloud.net/b/k?a=1")
    assert str(refused) == NOTHING


def test_differences_are_told_path_by_path() -> None:
    """First what was recorded, then what is new."""
    recorded = {"labels": {"a": "1", "b": "2"}, "productIds": ["x", "y"], "minDiskSize": "5", "os": {"type": "LINUX"}}
    asked = {"labels": {"a": "1", "b": "3"}, "productIds": ["x"], "minDiskSize": 5, "pooled": True}
    refused = Client(Player(cassette(create(1, 0, recorded)))).refused(f"POST {IMAGES}?a=1", asked)
    assert [tuple(each) for each in refused.differences] == [
        ("body.labels.b", '"2"', '"3"'),
        ("body.productIds[1]", '"y"', None),
        ("body.os.type", '"LINUX"', None),
        ("query.a", None, '"1"'),
        ("body.pooled", None, "true"),
    ]
    assert "body.pooled: recorded nothing, asked true" in str(refused)


def test_the_same_verb_and_path_is_nearer_than_the_same_body() -> None:
    """The body is what clients get wrong."""
    recorded = [
        exchange("POST /compute/v1/disks", {}, 0, body=BODY),
        exchange(f"POST {IMAGES}", {}, 1, body={"uri": "u"}),
    ]
    refused = Client(Player(cassette(*recorded))).refused(f"POST {IMAGES}", BODY)
    assert refused.nearest == 1


def test_of_the_same_verb_and_path_the_one_with_most_in_common_is_nearest() -> None:
    """Part by part."""
    recorded = [create(number, 0, {"folderId": "b1g", "name": name}) for number, name in enumerate("abc")]
    refused = Client(Player(cassette(*recorded))).refused(f"POST {IMAGES}", {"folderId": "other", "name": "b"})
    assert refused.nearest == 1


def test_what_is_left_is_nearer_than_what_is_used() -> None:
    """If they have as much in common."""
    asking = Client(Player(cassette(create(1, 0), create(2, 1))))
    asking.create(1)
    refused = asking.refused(f"POST {IMAGES}", {"folderId": "b1g", "name": "bake-3"})
    assert (refused.nearest, sorted(refused.unused)) == (1, [1])


def test_a_cancel_is_compared_with_a_cancel() -> None:
    """Not with a poll."""
    cancel = exchange(f"GET /operations/{operation_id(1)}:cancel", {}, 2)
    refused = Client(Player(cassette(poll(1, 1), cancel))).refused("GET /operations/other:cancel")
    assert refused.nearest == 1


def test_an_unused_poll_that_was_asked_with_another_verb_says_so() -> None:
    """The path is the same."""
    refused = client().refused(f"DELETE {IMAGES}/{image_id(1)}")
    assert [str(each) for each in refused.differences] == ['method: recorded "GET", asked "DELETE"']


def test_long_values_and_many_differences_are_cut() -> None:
    """To what can be read."""
    recorded = create(1, 0, {"labels": {f"k{number}": "a" for number in range(40)}, "description": "x" * 200})
    refused = Client(Player(cassette(recorded))).refused(f"POST {IMAGES}", {"description": "y"})
    lines = str(refused).splitlines()
    assert max(map(len, lines)) < 150
    assert "    ... 21 more" in lines


def test_bytes_that_are_no_json_are_shown_as_text() -> None:
    """In quotes, as JSON has them."""
    assert '  asked:    "a=b"' in str(client().refused("POST /x", "a=b"))


def advice(recorded: Any, asked: Any, line: str = f"POST {IMAGES}", asked_line: str = "") -> list[str]:
    """The steps that are told beyond recording again, each of which is followed, and must do."""
    played = cassette(exchange(line, {}, body=recorded))
    refused = Client(Player(played)).refused(asked_line or line, asked)
    if refused.rule is not None:
        player = Player(played, volatile=dict([refused.rule]))
        Client(player).ask(asked_line or line, asked)
    return str(refused).partition("record the cassette again")[2].splitlines()[1:]


def test_no_rule_is_told_that_would_be_refused_or_would_not_do() -> None:
    """A body that is no JSON has no fields, and a parameter that comes again has no name of its own."""
    assert advice("a=1&client=2", "a=1&client=3") == []
    assert advice({"header.a": "1"}, {"header.a": "2"}) == []
    assert advice(None, None, "GET /x?a=1&a=2", "GET /x?a=1&a=3") == []
    assert advice({"a": {"b.c": {"d": "1"}}}, {"a": {"b.c": {"d": "2"}}}) == []


def test_the_rule_that_is_told_does_what_it_says() -> None:
    """Also where the texts have characters that mean something in a glob."""
    (told,) = advice({"labels": {"a.b": "[x]*1"}}, {"labels": {"a.b": "[x]*2"}})
    assert told.endswith("say so: volatile={'labels.a.b': '[[]x][*]*'}")
    (told,) = advice(None, None, "GET /x?a=1", "GET /x?a=2")
    assert told.endswith("say so: volatile={'a': '*'}")


def test_a_recording_that_was_cut_off_says_so_first() -> None:
    """What is asked for may be what is lost."""
    cut = cassette(*bake())._replace(is_complete=False)
    refused = Client(Player(cut, rerecord=AGAIN)).refused("GET /endpoints")
    lost, again = str(refused).splitlines()[-2:]
    assert lost == (
        "  next:     the answer may have been lost: the recording was stopped before its end, "
        "or the file was cut off. Restore the file, or record again"
    )
    assert again == f"  next:     if the client is right, record again: {AGAIN}"
