"""What the tests of seeding share: a double whose time stands still, and a client of it in process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.client import Cloud

if TYPE_CHECKING:
    from pytest_ycimages import Double


@pytest.fixture
def ycimages_settings() -> dict[str, Any]:
    """Time moves only when a test moves it."""
    return {"clock": "manual"}


@pytest.fixture
def cloud(ycimages: Double) -> Cloud:
    """A client of the test's double, with a valid token."""
    return Cloud(ycimages)
