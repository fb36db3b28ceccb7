"""What most tests of interception begin with."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ycimages import Double

if TYPE_CHECKING:
    from collections.abc import Iterator

REAL = "https://compute.api.cloud.yandex.net"


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """No name can be looked up, and nobody connected to."""

    def refuse_to(*given: Any, **_: Any) -> None:
        raise AssertionError(f"Somebody asked the network for {given}")

    monkeypatch.setattr(socket, "getaddrinfo", refuse_to)
    monkeypatch.setattr(socket, "create_connection", refuse_to)
    monkeypatch.setattr(socket.socket, "connect", refuse_to)


@pytest.fixture
def double() -> Double:
    """A double that was never started."""
    return Double(clock="manual")


@pytest.fixture
def intercepted(double: Double) -> Iterator[Double]:
    """The same, which answers the real host names."""
    with double.intercept():
        yield double
