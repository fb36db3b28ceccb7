"""Laws of the player, for any interleaving of operations, any number of polls, and either pace."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ycimages.cassette.answers import Compactor, compact
from pytest_ycimages.cassette.no_match import NoMatch
from pytest_ycimages.cassette.player import Player
from tests.cassette.player.handmade import (
    IMAGES,
    Client,
    cassette,
    create,
    exchange,
    image_id,
    look,
    operation_id,
    poll,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ycimages.cassette.model import Interaction

LIST: Final = f"GET {IMAGES}?folderId=b1g"


class Story(NamedTuple):
    """A bake as it was recorded: each step polls the operation, looks at the image, or lists."""

    steps: tuple[str, ...]
    running: int
    ready: int


TIMED: Final = st.just(value=True)
STORIES = st.builds(
    lambda steps, running, lag: Story(tuple(steps), running, max(0, running - lag)),
    st.lists(st.sampled_from(["poll", "look", "list"]), min_size=1, max_size=8),
    st.integers(0, 6),
    st.integers(0, 2),
)


@st.composite
def recordings(draw: st.DrawFn, times: st.SearchStrategy[bool] = TIMED) -> Sequence[Interaction]:
    """Some bakes that went on at once, in some order, and each looked at once more when it was over."""
    stories = draw(st.lists(STORIES, min_size=1, max_size=3))
    turns = [number for number, story in enumerate(stories) for _ in range(len(story.steps) + 3)]
    order = draw(st.permutations(turns))
    is_timed = draw(times)
    at = [0] * len(stories)
    recorded: list[Interaction] = []
    for moment, number in enumerate(order):
        story, step = stories[number], at[number]
        at[number] += 1
        recorded.append(_step(number, story, step, moment / 2 if is_timed else None))
    return recorded


def _step(number: int, story: Story, step: int, at: float | None) -> Interaction:
    if step == 0:
        return create(number, at)
    if step > len(story.steps):
        return poll(number, at, done=True) if step == len(story.steps) + 1 else look(number, at, "READY")
    kind = story.steps[step - 1]
    if kind == "poll":
        return poll(number, at, done=step > story.running, description=f"{step // 3}")
    if kind == "look":
        return look(number, at, "READY" if step > story.ready else "CREATING")
    return exchange(LIST, {"images": [{"id": f"{number}-{step // 2}"}]}, at)


ACTIONS = st.lists(
    st.tuples(st.sampled_from(["create", "poll", "look", "list", "wait"]), st.integers(0, 2)), max_size=60
)


def numbers(recorded: Sequence[Interaction]) -> set[int]:
    """The operations that were recorded."""
    return {
        int(json.loads(each.response.body)["id"].removeprefix("fd8op"))
        for each in recorded
        if each.request.method == "POST"
    }


def line(action: str, number: int) -> tuple[str, Any]:
    """The request, as a line and a body."""
    return {
        "create": (f"POST {IMAGES}", {"folderId": "b1g", "name": f"bake-{number}"}),
        "poll": (f"GET /operations/{operation_id(number)}", None),
        "look": (f"GET {IMAGES}/{image_id(number)}", None),
        "list": (LIST, None),
    }[action]


def answers(client: Client, actions: Sequence[tuple[str, int]]) -> list[Any]:
    """The body of each answer; None for none."""
    found: list[Any] = []
    for action, number in actions:
        if action == "wait":
            client.now += number
        else:
            played = client.play(*line(action, number))
            found.append(None if isinstance(played, NoMatch) else (played.response.status, played.response.body))
    return found


@pytest.mark.costly
@settings(deadline=None)
@given(recordings(), ACTIONS, st.booleans())
def test_compacting_never_changes_an_answer(
    recorded: Sequence[Interaction],
    actions: Sequence[tuple[str, int]],
    by_time: bool,  # noqa: FBT001 - drawn
) -> None:
    """Whatever is asked, in whatever order, by state and by time."""
    raw = Client(Player(cassette(*recorded)), by_time=by_time)
    compacted = Client(Player(cassette(*compact(recorded))), by_time=by_time)
    assert answers(raw, actions) == answers(compacted, actions)
    assert bool(raw.player.unused()) == bool(compacted.player.unused())


@pytest.mark.costly
@given(recordings(st.booleans()))
def test_compacting_twice_is_compacting_once_and_one_by_one_is_the_same(recorded: Sequence[Interaction]) -> None:
    """Neither drops another poll."""
    once = compact(recorded)
    assert compact(once) == once
    compactor = Compactor()
    assert tuple(each for each in map(compactor.add, recorded) if each is not None) == once


@pytest.mark.costly
@settings(deadline=None)
@given(recordings(st.booleans()), ACTIONS, st.booleans(), st.booleans(), st.data())
def test_any_number_of_polls_ends_in_the_recorded_image(
    recorded: Sequence[Interaction],
    actions: Sequence[tuple[str, int]],
    by_time: bool,  # noqa: FBT001 - drawn
    is_compact: bool,  # noqa: FBT001 - drawn
    data: st.DataObject,
) -> None:
    """In any order of the operations, and whatever was asked before."""
    player = Player(cassette(*(compact(recorded) if is_compact else recorded)))
    client = Client(player, by_time=by_time)
    made = sorted(numbers(recorded))
    for number in data.draw(st.permutations(made)):
        client.create(number)
        answers(client, [step for step in actions if step[0] != "create" and step[1] in made])
    client.now += len(recorded)
    for number in made:
        polls = 1
        while not client.poll(number):
            polls += 1
        assert polls <= len(recorded)
        assert client.look(number) == "READY"
        assert client.look(number) == "READY"
        assert client.poll(number)


@pytest.mark.costly
@settings(deadline=None)
@given(recordings(st.booleans()), ACTIONS, st.booleans())
def test_what_was_shown_is_never_contradicted(
    recorded: Sequence[Interaction],
    actions: Sequence[tuple[str, int]],
    by_time: bool,  # noqa: FBT001 - drawn
) -> None:
    """Nothing that was done is undone, and no image lags behind its operation."""
    client = Client(Player(cassette(*recorded)), by_time=by_time)
    done: dict[int, int] = {}
    ready: set[int] = set()
    for action, number in actions:
        if action == "wait":
            client.now += number
            continue
        played = client.play(*line(action, number))
        if isinstance(played, NoMatch):
            continue
        if action == "poll":
            assert played.answer.done or number not in done
            if played.answer.done:
                done[number] = max(done.get(number, 0), played.index)
        if action == "look":
            is_ready = json.loads(played.response.body)["status"] == "READY"
            assert is_ready or (number not in ready and number not in done)
            ready |= {number} if is_ready else set()
            later = [index for index in looks(recorded, number) if index >= done.get(number, 0)]
            assert played.response in [recorded[index].response for index in later]


def looks(recorded: Sequence[Interaction], number: int) -> list[int]:
    """Where on the cassette the image was looked at."""
    path = f"{IMAGES}/{image_id(number)}"
    return [index for index, each in enumerate(recorded) if each.request.uri.endswith(path)]


@pytest.mark.costly
@settings(deadline=None)
@given(recordings(), ACTIONS, st.booleans())
def test_every_answer_is_one_that_was_recorded_of_this_request(
    recorded: Sequence[Interaction],
    actions: Sequence[tuple[str, int]],
    by_time: bool,  # noqa: FBT001 - drawn
) -> None:
    """Byte for byte."""
    client = Client(Player(cassette(*recorded)), by_time=by_time)
    for action, number in actions:
        if action in {"poll", "create", "list"}:
            played = client.play(*line(action, number))
            if not isinstance(played, NoMatch):
                assert played.response == recorded[played.index].response


@pytest.mark.costly
@settings(deadline=None)
@given(recordings())
def test_the_recorded_client_leaves_nothing_unused_and_sees_the_recorded_end(recorded: Sequence[Interaction]) -> None:
    """By time, it sees every state of its operations when it saw it first."""
    for by_time in (False, True):
        client = Client(Player(cassette(*recorded)), by_time=by_time)
        for each in recorded:
            client.now = each.at or 0
            played = client.play(
                f"{each.request.method} {each.request.uri}",
                json.loads(each.request.body) if each.request.body else None,
            )
            assert not isinstance(played, NoMatch)
            if by_time and "/operations/" in each.request.uri:
                assert played.response == each.response
        assert not client.player.unused()
