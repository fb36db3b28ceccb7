"""Judges of how long a client takes, how often it calls, and whether it waits where it should."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from pytest_ycimages.api.status import Code
from pytest_ycimages.call import between, shown
from pytest_ycimages.errors import UsageError
from pytest_ycimages.experiment.judges.haste import BURST, WINDOW, burst_of, is_hammering, is_restless
from pytest_ycimages.experiment.judges.verdicts import failed, passed
from pytest_ycimages.experiment.reading import POLL, Reading

if TYPE_CHECKING:
    from pytest_ycimages.experiment.trial import Trial, Verdict


@dataclass(frozen=True, slots=True)
class Finishes:
    """What `finishes` makes: see there."""

    within: float
    after_end: float

    def __call__(self, trial: Trial) -> Verdict | None:
        """Whether the client came to an end in time."""
        calls, outcome = trial.calls, trial.outcome
        last = (len(calls) - 1,) if calls else ()
        if outcome.limit == "calls":
            if is_restless(trial) or burst_of(trial) or is_hammering(trial):
                return None  # it does not wait for something, but hurries: that is what `bounded` is about
            refused = f" and was refused {trial.refused} connections" if trial.refused else ""
            text = f"The client made {len(calls)} calls{refused} in {trial.seconds:.0f} seconds and had not ended."
            return failed(self, text, last, "does not end")
        if outcome.ending == "unended" or trial.seconds > self.within:
            text = f"The client {outcome}: {trial.seconds:.0f} seconds, {len(calls)} calls."
            return failed(self, text, last, "does not end")
        return self._lingering(trial) or passed(self, f"It took {trial.seconds:.3f} seconds", last)

    def _lingering(self, trial: Trial) -> Verdict | None:
        read = Reading(trial)
        end = _told_of_all(read)
        if end is None:
            return None
        lingered = _idle_since(read, end)
        if lingered <= self.after_end:
            return None
        how = "had failed" if not trial.calls[end].done else "was done"
        text = f"The client went on for {lingered:.0f} seconds after an answer had shown that its operation {how}."
        return failed(self, text, (end, len(trial.calls) - 1), "goes on after it was told of the end")

    def __str__(self) -> str:
        return (
            f"finishes(within={self.within:g}{f', after_end={self.after_end:g}' if self.after_end != _LINGER else ''})"
        )


_LINGER: Final = 60.0


def finishes(*, within: float = 3600, after_end: float = _LINGER) -> Finishes:
    """The client comes to an end, whatever happens: a virtual deadline.

    Args:
        within: virtual seconds that it may take.
        after_end: virtual seconds that it may spend once whole answers have shown what became of all operations that it
            was told of: that each is done, or that its error is set and only the rollback is not over. What calls take
            does not count, nor do the pauses after those that failed or whose answer was damaged or came too late.
    """
    _positive("finishes", within=within, after_end=after_end)
    return Finishes(float(within), float(after_end))


def _told_of_all(read: Reading) -> int | None:
    """The first answer after which the client knew what became of all operations it was told of; None: it never did."""
    ends = [read.shown_end(operation) for operation in read.trial.operations if read.is_known(operation)]
    shown_ends = [end for end in ends if end is not None]
    return max(shown_ends) if ends and len(shown_ends) == len(ends) else None


def _idle_since(read: Reading, place: int) -> float:
    """Seconds from an answer on in which no call was under way, and none that had gone wrong was waited out."""
    idle = 0.0
    moments = [*(call.came_at for call in read.calls[place + 1 :]), read.trial.seconds]
    for number, until in enumerate(moments, place):
        call = read.calls[number]
        if call.status is Code.OK and read.told(number) and not read.is_disturbed(number):
            idle += between(call.answered_at, until)
    return idle


@dataclass(frozen=True, slots=True)
class Bounded:
    """What `bounded` makes: see there."""

    calls: int
    burst: int

    def __call__(self, trial: Trial) -> Verdict:
        """Whether the client made no more calls than it may."""
        storm = burst_of(trial, self.burst)
        if storm:
            call = trial.calls[storm[0]]
            text = f"The client stormed: {self.burst + 1} tries of {call.line} within {WINDOW:g} s, and all failed."
            return failed(self, text, storm, "storms")
        if is_hammering(trial):
            text = f"The client stormed: it was refused {trial.refused} connections, more than {BURST} in a second."
            return failed(self, text, (), "storms")
        count = len(trial.calls)
        if is_restless(trial):
            text = f"The client made {count} calls without a pause and had not ended."
            return failed(self, text, (count - 1,), "calls too often")
        if count > self.calls:
            return failed(self, f"The client made {count} calls.", (self.calls,), "calls too often")
        return passed(self, f"{count} calls")

    def __str__(self) -> str:
        return f"bounded(calls={self.calls}{f', burst={self.burst}' if self.burst != BURST else ''})"


def bounded(*, calls: int = 500, burst: int = BURST) -> Bounded:
    """The client makes no more than so many calls, and does not storm a service that is in trouble.

    Args:
        calls: how many calls it may make in all.
        burst: how many tries of one call that fails it may make within a second.
    """
    _positive("bounded", calls=calls, burst=burst)
    return Bounded(calls, burst)


def polite(trial: Trial) -> Verdict:
    """The client waits as long as `Retry-After` asks it to, backs off from what fails, and does not poll after done.

    To back off is to wait longer before the fifth try of a call that keeps failing than before the second.
    """
    read = Reading(trial)
    for hint in trial.calls.hints:
        if not hint.obeyed:
            place = next(place for place, call in enumerate(trial.calls) if call is hint.call)
            return failed("polite", f"An answer was not heeded: {hint}.", (place,), f"does not heed {hint.header}")
    for operation in trial.operations:
        polls = read.of(operation, POLL)
        end = read.shown_end(operation, failing=False)
        late = [place for place in polls if end is not None and place > end]
        if end is not None and late:
            text = f"The client polled operation {operation.id} again, {len(late)} time(s), after it was shown done."
            return failed("polite", text, (end, *late), "polls after done")
    return _backing_off(read) or passed("polite", "Nothing was asked too early")


_TRIES: Final = 5


def _backing_off(read: Reading) -> Verdict | None:
    calls = read.calls
    if burst_of(read.trial):
        return None  # that is what `bounded` is about
    tries: list[int] = []
    for place, call in enumerate(calls):
        if call.status not in {Code.UNAVAILABLE, Code.RESOURCE_EXHAUSTED, Code.INTERNAL} or read.is_lost(place):
            tries = []
            continue
        tries = [*tries, place] if tries and calls[tries[-1]].series == call.series else [place]
        if len(tries) == _TRIES:
            pauses = [between(calls[one].answered_at, calls[other].came_at) for one, other in pairwise(tries)]
            if pauses[-1] <= pauses[0]:
                text = f"The client does not back off: it asked {call.line} {_TRIES} times, with pauses of "
                text += ", ".join(map(shown, pauses)) + "."
                return failed("polite", text, tuple(tries), f"does not back off from {call.method}")
    return None


def _positive(judge: str, **values: float) -> None:
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:  # type: ignore[redundant-expr] # mypy believes callers
            raise UsageError(f"{judge}({name}={value!r}) cannot be: it takes a number above zero, and an end.")
