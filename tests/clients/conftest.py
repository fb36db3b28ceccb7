"""What the tests of clients share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_ycimages import Double


@pytest.fixture
def anonymous(ycimages: Double) -> Iterator[httpx.Client]:
    """A client of the test's double that has no token."""
    # Certificates play no part in plain HTTP, and loading them takes longer than any of the tests.
    with httpx.Client(base_url=ycimages.url, verify=False) as client:  # noqa: S501 - see above
        yield client


@pytest.fixture
def client(anonymous: httpx.Client, ycimages: Double) -> httpx.Client:
    """A client of the test's double that has a token."""
    anonymous.headers["Authorization"] = f"Bearer {ycimages.token}"
    return anonymous
