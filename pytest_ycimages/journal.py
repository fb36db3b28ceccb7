"""The journal: what the double saw and what it answered, call by call. Tests read it instead of spying."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, overload

from pytest_ycimages.api.message import SECOND
from pytest_ycimages.api.methods import matching

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from pytest_ycimages.api.code import Code
    from pytest_ycimages.api.exchange import Reply, Request
    from pytest_ycimages.api.request_message import RequestMessage
    from pytest_ycimages.cloud.clock import Clock


class Call(NamedTuple):
    """One call and its answer.

    Attributes:
        method: the method word, such as `images.create`; `unrouted` when no method serves the call.
        at: seconds since the double began, on its clock; since time was frozen or made virtual, if it was after that.
        attempt: 1 for the first time that this very call was made, 2 when it was made again, and so on.
        gap: seconds since the attempt before; None for the first.
        status: how it was answered, a `google.rpc.Code`.
        operation_id: the operation that the call was about, if any.
        image_id: the image that the call was about, if any.
        line: how the client spelled the call, such as `POST /compute/v1/images`.
        note: what became of it: the image's status, the operation's phase, or the refusal.
        message: the request as it was understood; None when it was refused as invalid.
        metadata: the request's headers, names in lower case.
        unknown_fields: fields of the request that the contract in force does not know.
    """

    method: str
    at: float
    attempt: int
    gap: float | None
    status: Code
    operation_id: str | None
    image_id: str | None
    line: str
    note: str
    message: RequestMessage | None
    metadata: Mapping[str, str]
    unknown_fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        """One line for people."""
        gap = "" if self.gap is None else f"  {_seconds(self.gap)} after attempt {self.attempt - 1}"
        ids = "".join(f"  {word} {id_}" for word, id_ in self._ids() if id_ and id_ not in self.line)
        text = f"+{_seconds(self.at):<9} {self.method:<17} {self.line}  {self.status.name}  {self.note}{ids}{gap}"
        return text if text.isprintable() else "".join(map(_printable, text))

    def _ids(self) -> tuple[tuple[str, str | None], ...]:
        return ("operation", self.operation_id), ("image", self.image_id)


def _printable(character: str) -> str:
    return character if character.isprintable() else repr(character)[1:-1]


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}s"


class Calls(Sequence[Call]):
    """Calls in the order in which they were answered."""

    def __init__(self, calls: Sequence[Call]) -> None:
        self._calls = calls

    @overload
    def __getitem__(self, index: int) -> Call: ...
    @overload
    def __getitem__(self, index: slice) -> Calls: ...
    def __getitem__(self, index: int | slice) -> Call | Calls:
        """One call, or a part of them."""
        return Calls(self._calls[index]) if isinstance(index, slice) else self._calls[index]

    def __len__(self) -> int:
        """How many calls."""
        return len(self._calls)

    def __repr__(self) -> str:
        """Every call on a line of its own."""
        return "\n".join([f"<{len(self)} calls>", *map(str, self)])

    def of(self, method: str) -> Calls:
        """The calls of one method.

        Args:
            method: a method word or a glob, such as `operations.get` or `images.*`.

        Raises:
            UsageError: no method has such a name; the text says which is nearest.
        """
        words = matching(method)
        return Calls([call for call in self._calls if call.method in words])

    @property
    def gaps(self) -> list[float]:
        """Seconds between each attempt and the one before it, first attempts left out."""
        return [call.gap for call in self._calls if call.gap is not None]


class Journal:
    """Writes the calls down. Callers hold the double's lock around `write`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._calls: list[Call] = []
        self._latest: dict[Hashable, tuple[int, int]] = {}

    @property
    def calls(self) -> Calls:
        """All calls, those to come included: the sequence grows."""
        return Calls(self._calls)

    def write(self, request: Request, reply: Reply, now: int) -> Call:
        """Write down that `request` was answered with `reply` at `now`, in nanoseconds since the epoch."""
        attempts, latest = self._latest.get((request.method, request.identity), (0, now))
        call = Call(
            method=request.method,
            at=(now - self._clock.began_at) / SECOND,
            attempt=attempts + 1,
            gap=(now - latest) / SECOND if attempts else None,
            status=reply.code,
            operation_id=reply.operation_id,
            image_id=reply.image_id,
            line=request.line,
            note=reply.note,
            message=request.message,
            metadata=request.metadata,
            unknown_fields=tuple(request.message.unknown_fields()) if request.message else (),
        )
        self._latest[request.method, request.identity] = attempts + 1, now
        self._calls.append(call)
        return call
