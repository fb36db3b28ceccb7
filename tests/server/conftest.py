"""What the tests of the server share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.server.raw_client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_ycimages import Double


@pytest.fixture
def client(ycimages: Double) -> Iterator[Client]:
    """A connection to the test's double."""
    with Client(ycimages) as client:
        yield client
