"""Handlers of the control API: inspect state, journal and pacing; inject faults; change timing and clock; seed."""

from __future__ import annotations

import sys
from http import HTTPStatus
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from pytest_ycimages.api.message import LAST_SECOND, SECOND, operation_time
from pytest_ycimages.api.methods import matching
from pytest_ycimages.cloud.clock import kind_of
from pytest_ycimages.control import live, models
from pytest_ycimages.control.live import shown_call, written
from pytest_ycimages.control.models import shown
from pytest_ycimages.errors import UsageError, unknown_word
from pytest_ycimages.faults.injection import never_struck
from pytest_ycimages.faults.rule import rules_of
from pytest_ycimages.server.http import HttpReply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pytest_ycimages.double import Double
    from pytest_ycimages.faults.injection import Injection
    from pytest_ycimages.server.http import HttpRequest

MAX_PAGE: Final = 1000
"""The most calls on a page; the default."""

_NUMBERS: Final = {
    "after": "the number of a call, such as the `last` of an earlier answer",
    "page_size": f"a whole number from 1 to {MAX_PAGE}",
    "page_token": "the `next_page_token` of an earlier answer",
}


class ControlRequest(NamedTuple):
    """A request to the control API.

    Attributes:
        double: the double that is asked.
        body: the parsed JSON body; an empty body is `{}`.
        query: the query parameters.
        number: the number in the path; 0 for none.
        http: the request itself.
    """

    double: Double
    body: Any
    query: Mapping[str, str]
    number: int
    http: HttpRequest


class OtherAnswerError(Exception):
    """An answer with another status than that of the route."""

    def __init__(self, status: int, answer: models.Answer) -> None:
        super().__init__(status, answer)
        self.status = status
        self.answer = answer


# Inspect.


def health(request: ControlRequest) -> models.Answer:  # noqa: ARG001 - as every handler
    """Return that the double answers; needs no token."""
    return models.Health()


def state(request: ControlRequest) -> models.Answer:
    """Return the server's state."""
    double = request.double
    return models.State(
        folder_id=double.folder_id,
        token=double.token,
        clock=clock(request),
        settings=_settings_now(double),
        upcoming=list(map(str, double.upcoming)),
        calls=double.calls.dropped + len(double.calls),
        dropped_calls=double.calls.dropped,
        operations={id_: operation.to_wire() for id_, operation in double.operations.items()},
        images={id_: image.to_wire() for id_, image in double.images.items()},
    )


def clock(request: ControlRequest) -> models.ClockNow:
    """Return the double's time."""
    timer = request.double.clock
    now = timer.now()
    return models.ClockNow(now=operation_time(now), elapsed=(now - timer.began_at) / SECOND, kind=kind_of(timer))


def calls(request: ControlRequest) -> models.Answer:
    """Return a page of the calls of the journal."""
    query = known("query parameter", request.query, ("method", "after", "page_size", "page_token"))
    size = _number(query, "page_size", MAX_PAGE, least=1, most=MAX_PAGE)
    after = max(_number(query, "after", 0), _number(query, "page_token", 0))
    methods = matching(query["method"]) if "method" in query else None
    journal = request.double.calls
    numbered = journal.numbered(after=after)
    found = list(islice((each for each in numbered if methods is None or each[1].method in methods), size + 1))
    page = found[:size]
    return models.Journal(
        calls=[shown_call(number, call) for number, call in page],
        gaps=[call.gap for _, call in page if call.gap is not None],
        next_page_token=str(page[-1][0]) if len(found) > size else "",
        last=journal.dropped + len(journal),
        dropped=journal.dropped,
    )


def _number(query: Mapping[str, str], name: str, default: int, *, least: int = 0, most: int = sys.maxsize) -> int:
    """Return a query parameter that is a whole number.

    Raises:
        UsageError: it is not, or it is out of bounds.
    """
    text = query.get(name, str(default))
    if text.isascii() and text.isdecimal() and len(text) <= len(str(most)) and least <= int(text) <= most:
        return int(text)
    raise UsageError(f"invalid {name} {text!r}: expected {_NUMBERS[name]}")


def events(request: ControlRequest) -> HttpReply:
    """Return the calls and what changes, as server-sent events.

    Over HTTP/1.1 the answer goes on; other transports end it, and a reader comes again with its `Last-Event-ID`.
    """
    stream = live.Stream(request.double, request.http.headers.get("last-event-id", ""))
    headers = (("content-type", live.MEDIA), ("cache-control", "no-store"), ("x-content-type-options", "nosniff"))
    return HttpReply(200, headers, b"retry: 1000\n\n" + stream.more(), more=stream.more)


def pacing(request: ControlRequest) -> models.Answer:
    """Return how the client waited for each operation."""
    paced = request.double.calls[:].pacing
    return models.AllPacing(
        operations={id_: shown(models.OnePacing, each, report=str(each)) for id_, each in paced.items()}
    )


# Faults.


def faults(request: ControlRequest) -> models.Answer:
    """Return every fault that was injected."""
    return _faults(request.double)


def inject(request: ControlRequest) -> models.Answer:
    """Inject one fault or several: all of them, or none when one of them is invalid."""
    given = request.body if isinstance(request.body, list) else [request.body]
    for each in given:
        if isinstance(each, dict):
            read(models.FaultToInject, each)  # its JSON types; everything else is checked where rules are read
    rules = rules_of(given)
    if not rules:
        raise UsageError("An empty list injects nothing. Give a rule, or several, such as 'reset(), when=first(1)'.")
    names = models.FaultToInject.model_fields
    injected = [request.double.inject(**{name: getattr(rule, name) for name in names}) for rule in rules]
    return _faults(request.double, injected)


def remove_all(request: ControlRequest) -> models.Answer:
    """Remove every fault in force, and return these."""
    return _remove(request.double, [each for each in request.double.injections if not each.is_removed])


def fault(request: ControlRequest) -> models.Answer:
    """Return one fault."""
    return _faults(request.double, [_injection(request)]).faults[0]


def remove(request: ControlRequest) -> models.Answer:
    """Remove one fault."""
    return _remove(request.double, [_injection(request)]).faults[0]


def check(request: ControlRequest) -> models.Answer:
    """Check that every expected fault has struck."""
    idle = never_struck(request.double.accounts)
    verdict = models.Verdict(
        never_struck=[each.number for each in idle], report="\n".join(each.report for each in idle)
    )
    if idle:
        raise OtherAnswerError(HTTPStatus.CONFLICT, verdict)
    return verdict


def _injection(request: ControlRequest) -> Injection:
    injections = request.double.injections
    if 1 <= request.number <= len(injections):
        return injections[request.number - 1]
    there = f"they are numbered from 1 to {len(injections)}" if injections else "none was injected"
    problem = models.Refused(error=f"Unknown fault {request.number}: {there}.")
    raise OtherAnswerError(HTTPStatus.NOT_FOUND, problem)


def _remove(double: Double, injections: Sequence[Injection]) -> models.SomeFaults:
    for injection in injections:
        injection.remove()
    return _faults(double, injections)


def _faults(double: Double, only: Sequence[Injection] | None = None) -> models.SomeFaults:
    """Return all faults, or those of some injections."""
    chosen = zip(double.injections, double.accounts, strict=False)  # a fault may be injected between the two reads
    return models.SomeFaults(
        faults=[
            shown(models.OneFault, report)
            for injection, report in chosen
            if only is None or any(injection is each for each in only)
        ]
    )


# Change.


def timing(request: ControlRequest) -> models.Answer:
    """Return the timing and outcome of the next operations, and the latency of responses."""
    return models.TimingNow(**{name: written(getattr(request.double, name)) for name in models.CHANGEABLE})


def set_timing(request: ControlRequest) -> models.Answer:
    """Change some of the timing: every given field, or nothing when one of them is invalid."""
    given = known("part of the timing", request.body, models.CHANGEABLE)
    if not given:
        raise UsageError(f"{{}} changes nothing. Give one or more of {', '.join(models.CHANGEABLE)}.")
    values = {name: models.READERS[name](value) for name, value in given.items()}
    for name, value in values.items():
        setattr(request.double, name, value)
    return timing(request)


def upcoming(request: ControlRequest) -> models.Answer:
    """Return the requests of `next_operation` that no operation has taken yet."""
    return models.Upcoming(upcoming=list(map(str, request.double.upcoming)))


def next_operation(request: ControlRequest) -> models.Answer:
    """Set the timing and outcome of the next operation alone."""
    request.double.next_operation(**known("part of an operation", request.body, models.OperationToAsk.model_fields))
    return upcoming(request)


def advance(request: ControlRequest) -> models.Answer:
    """Advance the clock."""
    seconds = read(models.Step, request.body).seconds
    if seconds * SECOND > LAST_SECOND * SECOND - request.double.clock.now():
        raise UsageError(f"Cannot advance the clock by {seconds} seconds: its time ends with the year 9999.")
    request.double.clock.advance(seconds)
    return clock(request)


def reset(request: ControlRequest) -> models.Answer:
    """Reset the double to its initial state."""
    request.double.reset()
    return state(request)


# Seed.


def adding(add: Callable[..., str | list[str]], body: type[BaseModel]) -> Callable[[ControlRequest], models.Answer]:
    """Return the handler that adds one resource, or several, by a method of `Double`, with its name and docstring."""

    def handler(request: ControlRequest) -> models.Answer:
        added = add(request.double, **dict(read(body, request.body)))
        return models.Added(id=added) if isinstance(added, str) else models.AllAdded(ids=added)

    handler.__name__, handler.__doc__ = add.__name__, (add.__doc__ or "").partition(".")[0]
    return handler


def remove_disk(request: ControlRequest) -> models.Answer:
    """Remove a disk."""
    fields = dict(read(models.DiskToRemove, request.body))
    request.double.remove_disk(**fields)
    return models.Removed(id=fields["disk_id"])


# Write settings.


def _settings_now(double: Double) -> dict[str, Any]:
    """Return the written form of every setting in force, including what changed since the double was made."""
    made = {name: getattr(double.settings, name) for name in type(double.settings).model_fields}
    changed = models.CHANGEABLE if double.settings.mode == "fake" else ()
    now = {name: getattr(double, name) for name in changed}
    in_force = [report.rule for report in double.accounts if report.in_force]
    return {name: written(value) for name, value in {**made, **now, "faults": in_force}.items()}


# Read bodies.

Read = TypeVar("Read", bound=BaseModel)


def known(what: str, given: object, names: Iterable[str]) -> dict[str, Any]:
    """Return `given` if it is an object in which every name is known.

    Raises:
        UsageError: it is not; the text calls a name `what`.
    """
    names = list(names)
    if not isinstance(given, dict):
        raise UsageError(f"invalid body {given!r}: expected an object with one or more of {', '.join(names)}")
    for name in given:
        if name not in names:
            raise unknown_word(what, name, names)
    return given


def read(model: type[Read], given: object) -> Read:
    """Return a body as a model.

    Raises:
        UsageError: it does not fit; the text names the field and the known fields.
    """
    fields = list(model.model_fields)
    if model.model_config.get("extra") == "forbid" or not isinstance(given, dict):
        known("field", given, fields)
    try:
        return model.model_validate(given)
    except ValidationError as error:
        wrong = "; ".join(_wrong(each) for each in error.errors())
        raise UsageError(f"{wrong}. The fields are {', '.join(fields)}.") from None


def _wrong(error: Any) -> str:
    where = ".".join(map(str, error["loc"]))
    return f"{where} is missing" if error["type"] == "missing" else f"{where}={error['input']!r}: {error['msg']}"
