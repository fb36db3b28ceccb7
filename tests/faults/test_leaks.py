"""Faults leave nothing behind: no thread, and no file descriptor.

Five hundred of them here, of every kind that breaks a connection; ten thousand with `YCIMAGES_LEAKS=10000`.
"""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest

from pytest_ycimages import Double, Rule, close, every, hang, reset, stale, stall, truncate
from tests.server.raw_client import PATIENCE, endpoint

FAULTS: Final = int(os.environ.get("YCIMAGES_LEAKS", "500"))
DESCRIPTORS: Final = Path("/proc/self/fd")
KINDS: Final = (stale(), reset(), reset(after=50), close(), close(after=300), truncate(), stall(after=9), hang())
ASK: Final = endpoint("iam")


def left() -> tuple[int, int]:
    """How many descriptors and threads there are."""
    return len(list(DESCRIPTORS.iterdir())), threading.active_count()


def lose(double: Double) -> None:
    """Ask twice over one connection, say that there is no more to come, and read what does."""
    with socket.create_connection((double.host, double.port), timeout=PATIENCE) as sock, suppress(OSError):
        sock.sendall(ASK + ASK)
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(2**16):
            pass


@pytest.mark.costly
@pytest.mark.skipif(not DESCRIPTORS.is_dir(), reason="descriptors cannot be counted on this machine")
def test_faults_leave_nothing_behind() -> None:
    """Whichever they are, and however their clients leave."""
    with Double():
        pass  # what is made once in a process is there now
    before = left()
    rules = [Rule(fault, when=every(len(KINDS) + 1 - number)) for number, fault in enumerate(KINDS)]
    with Double(faults=rules) as double:
        while sum(each.struck for each in double.injections) < FAULTS:
            lose(double)
    assert left() == before
