"""Threads that answer the streams of a recording, so that none waits for what the service answers to another.

Over HTTP/1.1, the thread of a connection forwards a request and waits. Over HTTP/2 it has other streams to serve.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Final

from pytest_ycimages.server import activity
from pytest_ycimages.server.activity import Phase

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.server.connection import Connection

MOST: Final = 64
"""How many calls are forwarded at once, as many as the recorder keeps connections; others wait for their turn."""


class Job:
    """The answer to one stream, on a thread of its own.

    Args:
        work: finds the answer, and sends it.
        connection: the connection of the stream.

    Attributes:
        phase: what its thread does; while it waits for its turn, time may pass.
    """

    def __init__(self, work: Callable[[], object], connection: Connection) -> None:
        self.phase = Phase.WAITING
        self._work = work
        self._connection = connection
        self._is_done = threading.Event()

    @property
    def is_shut(self) -> bool:
        """Whether its connection is to end."""
        return self._connection.is_shut

    def run(self) -> None:
        """Do the work on the calling thread."""
        activity.serving[threading.get_ident()] = self
        try:
            self._work()
        except OSError:
            pass  # the client has gone, or the double was closed
        finally:
            del activity.serving[threading.get_ident()]
            self._is_done.set()

    def wait(self) -> None:
        """Wait until it is done."""
        self._is_done.wait()


class Workers:
    """The threads of one double. They are daemons, and end when nothing is left to do."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[Job] = deque()
        self._running = 0

    @property
    def are_busy(self) -> bool:
        """Whether a call has no answer yet."""
        return self._running > 0

    def start(self, job: Job) -> None:
        """Run a job as soon as there is a thread for it."""
        activity.jobs.add(job)
        with self._lock:
            if self._running >= MOST:
                self._waiting.append(job)
                return
            self._running += 1
        job.phase = Phase.DECIDING
        threading.Thread(target=self._run, args=(job,), name="ycimages:recording", daemon=True).start()

    def _run(self, job: Job | None) -> None:
        while job is not None:
            job.run()
            with self._lock:
                following = self._waiting.popleft() if self._waiting else None
                if following is None:
                    self._running -= 1
                else:
                    following.phase = Phase.DECIDING
            activity.jobs.discard(job)
            activity.notify()
            job = following
