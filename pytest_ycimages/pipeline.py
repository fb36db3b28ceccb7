"""The one way of every call, whatever its transport: decide and commit under one lock, write it down, hand it back.

Nothing waits while the lock is held. A call that makes the double itself fail is answered INTERNAL and kept, so
that the test fails with the traceback of the cause.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from pytest_ycimages.api.code import Code
from pytest_ycimages.api.exchange import Reply
from pytest_ycimages.api.status import Status
from pytest_ycimages.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.api.exchange import Request
    from pytest_ycimages.cloud.clock import Clock
    from pytest_ycimages.cloud.service import Service
    from pytest_ycimages.journal import Call


class Pipeline:
    """Answers calls.

    Attributes:
        lock: held while a call is decided and committed; hold it to read the state.
        journal: what was asked and answered.
        failures: what the double itself raised, each with the line of the call that met it.
    """

    def __init__(self, service: Service, clock: Clock, on_call: Callable[[Call], None] | None = None) -> None:
        self.lock = threading.Lock()
        self.journal = Journal(clock)
        self.failures: list[tuple[str, Exception]] = []
        self._service = service
        self._clock = clock
        self._on_call = on_call

    def answer(self, request: Request) -> Reply:
        """Let the service answer `request`."""
        with self.lock:
            now = self._clock.now()
            try:
                reply = self._service.handle(request, now)
            except Exception as error:  # noqa: BLE001 - whatever it is, the test shall see it, and the client a 500
                reply = self._failure(request, error)
            call = self.journal.write(request, reply, now)
        return self._told(request, call, reply)

    def write(self, request: Request, reply: Reply) -> Reply:
        """Write down a call that a transport answers by itself, such as one to a path that nobody serves."""
        with self.lock:
            call = self.journal.write(request, reply, self._clock.now())
        return self._told(request, call, reply)

    def fail(self, request: Request, error: Exception) -> Reply:
        """Answer a call that made a transport raise `error`, and keep the error for the test."""
        with self.lock:
            reply = self._failure(request, error)
        return self.write(request, reply)

    def _told(self, request: Request, call: Call, reply: Reply) -> Reply:
        """Tell who listens of `call`; whoever raises at that has made the double fail."""
        if self._on_call is None:
            return reply
        try:
            self._on_call(call)
        except Exception as error:  # noqa: BLE001 - likewise
            with self.lock:
                return self._failure(request, error)
        return reply

    def _failure(self, request: Request, error: Exception) -> Reply:
        self.failures.append((request.line, error))
        text = f"The double failed: {type(error).__name__}: {error}. The test that owns it fails with the traceback."
        return Reply(Code.INTERNAL, Status(code=Code.INTERNAL, message=text).to_wire(), note=text)
