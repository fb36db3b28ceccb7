"""The one way of every call, whatever its transport: decide and commit under one lock, write it down, hand it back.

Nothing waits while the lock is held, nor in here at all: a call that is late waits after it has happened, or before
when the double is told so, and every way through here hands each `Delay` to the transport, which waits. A call that
makes the double itself fail is answered INTERNAL and kept, so that the test fails with the traceback of the cause.
"""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING

from pytest_ycimages.api.code import Code
from pytest_ycimages.api.exchange import Reply
from pytest_ycimages.api.status import Status
from pytest_ycimages.call import nanoseconds
from pytest_ycimages.faults.catalogue import Stall
from pytest_ycimages.faults.injector import Injector
from pytest_ycimages.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Hashable

    from pytest_ycimages.api.exchange import Request
    from pytest_ycimages.call import Call
    from pytest_ycimages.cloud.clock import Clock
    from pytest_ycimages.faults.injector import Answerer, Injector
    from pytest_ycimages.latency import Delay, Delays

    Replying = Generator[Delay, None, Reply]


class Pipeline:
    """Answers calls.

    Args:
        service: what decides.
        clock: the time at which it does.
        delays: how late each call is answered.
        injector: the faults in force.
        latency_first: whether a call waits before it happens; if not, it happens, and the answer waits.
        on_call: told of each call as it is written down.

    Attributes:
        service: what decides.
        clock: the time at which it decides.
        lock: held while a call is decided and committed; hold it to read the state.
        journal: what was asked and answered.
        failures: what the double itself raised, each with the line of the call that met it.
        delays: how late each call is answered.
        injector: the faults in force.
        on_call: told of each call as it is written down; None for nobody.
    """

    def __init__(  # noqa: PLR0913 - what a call goes through, each by its name
        self,
        service: Answerer,
        clock: Clock,
        delays: Delays,
        injector: Injector,
        *,
        latency_first: bool = False,
        on_call: Callable[[Call], None] | None = None,
    ) -> None:
        self.lock = threading.Lock()
        self.journal = Journal(clock)
        self.failures: list[tuple[str, Exception]] = []
        self.delays = delays
        self.injector = injector
        injector.calls = self.journal.calls
        self.service = service
        self.clock = clock
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
                if self.injector:
                    reply, late = self._struck(request, now)
                else:
                    reply = self.service.handle(request, now)
            except Exception as error:  # noqa: BLE001 - whatever it is, the test shall see it, and the client a 500
                reply = self._failure(request, error)
            call, delay = self._write(request, reply, now, held, late)
        return (yield from self._answered(request, call, reply, delay))

    def _struck(self, request: Request, now: int) -> tuple[Reply, float]:
        """The reply to a call that faults may strike, and the seconds by which they make it late."""
        decision = self.injector.decide(request, self.journal.attempts(request) + 1, now, self.clock.began_at)
        return self.injector.answer(self.service, request, now, decision), decision.late if decision else 0

    def write(self, request: Request, reply: Reply) -> Replying:
        """Write down a call that a transport answers by itself, such as one to a path that nobody serves."""
        held = (yield from self._hold(request)) if self.delays.by_method else None
        with self.lock:
            call, delay = self._write(request, reply, self.clock.now(), held)
        return (yield from self._answered(request, call, reply, delay))

    def fail(self, request: Request, error: Exception) -> Replying:
        """Answer a call that made a transport raise `error`, and keep the error for the test."""
        with self.lock:
            reply = self._failure(request, error)
        return (yield from self.write(request, reply))

    def _hold(self, request: Request) -> Generator[Delay, None, Delay | None]:
        """Let a call wait before it happens, if this is when it waits. What is spread over a body comes after."""
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
                self._held[key] -= 1
            raise
        return delay

    def _write(
        self, request: Request, reply: Reply, now: int, held: Delay | None, late: float = 0
    ) -> tuple[Call, Delay | None]:
        """Write a call down, and say how late its answer still is: by its latency, and by `late` seconds beyond."""
        delay = None
        if held is not None:
            self._held[request.method, request.identity] -= 1
        elif self.delays.by_method:
            delay = self.delays.of(request, self.journal.attempts(request) + 1, now)
        if late:
            delay = self.delays.longer(delay, late, now)
        length = (held.length if held else 0) + (delay.length if delay else 0)
        if isinstance(reply.damage, Stall) and reply.damage.seconds is not None:
            length += nanoseconds(reply.damage.seconds)
        call = self.journal.write(request, reply, now, latency=length, held=now - held.began_at if held else 0)
        return call, delay

    def _answered(self, request: Request, call: Call, reply: Reply, delay: Delay | None) -> Replying:
        """The reply once it may leave, or with what to wait for while its body leaves."""
        reply = self._told(request, call, reply)
        if reply.damage is not None:
            reply = reply._replace(pause=self.delays.pause)
        if delay is None:
            return reply
        if delay.over_body:
            return reply._replace(wait=delay.wait, moment=delay.moment)
        yield delay
        return reply

    def _told(self, request: Request, call: Call, reply: Reply) -> Reply:
        """Tell who listens of `call`; whoever raises at that has made the double fail."""
        on_call = self.on_call  # which another thread may change
        if on_call is None:
            return reply
        try:
            on_call(call)
        except Exception as error:  # noqa: BLE001 - likewise
            with self.lock:
                return self._failure(request, error)
        return reply

    def _failure(self, request: Request, error: Exception) -> Reply:
        self.failures.append((request.line, error))
        text = f"The double failed: {type(error).__name__}: {error}. The test that owns it fails with the traceback."
        return Reply(Code.INTERNAL, Status(code=Code.INTERNAL, message=text).to_wire(), note=text)
