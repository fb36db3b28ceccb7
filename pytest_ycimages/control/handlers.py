"""Looking: at the server's truth, at the journal, at how a client paced itself, and at the clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ycimages.api.message import SECOND, operation_time
from pytest_ycimages.cloud.clock import kind_of
from pytest_ycimages.control.asked import Answered, known
from pytest_ycimages.control.models import AllPacing, ClockNow, Journal, OneCall, OneHint, OnePacing, State
from pytest_ycimages.control.written import settings_now
from pytest_ycimages.errors import UsageError

if TYPE_CHECKING:
    from pytest_ycimages.call import Call
    from pytest_ycimages.cloud.clock import Clock
    from pytest_ycimages.control.asked import Asked
    from pytest_ycimages.pacing.pacing import Pacing


def state(asked: Asked) -> Answered:
    """The server's truth."""
    double = asked.double
    operations = {id_: operation.to_wire() for id_, operation in double.operations.items()}
    return Answered(
        State(
            folder_id=double.folder_id,
            token=double.token,
            clock=clock_now(double.clock),
            settings=settings_now(double),
            upcoming=list(map(str, double.upcoming)),
            calls=len(double.calls),
            images={id_: image.to_wire() for id_, image in double.images.items()},
            operations=operations,
        )
    )


def clock(asked: Asked) -> Answered:
    """What time it is for the double."""
    return Answered(clock_now(asked.double.clock))


def clock_now(of: Clock) -> ClockNow:
    """What time it is."""
    now = of.now()
    return ClockNow(now=operation_time(now), elapsed=(now - of.began_at) / SECOND, kind=kind_of(of))


def calls(asked: Asked) -> Answered:
    """The calls of the journal."""
    query = known("query parameter", asked.query, ("method", "since"))
    since = _since(query.get("since", "0"))
    journal = asked.double.calls
    last = len(journal)
    methods = set(map(id, journal.of(query["method"]))) if "method" in query else None
    found = [
        (number, call)
        for number, call in enumerate(journal[since:last], since + 1)
        if methods is None or id(call) in methods
    ]
    gaps = [call.gap for _, call in found if call.gap is not None]
    return Answered(Journal(calls=[_one(number, call) for number, call in found], gaps=gaps, last=last))


def _since(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise UsageError(
            f"since={text!r} cannot be: give the number of a call, such as the `last` of an earlier answer."
        )
    return int(text)


def _one(number: int, call: Call) -> OneCall:
    fields = call._asdict()
    fields |= {
        "number": number,
        "status": call.status.name,
        "message": call.message.to_wire() if call.message else None,
        "metadata": dict(call.metadata),
        "reply_metadata": dict(call.reply_metadata),
        "unknown_fields": list(call.unknown_fields),
        "came_at": call.came_at,
        "answered_at": call.answered_at,
    }
    return OneCall(**fields)


def pacing(asked: Asked) -> Answered:
    """How the client waited for each operation."""
    calls = asked.double.calls[:]
    return Answered(AllPacing(operations={id_: _paced(each) for id_, each in calls.pacing.items()}))


def _paced(pacing: Pacing) -> OnePacing:
    hints = [OneHint(header=h.header, asked=h.asked, waited=h.waited, obeyed=h.obeyed) for h in pacing.hints]
    return OnePacing(
        operation_id=pacing.operation_id,
        image_id=pacing.image_id,
        polls=[poll.came_at for poll in pacing.polls],
        intervals=pacing.intervals,
        pauses=pacing.pauses,
        first_after=pacing.first_after,
        growth=pacing.growth,
        jitter=pacing.jitter,
        done_seen_at=pacing.done_seen_at,
        polls_after_done=len(pacing.polls_after_done),
        hints=hints,
        report=str(pacing),
    )
