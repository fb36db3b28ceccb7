"""Calls as the journal records them: frozen values with times in seconds, exact to the nanosecond."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING

from pytest_ycimages.api.exchange import NO_METADATA, GrpcCall
from pytest_ycimages.api.message import SECOND, nanoseconds
from pytest_ycimages.errors import printable
from pytest_ycimages.redaction.printing import Printing
from pytest_ycimages.words import exact

if TYPE_CHECKING:
    from pytest_ycimages.api.message import RequestMessage
    from pytest_ycimages.api.status import Code


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
        text = f"+{shown(self.at):<9} {self.method:<17} {self.line}  {self.status}  {self.note}{ids}{late}{gap}"
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
