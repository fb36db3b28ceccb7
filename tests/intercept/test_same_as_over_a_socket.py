"""Every fault, by every client: what it sees, and what the double did, is the same intercepted as over a socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from pytest_ycimages import Double, VirtualTime, first, truncate
from tests.clients.sessions import KEEPING, SESSIONS, Session, ask_all
from tests.faults_in_process.test_same_as_over_a_socket import NAMES, QUESTIONS, Story, drawn
from tests.intercept.conftest import REAL

if TYPE_CHECKING:
    from pytest_ycimages.faults.fault import Commit, Fault


BUILT_ON_ANOTHER: Final = ("urllib.request", "requests")
"""Clients on top of http.client and urllib3, which `make test` runs with every fault."""


def story(double: Double, session: Session, url: str, fault: Fault, commit: Commit) -> Story:
    """Let a client meet a fault."""
    injection = double.inject(fault, on="images.create", when=first(1), commit=commit, expect=False)
    seen = ask_all(session, url, QUESTIONS)
    calls = [(call.method, call.status.name, call.fault) for call in double.calls]
    seconds = (double.clock.now() - double.clock.began_at) / 10**9
    return Story(seen, calls, len(double.images), injection.struck, seconds)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "session",
    [
        pytest.param(session, id=name, marks=pytest.mark.slow if name in BUILT_ON_ANOTHER else ())
        for name, session in SESSIONS.items()
    ],
)
def test_a_fault_is_the_same(session: Session, name: str) -> None:
    """The same answers, errors and texts, the same journal, and the same seconds."""

    def compare(fault: Fault, commit: Commit) -> None:
        with VirtualTime(), Double() as double:
            over_a_socket = story(double, session, double.url, fault, commit)
        with Double(clock="manual").intercept() as double:
            assert story(double, session, REAL, fault, commit) == over_a_socket
        assert over_a_socket.struck == (session in KEEPING.values() or name != "stale")

    drawn(name, compare)


@pytest.mark.parametrize("session", SESSIONS.values(), ids=SESSIONS)
def test_a_truncated_body_is_never_whole(session: Session) -> None:
    """However much of it is to arrive: its last byte does not."""
    with Double(clock="manual").intercept() as double:
        told = story(double, session, REAL, truncate(length=10**6), "after")
    assert told.seen[1].status == 0
    assert told.seen[1].error
