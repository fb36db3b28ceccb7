"""What doubles have left to say, as virtual time sees it: nothing on its way is out of sight, nothing else counts."""

from __future__ import annotations

import socket
from contextlib import ExitStack, closing, suppress
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ycimages.server import activity
from pytest_ycimages.server.activity import Phase
from pytest_ycimages.server.connection import Connection
from pytest_ycimages.server.http import HttpReply
from pytest_ycimages.server.listener import Listener

if TYPE_CHECKING:
    from collections.abc import Iterator

DECIDED = {Phase.DECIDING}
ANSWERED = {Phase.DECIDING, Phase.ANSWERING}


class Watched:
    """A listener whose connections a test makes itself, each with the socket of its client."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.listener = Listener(lambda _: HttpReply(200, (), b""), "127.0.0.1", 0)
        stack.callback(self.close)

    def close(self) -> None:
        """Close the listener, which has no thread to wait for."""
        self._connections.clear()
        self.listener.close()

    @property
    def _connections(self) -> dict[Connection, Any]:
        return self.listener._serving  # noqa: SLF001 - so that no thread serves them

    def connect(self, phase: Phase) -> tuple[Connection, socket.socket]:
        """A connection in a phase, and its client."""
        theirs, ours = (self._stack.enter_context(closing(each)) for each in socket.socketpair())
        connection = Connection(ours, lambda _: HttpReply(200, (), b""))
        connection.phase = phase
        self._connections[connection] = None
        return connection, theirs


@pytest.fixture
def watched() -> Iterator[Watched]:
    """A listener with nothing on its way."""
    with ExitStack() as stack:
        yield Watched(stack)


@pytest.mark.parametrize(
    ("phase", "busy"),
    [
        (Phase.LISTENING, (False, False)),
        (Phase.DECIDING, (True, True)),
        (Phase.WAITING, (False, False)),
        (Phase.ANSWERING, (False, True)),
    ],
)
def test_a_connection_is_busy_in_some_phases(phase: Phase, busy: tuple[bool, bool], watched: Watched) -> None:
    """Before the request is decided, and before it is answered: for the second, only who waits for an answer waits."""
    assert not watched.listener.is_busy(ANSWERED)
    watched.connect(phase)
    assert (watched.listener.is_busy(DECIDED), watched.listener.is_busy(ANSWERED)) == busy


def test_what_has_come_in_counts_while_the_connection_listens(watched: Watched) -> None:
    """A request that nobody has taken yet, and an end that nobody has seen yet."""
    _, client = watched.connect(Phase.LISTENING)
    client.sendall(b"G")
    assert watched.listener.is_busy(DECIDED)
    _, other = watched.connect(Phase.LISTENING)
    other.close()
    assert watched.listener.is_busy(DECIDED)


@pytest.mark.parametrize("leaves", [False, True])
def test_what_has_come_in_does_not_count_while_the_answer_waits(leaves: bool, watched: Watched) -> None:  # noqa: FBT001 - likewise
    """A client that has given up, or asked once more: nobody will look at that before the answer is written."""
    _, client = watched.connect(Phase.WAITING)
    if leaves:
        client.close()
    else:
        client.sendall(b"GET /")
    assert not watched.listener.is_busy(ANSWERED)


def test_an_answer_that_nobody_reads_does_not_count(watched: Watched) -> None:
    """It cannot get on before the client does."""
    connection, client = watched.connect(Phase.ANSWERING)
    connection.sock.settimeout(0)
    client.settimeout(0)
    with suppress(BlockingIOError):
        while True:
            connection.sock.send(b"x" * 2**16)
    assert not watched.listener.is_busy(ANSWERED)
    with suppress(BlockingIOError):
        while True:
            client.recv(2**20)
    assert watched.listener.is_busy(ANSWERED)


@pytest.mark.parametrize("phase", list(Phase))
def test_a_connection_that_has_come_in_the_meantime_counts(
    phase: Phase, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was not among those that were looked at, so nothing is known of it."""
    look = activity.readable

    def look_too_early(descriptors: Any) -> set[int]:
        seen = look(descriptors)
        watched.connect(phase)
        return seen

    with monkeypatch.context() as patch:
        patch.setattr(activity, "readable", look_too_early)
        assert watched.listener.is_busy(DECIDED)
    assert watched.listener.is_busy(DECIDED) is (phase is Phase.DECIDING)


def test_a_closed_connection_is_at_rest(watched: Watched) -> None:
    """Its socket has no descriptor any more."""
    connection, _ = watched.connect(Phase.LISTENING)
    connection.sock.close()
    assert not watched.listener.is_busy(ANSWERED)
    connection.phase = Phase.ANSWERING
    assert watched.listener.is_busy(ANSWERED)


def test_all_listeners_count(watched: Watched) -> None:
    """For as long as they are open."""
    assert activity.is_quiet(answered=True)
    assert (watched.listener.host, watched.listener.port) in activity.addresses()
    connection, _ = watched.connect(Phase.ANSWERING)
    assert activity.is_quiet(answered=False)
    assert not activity.is_quiet(answered=True)
    connection.phase = Phase.LISTENING
    watched.close()
    assert (watched.listener.host, watched.listener.port) not in activity.addresses()


def test_the_observer_is_told_if_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a connection that is shut, too."""
    told: list[int] = []
    activity.notify()
    monkeypatch.setattr(activity, "observer", lambda: told.append(1))
    activity.notify()
    ours, theirs = socket.socketpair()
    with closing(ours), closing(theirs):
        connection = Connection(ours, lambda _: HttpReply(200, (), b""))
        assert not connection.is_shut
        connection.shut()
        assert connection.is_shut
        assert theirs.recv(1) == b""
    assert told == [1, 1]
