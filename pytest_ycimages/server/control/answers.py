"""What the control API answers. Names are those of the Python API; times are seconds since the double began."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from pytest_ycimages.cloud.clock import ClockKind

Value = int | float | str | dict[str, int | float | str]
"""A value of a setting, as it may be written; a dict has one for each method word or glob."""


class Answer(BaseModel):
    """An answer. The text below each field is its description in the document."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Refused(Answer):
    """A request that was refused. Nothing has changed."""

    error: str
    """What was asked, and what would be right."""


class ClockNow(Answer):
    """What time it is for the double."""

    now: str
    """The moment, as operations print it."""
    elapsed: float
    """Seconds since the double began."""
    kind: ClockKind
    """`real`: the machine's, which nobody moves."""


class State(Answer):
    """The server's truth. To look counts as no poll."""

    folder_id: str
    """A folder that exists."""
    token: str
    """An IAM token that is valid."""
    clock: ClockNow
    """What time it is."""
    settings: dict[str, Any]
    """Every setting in force, as it may be written."""
    upcoming: list[str]
    """What is asked for operations that have not begun."""
    calls: int
    """How many calls the journal has."""
    images: dict[str, dict[str, Any]]
    """All images as they are now, by id, in the API's own form."""
    operations: dict[str, dict[str, Any]]
    """All operations as they truly are now, by id, in the API's own form."""


class OneCall(Answer):
    """A call of the journal."""

    number: int
    """Which call it is, counted from 1."""
    method: str
    """The method word, such as `images.create`; `unrouted` when no method serves the call."""
    at: float
    """When it happened."""
    attempt: int
    """1 for the first time that this very call was made, 2 when it was made again, and so on."""
    gap: float | None
    """Seconds since the attempt before it; null for the first."""
    status: str
    """How it was answered: the name of a google.rpc code."""
    operation_id: str | None
    """The operation that it was about."""
    image_id: str | None
    """The image that it was about."""
    line: str
    """How the client spelled it, such as `POST /compute/v1/images`."""
    note: str
    """What became of it."""
    message: dict[str, Any] | None
    """The request as it was understood, in the API's own form; null when it was refused as invalid."""
    metadata: dict[str, str]
    """The request's headers, names in lower case."""
    unknown_fields: list[str]
    """Fields of the request that the contract in force does not know."""
    latency: float
    """Seconds between its coming in and the end of its answer."""
    deferred: float
    """How many of these it was held back before it happened."""
    done: bool | None
    """Whether the answer showed an operation done, or an image READY or ERROR; null for any other answer."""
    reply_metadata: dict[str, str]
    """The answer's headers, names in lower case, without those of the connection and of the body."""
    fault: str
    """The fault that struck it, with `before` or `after` the commit; empty for none."""
    series: int
    """A number that all attempts of one call share, and no others."""
    came_at: float
    """When it had come in."""
    answered_at: float
    """When its answer was complete."""


class Journal(Answer):
    """Calls in the order in which they were answered."""

    calls: list[OneCall]
    """Those that were asked for."""
    gaps: list[float]
    """Seconds between each of these attempts and the one before it, first attempts left out."""
    last: int
    """The number of the journal's last call, for `since`; 0 when it is empty."""


class OneHint(Answer):
    """An answer that asked the client to wait."""

    header: str
    """The header that says it."""
    asked: float
    """How many seconds."""
    waited: float | None
    """Seconds to the next attempt of the same call; null when there was none."""
    obeyed: bool
    """Whether the client did not ask again too early."""


class OnePacing(Answer):
    """How a client waited for one operation."""

    operation_id: str
    """The operation."""
    image_id: str | None
    """Its image."""
    polls: list[float]
    """When each poll came."""
    intervals: list[float]
    """Seconds from the start of each poll to the start of the next."""
    pauses: list[float]
    """Seconds from the end of each answer to the start of the next poll."""
    first_after: float | None
    """Seconds from the end of the answer that told of the operation to the first poll."""
    growth: float | None
    """How many times longer a pause is than the one before it."""
    jitter: float | None
    """How far the pauses are from a smooth course."""
    done_seen_at: float | None
    """When the first answer was complete that showed the operation done."""
    polls_after_done: int
    """How many polls came after that."""
    hints: list[OneHint]
    """What answers to the polls asked for."""
    report: str
    """All of it, for people."""


class AllPacing(Answer):
    """How the client waited."""

    operations: dict[str, OnePacing]
    """By the id of the operation."""


class OneStrike(Answer):
    """One time that a fault struck."""

    at: float
    """When."""
    method: str
    """The method word of the call."""
    line: str
    """How the client spelled the call."""
    attempt: int
    """Which attempt of this call it was."""


class OneFault(Answer):
    """A fault, and what it has done."""

    number: int
    """Which fault it is, counted from 1 in the order in which they were injected."""
    rule: str
    """The rule, as it may be written."""
    expect: bool
    """Whether it is to strike."""
    in_force: bool
    """Whether it may strike still; not so once it has been removed."""
    considered: int
    """How many calls the rule was about."""
    struck: int
    """How often it struck."""
    strikes: list[OneStrike]
    """Each of these times."""
    passed: dict[str, int]
    """Why it did not strike, with how often."""
    nearest: str
    """The call that came nearest when it did not strike; empty for none."""
    report: str
    """All of it, for people."""


class SomeFaults(Answer):
    """Faults, and what they have done."""

    faults: list[OneFault]
    """In the order in which they were injected."""


class Verdict(Answer):
    """Whether every fault that was to strike has."""

    never_struck: list[int]
    """The numbers of those that have not."""
    report: str
    """What these did, for people; empty when there are none."""


class TimingNow(Answer):
    """What becomes of the operations that begin from now on, and how late calls are answered."""

    timing: Value
    """How long operations take."""
    outcome: Value
    """How they end."""
    rollback: Value
    """Seconds that undoing takes."""
    cancel: Value
    """What a cancel does."""
    cancel_delay: Value
    """Seconds until a late cancel takes effect."""
    latency: Value
    """How late calls are answered."""


class Upcoming(Answer):
    """What is asked for operations that have not begun."""

    upcoming: list[str]
    """In the order in which it was asked."""


class Added(Answer):
    """What was added."""

    id: str
    """Its id; for a file in Object Storage, its address."""
