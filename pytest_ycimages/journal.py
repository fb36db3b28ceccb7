"""The journal: every call that the double received and its answer."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, overload
from weakref import WeakSet

from pytest_ycimages.api.exchange import NO_METADATA, Delivery
from pytest_ycimages.api.message import SECOND
from pytest_ycimages.api.methods import METHOD_WORDS, matching
from pytest_ycimages.api.status import Code
from pytest_ycimages.call import Call, hints_in
from pytest_ycimages.pacing import pacing_in
from pytest_ycimages.words import sealed

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping

    from pytest_ycimages.api.exchange import Reply, Request
    from pytest_ycimages.call import Hint
    from pytest_ycimages.cloud.clock import Clock
    from pytest_ycimages.pacing import Pacing


_AVERAGE: Final = 16 * 2**10
"""The bytes of a request, on average, beyond which a limited journal keeps fewer calls."""
_SETTLED: Final = frozenset({"READY", "ERROR"})
"""The final statuses of an image."""


@sealed
class Calls(Sequence[Call]):
    """A sequence of calls in the order of their answers."""

    def __init__(self, calls: Sequence[Call]) -> None:
        self._calls = calls

    @overload
    def __getitem__(self, index: int) -> Call: ...
    @overload
    def __getitem__(self, index: slice) -> Calls: ...
    def __getitem__(self, index: int | slice) -> Call | Calls:
        """Return one call, or a slice."""
        return Calls(self._calls[index]) if isinstance(index, slice) else self._calls[index]

    def __len__(self) -> int:
        """Return the number of calls."""
        return len(self._calls)

    def __iter__(self) -> Iterator[Call]:
        """Return the calls that are there now, also if a limited journal drops some of them meanwhile."""
        return iter(self._calls)

    def __repr__(self) -> str:
        """Show every call on its own line."""
        dropped = f", after {self.dropped} that were dropped" if self.dropped else ""
        return "\n".join([f"<{len(self)} calls{dropped}>", *map(str, self)])

    @property
    def dropped(self) -> int:
        """The number of earlier calls that the journal has dropped, beyond the setting `journal_limit`."""
        return self._calls.start if isinstance(self._calls, _Entries) else 0

    def numbered(self, *, after: int = 0) -> Iterator[tuple[int, Call]]:
        """Return the calls, each with its number, counted from 1 for the first that was answered.

        Args:
            after: leave out the calls up to this number.
        """
        if isinstance(self._calls, _Entries):
            return self._calls.numbered(after)
        return ((number, call) for number, call in enumerate(self._calls, 1) if number > after)

    def of(self, method: str) -> Calls:
        """Return the calls of one method.

        Args:
            method: a method word or a glob, such as `operations.get` or `images.*`.

        Raises:
            UsageError: unknown method; the text has the nearest name.
        """
        words = matching(method)
        return Calls([call for call in self._calls if call.method in words])

    @property
    def gaps(self) -> list[float]:
        """The seconds between each attempt and the one before, without first attempts."""
        return [call.gap for call in self._calls if call.gap is not None]

    @property
    def pacing(self) -> Mapping[str, Pacing]:
        """The pacing of the client's polls, by the id of the operation."""
        return pacing_in(self._calls)

    @property
    def hints(self) -> list[Hint]:
        """The answers that asked the client to wait, and whether it did."""
        return hints_in(self._calls)


class Entry:
    """A recorded call. The `Call` is made when it is first read: making it is a tenth of answering it."""

    __slots__ = ("_call", "_values", "key", "size")

    def __init__(self, values: tuple[Any, ...], key: Hashable) -> None:
        self._values = values
        self.key = key
        self.size = 0
        self._call: Call | None = None

    @property
    def call(self) -> Call:
        """The call, the same object each time."""
        if self._call is None:
            method, *others = self._values
            self._call = Call(METHOD_WORDS[method], *others).without_secrets()
        return self._call


class _Entries(Sequence[Call]):
    """The entries of a journal by number. Readers need no lock: an entry that is dropped meanwhile is left out."""

    def __init__(self) -> None:
        self.by_number: dict[int, Entry] = {}
        self.start = 0
        self.end = 0

    @overload
    def __getitem__(self, index: int) -> Call: ...
    @overload
    def __getitem__(self, index: slice) -> list[Call]: ...
    def __getitem__(self, index: int | slice) -> Call | list[Call]:
        numbers = range(self.start, self.end)[index]
        if isinstance(numbers, int):
            return self.by_number[numbers].call
        entries = map(self.by_number.get, numbers)
        return [entry.call for entry in entries if entry is not None]

    def __len__(self) -> int:
        return self.end - self.start

    def __iter__(self) -> Iterator[Call]:
        return (call for _, call in self.numbered(0))

    def numbered(self, after: int) -> Iterator[tuple[int, Call]]:
        for number in range(max(self.start, after), self.end):
            entry = self.by_number.get(number)
            if entry is not None:
                yield number + 1, entry.call

    def append(self, entry: Entry) -> None:
        self.by_number[self.end] = entry
        self.end += 1

    def drop_first(self) -> Entry:
        number = self.start
        self.start += 1
        return self.by_number.pop(number)


_journals: Final[WeakSet[Journal]] = WeakSet()
_lock: Final = threading.Lock()
"""Held while `_journals` changes or is read: any thread may make a double."""


def journals() -> list[Journal]:
    """Return the journals of all doubles, in which virtual time sees whether the client makes progress."""
    with _lock:
        return list(_journals)


class Journal:
    """Records the calls. Callers hold the double's lock.

    Args:
        clock: the time of the calls.
        limit: how many calls to keep; None: all. Fewer are kept if their requests have more than 16 KiB on average. The
            attempts of a call are counted while one of them is kept.
    """

    def __init__(self, clock: Clock, limit: int | None = None) -> None:
        self._clock = clock
        self._limit = limit
        self._size = 0
        self._entries = _Entries()
        self._latest: dict[Hashable, tuple[int, int, int, int]] = {}
        self.calls: Final = Calls(self._entries)
        """The calls; the sequence grows with later ones."""
        with _lock:
            _journals.add(self)

    @property
    def written(self) -> int:
        """How many calls have been recorded, those included that have been dropped."""
        return self._entries.end

    def attempts(self, request: Request) -> int:
        """Return how many attempts of this call were recorded."""
        latest = self._latest.get((request.method, request.identity))
        return latest[0] if latest else 0

    def write(self, request: Request, reply: Reply, now: int, *, latency: int = 0, deferred: int = 0) -> Entry:
        """Record that `request` was answered with `reply`.

        Args:
            request: the request.
            reply: the reply.
            now: when it happened, in nanoseconds since the epoch.
            latency: nanoseconds from the arrival of the request to the end of the answer.
            deferred: the part of them before it happened.
        """
        method, line, metadata, message, _, identity, *_ = request
        code, _, reply_metadata, operation_id, image_id, note, damage, fault, *_ = reply
        key = method, identity
        delivery = Delivery.WHOLE if damage is None else damage.delivery
        number = self._entries.end
        attempts, latest, series, _ = self._latest.get(key, (0, now, number, 0))
        self._latest[key] = attempts + 1, now, series, number
        values = (  # in the order of the fields of `Call`
            method,
            (now - self._clock.began_at) / SECOND,
            attempts + 1,
            (now - latest) / SECOND if attempts else None,
            code,
            operation_id,
            image_id,
            line,
            note,
            message,
            metadata,
            (),  # the unknown fields, which `without_secrets` finds
            latency / SECOND,
            deferred / SECOND,
            _done(method, reply) if delivery.is_whole else None,
            reply_metadata if delivery.has_headers else NO_METADATA,
            fault,
            series,
            request.grpc,
        )
        entry = Entry(values, key)
        self._entries.append(entry)
        if self._limit is not None:
            entry.size = len(line) + len(request.body) + sum(map(len, metadata.values()))
            self._size += entry.size
            while len(self._entries) > self._limit or (self._size > self._limit * _AVERAGE and len(self._entries) > 1):
                self._drop_first()
        return entry

    def _drop_first(self) -> None:
        number = self._entries.start
        first = self._entries.drop_first()
        self._size -= first.size
        if self._latest[first.key][3] == number:  # it was the last attempt of its call
            del self._latest[first.key]


def _done(method: str, reply: Reply) -> bool | None:
    """Return whether a whole answer shows a finished operation or a settled image; None: it shows neither."""
    if reply.fault and reply.code is not Code.OK:
        return None
    if reply.operation_id is not None:
        return reply.body.get("done") is True
    if method == "images.get" and reply.image_id is not None:
        return reply.body.get("status") in _SETTLED
    return None
