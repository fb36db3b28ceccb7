"""Which calls tell of which operation: the one that started it, the polls, and the first answer that showed it done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_ycimages.api.status import Code

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_ycimages.call import Call

_POLL: Final = "operations.get"
_LOOK: Final = "images.get"
_NO_START: Final = frozenset({_POLL, _LOOK, "operations.cancel"})
_SEEN_IN_STATUS: Final = frozenset({"images.create", "images.delete"})
"""The calls that start what the image's status shows; while an image is updated it is READY all the time."""


class Wait(NamedTuple):
    """A client's wait for an operation. See `Pacing` for what the fields mean."""

    operation_id: str
    image_id: str | None
    started: Call | None
    polls: tuple[Call, ...]
    done: Call | None
    polls_after_done: tuple[Call, ...]


def waits_in(calls: Sequence[Call]) -> Iterator[Wait]:
    """Every operation that an answer told of, in the order in which they were first named."""
    stories: dict[str, list[Call]] = {}
    latest: dict[str | None, str] = {}
    for call in calls:
        operation_id = _operation_of(call) if call.method != _LOOK else latest.get(_image_of(call))
        if operation_id is None:
            continue
        stories.setdefault(operation_id, []).append(call)
        if call.method in _SEEN_IN_STATUS:
            latest[call.image_id] = operation_id
    for operation_id, story in stories.items():
        if any(call.operation_id == operation_id for call in story):
            yield _wait(operation_id, story)


def _operation_of(call: Call) -> str | None:
    """The operation that a call was about, though its answer was a refusal."""
    return call.operation_id or getattr(call.message, "operation_id", None)


def _image_of(call: Call) -> str | None:
    return call.image_id or getattr(call.message, "image_id", None)


def _wait(operation_id: str, story: list[Call]) -> Wait:
    starts = [call for call in story if call.method not in _NO_START]
    if any(call.method == _POLL for call in story) or any(call.done for call in starts):
        story = [call for call in story if call.method != _LOOK]  # to look at the image is no waiting then
    polls = [(place, call) for place, call in enumerate(story) if call.method in {_POLL, _LOOK}]
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
    """Whether the answer shows that there is nothing left to wait for."""
    if removes and call.method == _LOOK:
        return call.status is Code.NOT_FOUND
    return call.done is True
