"""What the tests of pacing share: a client that waits as it is told, and calls that are written by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_ycimages import Double
from tests.pacing.waiting import Waiting

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def waiting() -> Callable[..., Waiting]:
    """Makes a double whose clock stands still, with an image that is being created, and its client."""

    def make(**settings: Any) -> Waiting:
        return Waiting(Double(name="test", **{"clock": "manual", "timing": "Never()", **settings}))

    return make
