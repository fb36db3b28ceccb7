"""Where an answer asked the client to wait before it asks again, and whether the client did."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_ycimages.call import between, nanoseconds, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_ycimages.call import Call

RETRY_AFTER: Final = "retry-after"
POLL_INTERVAL: Final = "x-operation-poll-interval"

_SECONDS: Final = re.compile(r"[0-9]+(\.[0-9]+)?", re.ASCII)


class Hint(NamedTuple):
    """An answer that asked the client to wait.

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
        """Whether the client did not ask again too early. Not to ask again is to obey as well."""
        return self.waited is None or nanoseconds(self.waited) >= nanoseconds(self.asked)

    def __str__(self) -> str:
        """One line for people."""
        waited = "did not ask again" if self.waited is None else f"waited {shown(self.waited)}"
        verdict = "obeyed" if self.obeyed else "NOT obeyed"
        return f"{self.header} {shown(self.asked)} at +{shown(self.call.answered_at)}: {waited}, {verdict}"


def hints_in(calls: Sequence[Call]) -> list[Hint]:
    """All hints among the answers to `calls`, in order.

    `Retry-After` counts on every answer, in seconds; one that is a date is left out, as the service sends none.
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
