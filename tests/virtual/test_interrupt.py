"""What is raised in another thread, and what is left if that thread never gets it."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Final

import pytest

from pytest_ycimages.virtual.wait import interrupt


class Stop(BaseException):
    """Ends a thread."""


AFTER_A_DEADLOCK: Final = """
import sys
from _thread import allocate_lock
from pytest_ycimages import Double
from pytest_ycimages.experiment.running import run_trial
from pytest_ycimages.virtual.time import VirtualTime

def deadlocked(url, token):
    lock = allocate_lock()
    lock.acquire()
    lock.acquire()

def traced():
    cell = None
    return lambda: cell

with VirtualTime(), Double() as double:
    outcome = run_trial(deadlocked, double).outcome
sys.settrace(lambda frame, event, argument: None)
traced()
print(outcome.ending)
"""


@pytest.mark.costly
def test_calls_can_be_traced_once_a_thread_could_not_be_ended() -> None:
    """As coverage and debuggers do. In a process of its own, for where that fails nothing ends it."""
    ran = subprocess.run(  # noqa: S603 - this interpreter
        [sys.executable, "-c", AFTER_A_DEADLOCK], timeout=60, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "unended\n", "")


def test_a_thread_gets_it_once_it_runs_again() -> None:
    """Though it waited when it was interrupted."""
    lock = threading.Lock()
    ended = []

    def waits_and_spins() -> None:
        try:
            lock.acquire()
            while True:
                pass
        except Stop:
            ended.append("by Stop")

    lock.acquire()
    thread = threading.Thread(target=waits_and_spins, daemon=True)
    thread.start()
    assert thread.ident is not None
    interrupt(thread.ident, Stop)
    lock.release()
    while thread.is_alive():  # each time, this thread wants to run
        thread.join(0.01)
    assert ended == ["by Stop"]


def test_a_thread_that_has_ended_is_ignored() -> None:
    """And the one that interrupts it goes on as if nothing were."""
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()
    assert thread.ident is not None
    interrupt(thread.ident, Stop)
