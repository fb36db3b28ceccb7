"""Clients of the official stubs for the double of a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.grpc.clients import Stubs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_ycimages import Double


@pytest.fixture
def stubs(ycimages: Double) -> Iterator[Stubs]:
    """Return the stubs of every service, in the clear."""
    with Stubs(ycimages) as stubs:
        yield stubs
