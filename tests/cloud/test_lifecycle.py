"""The lifecycle of operations: the phases that follow each other, and the status of an image in each."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import given, settings

from pytest_ycimages.api.resources import ImageStatus
from pytest_ycimages.cloud.lifecycle import DONE, IMAGE_STATUS, Kind, Phase
from pytest_ycimages.cloud.plan import phases
from tests.cloud.drawn import planned, timings
from tests.cloud.operations import FOLLOWING

if TYPE_CHECKING:
    from pytest_ycimages.cloud.plan import Plan


@settings(derandomize=True, deadline=None)
@given(planned(timings))
def test_phases_follow_each_other_as_the_lifecycle_says(plan: Plan) -> None:
    """Whatever the settings: it begins as RUNNING, every step is legal, and none comes before an earlier one."""
    found = phases(plan)
    assert found[0] == (Phase.RUNNING, plan.started_at)
    assert all(after in FOLLOWING[before] for (before, _), (after, _) in pairwise(found))
    moments = [at for _, at in found]
    assert moments == sorted(moments)


def test_done_are_the_phases_that_nothing_leaves() -> None:
    """An operation is done when it has succeeded, and when it has failed and been undone."""
    assert {phase for phase, following in FOLLOWING.items() if not following} == DONE


def test_every_phase_has_a_status_for_its_image() -> None:
    """A new image is CREATING until its operation is done, an old one DELETING; a change never hides it."""
    ready, creating, deleting = ImageStatus.READY, ImageStatus.CREATING, ImageStatus.DELETING
    assert {kind: tuple(statuses[phase] for phase in Phase) for kind, statuses in IMAGE_STATUS.items()} == {
        Kind.CREATE: (creating, creating, ready, None),
        Kind.UPDATE: (ready, ready, ready, ready),
        Kind.DELETE: (deleting, deleting, None, ready),
    }
