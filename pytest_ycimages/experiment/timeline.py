"""The timeline of a trial: for each call, by its index, which fault struck it, and what reached client and server."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_ycimages.api.exchange import Delivery
from pytest_ycimages.api.message import declared_text, nanoseconds
from pytest_ycimages.api.resources import CreateImageMetadata, DeleteImageMetadata, Image
from pytest_ycimages.api.status import Code
from pytest_ycimages.call import shown
from pytest_ycimages.experiment.printable import ReportPart, Seconds
from pytest_ycimages.faults.fault import delivery_under

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pytest_ycimages.api.resources import Operation
    from pytest_ycimages.experiment.scenario import PlannedFault
    from pytest_ycimages.experiment.trial import Trial, Verdict


CREATE: Final = "images.create"
DELETE: Final = "images.delete"
CANCEL: Final = "operations.cancel"
POLL: Final = "operations.get"
UPDATE: Final = "images.update"
LIST: Final = "images.list"

HOPELESS: Final = frozenset(
    {
        Code.INVALID_ARGUMENT,
        Code.PERMISSION_DENIED,
        Code.OUT_OF_RANGE,
        Code.UNIMPLEMENTED,
        Code.UNAUTHENTICATED,
    }
)
"""The codes for which a retry of the same call gets the same response."""


class ReceivedAnswer(NamedTuple):
    """How the response to one call reached the client.

    Attributes:
        fault: the fault that struck the call, if one did.
        delivery: what reached the client under the fault.
        complete: whether the client had the whole response before its next call.
        hopeless: whether the fault struck so that a retry could not help.
    """

    fault: PlannedFault | None
    delivery: Delivery
    complete: bool
    hopeless: bool


class Timeline:
    """One trial, indexed for its judges. `strikes` has the fault that struck a call, by the index of the call."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self.calls = trial.calls
        self.strikes = _strikes(trial)

    @cached_property
    def deliveries(self) -> tuple[ReceivedAnswer, ...]:
        """Return how the response to each call reached the client."""
        return tuple(map(self._delivery, range(len(self.calls))))

    def _delivery(self, index: int) -> ReceivedAnswer:
        call, fault = self.calls[index], self.strikes.get(index)
        later = self.calls[index + 1].came_at if index + 1 < len(self.calls) else self.trial.seconds
        delivery = Delivery.WHOLE if fault is None else delivery_under(fault.fault.effect)
        return ReceivedAnswer(
            fault,
            delivery,
            complete=not delivery.is_lost and nanoseconds(call.answered_at) <= nanoseconds(later),
            hopeless=fault is not None and (fault.lasts or call.status in HOPELESS),
        )

    @property
    def created(self) -> list[Operation]:
        """Return the operations that create an image, whatever their result."""
        return [each for each in self.trial.operations if isinstance(each.metadata, CreateImageMetadata)]

    @property
    def staying(self) -> list[Operation]:
        """Return the creations whose image exists, or will, and is not being deleted."""
        trial = self.trial
        deleted = {
            each.metadata.image_id
            for each in trial.operations
            if isinstance(each.metadata, DeleteImageMetadata) and each.error is None
        }
        there = {image.id for image in trial.images} - deleted
        return [each for each in self.created if each.error is None and each.metadata.image_id in there]

    @cached_property
    def names(self) -> Mapping[str, tuple[str, ...]]:
        """Return the names that images had: before, when they were made or changed, and at the end, by their ids."""
        trial, names = self.trial, dict[str, dict[str, None]]()
        responses = (each.response for each in trial.operations if isinstance(each.response, Image))
        for image in (*trial.before, *responses, *trial.images):
            names.setdefault(image.id, {}).update({image.name: None} if image.name else {})
        return {id_: tuple(each) for id_, each in names.items()}

    @property
    def images(self) -> set[str]:
        """Return the ids of all images that the trial shows."""
        return {*self.names, *(each.metadata.image_id for each in self.trial.operations)}

    def called(self, id_: str) -> str:
        """Return an id with the last name of its image, if that had one, such as `fd8… (base-4)`."""
        return f"{id_} ({self.names[id_][-1]})" if self.names.get(id_) else id_

    def of(self, operation: Operation, method: str) -> list[int]:
        """Return the calls of a method that name this operation."""
        return [index for index in self.calls_of(method) if operation.id in self.ids(index)]

    def calls_of(self, *methods: str) -> list[int]:
        """Return the calls of these methods; without a method, all calls."""
        return [index for index, call in enumerate(self.calls) if not methods or call.method in methods]

    def about(self, operation: Operation, *methods: str) -> list[int]:
        """Return the calls about an operation, its image, or other operations of that image."""
        ids = {operation.id, operation.metadata.image_id}
        return [index for index in self.calls_of(*methods) if ids & self.ids(index)]

    def clearing_up(self, operation: Operation) -> list[int]:
        """Return the calls that ask for the end of a creation: its cancels, and the deletions of its image."""
        return sorted([*self.of(operation, CANCEL), *self.about(operation, DELETE)])

    def ids(self, index: int) -> set[str]:
        """Return what a call was about, though its response was a refusal."""
        call = self.calls[index]
        asked = ("operation_id", "image_id") if call.method != CREATE else ()  # that names the image that it copies
        ids = (call.operation_id, call.image_id, *(declared_text(call.message, name) for name in asked))
        return {id_ for id_ in ids if id_}

    def first_shown(self, operation: Operation) -> int | None:
        """Return the first call whose complete response named an operation to the client."""
        return next((index for index in self._successes(operation)), None)

    def is_known(self, operation: Operation) -> bool:
        """Return whether a complete response named an operation to the client."""
        return self.first_shown(operation) is not None

    def shown_end(self, operation: Operation, *, failing: bool = True) -> int | None:
        """Return the first call whose complete response showed the result; with `failing`, also an early error."""
        for index in self._successes(operation):
            call = self.calls[index]
            if call.done or (failing and call.note.endswith("rolling back")):
                return index
        return None

    def _successes(self, operation: Operation) -> Iterator[int]:
        for index, call in enumerate(self.calls):
            if call.operation_id == operation.id and call.status is Code.OK and self.deliveries[index].complete:
                yield index


def _strikes(trial: Trial) -> dict[int, PlannedFault]:
    planned = list(trial.scenario.faults)
    found: dict[int, PlannedFault] = {}
    for index, call in enumerate(trial.calls):
        if not call.fault:
            continue
        for each in planned:
            if each.method == call.method and call.fault == f"{each.fault} {each.commit} the commit":
                found[index] = each
                if not each.lasts:
                    planned.remove(each)
                break
    return found


# What is shown of it.


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment(ReportPart):
    """One call of a trial, or its end: what the client saw, and beside it what the server did."""

    at: Seconds
    """Seconds since the trial began."""
    asked: str
    """What the client asked, such as `POST /compute/v1/images`; in the last moment, how it ended."""
    told: str
    """What the client was told."""
    happened: str
    """What the server did; in the last moment, what it was left with."""
    proves: bool
    """Whether a verdict rests on it."""


def moments_of(trial: Trial, verdicts: Iterable[Verdict] = ()) -> tuple[Moment, ...]:
    """Return a moment for each call of a trial, and one for its end."""
    read = Timeline(trial)
    proof = {index for verdict in verdicts for index in verdict.proof}
    moments = (
        Moment(
            at=call.came_at,
            asked=call.line,
            told=_told(read, index),
            happened=_happened(read, index),
            proves=index in proof,
        )
        for index, call in enumerate(trial.calls)
    )
    end = Moment(
        at=trial.seconds, asked=f"the client {trial.outcome}", told="", happened=_left_behind(read), proves=False
    )
    return (*moments, end)


def _told(read: Timeline, index: int) -> str:
    call, delivery = read.calls[index], read.deliveries[index]
    if delivery.delivery.is_lost:
        return f"no whole answer: {delivery.fault and delivery.fault.fault}"
    if not delivery.complete:
        return "nothing in time"
    if call.status is not Code.OK:
        return f"{call.status.name}{f': {delivery.fault.fault}' if delivery.fault else ''}"
    return _state(call.note) or "OK"


def _happened(read: Timeline, index: int) -> str:
    call, delivery = read.calls[index], read.deliveries[index]
    planned = delivery.fault
    is_unsaid = planned is not None and (delivery.delivery.is_lost or call.status is not Code.OK)
    if planned is not None and is_unsaid and planned.commit == "before":
        return "nothing happened"
    image = read.called(call.image_id) if call.image_id else None
    words = [f"{word} {id_}" for word, id_ in (("operation", call.operation_id), ("image", image)) if id_]
    if not words:
        return "done" if call.status is Code.OK else "refused"
    if call.status is Code.OK:
        words.append(_state(call.note))
    if planned is not None:
        words.append("done all the same" if is_unsaid else str(planned.fault))
    return ", ".join(filter(None, words))


def _state(note: str) -> str:
    """Return what a note says of the operation or image, without the fault at its beginning."""
    return note.rpartition("commit: ")[2]


def _left_behind(read: Timeline) -> str:
    images = [f"image {read.called(each.id)} {each.status.name}" for each in read.trial.images]
    gone = [f"image {read.called(each.id)} gone" for each in read.trial.gone]
    running = [
        f"operation {each.id} runs"
        for each in read.trial.operations
        if not isinstance(each.metadata, DeleteImageMetadata) and not each.done and each.error is None
    ]
    return ", ".join([*images, *gone, *running]) or "no image"


_REPEATS: Final = 3
"""How many equal calls in a row are shown as one."""


class Line(NamedTuple):
    """A line of a timeline: a moment, or how many calls are left out, and until when if all equal the one before."""

    moment: Moment | None
    left_out: int = 0
    until: float | None = None

    @property
    def words(self) -> str:
        """Return what is said of the calls that are left out."""
        if self.until is not None:
            return f"{self.left_out} more like it, to +{shown(self.until)}"
        return f"{self.left_out} call{'s' if self.left_out > 1 else ''} left out"


def shown_moments(moments: Sequence[Moment], ends: int = 30) -> list[Line]:
    """Return the lines that are shown: `ends` at each end, and between them at most twice as many with a proof."""
    lines = list(_folded(moments))
    proving = [place for place, line in enumerate(lines) if line.moment is not None and line.moment.proves]
    between = [place for place in proving if ends <= place < len(lines) - ends]
    kept = {*range(ends), *range(len(lines) - ends, len(lines)), *between[: 2 * ends]}
    found: list[Line] = []
    for is_kept, places in groupby(range(len(lines)), key=kept.__contains__):
        part = [lines[place] for place in places]
        found += part if is_kept else [Line(None, sum(line.left_out or 1 for line in part))]
    return found


def _folded(moments: Sequence[Moment]) -> Iterator[Line]:
    """Yield every moment, but only the first of many equal ones in a row that prove nothing."""
    for _, group in groupby(moments, key=lambda each: (each.asked, each.told, each.happened, each.proves)):
        first, *others = group
        yield Line(first)
        if first.proves or len(others) + 1 < _REPEATS:
            yield from (Line(each) for each in others)
        else:
            yield Line(None, len(others), others[-1].at)


def timeline_text(moments: Sequence[Moment]) -> str:
    """Return a timeline as a table of text; `>` marks the calls that prove the verdicts."""
    head = ("", "", "the client asked", "it was told", "what happened")
    rows = [head, *map(_cells, shown_moments(moments))]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _cells(line: Line) -> tuple[str, ...]:
    moment = line.moment
    if moment is None:
        return "", "", f"... {line.words}", "", ""
    return ">" if moment.proves else "", f"+{shown(moment.at)}", moment.asked, moment.told, moment.happened
