"""The pipeline of every call, whatever its transport: decide and commit under one lock, record, return the reply.

The pipeline never waits. Each `Delay` is handed to the transport, which waits after the call has happened, or before if
the settings say so. A call that makes the double itself fail is answered INTERNAL and kept, so that the test fails with
the traceback of the cause.
"""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING

from pytest_ycimages.api.exchange import Reply
from pytest_ycimages.api.message import nanoseconds
from pytest_ycimages.api.status import Code, Status
from pytest_ycimages.errors import YCImagesError
from pytest_ycimages.faults.damage import Stall
from pytest_ycimages.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Hashable, Mapping

    from pytest_ycimages.api.exchange import Request
    from pytest_ycimages.call import Call
    from pytest_ycimages.cloud.clock import Clock
    from pytest_ycimages.faults.injector import Answerer, Injector
    from pytest_ycimages.journal import Entry
    from pytest_ycimages.latency import Delay, Delays

    Replying = Generator[Delay, None, Reply]


class Pipeline:
    """Answers calls.

    Args:
        service: answers the calls.
        clock: the time of the calls.
        delays: the latency of each call.
        injector: the faults in force.
        headers: returns the headers of every answer at a moment, in nanoseconds since the epoch; None: no more headers.
        latency_first: whether a call waits before it happens; otherwise it happens and its answer waits.
        on_call: called with each call as it is recorded.
        limit: how many calls the journal keeps; None: all.

    Attributes:
        service: answers the calls.
        clock: the time of the calls.
        lock: held while a call is decided and committed; hold it to read the state.
        journal: the recorded calls.
        failure: the line of the first call at which the double itself raised, and the exception; None for none.
        failed: how many calls have made the double itself raise.
        delays: the latency of each call.
        injector: the faults in force.
        on_call: called with each call as it is recorded, or None.
    """

    def __init__(  # noqa: PLR0913 - the stages of a call, each by its name
        self,
        service: Answerer,
        clock: Clock,
        delays: Delays,
        injector: Injector,
        *,
        headers: Callable[[int], Mapping[str, str]] | None = None,
        latency_first: bool = False,
        on_call: Callable[[Call], None] | None = None,
        limit: int | None = None,
    ) -> None:
        self.lock = threading.Lock()
        self.journal = Journal(clock, limit)
        self.failure: tuple[str, Exception] | None = None
        self.failed = 0
        self.delays = delays
        self.injector = injector
        injector.calls = self.journal.calls
        self.service = service
        self.clock = clock
        self._headers = headers
        self._latency_first = latency_first
        self._held: Counter[Hashable] = Counter()
        self.on_call = on_call

    def answer(self, request: Request) -> Replying:
        """Let the service answer `request`."""
        held = (yield from self._hold(request)) if self.delays.by_method else None
        late = 0.0
        with self.lock:
            now = self.clock.now()
            try:
                if self.injector.is_armed:
                    reply, late = self._struck(request, now)
                else:
                    reply = self.service.handle(request, now)
            except Exception as error:  # noqa: BLE001 - the test gets any error, and the client a 500
                reply = self._failure(request, error)
            reply = self._with_headers(reply, now)
            entry, delay = self._write(request, reply, now, held, late)
        if delay is None and reply.damage is None and self.on_call is None:
            return reply
        return (yield from self._answered(request, entry, reply, delay))

    def _struck(self, request: Request, now: int) -> tuple[Reply, float]:
        """Return the reply after faults, and the seconds of delay that they add."""
        decision = self.injector.decide(request, self.journal.attempts(request) + 1, now, self.clock.began_at)
        return self.injector.answer(self.service, request, now, decision), decision.late if decision else 0

    def write(self, request: Request, reply: Reply) -> Replying:
        """Record a call that a transport answers by itself, such as one to an unknown path."""
        held = (yield from self._hold(request)) if self.delays.by_method else None
        with self.lock:
            now = self.clock.now()
            reply = self._with_headers(reply, now)
            entry, delay = self._write(request, reply, now, held)
        return (yield from self._answered(request, entry, reply, delay))

    def _with_headers(self, reply: Reply, now: int) -> Reply:
        """Return a reply with the headers of every answer."""
        if self._headers is None:
            return reply
        return Reply._make((*reply[:2], {**reply.metadata, **self._headers(now)}, *reply[3:]))

    def fail(self, request: Request, error: Exception) -> Replying:
        """Answer a call for which a transport raised `error`, and keep the error for the test.

        The text of an error of this package says it all, and its frames, which hold what the client sent, are dropped.
        """
        if isinstance(error, YCImagesError):
            error = error.with_traceback(None)
        with self.lock:
            reply = self._failure(request, error)
        return (yield from self.write(request, reply))

    def _hold(self, request: Request) -> Generator[Delay, None, Delay | None]:
        """Yield the delay before the call, with `latency_first`. A delay spread over the body comes later."""
        if not self._latency_first:
            return None
        key = request.method, request.identity
        with self.lock:
            attempt = self.journal.attempts(request) + self._held[key] + 1
            delay = self.delays.of(request, attempt, self.clock.now())
            if delay is None or delay.over_body:
                return None
            self._held[key] += 1
        try:
            yield delay
        except BaseException:
            with self.lock:
                self._release(key)
            raise
        return delay

    def _release(self, key: Hashable) -> None:
        self._held[key] -= 1
        if not self._held[key]:
            del self._held[key]

    def _write(
        self, request: Request, reply: Reply, now: int, held: Delay | None, late: float = 0
    ) -> tuple[Entry, Delay | None]:
        """Record a call and return the remaining delay of its answer: its latency, and `late` seconds beyond."""
        if held is None and not late and reply.damage is None and not self.delays.by_method:
            return self.journal.write(request, reply, now), None
        delay = None
        if held is not None:
            self._release((request.method, request.identity))
        elif self.delays.by_method:
            delay = self.delays.of(request, self.journal.attempts(request) + 1, now)
        if late:
            delay = self.delays.longer(delay, late, now)
        length = (held.length if held else 0) + (delay.length if delay else 0)
        if isinstance(reply.damage, Stall) and reply.damage.seconds is not None:
            length += nanoseconds(reply.damage.seconds)
        entry = self.journal.write(request, reply, now, latency=length, deferred=now - held.began_at if held else 0)
        return entry, delay

    def _answered(self, request: Request, entry: Entry, reply: Reply, delay: Delay | None) -> Replying:
        """Yield the remaining delay and return the reply, with waits for a body that is spread over time."""
        reply = self._told(request, entry, reply)
        if reply.damage is not None:
            reply = reply._replace(pause=self.delays.pause)
        if delay is None:
            return reply
        if delay.over_body:
            return reply._replace(wait=delay.wait, moment=delay.moment)
        yield delay
        return reply

    def _told(self, request: Request, entry: Entry, reply: Reply) -> Reply:
        """Call `on_call`; an exception from it counts as a failure of the double."""
        on_call = self.on_call  # which another thread may change
        if on_call is None:
            return reply
        try:
            on_call(entry.call)
        except Exception as error:  # noqa: BLE001 - the test gets any error
            with self.lock:
                return self._failure(request, error)
        return reply

    def _failure(self, request: Request, error: Exception) -> Reply:
        self.failed += 1
        self.failure = self.failure or (request.line, error)
        text = f"The double failed: {type(error).__name__}: {error}. The test that owns it fails with the traceback."
        return Reply(Code.INTERNAL, Status(code=Code.INTERNAL, message=text).to_wire(), note=text)
