"""The life of an operation: the whole product of phase and event, against the table."""

from __future__ import annotations

from copy import deepcopy
from itertools import product

import pytest

from pytest_ycimages.api.resources import ImageStatus
from pytest_ycimages.cloud.lifecycle import (
    DONE,
    IMAGE_STATUS,
    LIFECYCLE,
    Event,
    IllegalTransitionError,
    Kind,
    Phase,
    step,
)

LEGAL = {
    (Phase.RUNNING, Event.SUCCEED): Phase.SUCCEEDED,
    (Phase.RUNNING, Event.FAIL): Phase.ROLLING_BACK,
    (Phase.RUNNING, Event.CANCEL): Phase.ROLLING_BACK,
    (Phase.ROLLING_BACK, Event.ROLLED_BACK): Phase.FAILED,
}
ILLEGAL = [pair for pair in product(Phase, Event) if pair not in LEGAL]


def test_the_table_holds_every_legal_step_and_no_other() -> None:
    """What may happen is written twice, here and in the table: changing it is a decision, not an accident."""
    table = {(phase, event): after for phase, events in LIFECYCLE.items() for event, after in events.items()}
    assert table == LEGAL
    assert set(LIFECYCLE) == set(Phase)


@pytest.mark.parametrize(("phase", "event"), LEGAL)
def test_a_legal_event_leads_to_the_phase_in_the_table(phase: Phase, event: Event) -> None:
    """`step` is the table, applied."""
    assert step(phase, event) is LEGAL[phase, event]


@pytest.mark.parametrize(("phase", "event"), ILLEGAL)
def test_an_illegal_event_raises_and_changes_nothing(phase: Phase, event: Event) -> None:
    """An event that a phase does not know is refused by name, and the table stays as it was."""
    before = deepcopy(LIFECYCLE)
    with pytest.raises(IllegalTransitionError, match=f"{event.value}.* cannot happen while {phase}"):
        step(phase, event)
    assert before == LIFECYCLE


def test_done_are_the_phases_that_nothing_leaves() -> None:
    """An operation is done when it has succeeded, and when it has failed and been undone."""
    assert {Phase.SUCCEEDED, Phase.FAILED} == DONE


def test_every_phase_can_be_reached_and_every_way_ends() -> None:
    """From RUNNING every phase is reachable, no phase comes twice, and the last one is done."""
    ways = [[Phase.RUNNING]]
    seen = {Phase.RUNNING}
    while ways:
        way = ways.pop()
        following = set(LIFECYCLE[way[-1]].values())
        assert not following & set(way)
        assert following or way[-1] in DONE
        seen |= following
        ways += ([*way, phase] for phase in following)
    assert seen == set(Phase)


def test_every_phase_has_a_status_for_its_image() -> None:
    """A new image is CREATING until its operation is done, an old one DELETING; a change never hides it."""
    ready, creating, deleting = ImageStatus.READY, ImageStatus.CREATING, ImageStatus.DELETING
    assert {kind: tuple(statuses[phase] for phase in Phase) for kind, statuses in IMAGE_STATUS.items()} == {
        Kind.CREATE: (creating, creating, ready, None),
        Kind.UPDATE: (ready, ready, ready, ready),
        Kind.DELETE: (deleting, deleting, None, ready),
    }
