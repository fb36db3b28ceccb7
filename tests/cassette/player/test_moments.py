"""When a replay by time shows a state: when a client sees it that waits as the recorded one did."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ycimages import CassetteMetadata, Interaction, RecordedRequest, RecordedResponse
from pytest_ycimages.api.message import SECOND
from pytest_ycimages.cassette.answers import Compactor
from pytest_ycimages.cassette.model import CassetteData
from pytest_ycimages.cassette.player import Played, Player

if TYPE_CHECKING:
    from collections.abc import Sequence

OPERATION = "fd8aaaaaaaaaaaaaaaaa"
CREATE = RecordedRequest("POST", "https://compute.api.cloud.yandex.net/compute/v1/images", body=b'{"diskId": "epd"}')
POLL = RecordedRequest("GET", f"https://operation.api.cloud.yandex.net/operations/{OPERATION}")


def answer(*, done: bool) -> RecordedResponse:
    """Return an answer that shows the operation."""
    body = {"id": OPERATION, "done": done, "metadata": {"imageId": "fd8bbbbbbbbbbbbbbbbb"}}
    return RecordedResponse(200, "OK", (("content-type", "application/json"),), json.dumps(body).encode())


def recorded(pause: float, took: Sequence[float], thought: float) -> CassetteData:
    """Return a cassette of a create and polls that took so long each; the client thought before each poll."""
    at, compactor, kept = 0.0, Compactor(), []
    for number, duration in enumerate(took):
        done = number == len(took) - 1
        each = Interaction(POLL if number else CREATE, answer(done=done), at, duration)
        at += duration + pause + thought
        kept.append(compactor.add(each))
    return CassetteData(CassetteMetadata(), tuple(each for each in kept if each is not None))


def polls_until_done(cassette: CassetteData, pause: float) -> int:
    """Return how many polls a client makes whose calls take no time."""
    player = Player(cassette, pace="time")
    now, polls = 7 * SECOND, 0
    played = player.play(CREATE, now)
    while isinstance(played, Played) and not played.answer.done:
        now += round(pause * SECOND)
        polls += 1
        played = player.play(POLL, now)
    assert isinstance(played, Played)
    return polls


@pytest.mark.costly
@given(
    pause=st.floats(0.1, 30),
    create=st.floats(0.001, 5),
    poll=st.floats(0.001, 5),
    last=st.floats(0.001, 5),
    late=st.lists(st.floats(0, 0.4), min_size=1, max_size=30),
)
def test_a_client_that_waits_as_the_recorded_one_did_polls_as_often(
    pause: float, create: float, poll: float, last: float, late: list[float]
) -> None:
    """However long the recorded calls took, and if what is not known adds up to less than half a pause."""
    polls = len(late)
    unknown = [each * pause / polls for each in late]
    cassette = recorded(pause, [create, *(poll + each / 2 for each in unknown[1:]), last], max(unknown) / 2)
    assert polls_until_done(cassette, pause) == polls


@pytest.mark.parametrize("pause", [0.25, 1, 1.5])
def test_a_recording_in_virtual_time_is_exact(pause: float) -> None:
    """Its calls took no time: however often a client polls, an operation ends when it was seen to end."""
    cassette = recorded(1, [0, 0, 0, 0], 0)
    assert polls_until_done(cassette, pause) * pause == 3
