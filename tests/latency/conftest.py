"""What the tests of latency share: two ways to talk to a double, and a call that says how it was answered."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_ycimages import Double


@contextmanager
def _over_a_socket(double: Double) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {double.token}", "Host": "localhost"}
    with double, httpx.Client(base_url=double.url, headers=headers) as client:
        yield client


@contextmanager
def _in_process(double: Double) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {double.token}"}
    transport = httpx.WSGITransport(app=double.app)
    with httpx.Client(base_url="http://localhost", headers=headers, transport=transport) as client:
        yield client


@pytest.fixture(params=[_over_a_socket, _in_process], ids=["socket", "wsgi"])
def connect(request: pytest.FixtureRequest) -> Any:
    """Makes a client of a double, for a `with` block."""
    return request.param
