"""One stream of an HTTP/2 connection: its request, and the steps in which its answer leaves."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple, assert_never

from pytest_ycimages.api.gateway import MAX_BODY
from pytest_ycimages.api.message import SECOND
from pytest_ycimages.faults.damage import Goaway, ResetStream, Truncate
from pytest_ycimages.server.http import too_large
from pytest_ycimages.server.http2_frames import FRAME, Head, head_of
from pytest_ycimages.server.transmission import Due, End, Pause, Shut, Until, awaited, transmission

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from pytest_ycimages.api.exchange import GrpcCall
    from pytest_ycimages.cloud.clock import Clock
    from pytest_ycimages.grpc.reflection import Conversation
    from pytest_ycimages.latency import Delay
    from pytest_ycimages.server.grpc_front import GrpcFront
    from pytest_ycimages.server.http import HttpReply, HttpRequest
    from pytest_ycimages.server.http2_frames import Frames

    Answering = Generator[Delay, None, HttpReply]

MOST: Final = MAX_BODY + FRAME
"""Bytes of a request's body that are held: the largest message with its length, and one byte that is too much."""


class Release(NamedTuple):
    """A step: so many bytes more of the answer may leave."""

    length: int


Step = Until | Release | Shut | ResetStream | Goaway | End


class Stream:
    """One request and its answer.

    Args:
        number: the number of the stream.
        http: the request, its body excepted.
        call: what gRPC adds to it, if it is a call.

    Attributes:
        body: the bytes of the request so far.
        reply: the answer, if a worker has found it.
        is_pending: whether a worker looks for it.
        conversation: the exchange of messages, for a request that streams.
        work: the steps of the answer; None: before the request is whole, and after the last step.
        until: when the next step follows, in nanoseconds since the epoch; None: at once.
        deadline: when the client gives up, in nanoseconds since the epoch; None: it does not say.
        segments: what has not left of the answer.
        allowance: how many bytes of them may leave now; None: all.
        is_open_ended: whether more may follow the last segment.
        has_head: whether the headers of the answer have left.
        has_ended: whether the request is whole.
        is_lost: whether the client has reset the stream before the answer left.
        is_over: whether nothing follows.
    """

    def __init__(self, number: int, http: HttpRequest, call: GrpcCall | None) -> None:
        self.number = number
        self.http = http
        self.call = call
        self.body = bytearray()
        self.reply: HttpReply | None = None
        self.is_pending = False
        self.conversation: Conversation | None = None
        self.work: Generator[Step, None, None] | None = None
        self.until: int | None = None
        self.deadline: int | None = None
        self.segments: deque[Head | memoryview] = deque()
        self.allowance: int | None = None
        self.is_open_ended = False
        self.has_head = False
        self.has_ended = False
        self.is_lost = False
        self.is_over = False

    @property
    def is_answered(self) -> bool:
        """Whether the whole answer has left."""
        return not (self.work or self.segments or self.is_open_ended or self.is_lost)

    def next_moment(self) -> int | None:
        """Return when to go on with the stream; None: when the client says something."""
        moments = [moment for moment in (self.until, self.deadline) if moment is not None]
        return min(moments) if moments else None

    def is_early(self, now: int) -> bool:
        """Return whether the next step is still to come."""
        return self.until is not None and now < self.until

    def is_late(self, now: int) -> bool:
        """Return whether its deadline is over, and its answer has not begun to leave."""
        return self.deadline is not None and self.deadline <= now

    def may_send(self, size: int) -> bool:
        """Return whether so many bytes may leave now, and count them as gone."""
        if self.allowance is None:
            return True
        if self.allowance < size:
            return False
        self.allowance -= size
        return True

    def send(self, frames: Frames) -> bool:
        """Send the next frame of the answer, as far as the client's windows allow; return whether one left.

        Raises:
            H2Error: the client has reset the stream.
        """
        segment = self.segments[0]
        part: Head | bytes
        if isinstance(segment, Head):
            part, size, rest = segment, segment.size(), None
        else:
            room = frames.room(self.number)
            part = bytes(segment[: room if self.allowance is None else min(room, self.allowance)])
            size = len(part)
            rest = segment[size:]
        if not size or not self.may_send(size):
            return False
        if rest:
            self.segments[0] = rest
        else:
            self.segments.popleft()
        is_last = not self.segments and not self.is_open_ended
        frames.send(self.number, part, is_last=is_last)
        self.has_head = True
        self.is_over = is_last
        if is_last and not self.has_ended:  # the answer came before the end of the request
            frames.reset(self.number)
        return True

    def close(self) -> None:
        """Stop the work: a call that has not happened yet never will."""
        work, self.work, self.until = self.work, None, None
        if work is not None:
            work.close()

    def end_with(self, reply: HttpReply) -> None:
        """Let the answer end with this reply, or with its trailers if the headers have left."""
        self.close()
        self.segments.clear()
        trailers = tuple(header for header in reply.headers if header[0] != "content-type")
        self.segments.append(Head(trailers) if self.has_head else head_of(reply))
        self.allowance, self.deadline, self.is_open_ended = None, None, False

    def answering(self, application: GrpcFront) -> Answering:
        """Answer the request; yield each delay, which the caller waits for."""
        http = self.http._replace(body=bytes(self.body))
        if len(http.body) >= MOST:
            http = http._replace(body=b"", problem=too_large(len(http.body)), problem_status=413)
        return application.answering(http, self.call)

    def working(self, application: GrpcFront) -> Generator[Step, None, None]:
        """Answer the request, unless a worker has done so, and yield the steps in which the answer leaves."""
        reply = self.reply or (yield from awaited(self.answering(application)))
        yield from self._sending(reply, application.clock)

    def _sending(self, reply: HttpReply, clock: Clock) -> Iterator[Step]:
        """Put the answer together, and let it leave as its damage and its latency say."""
        body = b"" if self.http.method == "HEAD" else reply.body
        damage = reply.damage
        if isinstance(damage, Truncate):  # the stream ends in good order, so the client sees a short body
            body, reply = body[: damage.kept(len(body))], reply._replace(damage=None)
        elif isinstance(damage, ResetStream | Goaway):
            yield damage
            reply = reply._replace(damage=None)
        self.segments.append(head_of(reply))
        if body:
            self.segments.append(memoryview(body))
        if reply.trailers:
            self.segments.append(Head(reply.trailers))
        if reply.damage is None and reply.wait is None:
            return
        first, *rest = (each.size() if isinstance(each, Head) else len(each) for each in self.segments)
        self.allowance = 0
        yield from _steps(bytes(first), bytes(sum(rest)), reply, clock)
        self.allowance = None


def _steps(head: bytes, body: bytes, reply: HttpReply, clock: Clock) -> Iterator[Step]:
    """Yield the steps of a transmission; of its bytes, only their number counts."""
    for step in transmission(head, body, reply):
        match step:
            case bytes():
                yield Release(len(step))
            case Due(share):
                if reply.moment is not None:
                    yield Until(reply.moment(share))
            case Pause(seconds):
                yield Until(clock.now() + round(seconds * SECOND))
            case Shut() | End():
                yield step
            case _:
                assert_never(step)
