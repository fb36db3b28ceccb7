"""Every fault, by every client: what it sees, and what the double did, is the same intercepted as over a socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from pytest_ycimages import Double, VirtualTime, first
from pytest_ycimages.faults.rule_text import fault_of
from tests.faults_in_process.test_same_as_over_a_socket import CASES, QUESTIONS, Story
from tests.intercept.clients import CLIENTS, KEEPING, REAL, Client

if TYPE_CHECKING:
    from pytest_ycimages.faults.fault import Commit

BUILT_ON_ANOTHER: Final = ("urllib.request", "requests")
"""Clients that go through http.client and urllib3, which `make test` runs with every fault."""


def story(double: Double, client: Client, url: str, fault: str, commit: Commit) -> Story:
    """Let a client meet a fault."""
    injection = double.inject(fault_of(fault), on="images.create", when=first(1), commit=commit, expect=False)
    seen = client(url, QUESTIONS)
    calls = [(call.method, call.status.name, call.fault) for call in double.calls]
    seconds = (double.clock.now() - double.clock.began_at) / 10**9
    return Story(seen, calls, len(double.images), injection.struck, seconds)


@pytest.mark.parametrize(("fault", "commit"), CASES)
@pytest.mark.parametrize(
    "client",
    [
        pytest.param(client, id=name, marks=pytest.mark.slow if name in BUILT_ON_ANOTHER else ())
        for name, client in CLIENTS.items()
    ],
)
def test_a_fault_is_the_same(client: Client, fault: str, commit: Commit) -> None:
    """The same answers, errors and texts, the same journal, and the same seconds."""
    with VirtualTime(), Double() as double:
        over_a_socket = story(double, client, double.url, fault, commit)
    with VirtualTime(), Double().intercept() as double:
        assert story(double, client, REAL, fault, commit) == over_a_socket
    with Double(clock="manual").intercept() as double:
        assert story(double, client, REAL, fault, commit) == over_a_socket
    is_kept = client in KEEPING.values()
    assert over_a_socket.struck == (is_kept or not fault.startswith("stale"))
