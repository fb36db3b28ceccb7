"""Judges of time and frequency: how long a client takes, how often it calls, and whether it waits where it should."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from pytest_ycimages.api.status import Code
from pytest_ycimages.call import between, shown
from pytest_ycimages.experiment.judges import check_positive, default_judge, failed, passed
from pytest_ycimages.experiment.timeline import POLL, Timeline
from pytest_ycimages.faults.damage import Refuse
from pytest_ycimages.faults.fault import Damaged

if TYPE_CHECKING:
    from pytest_ycimages.experiment.trial import Trial, Verdict
__all__ = ["bounded", "finishes", "polite"]

BURST: Final = 10
"""How many failing tries of one call a client may make within the window, unless a judge says otherwise."""
WINDOW: Final = 1.0
"""That window, in seconds."""
_LINGER: Final = 60.0
_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class Finishes:
    """The judge that `finishes` makes."""

    within: float
    after_end: float

    def __call__(self, trial: Trial) -> Verdict | None:
        calls, outcome = trial.calls, trial.outcome
        last = (len(calls) - 1,) if calls else ()
        read = Timeline(trial)
        if outcome.limit == "calls":
            if is_busy_loop(trial) or retry_burst(read) or is_retry_storm(read):
                return None  # it does not wait for something, but hurries: that is what `bounded` judges
            refused = f" and was refused {trial.refused} connections" if trial.refused else ""
            text = f"The client made {len(calls)} calls{refused} in {trial.seconds:.0f} seconds and had not ended."
            return failed(self, text, last, "does not end")
        if outcome.ending == "unended" or trial.seconds > self.within:
            text = f"The client {outcome}: {trial.seconds:.0f} seconds, {len(calls)} calls."
            return failed(self, text, last, "does not end")
        return self._lingering(read) or passed(self, f"It took {trial.seconds:.3f} seconds", last)

    def _lingering(self, read: Timeline) -> Verdict | None:
        end = _told_of_all(read)
        if end is None:
            return None
        lingered = _idle_since(read, end)
        if lingered <= self.after_end:
            return None
        how = "was done" if read.calls[end].done else "had failed"
        text = f"The client went on for {lingered:.0f} seconds after an answer had shown that its operation {how}."
        return failed(self, text, (end, len(read.calls) - 1), "goes on after it was told of the end")

    def __str__(self) -> str:
        return (
            f"finishes(within={self.within:g}{f', after_end={self.after_end:g}' if self.after_end != _LINGER else ''})"
        )


@default_judge(10)
def finishes(within: float = 3600, after_end: float = _LINGER) -> Finishes:
    """Require that the client comes to an end, whatever happens: a virtual deadline.

    Args:
        within: virtual seconds that it may take.
        after_end: virtual seconds that it may spend once complete responses have shown the result of all operations
            that it knows of: that each is done, or that its error is set and only the rollback is not over. What calls
            take does not count, nor do the pauses after those that failed or whose response was damaged or too late.
    """
    check_positive("finishes", within=within, after_end=after_end)
    return Finishes(float(within), float(after_end))


def _told_of_all(read: Timeline) -> int | None:
    """Return the first call after which the client knew the result of all operations that it knows of, if ever."""
    ends = [read.shown_end(operation) for operation in read.trial.operations if read.is_known(operation)]
    shown_ends = [end for end in ends if end is not None]
    return max(shown_ends) if ends and len(shown_ends) == len(ends) else None


def _idle_since(read: Timeline, index: int) -> float:
    """Return the seconds from a response on in which no call was under way, and no failed one was waited out."""
    idle = 0.0
    moments = [*(call.came_at for call in read.calls[index + 1 :]), read.trial.seconds]
    for number, until in enumerate(moments, index):
        call, delivery = read.calls[number], read.deliveries[number]
        if call.status is Code.OK and delivery.complete and not delivery.delivery.is_disturbed:
            idle += between(call.answered_at, until)
    return idle


@dataclass(frozen=True, slots=True)
class Bounded:
    """The judge that `bounded` makes."""

    calls: int
    burst: int

    def __call__(self, trial: Trial) -> Verdict:
        read = Timeline(trial)
        if storm := retry_burst(read, self.burst):
            call = trial.calls[storm[0]]
            text = f"The client stormed: {self.burst + 1} tries of {call.line} within {WINDOW:g} s, and all failed."
            return failed(self, text, storm, "storms")
        if is_retry_storm(read):
            text = f"The client stormed: it was refused {trial.refused} connections, more than {BURST} in a second."
            return failed(self, text, (), "storms")
        count = len(trial.calls)
        if is_busy_loop(trial):
            text = f"The client made {count} calls without a pause and had not ended."
            return failed(self, text, (count - 1,), "calls too often")
        if count > self.calls:
            return failed(self, f"The client made {count} calls.", (self.calls,), "calls too often")
        return passed(self, f"{count} calls")

    def __str__(self) -> str:
        return f"bounded(calls={self.calls}{f', burst={self.burst}' if self.burst != BURST else ''})"


@default_judge(20)
def bounded(calls: int = 500, burst: int = BURST) -> Bounded:
    """Require that the client makes no more than so many calls, and does not storm a service that is in trouble.

    Args:
        calls: how many calls it may make in all.
        burst: how many tries of one call that fails it may make within a second.
    """
    check_positive("bounded", calls=calls, burst=burst)
    return Bounded(calls, burst)


@default_judge(80)
def polite(trial: Trial) -> Verdict:
    """Require that the client waits as `Retry-After` asks, backs off from errors, and stops polling after done.

    To back off is to wait longer before the fifth try of a call that keeps failing than before the second.
    """
    read = Timeline(trial)
    for hint in trial.calls.hints:
        if not hint.obeyed:
            index = next(index for index, call in enumerate(trial.calls) if call is hint.call)
            return failed("polite", f"An answer was not heeded: {hint}.", (index,), f"does not heed {hint.header}")
    for operation in trial.operations:
        end = read.shown_end(operation, failing=False)
        late = [index for index in read.of(operation, POLL) if end is not None and index > end]
        if end is not None and late:
            text = f"The client polled operation {operation.id} again, {len(late)} time(s), after it was shown done."
            return failed("polite", text, (end, *late), "polls after done")
    return _backing_off(read) or passed("polite", "Nothing was asked too early")


def _backing_off(read: Timeline) -> Verdict | None:
    calls = read.calls
    if retry_burst(read):
        return None  # that is what `bounded` judges
    tries: list[int] = []
    for index, call in enumerate(calls):
        is_retried = call.status in {Code.UNAVAILABLE, Code.RESOURCE_EXHAUSTED, Code.INTERNAL}
        if not is_retried or read.deliveries[index].delivery.is_lost:
            tries = []
            continue
        tries = [*tries, index] if tries and calls[tries[-1]].series == call.series else [index]
        if len(tries) == _TRIES:
            pauses = [between(calls[one].answered_at, calls[other].came_at) for one, other in pairwise(tries)]
            if pauses[-1] <= pauses[0]:
                text = f"The client does not back off: it asked {call.line} {_TRIES} times, with pauses of "
                text += ", ".join(map(shown, pauses)) + "."
                return failed("polite", text, tuple(tries), f"does not back off from {call.method}")
    return None


def retry_burst(read: Timeline, most: int = BURST) -> tuple[int, ...]:
    """Return the first tries of one call that failed and came too close together; empty if there are none."""
    series: dict[int, list[int]] = {}
    for index, call in enumerate(read.calls):
        if call.status is Code.OK and not read.deliveries[index].delivery.is_lost:
            series.pop(call.series, None)
            continue
        tries = series.setdefault(call.series, [])
        tries.append(index)
        recent = tries[-most - 1 :]
        if len(recent) > most and between(read.calls[recent[0]].came_at, call.came_at) <= WINDOW:
            return tuple(recent)
    return ()


def is_retry_storm(read: Timeline) -> bool:
    """Return whether refused connections used up the calls of the client, faster than a burst allows."""
    trial = read.trial
    if trial.outcome.limit != "calls" or trial.refused <= len(trial.calls):
        return False
    took = between(_first_refusal(read), trial.seconds)
    return trial.refused > BURST * max(took / WINDOW, 1)


def _first_refusal(read: Timeline) -> float:
    for index, planned in sorted(read.strikes.items()):
        effect = planned.fault.effect
        if isinstance(effect, Damaged) and isinstance(effect.damage, Refuse):
            return read.calls[index].came_at
    return 0.0


def is_busy_loop(trial: Trial) -> bool:
    """Return whether the client used up its calls, and the later half of them without a pause."""
    if trial.outcome.limit != "calls":
        return False
    later = trial.calls[len(trial.calls) // 2 :]
    nexts = [*(call.came_at for call in later[1:]), trial.seconds]
    return all(between(call.answered_at, until) <= 0 for call, until in zip(later, nexts, strict=True))
