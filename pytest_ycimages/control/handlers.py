"""Handlers of the control API: inspect state, journal and pacing; inject faults; change timing and clock; seed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from pytest_ycimages.api.message import SECOND, operation_time
from pytest_ycimages.cloud.clock import kind_of
from pytest_ycimages.cloud.limits import Quotas
from pytest_ycimages.cloud.operation_settings import (
    PerMethod,
    cancel_delay_setting,
    cancel_setting,
    outcome_setting,
    rollback_setting,
    timing_setting,
)
from pytest_ycimages.control import models
from pytest_ycimages.control.models import shown
from pytest_ycimages.errors import UsageError, unknown_word
from pytest_ycimages.faults.injection import never_struck
from pytest_ycimages.faults.rule import rules_of
from pytest_ycimages.latency import latency_of

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable

    from pytest_ycimages.double import Double
    from pytest_ycimages.faults.injection import Injection
    from pytest_ycimages.faults.rule import Rule

Model = TypeVar("Model", bound=BaseModel)

_READERS: Final[dict[str, Callable[[object], Any]]] = {
    "timing": timing_setting,
    "outcome": outcome_setting,
    "rollback": rollback_setting,
    "cancel": cancel_setting,
    "cancel_delay": cancel_delay_setting,
    "latency": latency_of,
}
CHANGEABLE: Final = tuple(_READERS)
"""The settings that can be changed while a double runs."""

_END_OF_TIME: Final = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp()) * SECOND
"""The last moment that RFC 3339 can express, to the day."""


class ControlRequest(NamedTuple):
    """A request to the control API.

    Attributes:
        double: the double that is asked.
        body: the parsed JSON body; an empty body is `{}`.
        query: the query parameters.
        number: the number in the path; 0 for none.
    """

    double: Double
    body: Any
    query: Mapping[str, str]
    number: int


class ControlResponse(NamedTuple):
    """A response of the control API."""

    answer: models.Answer
    status: int = HTTPStatus.OK


# Inspect.


def state(request: ControlRequest) -> ControlResponse:
    """Return the server's state."""
    double = request.double
    return ControlResponse(
        models.State(
            folder_id=double.folder_id,
            token=double.token,
            clock=_clock_now(double),
            settings=_settings_now(double),
            upcoming=list(map(str, double.upcoming)),
            calls=len(double.calls),
            operations={id_: operation.to_wire() for id_, operation in double.operations.items()},
            images={id_: image.to_wire() for id_, image in double.images.items()},
        )
    )


def clock(request: ControlRequest) -> ControlResponse:
    """Return the double's time."""
    return ControlResponse(_clock_now(request.double))


def _clock_now(double: Double) -> models.ClockNow:
    now = double.clock.now()
    elapsed = (now - double.clock.began_at) / SECOND
    return models.ClockNow(now=operation_time(now), elapsed=elapsed, kind=kind_of(double.clock))


def calls(request: ControlRequest) -> ControlResponse:
    """Return the calls of the journal."""
    query = _known("query parameter", request.query, ("method", "since"))
    since = _since(query.get("since", "0"))
    journal = request.double.calls
    last = len(journal)
    chosen = set(map(id, journal.of(query["method"]))) if "method" in query else None
    found = [
        (number, call)
        for number, call in enumerate(journal[since:last], since + 1)
        if chosen is None or id(call) in chosen
    ]
    return ControlResponse(
        models.Journal(
            calls=[shown(models.OneCall, call, number=number) for number, call in found],
            gaps=[call.gap for _, call in found if call.gap is not None],
            last=last,
        )
    )


def _since(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise UsageError(
            f"invalid since {text!r}: expected the number of a call, such as the `last` of an earlier answer"
        )
    return int(text)


def pacing(request: ControlRequest) -> ControlResponse:
    """Return how the client waited for each operation."""
    paced = request.double.calls[:].pacing
    operations = {id_: shown(models.OnePacing, each, report=str(each)) for id_, each in paced.items()}
    return ControlResponse(models.AllPacing(operations=operations))


# Faults.


def faults(request: ControlRequest) -> ControlResponse:
    """Return every fault that was injected."""
    return ControlResponse(_faults(request.double))


def inject(request: ControlRequest) -> ControlResponse:
    """Inject one fault or several: all of them, or none when one of them is invalid."""
    rules = _rules(request.body)
    if not rules:
        raise UsageError("An empty list injects nothing. Give a rule, or several, such as 'reset(), when=first(1)'.")
    injected = [
        request.double.inject(
            rule.fault,
            on=rule.on,
            when=rule.when,
            commit=rule.commit,
            per=rule.per,
            where=rule.where,
            expect=rule.expect,
        )
        for rule in rules
    ]
    return ControlResponse(_faults(request.double, set(map(id, injected))), HTTPStatus.CREATED)


def _rules(body: object) -> tuple[Rule, ...]:
    """Read the rules: the JSON types are checked here, everything else where rules are read."""
    several = body if isinstance(body, list) else [body]
    for each in several:
        if isinstance(each, dict):
            _read(models.FaultToInject, each)
    return rules_of(several)


def remove_all(request: ControlRequest) -> ControlResponse:
    """Remove every fault in force, and return these."""
    return ControlResponse(_remove(request.double, [each for each in request.double.injections if not each.is_removed]))


def fault(request: ControlRequest) -> ControlResponse:
    """Return one fault."""
    injections = request.double.injections
    if not 1 <= request.number <= len(injections):
        return _no_such_fault(request.number, len(injections))
    return ControlResponse(_faults(request.double, {id(injections[request.number - 1])}).faults[0])


def remove(request: ControlRequest) -> ControlResponse:
    """Remove one fault."""
    injections = request.double.injections
    if not 1 <= request.number <= len(injections):
        return _no_such_fault(request.number, len(injections))
    return ControlResponse(_remove(request.double, [injections[request.number - 1]]).faults[0])


def check(request: ControlRequest) -> ControlResponse:
    """Check that every expected fault has struck."""
    idle = never_struck(request.double.accounts)
    verdict = models.Verdict(
        never_struck=[each.number for each in idle], report="\n".join(each.report for each in idle)
    )
    return ControlResponse(verdict, HTTPStatus.CONFLICT if idle else HTTPStatus.OK)


def _no_such_fault(number: int, count: int) -> ControlResponse:
    there = f"they are numbered from 1 to {count}" if count else "none was injected"
    return ControlResponse(models.Refused(error=f"Unknown fault {number}: {there}."), HTTPStatus.NOT_FOUND)


def _remove(double: Double, injections: list[Injection]) -> models.SomeFaults:
    for injection in injections:
        injection.remove()
    return _faults(double, set(map(id, injections)))


def _faults(double: Double, only: Container[int] | None = None) -> models.SomeFaults:
    """Return the faults, or those whose injections have an identity in `only`."""
    chosen = zip(double.injections, double.accounts, strict=False)  # a fault may be injected between the two reads
    return models.SomeFaults(
        faults=[
            shown(models.OneFault, report, struck=len(report.strikes))
            for injection, report in chosen
            if only is None or id(injection) in only
        ]
    )


# Change.


def timing(request: ControlRequest) -> ControlResponse:
    """Return the timing and outcome of the next operations, and the latency of responses."""
    return ControlResponse(models.TimingNow(**{name: _written(getattr(request.double, name)) for name in CHANGEABLE}))


def set_timing(request: ControlRequest) -> ControlResponse:
    """Change some of the timing: every given field, or nothing when one of them is invalid."""
    given = _known("part of the timing", request.body, CHANGEABLE)
    if not given:
        raise UsageError(f"{{}} changes nothing. Give one or more of {', '.join(CHANGEABLE)}.")
    values = {name: _READERS[name](value) for name, value in given.items()}
    for name, value in values.items():
        setattr(request.double, name, value)
    return timing(request)


def upcoming(request: ControlRequest) -> ControlResponse:
    """Return the requests of `next_operation` that no operation has taken yet."""
    return ControlResponse(models.Upcoming(upcoming=list(map(str, request.double.upcoming))))


def next_operation(request: ControlRequest) -> ControlResponse:
    """Set the timing and outcome of the next operation alone."""
    request.double.next_operation(**_known("part of an operation", request.body, models.OperationToAsk.model_fields))
    return upcoming(request)._replace(status=HTTPStatus.CREATED)


def advance(request: ControlRequest) -> ControlResponse:
    """Advance the clock."""
    seconds = _read(models.Step, request.body).seconds
    if seconds * SECOND > _END_OF_TIME - request.double.clock.now():
        raise UsageError(f"Cannot advance the clock by {seconds} seconds: its time ends with the year 9999.")
    request.double.clock.advance(seconds)
    return clock(request)


def reset(request: ControlRequest) -> ControlResponse:
    """Reset the double to its initial state."""
    request.double.reset()
    return state(request)


# Seed.


def folder(request: ControlRequest) -> ControlResponse:
    """Add a folder."""
    return _added(request.double.add_folder(**dict(_read(models.Folder, request.body))))


def disk(request: ControlRequest) -> ControlResponse:
    """Add a disk."""
    return _added(request.double.add_disk(**dict(_read(models.Disk, request.body))))


def snapshot(request: ControlRequest) -> ControlResponse:
    """Add a snapshot."""
    return _added(request.double.add_snapshot(**dict(_read(models.Snapshot, request.body))))


def image(request: ControlRequest) -> ControlResponse:
    """Add an image that is READY."""
    return _added(request.double.add_image(**dict(_read(models.ReadyImage, request.body))))


def stored_file(request: ControlRequest) -> ControlResponse:
    """Add a file in Object Storage."""
    return _added(request.double.add_object(**dict(_read(models.StoredFile, request.body))))


def _added(id_: str) -> ControlResponse:
    return ControlResponse(models.Added(id=id_), HTTPStatus.CREATED)


# Read bodies, write settings.


def _known(what: str, given: object, names: Iterable[str]) -> dict[str, Any]:
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


def _read(model: type[Model], given: object) -> Model:
    """Return a body as a model.

    Raises:
        UsageError: it does not fit; the text names the field and the known fields.
    """
    fields = list(model.model_fields)
    if model.model_config.get("extra") == "forbid" or not isinstance(given, dict):
        _known("field", given, fields)
    try:
        return model.model_validate(given)
    except ValidationError as error:
        wrong = "; ".join(_wrong(each) for each in error.errors())
        raise UsageError(f"{wrong}. The fields are {', '.join(fields)}.") from None


def _wrong(error: Any) -> str:
    where = ".".join(map(str, error["loc"]))
    return f"{where} is missing" if error["type"] == "missing" else f"{where}={error['input']!r}: {error['msg']}"


def _settings_now(double: Double) -> dict[str, Any]:
    """Return the written form of every setting in force, including what changed since the double was made."""
    made = {name: getattr(double.settings, name) for name in type(double.settings).model_fields}
    changed = CHANGEABLE if double.settings.mode == "fake" else ()
    now = {name: getattr(double, name) for name in changed}
    in_force = [report.rule for report in double.accounts if report.in_force]
    return {name: _written(value) for name, value in {**made, **now, "faults": in_force}.items()}


def _written(value: object) -> Any:
    """Return the written form of a setting: JSON where JSON has a form for it, else text."""
    if isinstance(value, PerMethod):
        return {pattern: _written(each) for pattern, each in value.patterns}
    if isinstance(value, Mapping):
        return {str(name): _written(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_written(each) for each in value]
    if isinstance(value, Quotas):
        return asdict(value)
    plain = value is None or isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))
    return value if plain else str(value)
