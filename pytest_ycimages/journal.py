"""The journal: what the double saw and what it answered, call by call. Tests read it instead of spying."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, overload

from pytest_ycimages.api.code import Code
from pytest_ycimages.api.exchange import NO_METADATA, Delivery, delivery_of
from pytest_ycimages.api.message import SECOND
from pytest_ycimages.api.methods import matching
from pytest_ycimages.call import Call
from pytest_ycimages.pacing import pacing_in
from pytest_ycimages.polls import hints_in

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from pytest_ycimages.api.exchange import Reply, Request
    from pytest_ycimages.cloud.clock import Clock
    from pytest_ycimages.pacing import Pacing
    from pytest_ycimages.polls import Hint


_SETTLED: Final = frozenset({"READY", "ERROR"})
"""The statuses of an image that nobody waits to see replaced."""
_WITHOUT_HEAD: Final = frozenset({Delivery.NOTHING, Delivery.REPLACED})
"""The deliveries without the headers of the service."""


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

    @property
    def pacing(self) -> Mapping[str, Pacing]:
        """How the client paced itself, by the id of the operation that it waited for."""
        return pacing_in(self._calls)

    @property
    def hints(self) -> list[Hint]:
        """Where an answer asked the client to wait, and whether it did."""
        return hints_in(self._calls)


class Journal:
    """Writes the calls down. Callers hold the double's lock around its methods."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._calls: list[Call] = []
        self._latest: dict[Hashable, tuple[int, int, int]] = {}

    @property
    def calls(self) -> Calls:
        """All calls, those to come included: the sequence grows."""
        return Calls(self._calls)

    def attempts(self, request: Request) -> int:
        """How often this very call has been written down."""
        latest = self._latest.get((request.method, request.identity))
        return latest[0] if latest else 0

    def write(self, request: Request, reply: Reply, now: int, *, latency: int = 0, held: int = 0) -> Call:
        """Write down that `request` was answered with `reply`.

        Args:
            request: what was asked.
            reply: what is answered.
            now: when that happened, in nanoseconds since the epoch.
            latency: nanoseconds between its coming in and the end of its answer.
            held: how many of them it was held back before it happened.
        """
        key, delivery = (request.method, request.identity), delivery_of(reply.damage)
        attempts, latest, series = self._latest.get(key, (0, now, len(self._calls)))
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
            latency=latency / SECOND,
            held=held / SECOND,
            done=_done(request, reply),
            reply_metadata=NO_METADATA if delivery in _WITHOUT_HEAD else reply.metadata,
            fault=reply.fault,
            series=series,
        )
        self._latest[key] = attempts + 1, now, series
        self._calls.append(call)
        return call


def _done(request: Request, reply: Reply) -> bool | None:
    """Whether the answer shows an operation done, or an image that is what it will be; None when it shows neither."""
    if delivery_of(reply.damage) is not Delivery.WHOLE or (reply.fault and reply.code is not Code.OK):
        return None
    if reply.operation_id is not None:
        return reply.body.get("done") is True
    if request.method == "images.get" and reply.image_id is not None:
        return reply.body.get("status") in _SETTLED
    return None
