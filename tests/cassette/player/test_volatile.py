"""Values that differ from run to run: matched by pattern, and carried into what comes later."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ycimages import UsageError
from pytest_ycimages.cassette.player import Player, Words
from pytest_ycimages.cassette.requests import Volatile, key_of, normalize
from tests.cassette.player.handmade import (
    IMAGES,
    Client,
    cassette,
    create,
    exchange,
    image,
    image_id,
    look,
    operation_id,
    poll,
    request,
)


def are_same(rules: dict[str, str], one: Any, other: Any) -> bool:
    """Whether two bodies are the same under these rules."""
    volatile = Volatile(rules)
    keys = (key_of(normalize(request("POST", IMAGES, body)), volatile).key for body in (one, other))
    return next(keys) == next(keys)


@pytest.mark.parametrize(
    ("rules", "one", "other", "same"),
    [
        ({"name": "bake-*"}, {"name": "bake-1"}, {"name": "bake-2"}, True),
        ({"name": "bake-*"}, {"name": "bake-1"}, {"name": "web"}, False),
        ({"name": "bake-*"}, {"name": "bake-1"}, {}, False),
        ({"name": "bake-*"}, {"name": "a", "family": "bake-1"}, {"name": "a", "family": "bake-2"}, False),
        ({"labels.build": "*"}, {"labels": {"build": "7"}}, {"labels": {"build": "8"}}, True),
        ({"labels.a.b": "*"}, {"labels": {"a.b": "7"}}, {"labels": {"a.b": "8"}}, True),
        ({"productIds": "f2e*"}, {"productIds": ["f2e1", "x"]}, {"productIds": ["f2e2", "x"]}, True),
        ({"productIds": "f2e*"}, {"productIds": ["f2e1"]}, {"productIds": ["f2e1", "f2e2"]}, False),
        ({"minDiskSize": "*"}, {"minDiskSize": 1}, {"minDiskSize": "2"}, True),
        ({"os": "*"}, {"os": {"type": "LINUX"}}, {"os": {"type": "WINDOWS"}}, False),
        ({"name": "*"}, {"name": None}, {"name": "a"}, True),
        ({"name": "*"}, {"name": ""}, {}, True),
        ({"name": "?*"}, {"name": ""}, {"name": "a"}, False),
        ({"folder_id": "b1g*"}, {"folderId": "b1g1"}, {"folder_id": "b1g2"}, True),
        ({"os.type": "*"}, {"os": {"type": 1}}, {"os": {"type": "WINDOWS"}}, True),
        ({"labels.made_by": "*"}, {"labels": {"made_by": "a"}}, {"labels": {"made_by": "b"}}, True),
        ({"diskId": "*"}, {"diskId": "a"}, {}, False),
        ({"a.b": "*"}, "text", "text", True),
    ],
)
def test_two_values_that_both_fit_are_equal(
    rules: dict[str, str],
    one: Any,
    other: Any,
    same: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """In bodies, in maps and in lists, but not whole objects."""
    assert are_same(rules, one, other) is same


def test_a_query_may_be_volatile_too() -> None:
    """By the name of the parameter."""
    volatile = Volatile({"pageToken": "*"})
    one, other = (key_of(normalize(request("GET", f"{IMAGES}?pageToken={token}")), volatile) for token in "ab")
    assert one.key == other.key
    assert (one.volatile, other.volatile) == ((("pageToken", "a"),), (("pageToken", "b"),))


@pytest.mark.parametrize(
    ("rules", "text"),
    [
        ({"header.x": "*"}, "headers are never compared"),
        ({"name": 5}, r"invalid volatile=\{'name': 5\}: field and pattern are text"),
        (["name"], r"invalid volatile=\['name'\]: expected a dict"),
    ],
)
def test_what_cannot_be_a_rule_is_refused(rules: Any, text: str) -> None:
    """When the player is made, with what would do."""
    with pytest.raises(UsageError, match=text):
        Player(cassette(), volatile=rules)


def test_what_the_client_sent_stands_in_every_later_answer() -> None:
    """As a whole word: no other name is touched."""
    ready = image(1, "READY", name="bake-1", description="of bake-1, not bake-12 or my-bake-1", labels={"bake-1": "x"})
    recorded = [create(1, 0), poll(1, 1, done=True, description="bake-1"), exchange(f"GET {IMAGES}/x", ready, 2)]
    client = Client(Player(cassette(*recorded), volatile={"name": "bake-*"}))
    client.create(77)
    assert client.ask(f"GET /operations/{operation_id(1)}")["description"] == "bake-77"
    assert client.ask(f"GET {IMAGES}/x") == {
        **ready,
        "name": "bake-77",
        "description": "of bake-77, not bake-12 or my-bake-1",
    }


def test_an_answer_keeps_its_form_and_tells_its_new_length() -> None:
    """Nothing else in it changes."""
    body = '{ "name" : "bake-1",\n\t"n": 1.50, "u": "\\u0416", "e": "\\"bake-1\\"" }'
    answer = exchange(f"GET {IMAGES}/x", body, 1)
    headers = (("content-length", str(len(body))), ("x", "bake-1"))
    answer = answer._replace(response=answer.response._replace(headers=headers))
    client = Client(Player(cassette(create(1, 0), answer), volatile={"name": "bake-*"}))
    client.create(22)
    response = client.played(f"GET {IMAGES}/x").response
    assert response.body.decode() == body.replace("bake-1", "bake-22")
    assert response.headers == (("content-length", str(len(body) + 2)), ("x", "bake-1"))


def test_later_requests_are_found_by_what_the_client_sent() -> None:
    """In paths, queries and bodies."""
    recorded = [
        create(1, 0),
        exchange(f'GET {IMAGES}?folderId=b1g&filter=name="bake-1"', {"images": [image(1, "READY", name="bake-1")]}, 1),
        exchange("GET /buckets/bake-1/x", {"at": 2}, 2),
        exchange(f"POST {IMAGES}", {"at": 3}, 3, body={"name": "other", "description": "after bake-1"}),
    ]
    client = Client(Player(cassette(*recorded), volatile={"name": "bake-*"}))
    client.create(9)
    assert client.ask(f'GET {IMAGES}?filter=name="bake-9"&folderId=b1g')["images"][0]["name"] == "bake-9"
    assert client.ask("GET /buckets/bake-9/x") == {"at": 2}
    assert client.ask(f"POST {IMAGES}", {"name": "other", "description": "after bake-9"}) == {"at": 3}
    assert client.player.unused() == []


def test_names_that_change_places_do_not_get_mixed_up() -> None:
    """All are replaced at once."""
    both = {"images": [image(1, "READY", name="bake-1"), image(2, "READY", name="bake-2")]}
    recorded = [create(1, 0), create(2, 1), exchange(f"GET {IMAGES}", both, 2)]
    client = Client(Player(cassette(*recorded), volatile={"name": "bake-*"}))
    client.create(2)
    client.create(1)
    assert [each["name"] for each in client.ask(f"GET {IMAGES}")["images"]] == ["bake-2", "bake-1"]


def test_a_value_that_says_little_is_carried_in_its_own_field_only() -> None:
    """Times, sizes and names that have the same digits stay."""
    ready = image(1, "READY", labels={"build": "41"}, minDiskSize="41", createdAt="2026-01-01T00:41:00Z", family="r41")
    body = {"labels": {"build": "41"}}
    recorded = [create(1, 0, body), exchange(f"GET {IMAGES}/x", ready, 1)]
    client = Client(Player(cassette(*recorded), volatile={"labels.build": "*"}))
    client.ask(f"POST {IMAGES}", {"labels": {"build": "42"}})
    assert client.ask(f"GET {IMAGES}/x") == {**ready, "labels": {"build": "42"}}


def test_types_states_and_times_stay_whatever_the_client_calls_its_image() -> None:
    """No client's value gets into these."""
    recorded = [create(1, 0, {"name": "compute"}), poll(1, 1, done=True)]
    client = Client(Player(cassette(*recorded), volatile={"name": "*"}))
    client.ask(f"POST {IMAGES}", {"name": "mine"})
    metadata = client.ask(f"GET /operations/{operation_id(1)}")["metadata"]
    assert metadata["@type"] == "type.googleapis.com/yandex.cloud.compute.v1.CreateImageMetadata"


def test_phrases_are_carried_as_a_whole() -> None:
    """And what has been put in is not replaced again."""
    words = Words()
    words.add("description", "baked on 2026-01-01 by ci", "baked today")
    words.add("name", "bake-1", "bake-2")
    assert words.in_text("bake-1: baked on 2026-01-01 by ci, bake-1") == "bake-2: baked today, bake-2"
    assert words.in_text("rebaked on 2026-01-01 by ci") == "rebaked on 2026-01-01 by ci"


def test_an_answer_in_plain_text_is_carried_too() -> None:
    """The gateway refuses in plain text."""
    refusal = exchange("GET /x", "no bake-1", 1, status=400)
    client = Client(Player(cassette(create(1, 0), refusal), volatile={"name": "bake-*"}))
    client.create(5)
    assert client.played("GET /x").response.body == b"no bake-5"


def test_an_answer_that_is_no_text_stays_as_it_is() -> None:
    """There are no words in it."""
    binary = exchange("GET /x", "", 1)
    binary = binary._replace(response=binary.response._replace(body=b"bake-1\xff"))
    client = Client(Player(cassette(create(1, 0), binary), volatile={"name": "bake-*"}))
    client.create(5)
    assert client.played("GET /x").response.body == b"bake-1\xff"


def test_a_request_that_differs_in_more_than_its_volatile_value_shows_only_the_rest() -> None:
    """A value that fits is no difference."""
    client = Client(Player(cassette(create(1, 0)), volatile={"name": "bake-*"}))
    refused = client.refused(f"POST {IMAGES}", {"folderId": "other", "name": "bake-9"})
    assert [str(each) for each in refused.differences] == ['body.folderId: recorded "b1g", asked "other"']


def test_without_rules_values_are_compared_and_nothing_is_carried() -> None:
    """Nothing is volatile unless it is said to be."""
    client = Client(Player(cassette(create(1, 0), look(1, 1, "READY", name="bake-1"))))
    assert client.refused(f"POST {IMAGES}", {"folderId": "b1g", "name": "bake-2"}).differences
    client.create(1)
    assert client.ask(f"GET {IMAGES}/{image_id(1)}")["name"] == "bake-1"


NAMES = st.from_regex(r"[a-z][-a-z0-9]{2,12}[a-z0-9]", fullmatch=True)


@pytest.mark.costly
@given(st.lists(st.tuples(NAMES, NAMES), max_size=4, unique_by=lambda pair: pair[0]), st.lists(NAMES, max_size=4))
def test_replacing_touches_whole_names_and_no_other(pairs: list[tuple[str, str]], others: list[str]) -> None:
    """In all strings of JSON but those of fixed fields."""
    words = Words()
    for old, new in pairs:
        words.add("name", old, new)
    expected = dict(pairs)
    found = [*expected, *others]
    value = {"text": " ".join(found), "list": found, "@type": "/".join(found)}
    wanted = [expected.get(name, name) for name in found]
    assert json.loads(words.in_json(json.dumps(value))) == {
        "text": " ".join(wanted),
        "list": wanted,
        "@type": value["@type"],
    }


@given(st.text(), st.text(min_size=1), st.text())
def test_whatever_is_replaced_the_answer_stays_json(text: str, old: str, new: str) -> None:
    """Quotes, controls and all."""
    words = Words()
    words.add("name", old, new)
    there = json.loads(words.in_json(json.dumps({"text": text, "whole": old})))
    assert there["text"] == words.in_text(text, "text")
