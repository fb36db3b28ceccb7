"""A process that runs out of threads, descriptors or memory loses a connection, and never the listener."""

from __future__ import annotations

import errno
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ycimages.server.connection import Connection
from pytest_ycimages.server.http import HttpReply
from pytest_ycimages.server.listener import Listener
from tests.server.raw_client import PATIENCE, Client, endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

EXHAUSTED = [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM]


@pytest.fixture
def listener() -> Iterator[Listener]:
    """A listener that answers everything."""
    listener = Listener(lambda _: HttpReply(200, (), b"{}"), "127.0.0.1", 0)
    yield listener
    listener.close()


def is_dropped(listener: Listener) -> bool:
    """Whether a client is left without an answer."""
    with Client(listener) as client:
        try:
            client.send(endpoint("iam"))
            return client.is_left()
        except ConnectionError:
            return True


def is_served(listener: Listener) -> bool:
    """Whether a client is answered."""
    with Client(listener) as client:
        return client.ask(endpoint("iam")).status == 200


@pytest.mark.parametrize("error", [RuntimeError("can't start new thread"), MemoryError()], ids=repr)
def test_a_thread_that_cannot_start_costs_its_connection(
    listener: Listener, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client is told at once, and the next is served once there are threads again; the others go on."""
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name.endswith(":client"):
            raise error
        start(thread)

    with Client(listener) as other:
        assert other.ask(endpoint("iam")).status == 200
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            assert [is_dropped(listener) for _ in range(3)] == [True] * 3
            assert other.ask(endpoint("iam")).status == 200
        assert is_served(listener)
    listener.close()
    assert not listener._serving  # noqa: SLF001 - nothing is left of those that were dropped


@pytest.mark.parametrize("number", EXHAUSTED, ids=errno.errorcode.get)
def test_a_listener_without_descriptors_waits_for_one(
    listener: Listener, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It tries again when a connection ends or a while has passed, not as fast as it can; no client is refused."""
    tried = 0
    waits: list[float] = []
    fails = threading.Event()
    accept = socket.socket.accept
    wait = listener._room.wait  # noqa: SLF001 - what it waits on

    def refuse(sock: socket.socket) -> Any:
        nonlocal tried
        if fails.is_set():
            tried += 1
            raise OSError(number, "no room")
        return accept(sock)

    def count(timeout: float) -> bool:
        waits.append(timeout)
        if len(waits) == 3:
            fails.clear()
        return wait(0)

    monkeypatch.setattr(socket.socket, "accept", refuse)
    monkeypatch.setattr(listener._room, "wait", count)  # noqa: SLF001 - as above
    fails.set()
    assert is_served(listener)
    assert tried == len(waits) == 3
    assert min(waits) >= 0.05


def test_an_end_of_a_connection_makes_room(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    """The listener does not wait for longer than that."""
    fails = threading.Event()
    waiting = threading.Event()
    accept = socket.socket.accept
    wait = listener._room.wait  # noqa: SLF001 - what it waits on

    def refuse(sock: socket.socket) -> Any:
        if fails.is_set():
            raise OSError(errno.EMFILE, "no room")
        return accept(sock)

    def without_end(_: float) -> bool:
        waiting.set()
        return wait(PATIENCE)

    monkeypatch.setattr(socket.socket, "accept", refuse)
    monkeypatch.setattr(listener._room, "wait", without_end)  # noqa: SLF001 - as above
    with Client(listener) as first:
        assert first.ask(endpoint("iam")).status == 200
        fails.set()
        with Client(listener) as second:
            assert waiting.wait(PATIENCE)
            fails.clear()
            first.vanish()
            assert second.ask(endpoint("iam")).status == 200


def test_a_listener_that_waits_for_room_can_be_closed(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    """At once."""
    waiting = threading.Event()
    wait = listener._room.wait  # noqa: SLF001 - what it waits on

    def without_end(_: float) -> bool:
        waiting.set()
        return wait(PATIENCE)

    def refuse(_: socket.socket) -> Any:
        raise OSError(errno.EMFILE, "no room")

    monkeypatch.setattr(socket.socket, "accept", refuse)
    monkeypatch.setattr(listener._room, "wait", without_end)  # noqa: SLF001 - as above
    with Client(listener):
        assert waiting.wait(PATIENCE)
        listener.close()
    assert not listener._thread.is_alive()  # noqa: SLF001 - which `close` joins


@pytest.mark.parametrize("at", ["settimeout", "setsockopt"])
def test_a_socket_that_cannot_be_prepared_costs_its_connection(
    listener: Listener, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on systems where its client has gone by then."""
    prepare = getattr(socket.socket, at)

    def refuse(sock: socket.socket, *given: Any) -> Any:
        if threading.current_thread().name.startswith("ycimages:"):
            raise OSError(errno.EINVAL, "Invalid argument")
        return prepare(sock, *given)

    with monkeypatch.context() as patch:
        patch.setattr(socket.socket, at, refuse)
        assert is_dropped(listener)
    assert is_served(listener)


def test_memory_that_is_missing_costs_its_connection(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the connection needed it for."""
    take = Connection.take

    def refuse(*_: object) -> bool:
        raise MemoryError

    monkeypatch.setattr(Connection, "take", refuse)
    assert is_dropped(listener)
    monkeypatch.setattr(Connection, "take", take)
    assert is_served(listener)


@pytest.mark.parametrize("missing", ["thread", "selector", "pair"])
def test_a_listener_that_cannot_start_leaves_nothing_open(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a socket nor a descriptor; the error is that of the system."""

    def refuse(*_: object) -> Any:
        raise (RuntimeError("can't start new thread") if missing == "thread" else OSError(errno.EMFILE, "no room"))

    place = {
        "thread": "threading.Thread.start",
        "selector": "pytest_ycimages.server.listener.selectors.DefaultSelector",
        "pair": "pytest_ycimages.server.listener.socket.socketpair",
    }
    bound: list[socket.socket] = []
    bind = socket.socket.bind

    def note(sock: socket.socket, address: Any) -> None:
        bound.append(sock)
        bind(sock, address)

    with monkeypatch.context() as patch:
        patch.setattr(socket.socket, "bind", note)
        patch.setattr(place[missing], refuse)
        with pytest.raises((RuntimeError, OSError)):
            Listener(lambda _: HttpReply(200, (), b""), "127.0.0.1", 0)
    assert [sock.fileno() for sock in bound] == [-1]


def test_a_port_that_cannot_be_kept_is_tried_again(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    """While connections are refused, the port is bound anew; without room for that, the listener waits for some."""
    bind = socket.socket.bind
    tries = 0

    def refuse(sock: socket.socket, address: Any) -> None:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise OSError(errno.EADDRINUSE, "in use")
        bind(sock, address)

    over = threading.Event()
    monkeypatch.setattr(socket.socket, "bind", refuse)
    monkeypatch.setattr(listener._room, "wait", lambda _: None)  # noqa: SLF001 - what it waits on
    listener._refuse(over.wait)  # noqa: SLF001 - as a connection does
    assert tries == 3
    with pytest.raises(ConnectionRefusedError):
        Client(listener)
    over.set()
    threads = [thread for thread in threading.enumerate() if thread.name == f"ycimages:{listener.port}"]
    assert len(threads) == 1
