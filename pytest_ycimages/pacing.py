"""The pacing of a client that waits for an operation: measures from the journal, a report, and assertions.

Times are when requests came in and when answers were complete, on the double's clock. An assertion that fails shows
every poll, what was expected, the first wrong poll and what to do next.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Final, Literal, NoReturn

from pytest_ycimages.call import POLL_INTERVAL, RETRY_AFTER, between, hints_in, shown, waits_in
from pytest_ycimages.errors import UsageError
from pytest_ycimages.words import exact

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_ycimages.call import Call, Hint

Measure = Literal["pauses", "intervals"]

_CLOSE: Final = 1e-9
"""Seconds by which a bound may be missed: the error of comparing floats, and no more."""

_LISTED: Final = 20
"""How many polls, and how many hints that were not obeyed, a report lists."""


@exact
@dataclass(frozen=True, slots=True)
class Pacing:
    """How a client waited for one operation. All times are seconds on the double's clock.

    Attributes:
        operation_id: the operation.
        image_id: its image, if the journal knows.
        started: the call whose answer told the client of the operation; None when the journal does not have it.
        polls: the calls that looked how far it was, in order: each `operations.get` of it, successful or not. A client
            that makes none and waits by looking at the image polls with `images.get`.
        done: the first call whose answer showed the operation done, whichever method it was of.
        polls_after_done: the polls that came in when that answer was complete. The client need not have read it.
        hints: what the answers to the polls asked for, and whether the client obeyed.
    """

    operation_id: str
    image_id: str | None
    started: Call | None
    polls: tuple[Call, ...]
    done: Call | None
    polls_after_done: tuple[Call, ...]
    hints: tuple[Hint, ...]

    @property
    def first_after(self) -> float | None:
        """Seconds from the end of the answer that named the operation to the first poll; None without either."""
        return between(self.started.answered_at, self.polls[0].came_at) if self.started and self.polls else None

    @property
    def intervals(self) -> list[float]:
        """Seconds from the start of each poll to the start of the next."""
        return [between(poll.came_at, after.came_at) for poll, after in pairwise(self.polls)]

    @property
    def pauses(self) -> list[float]:
        """Seconds from the end of each answer to the start of the next poll: the interval less the latency.

        Negative where the client did not wait for the answer: it gave up, or it polls in parallel.
        """
        return [between(poll.answered_at, after.came_at) for poll, after in pairwise(self.polls)]

    @property
    def growth(self) -> float | None:
        """The median ratio of a pause to the one before it.

        1 for a steady client, 2 for one that doubles its pauses, also when a cap ends the doubling late. None with
        fewer than two pauses, or when one of them is not positive.
        """
        ratios = self._ratios()
        return median(ratios) if ratios else None

    @property
    def jitter(self) -> float | None:
        """The spread of the pauses: the median of |ratio / growth - 1| over the ratios of `growth`.

        0 for pauses that stay the same or grow by one factor. None with fewer than three pauses.
        """
        ratios = self._ratios()
        if len(ratios) < 2:  # noqa: PLR2004 - one ratio is its own median
            return None
        middle = median(ratios)
        return median(abs(ratio / middle - 1) for ratio in ratios)

    @property
    def done_seen_at(self) -> float | None:
        """When the first answer that showed the operation done was complete, as `Call.at`."""
        return self.done.answered_at if self.done else None

    @property
    def retry_after(self) -> tuple[Hint, ...]:
        """The polls that were answered with `Retry-After`."""
        return tuple(hint for hint in self.hints if hint.header == RETRY_AFTER)

    @property
    def poll_interval(self) -> tuple[Hint, ...]:
        """The polls that were answered with `x-operation-poll-interval` while the operation was not done."""
        return tuple(hint for hint in self.hints if hint.header == POLL_INTERVAL)

    def _ratios(self) -> list[float]:
        pauses = self.pauses
        return [after / pause for pause, after in pairwise(pauses)] if all(pause > 0 for pause in pauses) else []

    # Reports.

    @property
    def summary(self) -> str:
        """Return one line of text."""
        if not self.polls:
            return "never polled"
        parts = [f"{len(self.polls)} poll{'s' if len(self.polls) > 1 else ''}"]
        if self.first_after is not None:
            parts.append(f"the first after {shown(self.first_after)}")
        if self.pauses:
            shortest, longest = shown(min(self.pauses)), shown(max(self.pauses))
            parts.append(f"pauses of {shortest if shortest == longest else f'{shortest} to {longest}'}")
        if self.growth is not None:
            parts.append(f"growth {self.growth:.2f}")
        if self.jitter is not None:
            parts.append(f"jitter {self.jitter:.1%}")
        parts.append(f"{len(self.polls_after_done)} after done" if self.done else "done never shown")
        if self.hints:
            parts.append(f"{sum(hint.obeyed for hint in self.hints)} of {len(self.hints)} hints obeyed")
        return ", ".join(parts)

    def __str__(self) -> str:
        return _report(self)

    # Assertions.

    def assert_every(self, seconds: float, *, tolerance: float = 0.001, measured: Measure = "pauses") -> None:
        """Assert that the client polls regularly.

        Args:
            seconds: between two polls.
            tolerance: seconds that each may be off.
            measured: `pauses`, from the end of an answer to the next poll; or `intervals`, from start to start.

        Raises:
            AssertionError: a poll came too early or too late, or there are fewer than two.
        """
        __tracebackhide__ = True
        expected = f"a poll every {_exact(seconds)} ({measured}), give or take {_exact(tolerance)}"
        values = self._measured(measured, expected, least=1)
        for number, value in enumerate(values, 1):
            if abs(value - seconds) > tolerance + _CLOSE:
                step = f"If that is what the client should do, write assert_every({value:g})."
                other: Measure = "intervals" if measured == "pauses" else "pauses"
                if all(abs(each - seconds) <= tolerance + _CLOSE for each in getattr(self, other)):
                    step = f'The {other} are as expected: write measured="{other}" if they are meant.'
                self._fail(expected, number, f"came {_exact(value)} after poll {number}", step)

    def assert_no_faster_than(self, seconds: float, *, tolerance: float = 0.001) -> None:
        """Assert that no poll starts less than `seconds` after the start of the one before.

        The first poll is exempt: most clients poll at once and then wait.

        Raises:
            AssertionError: a poll came earlier than that, by more than `tolerance` seconds.
        """
        __tracebackhide__ = True
        for number, value in enumerate(self.intervals, 1):
            if value < seconds - tolerance - _CLOSE:
                said = f"came only {_exact(value)} after poll {number}"
                step = "Let the client wait longer between its polls, or expect less of it."
                self._fail(f"at least {_exact(seconds)} from the start of a poll to the next", number, said, step)

    def assert_backs_off(
        self,
        factor: float | None = None,
        *,
        at_least: float | None = None,
        cap: float | None = None,
        tolerance: float = 0.01,
    ) -> None:
        """Assert that the pauses between polls grow.

        Without a factor, no pause may be shorter than the one before, and the last has to be longer than the first.

        Args:
            factor: every pause is so many times the one before it.
            at_least: every pause is at least so many times the one before it.
            cap: seconds at which the growth ends; the pauses that it has cut are that long.
            tolerance: the share by which a pause may miss what is expected; 0.5 leaves room for jitter.

        Raises:
            AssertionError: a pause is not as expected, or there are fewer than two of them.
            UsageError: both `factor` and `at_least` are given.
        """
        __tracebackhide__ = True
        if factor is not None and at_least is not None:
            raise UsageError("invalid assert_backs_off(factor=..., at_least=...): expected one of them, but not both")
        growth = factor if factor is not None else at_least if at_least is not None else 1
        highest = math.inf if cap is None else cap
        words = "at least " if factor is None else ""
        capped = "" if cap is None else f", up to {_exact(cap)}"
        times = "as long as" if growth == 1 else f"{growth:g} times"
        expected = f"every pause to be {words}{times} the one before{capped}, give or take {tolerance:.0%}"
        pauses = self._measured("pauses", expected, least=2)
        for number, (pause, after) in enumerate(pairwise(pauses), 2):
            wanted = min(pause * growth, highest)
            longest = highest if factor is None else wanted
            if not wanted * (1 - tolerance) - _CLOSE <= after <= longest * (1 + tolerance) + _CLOSE:
                said = f"came after a pause of {_exact(after)}, where {words}{_exact(wanted)} was expected"
                step = "If the client draws its pauses, allow for it with `tolerance`; if it has a limit, give `cap`."
                self._fail(expected, number, said, step)
        if factor is None and at_least is None and pauses[-1] <= pauses[0]:
            said = f"came after a pause of {_exact(pauses[-1])}, which is no longer than the first pause"
            step = "For a client that polls regularly, use assert_every()."
            self._fail("the pauses to grow", len(pauses), said, step)

    def assert_jitters(self, at_least: float = 0.01, at_most: float | None = None) -> None:
        """Assert that the pauses are spread, so that clients which start together do not stay together.

        Raises:
            AssertionError: `jitter` is below `at_least` or above `at_most`, or there are fewer than three pauses.
        """
        __tracebackhide__ = True
        most = "" if at_most is None else f" and at most {at_most:.1%}"
        expected = f"pauses spread by at least {at_least:.1%}{most}"
        self._measured("pauses", expected, least=3)
        jitter = self.jitter
        if jitter is None:
            step = "Poll from one place at a time, and wait for the answer and then some."
            self._fail(expected, None, "one pause is zero or negative: its poll did not wait for the answer", step)
        if jitter < at_least:
            step = "Let the client draw its pauses, or seed it in another way."
            self._fail(expected, None, f"the jitter is {jitter:.1%}", step)
        if at_most is not None and jitter > at_most:
            self._fail(expected, None, f"the jitter is {jitter:.1%}", "Let the client draw from a narrower range.")

    def assert_stops_when_done(self) -> None:
        """Assert that no poll came after an answer that showed the operation done.

        Raises:
            AssertionError: at least one did.
        """
        __tracebackhide__ = True
        if self.polls_after_done:
            number = self.polls.index(self.polls_after_done[0])
            said = f"came though the answer at +{shown(self.done_seen_at or 0)} had shown the operation done"
            step = "A client ends its loop at `done`, whether with `response` or with `error`."
            self._fail("no poll after done", number, said, step)

    def assert_obeys_hints(self) -> None:
        """Assert that the client waited as long as `Retry-After` and `x-operation-poll-interval` asked it to.

        Raises:
            AssertionError: it did not, or no answer to a poll asked for anything.
        """
        __tracebackhide__ = True
        expected = "no poll before the answer to the one before it asked for it"
        if not self.hints:
            step = "Give the double the setting poll_interval=2, or a fault whose answer has Retry-After."
            self._fail(expected, None, "no answer to a poll asked the client to wait", step)
        for hint in self.hints:
            if not hint.obeyed:
                again = (hint.call.series, hint.call.attempt + 1)
                numbers = (number for number, poll in enumerate(self.polls) if (poll.series, poll.attempt) == again)
                self._fail(expected, next(numbers), f"came too early: {hint}", f"Let the client read {hint.header}.")

    def _measured(self, measured: Measure, expected: str, *, least: int) -> list[float]:
        __tracebackhide__ = True
        if measured not in {"pauses", "intervals"}:
            raise UsageError(f'invalid measured={measured!r}: expected "pauses" or "intervals"')
        values = self.intervals if measured == "intervals" else self.pauses
        if len(values) < least:
            step = f"Let the operation take longer, such as timing=AfterPolls({least + 2})."
            self._fail(expected, None, f"that takes {least + 1} polls, and there are {len(self.polls)}", step)
        return values

    def _fail(self, expected: str, number: int | None, said: str, step: str) -> NoReturn:
        """Fail; `number` is the index of the poll that is wrong."""
        __tracebackhide__ = True
        what = said if number is None else f"poll {number + 1} {said}"
        raise AssertionError(f"Expected {expected}; {what}.\n{_report(self, number)}\n{step}")


def pacing_in(calls: Sequence[Call]) -> Mapping[str, Pacing]:
    """Return how the client waited for each operation that `calls` name, by its id."""
    hints: dict[tuple[int, int], list[Hint]] = {}
    for hint in hints_in(calls):
        hints.setdefault((hint.call.series, hint.call.attempt), []).append(hint)
    return _PacingById(
        {
            wait.operation_id: Pacing(
                *wait, hints=tuple(hint for poll in wait.polls for hint in hints.get((poll.series, poll.attempt), ()))
            )
            for wait in waits_in(calls)
        }
    )


class _PacingById(dict[str, Pacing]):
    """By operation id. An unknown id raises an error with the known ones; the repr is every report."""

    def __missing__(self, operation_id: str) -> Pacing:
        raise KeyError(f"no answer named an operation {operation_id!r}; known: {', '.join(self) or 'none'}")

    def __repr__(self) -> str:
        return "\n".join(map(str, self.values())) or "no operations"


# Reports.


def _report(pacing: Pacing, wrong: int | None = None) -> str:
    """Return the summary, the start, the polls and the hints not obeyed; `wrong` is the index of a poll to mark."""
    image = f" (image {pacing.image_id})" if pacing.image_id else ""
    lines = [f"operation {pacing.operation_id}{image}: {pacing.summary}"]
    if pacing.started:
        lines.append(f"    start  +{shown(pacing.started.answered_at):<10} {pacing.started.method}")
    lines += _window([_line(pacing, number, wrong) for number in range(len(pacing.polls))], wrong)
    ignored = [f"    {hint}" for hint in pacing.hints if not hint.obeyed]
    return "\n".join([*lines, *ignored[:_LISTED]])


def _exact(seconds: float) -> str:
    return f"{seconds:.9f}".rstrip("0").rstrip(".") + "s"


def _line(pacing: Pacing, number: int, wrong: int | None) -> str:
    poll = pacing.polls[number]
    since = pacing.pauses[number - 1] if number else pacing.first_after
    after = "" if since is None else f"after {shown(since)}"
    mark = "  <-- here" if number == wrong else ""
    return f"{number + 1:>10}  +{shown(poll.came_at):<10} {after:<15} {poll.status.name}  {poll.note}{mark}"


def _window(lines: list[str], wrong: int | None) -> list[str]:
    """Return the lines around the wrong one, or the last ones."""
    end = len(lines) if wrong is None else min(len(lines), max(_LISTED, wrong + _LISTED // 2))
    start = max(0, end - _LISTED)
    before = [f"       ... {start} earlier polls"] if start else []
    after = [f"       ... {len(lines) - end} later polls"] if end < len(lines) else []
    return [*before, *lines[start:end], *after]
