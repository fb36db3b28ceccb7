"""Watching one client after the other in one virtual time: until each ends, and ending what it leaves behind."""

from __future__ import annotations

import queue
import socket
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from pytest_ycimages import Double, VirtualTime, refuse
from pytest_ycimages.virtual.patch_threads import real_join
from pytest_ycimages.virtual.wait import Outcome

from .calling import create

if TYPE_CHECKING:
    from collections.abc import Callable


def started(work: Callable[[], object]) -> threading.Thread:
    """A thread of the client's."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_a_thread_that_ends_is_watched_to_its_end() -> None:
    """And no longer."""
    with VirtualTime() as virtual_time:
        watch = virtual_time.scheduler.watch(started(lambda: time.sleep(30)), 100, 5)
        assert virtual_time.scheduler.wait(watch) is Outcome.RELEASED
        assert virtual_time.elapsed == 30


def test_a_thread_that_has_ended_already_is_not_waited_for() -> None:
    """It may be quicker than who watches it."""
    with VirtualTime() as virtual_time:
        thread = started(lambda: None)
        real_join(thread)
        assert virtual_time.scheduler.wait(virtual_time.scheduler.watch(thread, 100, 5)) is Outcome.RELEASED
        assert virtual_time.elapsed == 0


def test_a_thread_that_waits_for_ever_is_watched_until_the_time_is_up() -> None:
    """Which is at once."""
    with VirtualTime() as virtual_time:
        thread = started(threading.Event().wait)
        assert virtual_time.scheduler.wait(virtual_time.scheduler.watch(thread, 100, 5)) is Outcome.DUE
        assert virtual_time.elapsed == 100
        assert virtual_time.scheduler.evict(thread) == [thread]
        real_join(thread, 5)
        assert not thread.is_alive()


def test_a_thread_that_runs_on_is_watched_until_patience_ends() -> None:
    """That is counted in real time, as nothing else passes."""
    goes_on = [True]

    def spin() -> None:
        while goes_on[0]:
            pass

    with VirtualTime() as virtual_time:
        thread = started(spin)
        assert virtual_time.scheduler.wait(virtual_time.scheduler.watch(thread, 100, 0.05)) is Outcome.STUCK
        goes_on[0] = False
        real_join(thread)


def test_what_sleeps_is_ended_and_what_is_idle_goes_on_in_real_time() -> None:
    """An idle thread is that of a pool: it does nothing until it is told to."""
    heard: list[str] = []
    with VirtualTime() as virtual_time:
        tasks = queue.SimpleQueue[str]()
        idle = started(lambda: heard.append(tasks.get()))
        sleeper = started(lambda: time.sleep(1000))
        client = started(lambda: time.sleep(1))
        virtual_time.scheduler.wait(virtual_time.scheduler.watch(client, 10, 5))
        assert virtual_time.scheduler.evict(client) == [sleeper]
        real_join(sleeper, 5)
        virtual_time.begin_again()
        assert virtual_time.elapsed == 0
        tasks.put("told")
        real_join(idle, 5)
    assert heard == ["told"]


def test_time_begins_again_where_it_began() -> None:
    """For clocks of the client, and for doubles that are made then."""
    with VirtualTime() as virtual_time:
        began = time.time(), time.monotonic(), virtual_time.now()
        time.sleep(60)
        virtual_time.begin_again()
        assert (time.time(), time.monotonic(), virtual_time.now()) == began
        with Double(timing=5) as double:
            create(double)
            assert double.calls[0].at == 0


def test_refused_connections_are_told_of() -> None:
    """They are in no journal."""
    refused: list[str] = []
    with VirtualTime() as virtual_time, Double() as double:
        virtual_time.scheduler.on_refusal = lambda: refused.append("once")
        double.inject(refuse(5), on="endpoints.list")
        for _ in range(3):
            with closing(socket.socket()) as sock:
                try:
                    sock.connect((double.host, double.port))
                except ConnectionRefusedError:
                    continue
                sock.sendall(b"GET /endpoints HTTP/1.1\r\nHost: localhost\r\n\r\n")
                with pytest.raises(ConnectionResetError):
                    sock.recv(100)
        assert refused == ["once"] * 2
        virtual_time.scheduler.on_refusal = None
