"""Polls and hints: the calls that wait for each operation, and the answers that asked the client to wait."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_ycimages.api.message import declared_text, nanoseconds
from pytest_ycimages.api.status import Code
from pytest_ycimages.call import between, shown
from pytest_ycimages.words import exact

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_ycimages.call import Call

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
