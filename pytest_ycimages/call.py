"""Calls as the journal records them, and what they show of a client: its waits for operations, and hints to wait.

Calls are frozen values with times in seconds, exact to the nanosecond.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_ycimages.api.exchange import NO_METADATA, GrpcCall
from pytest_ycimages.api.message import SECOND, declared_text, nanoseconds
from pytest_ycimages.api.status import Code
from pytest_ycimages.errors import printable
from pytest_ycimages.redaction.printing import Printing
from pytest_ycimages.words import exact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ycimages.api.message import RequestMessage


class _Redacted(str):
    """A text that `repr` shows redacted: pytest prints values of mappings that it compares."""

    __slots__ = ("shown",)
    shown: str

    def __repr__(self) -> str:
        return repr(self.shown)


class Metadata(Mapping[str, str]):
    """Headers as they were, which `repr` shows redacted."""

    __slots__ = ("_headers",)

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def __getitem__(self, name: str) -> str:
        value = self._headers[name]
        shown = Printing(self._headers).headers({name: value})[name]
        if shown == value:
            return value
        redacted = _Redacted(value)
        redacted.shown = shown
        return redacted

    @property
    def printing(self) -> Printing:
        """The redaction of what came with these headers."""
        return Printing(self._headers)

    def redacted(self, printing: Printing | None = None) -> dict[str, str]:
        """Return the headers as they may be printed; those of an answer with the redaction of its request."""
        return (printing or self.printing).headers(self._headers)

    def __iter__(self) -> Iterator[str]:
        return iter(self._headers)

    def __len__(self) -> int:
        return len(self._headers)

    def __repr__(self) -> str:
        return repr(self.redacted())


@exact
@dataclass(frozen=True, slots=True, repr=False)
class Call:
    """One call and its answer. Its texts and its `repr` are redacted as those of a cassette.

    Attributes:
        method: the method word, such as `images.create`; `unrouted` when no method serves the call.
        at: when it happened, in seconds on the double's clock since the double started, or since time was frozen or
            made virtual, if later.
        attempt: 1 for the first attempt of the same call, 2 for the second, and so on.
        gap: seconds since the attempt before; None for the first.
        status: how it was answered, a `google.rpc.Code`, which equals its name: `call.status == "UNAVAILABLE"`. Its
            number is `call.status.number`, its HTTP status `call.status.http_status`.
        operation_id: the operation concerned, if any.
        image_id: the image concerned, if any.
        line: the request line, such as `POST /compute/v1/images`; undeclared parameters have no values.
        note: the result: the image's status, the operation's phase, or the refusal.
        message: the decoded request; None when it was invalid.
        metadata: the request's headers, names in lower case.
        unknown_fields: fields of the request that the contract in force does not know.
        latency: seconds from the arrival of the request to the end of the answer, as drawn.
        deferred: the part of these seconds before the call happened: 0, unless `latency_order` is `latency_first`.
        done: whether the answer showed an operation done, or an image READY or ERROR; None for any other answer.
        reply_metadata: the answer's headers, names in lower case, without those of the connection and of the body.
        fault: the fault that struck it, as text, with `before` or `after` the commit; empty for none.
        series: a number that the attempts of one call share.
        grpc: what gRPC adds to the call, such as its deadline; None: it came over HTTP.
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
    latency: float = 0
    deferred: float = 0
    done: bool | None = None
    reply_metadata: Mapping[str, str] = field(default_factory=lambda: NO_METADATA)
    fault: str = ""
    series: int = 0
    grpc: GrpcCall | None = None

    @property
    def came_at(self) -> float:
        """When the request had arrived, in the form of `at`."""
        return between(self.deferred, self.at)

    @property
    def answered_at(self) -> float:
        """When its answer was complete, in the form of `at`."""
        return (nanoseconds(self.came_at) + nanoseconds(self.latency)) / SECOND

    def without_secrets(self) -> Call:
        """Return the call with its texts redacted, and with its unknown fields, which take time to find.

        Message and metadata stay as the client sent them.
        """
        to_print = Printing(self.metadata)
        unknown = self.message.unknown_fields() if self.message else self.unknown_fields
        return replace(
            self,
            line=to_print.line(self.line),
            note=to_print.text(self.note),
            grpc=self.grpc and replace(self.grpc, rpc=to_print.line(self.grpc.rpc)),
            unknown_fields=tuple(map(to_print.text, unknown)),
            metadata=Metadata(self.metadata),
            reply_metadata=Metadata(self.reply_metadata),
        )

    def __repr__(self) -> str:
        """Return all fields, redacted."""
        to_print, call = Printing(self.metadata), self.without_secrets()
        shown = {each.name: getattr(call, each.name) for each in fields(self)}
        if self.message is not None:
            shown["message"] = to_print.message(self.message)
        return f"Call({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    def __str__(self) -> str:
        """Return one line for people."""
        late = f"  {shown(self.latency)} late" if self.latency else ""
        gap = "" if self.gap is None else f"  {shown(self.gap)} after attempt {self.attempt - 1}"
        ids = "".join(f"  {word} {id_}" for word, id_ in self._ids() if id_ and id_ not in self.line)
        note, more, _ = self.note.partition("\n")  # such as a request that a cassette lacks, with all that is near
        result = f"{self.status}  {note}{' …' if more else ''}"
        text = f"+{shown(self.at):<9} {self.method:<17} {self.line}  {result}{ids}{late}{gap}"
        return printable(text + self._over_grpc())

    def _over_grpc(self) -> str:
        if self.grpc is None:
            return ""
        attempts = f", attempt {self.grpc.previous_attempts + 1} of its library" if self.grpc.previous_attempts else ""
        ended = {"": "", "cancelled": ", cancelled by the client", "deadline": ", deadline exceeded"}
        return f"  gRPC{attempts}{ended[self.grpc.gave_up]}"

    def _ids(self) -> tuple[tuple[str, str | None], ...]:
        return ("operation", self.operation_id), ("image", self.image_id)


def between(start: float, end: float) -> float:
    """Return the seconds from `start` to `end` without the error of subtracting floats."""
    return (nanoseconds(end) - nanoseconds(start)) / SECOND


def shown(seconds: float) -> str:
    """Return seconds as text, to the millisecond."""
    return f"{seconds:.3f}s"


_POLL: Final = "operations.get"
_READ: Final = "images.get"
_NO_START: Final = frozenset({_POLL, _READ, "operations.cancel"})
_SEEN_IN_STATUS: Final = frozenset({"images.create", "images.delete"})
"""The calls that start what the image's status shows; while an image is updated it is READY all the time."""


class Wait(NamedTuple):
    """A client's wait for an operation; `Pacing` describes the fields."""

    operation_id: str
    image_id: str | None
    started: Call | None
    polls: tuple[Call, ...]
    done: Call | None
    polls_after_done: tuple[Call, ...]


def waits_in(calls: Sequence[Call]) -> Iterator[Wait]:
    """Return the wait for each operation that an answer named, in the order in which they were first named."""
    stories: dict[str, list[Call]] = {}
    latest: dict[str | None, str] = {}
    for call in calls:
        operation_id = _operation_of(call) if call.method != _READ else latest.get(_image_of(call))
        if operation_id is None:
            continue
        stories.setdefault(operation_id, []).append(call)
        if call.method in _SEEN_IN_STATUS:
            latest[call.image_id] = operation_id
    for operation_id, story in stories.items():
        if any(call.operation_id == operation_id for call in story):
            yield _wait(operation_id, story)


def _operation_of(call: Call) -> str | None:
    """Return the operation that a call named, even if it was refused."""
    return call.operation_id or declared_text(call.message, "operation_id")


def _image_of(call: Call) -> str | None:
    return call.image_id or declared_text(call.message, "image_id")


def _wait(operation_id: str, story: list[Call]) -> Wait:
    starts = [call for call in story if call.method not in _NO_START]
    if any(call.method == _POLL for call in story) or any(call.done for call in starts):
        story = [call for call in story if call.method != _READ]  # then reads of the image are not polls
    polls = [(place, call) for place, call in enumerate(story) if call.method in {_POLL, _READ}]
    first = polls[0][0] if polls else len(story)
    before = [call for call in story[:first] if call.method not in _NO_START]
    removes = any(call.method == "images.delete" for call in starts)
    ends = [place for place, call in enumerate(story) if _shows_end(call, removes=removes)]
    done = story[ends[0]] if ends else None
    return Wait(
        operation_id,
        next((call.image_id for call in story if call.image_id), None),
        before[-1] if before else None,
        tuple(call for _, call in polls),
        done,
        tuple(call for place, call in polls if done and place > ends[0] and call.came_at >= done.answered_at),
    )


def _shows_end(call: Call, *, removes: bool) -> bool:
    """Return whether the answer shows the end of the operation."""
    if removes and call.method == _READ:
        return call.status is Code.NOT_FOUND
    return call.done is True


# Hints.

RETRY_AFTER: Final = "retry-after"
POLL_INTERVAL: Final = "x-operation-poll-interval"

_SECONDS: Final = re.compile(r"[0-9]+(\.[0-9]+)?", re.ASCII)


@exact
@dataclass(frozen=True, slots=True)
class Hint:
    """An answer that asked the client to wait, and whether it did.

    Attributes:
        call: the call that was answered so.
        header: the header of the answer that says it: `retry-after` or `x-operation-poll-interval`.
        asked: how many seconds.
        waited: seconds from the end of that answer to the next attempt of the same call; None when there was none.
    """

    call: Call
    header: str
    asked: float
    waited: float | None

    @property
    def obeyed(self) -> bool:
        """Whether the client did not ask again too early. A client that does not ask again obeys too."""
        return self.waited is None or nanoseconds(self.waited) >= nanoseconds(self.asked)

    def __str__(self) -> str:
        """Return one line of text."""
        waited = "did not ask again" if self.waited is None else f"waited {shown(self.waited)}"
        verdict = "obeyed" if self.obeyed else "NOT obeyed"
        return f"{self.header} {shown(self.asked)} at +{shown(self.call.answered_at)}: {waited}, {verdict}"


def hints_in(calls: Sequence[Call]) -> list[Hint]:
    """Return all hints among the answers to `calls`, in order.

    `Retry-After` counts on every answer, in seconds; dates are ignored, as the service sends none.
    `x-operation-poll-interval` counts while the operation is not done.
    """
    attempts = {(call.series, call.attempt): call for call in calls}
    return [hint for call in calls if call.reply_metadata for hint in _of(call, attempts.get(_next(call)))]


def _next(call: Call) -> tuple[int, int]:
    return call.series, call.attempt + 1


def _of(call: Call, again: Call | None) -> Iterator[Hint]:
    waited = None if again is None else between(call.answered_at, again.came_at)
    for header in (RETRY_AFTER, POLL_INTERVAL):
        text = call.reply_metadata.get(header, "").strip()
        if _SECONDS.fullmatch(text) and not (header == POLL_INTERVAL and call.done):
            yield Hint(call, header, float(text), waited)
