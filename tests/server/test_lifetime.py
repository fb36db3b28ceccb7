"""A double starts and stops as often as there are tests, and leaves nothing behind."""

from __future__ import annotations

import gc
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from pytest_ycimages import Double, UsageError
from tests.server.raw_client import CREATE, PATIENCE, Client, endpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages import Call

OPEN_FILES: Final = Path("/proc/self/fd")


def _threads(double: Double) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith(f"ycimages:{double.port}")]


def _open_files() -> int:
    """How many files and sockets this process has open; 0 where the system does not tell."""
    return sum(1 for _ in OPEN_FILES.iterdir()) if OPEN_FILES.exists() else 0


def _can_connect(double: Double) -> bool:
    try:
        Client(double).__exit__()
    except ConnectionRefusedError:
        return False
    return True


@pytest.mark.costly
def test_starting_and_stopping_leaks_nothing() -> None:
    """Neither a thread nor a file descriptor, with clients or without."""
    gc.collect()
    open_files, threads = _open_files(), []
    for number in range(100):
        with Double() as double:
            if number % 2:
                with Client(double) as client:
                    assert client.ask(CREATE).status == 200
            threads += _threads(double)
    assert _open_files() == open_files
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()


@pytest.mark.costly
def test_many_connections_leak_nothing(ycimages: Double) -> None:
    """A long test run may open any number of them."""
    assert ycimages.port  # opens it
    gc.collect()
    open_files = _open_files()
    for _ in range(200):
        with Client(ycimages) as client:
            assert client.ask(endpoint("iam", "Connection: close")).status == 200
            assert client.is_left()
    for thread in _threads(ycimages)[1:]:
        thread.join(PATIENCE)
    assert len(_threads(ycimages)) == 1
    assert _open_files() == open_files


@pytest.mark.costly
def test_a_closed_double_leaves_no_socket_to_the_garbage_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    """A forgotten socket would warn in somebody else's test."""
    gc.collect()
    complaints: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)
    double = Double().start()
    with Client(double) as client:
        assert client.ask(CREATE).status == 200
        double.close()
    del double, client
    gc.collect()
    assert not complaints


def test_closing_ends_idle_connections_and_their_threads() -> None:
    """A client's pool keeps connections open: closing does not wait for the client to let go of them."""
    with Double() as double:
        clients = [Client(double) for _ in range(8)]
        for client in clients:
            assert client.ask(endpoint("iam")).status == 200
        threads = _threads(double)
        assert len(threads) == 1 + len(clients)
    assert not any(thread.is_alive() for thread in threads)
    for client in clients:
        with client:
            assert client.is_left()


def test_a_closed_double_refuses_connections() -> None:
    """Its port is free for others."""
    with Double() as double:
        assert _can_connect(double)
    assert not _can_connect(double)
    socket.create_server((double.host, double.port)).close()


def test_closing_twice_does_no_harm() -> None:
    """As a test may close the double that its fixture closes again."""
    with Double() as double:
        double.close()
        double.close()
    double.close()
    Double().close()


def test_many_may_close_at_once() -> None:
    """The first of them does it."""
    together = threading.Barrier(8, timeout=PATIENCE)
    with Double() as double, Client(double) as client:
        assert client.ask(endpoint("iam")).status == 200

        def close() -> None:
            together.wait()
            double.close()

        closing = [threading.Thread(target=close) for _ in range(8)]
        for thread in closing:
            thread.start()
        for thread in closing:
            thread.join(PATIENCE)
        assert client.is_left()
    assert not _threads(double)


def test_a_double_may_be_closed_by_the_call_that_it_answers() -> None:
    """A test that wants the service to go away at the third call does so."""
    closed = threading.Event()

    def close(_: Call) -> None:
        double.close()
        closed.set()

    double = Double(on_call=close).start()
    with Client(double) as client:
        client.send(endpoint("iam"))
        assert closed.wait(PATIENCE)
    assert not _can_connect(double)


def test_state_and_journal_outlive_closing() -> None:
    """They are what a test asserts on, often after the `with` block."""
    with Double() as double, Client(double) as client:
        image_id = client.ask(CREATE).json["metadata"]["imageId"]
    assert list(double.images) == [image_id]
    assert [call.method for call in double.calls] == ["images.create"]
    assert double.url.startswith("http://127.0.0.1:")


def test_starting_twice_does_no_harm() -> None:
    """The address stays the same."""
    with Double() as double:
        url = double.url
        assert double.start().url == url
        assert len(_threads(double)) == 1


def test_starting_again_after_closing_serves_again() -> None:
    """Or else it would have to say that it does not."""
    double = Double().start()
    double.close()
    with double, Client(double) as client:
        assert client.ask(endpoint("iam")).status == 200


def test_a_port_may_be_chosen_and_is_freed_at_once() -> None:
    """Even when connections to it have been open until the end."""
    with Double() as double, Client(double) as client:
        assert client.ask(endpoint("iam")).status == 200
        port = double.port
        double.close()
    with Double(port=port) as again, Client(again) as client:
        assert again.port == port
        assert client.ask(endpoint("iam")).status == 200


def test_a_port_that_is_taken_is_refused_in_words() -> None:
    """The text says which, and what to do."""
    with Double() as double, pytest.raises(UsageError, match=f"Cannot listen on 127.0.0.1:{double.port}") as raised:
        Double(port=double.port).start()
    assert "Leave `port` out to take a free one" in str(raised.value)


def test_doubles_live_side_by_side() -> None:
    """Each has its own port, state and journal."""
    with Double(name="a") as a, Double(name="b") as b, Client(a) as client:
        assert a.port != b.port
        assert client.ask(CREATE).status == 200
        assert (len(a.images), len(b.images), len(b.calls)) == (1, 0, 0)


def _loopback_6(use: Callable[[], None]) -> bool:
    """Run `use` where the machine has an IPv6 loopback; tell whether it has."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    use()
    return True


def test_a_double_may_listen_on_the_ipv6_loopback() -> None:
    """Where there is one; elsewhere the refusal names the address."""

    def use() -> None:
        with Double(host="::1") as double, Client(double) as client:
            assert double.url == f"http://[::1]:{double.port}"
            assert client.ask(endpoint("iam")).status == 200

    if not _loopback_6(use):
        with pytest.raises(UsageError, match="Cannot listen on ::1:0"):
            Double(host="::1").start()


def test_localhost_is_a_loopback_address() -> None:
    """The name may be given instead of the number."""
    with Double(host="localhost") as double, Client(double) as client:
        assert double.host == "127.0.0.1"
        assert client.ask(endpoint("iam")).status == 200


def test_a_double_that_does_not_serve_has_no_address() -> None:
    """It says how to get one."""
    with pytest.raises(UsageError, match="This double is not serving"):
        _ = Double().url
