"""HTTP/2 without I/O: the streams of one connection, with h2 as the protocol.

All streams are answered on the thread of their connection. A late stream waits beside the others: the session says when
the next one is due, and its owner calls `advance` at that moment.
"""

from __future__ import annotations

import heapq
from itertools import count
from typing import TYPE_CHECKING, Final, assert_never

from h2.errors import ErrorCodes
from h2.events import DataReceived, RequestReceived, StreamEnded, StreamReset, TrailersReceived
from h2.exceptions import H2Error, ProtocolError

from pytest_ycimages.api.message import SECOND
from pytest_ycimages.faults.damage import Goaway, ResetStream
from pytest_ycimages.grpc.wire import CallError
from pytest_ycimages.server import activity
from pytest_ycimages.server.http2_frames import MAX_HELD, Frames, Head, are_trailers, goaway, head_of, request_of
from pytest_ycimages.server.http2_stream import MOST, Release, Stream
from pytest_ycimages.server.transmission import End, Shut, Until

if TYPE_CHECKING:
    from collections.abc import Callable

    from h2.events import Event

    from pytest_ycimages.grpc.reflection import Conversation
    from pytest_ycimages.server import http2_stream
    from pytest_ycimages.server.grpc_front import GrpcFront
    from pytest_ycimages.server.http import HttpReply
    from pytest_ycimages.server.http2_stream import Answering

_FLOOD: Final = 10_000
"""Frames without a request or an answer, such as PING or RST_STREAM, after which a connection is closed."""
_PARDON: Final = 100
"""How many such frames each answered request makes good."""

Step = bytes | Shut | End
"""A step of a connection: bytes to send, a refusal of new connections, or the end."""


class Http2Session:
    """The server's side of one HTTP/2 connection.

    Args:
        application: answers the requests.
        number: tells the connection from others in the journal.
        begin: begins to look for the answer to a stream elsewhere, and has it sent by `answered`; None: each answer is
            found at once.

    Attributes:
        is_refused: whether the client has broken the protocol, and was sent GOAWAY.
    """

    def __init__(
        self, application: GrpcFront, number: int = 0, begin: Callable[[Stream, Answering], None] | None = None
    ) -> None:
        self._begin = begin
        self._application = application
        self._number = number
        self._served = 0
        self._streams: dict[int, Stream] = {}
        self._late: list[tuple[int, int, Stream]] = []
        self._order = count()
        self._held = 0
        self._idle_frames = 0
        self._steps: list[Step] = []
        self._is_over = False
        self.is_refused = False
        self._frames = Frames()

    # What its owner calls.

    def receive(self, data: bytes) -> list[Step]:
        """Take bytes of the client, and return the steps of the connection."""
        try:
            events = self._frames.events(data)
        except ProtocolError as error:
            self._steps.append(self._frames.refusal(error))
            self._finish()
        except Exception:  # noqa: BLE001 - bytes of a stranger that h2 does not expect either
            self._give_up(ErrorCodes.INTERNAL_ERROR)
        else:
            for event in events:
                if not self._is_over:
                    self._take(event)
        return self._taken()

    def advance(self) -> list[Step]:
        """Go on with each stream whose moment has come, and return the steps of the connection."""
        now = self._application.clock.now()
        while self._late and self._late[0][0] <= now and not self._is_over:
            _, _, stream = heapq.heappop(self._late)
            if not stream.is_over:
                self._continue(stream)
        return self._taken()

    def due(self) -> int | None:
        """Return when `advance` is to be called next, in nanoseconds since the epoch; None: no stream is late."""
        while self._late and self._late[0][2].is_over:
            heapq.heappop(self._late)
        return self._late[0][0] if self._late else None

    def answered(self, stream: Stream, reply: HttpReply) -> list[Step]:
        """Let an answer leave that was found elsewhere, and return the steps of the connection."""
        stream.is_pending = False
        if stream.work is not None and not self._is_over:
            stream.reply = reply
            self._continue(stream)
        return self._taken()

    def close(self) -> None:
        """Stop the work on all streams: the client has gone."""
        for stream in self._streams.values():
            stream.close()

    # Events.

    def _take(self, event: Event) -> None:
        if isinstance(event, RequestReceived):
            self._open(event)
        elif (stream := self._streams.get(getattr(event, "stream_id", None) or 0)) is not None:
            self._take_on(stream, event)
        elif isinstance(event, DataReceived):  # of a stream that is over
            self._frames.acknowledge(event)
        else:  # the connection's window, settings, pings, priorities, frames of extensions
            self._count_idle()
            for each in list(self._streams.values()):
                self._flush(each)

    def _take_on(self, stream: Stream, event: Event) -> None:
        """Take an event of a stream that is open."""
        match event:
            case DataReceived():
                self._frames.acknowledge(event)
                self._hold(stream, event.data or b"")
            case StreamEnded():
                stream.has_ended = True
                self._answer(stream)
            case StreamReset():
                self._count_idle()
                self._cancel(stream)
            case TrailersReceived() if not are_trailers(event.headers or ()):
                self._frames.reset(stream.number, ErrorCodes.PROTOCOL_ERROR)
                self._cancel(stream)
            case _:
                self._count_idle()
                self._flush(stream)

    def _count_idle(self) -> None:
        self._idle_frames += 1
        if self._idle_frames > _FLOOD:
            self._give_up(ErrorCodes.ENHANCE_YOUR_CALM)

    def _open(self, event: RequestReceived) -> None:
        number, fields = event.stream_id, event.headers or ()
        http = request_of(fields, self._number, self._served)
        if http is None:
            self._count_idle()
            self._frames.reset(number, ErrorCodes.PROTOCOL_ERROR)
            return
        self._served += 1
        call = self._application.begin(http)
        stream = self._streams[number] = Stream(number, http, call)
        if call is not None and call.deadline is not None:
            stream.deadline = self._application.clock.now() + round(call.deadline * SECOND)
        if (found := self._application.conversation(http)) is not None:
            reply, stream.conversation = found
            stream.is_open_ended = True
            stream.segments.append(head_of(reply))
            self._flush(stream)

    def _hold(self, stream: Stream, data: bytes) -> None:
        """Take a part of a request."""
        if not data:
            self._count_idle()
        elif stream.conversation is not None:
            self._converse(stream, stream.conversation, data)
        elif stream.work is None and len(stream.body) < MOST:
            stream.body += data
            self._held += len(data)
            if self._held > MAX_HELD:
                self._give_up(ErrorCodes.ENHANCE_YOUR_CALM)
            elif len(stream.body) >= MOST:
                self._answer(stream)

    def _converse(self, stream: Stream, conversation: Conversation, data: bytes) -> None:
        try:
            sent = conversation.feed(data)
        except CallError as error:
            stream.is_open_ended = False
            stream.segments.append(Head(error.trailers))
        else:
            if sent:
                stream.segments.append(memoryview(sent))
        self._flush(stream)

    def _answer(self, stream: Stream) -> None:
        if stream.conversation is not None:
            if not stream.conversation.is_endless:
                stream.is_open_ended = False
                stream.segments.append(Head((("grpc-status", "0"),)))
                self._flush(stream)
        elif stream.work is None:
            stream.work = stream.working(self._application)
            if self._begin is not None:
                stream.is_pending = True
                self._begin(stream, stream.answering(self._application))
            self._continue(stream)
            self._held -= len(stream.body)
            stream.body.clear()

    # The work of a stream.

    def _continue(self, stream: Stream) -> None:
        """Do the steps of a stream up to the next moment that has not come."""
        if (number := stream.http.headers.get(activity.CALL)) is not None:
            activity.held_back.discard(number)
        while not (stream.is_over or self._is_over):
            if stream.work is None or stream.is_pending or stream.until is not None:
                now = self._application.clock.now()
                if stream.work is None or stream.is_pending or stream.is_early(now):
                    self._wait(stream, now)
                    return
                stream.until = None
            step = next(stream.work, None)
            if step is None:
                stream.work = stream.deadline = None
                self._idle_frames = max(0, self._idle_frames - _PARDON)
                self._flush(stream)
                return
            self._do(stream, step)

    def _do(self, stream: Stream, step: http2_stream.Step) -> None:
        match step:
            case Until(moment):
                stream.until = moment
            case Release(length):
                stream.allowance = (stream.allowance or 0) + length
                self._flush(stream)
            case Shut():
                self._drain()
                self._steps.append(step)
            case ResetStream() | Goaway():
                self._turn_away(stream, step)
            case End.SILENT:
                stream.work, stream.is_open_ended = None, True
            case End():
                self._break(stream, step)
            case _:
                assert_never(step)

    def _turn_away(self, stream: Stream, damage: ResetStream | Goaway) -> None:
        """End a stream with RST_STREAM, or announce the end of the connection: other streams go on."""
        if isinstance(damage, ResetStream):
            self._frames.reset(stream.number, damage.code)
        else:
            self._drain()
            self._steps.append(goaway(damage.code, stream.number if damage.seen else max(0, stream.number - 2)))
        if isinstance(damage, ResetStream) or not damage.seen:
            self._forget(stream)

    def _wait(self, stream: Stream, now: int) -> None:
        """Go on with a stream at its next moment; end it if its deadline is over."""
        if stream.is_late(now):
            stream.end_with(self._application.give_up(stream.call, "deadline"))
            self._flush(stream)
            return
        if (moment := stream.next_moment()) is not None:
            heapq.heappush(self._late, (moment, next(self._order), stream))
        if (number := stream.http.headers.get(activity.CALL)) is not None:
            activity.held_back.add(number)

    def _cancel(self, stream: Stream) -> None:
        """Forget a stream that the client has reset."""
        is_answered = stream.is_answered
        self._forget(stream)
        stream.close()
        if not is_answered and stream.conversation is None:
            is_late = stream.is_late(self._application.clock.now())
            self._application.give_up(stream.call, "deadline" if is_late else "cancelled")

    def _break(self, stream: Stream, end: End) -> None:
        """End the connection in the middle of an answer: what may leave of its next frame leaves before."""
        self._drain()
        rest, stream.allowance = stream.allowance or 0, None
        if rest:
            self._flush(stream)
            self._steps.append(self._frames.taken()[:rest])
        self._is_over = True
        self._steps.append(end)

    # Frames.

    def _flush(self, stream: Stream) -> None:
        """Send what may leave of an answer, as far as the client's windows allow."""
        try:
            while stream.segments and not stream.is_over and stream.send(self._frames):
                pass
        except H2Error:  # the client has reset the stream; the event that says so comes next
            stream.segments.clear()
            stream.is_lost = True
        if stream.is_over:
            self._forget(stream)

    def _forget(self, stream: Stream) -> None:
        stream.is_over = True
        self._streams.pop(stream.number, None)
        self._held -= len(stream.body)
        stream.body.clear()

    def _drain(self) -> None:
        if data := self._frames.taken():
            self._steps.append(data)

    def _taken(self) -> list[Step]:
        """Return the steps since the last time."""
        if not self._is_over:
            self._drain()
        steps, self._steps = self._steps, []
        return steps

    def _give_up(self, code: ErrorCodes) -> None:
        """Close the connection with GOAWAY."""
        self._frames.close(code)
        self._finish()

    def _finish(self) -> None:
        self._drain()
        self._is_over = self.is_refused = True
        self._steps.append(End.CLOSED)
        for stream in list(self._streams.values()):
            self._forget(stream)
            stream.close()
