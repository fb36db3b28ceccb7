"""What a search keeps of a trial: little, plain, and the same in every process that makes the trial."""

from __future__ import annotations

import hashlib
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_ycimages.experiment.reading import Reading
from pytest_ycimages.faults.fault import Hidden, Planned

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_ycimages.call import Call
    from pytest_ycimages.experiment.trial import Trial, Verdict

_RUN: Final = 4
"""How many equal calls in a row are more than need be struck one by one, once something has gone wrong already."""


class Spot(NamedTuple):
    """A call that a fault could strike: the method's word, and which call of the method it is, counted from 1."""

    method: str
    nth: int


class Summary(NamedTuple):
    """What a search keeps of a trial.

    Attributes:
        struck: whether every fault of the scenario struck.
        succeeded: whether the client returned the id of an image that is READY.
        seconds: virtual seconds that it took.
        failures: what the judges were not content with: each one's name and the cause.
        spots: the calls after the last fault, which one more could strike.
        story: equal in two trials if the client's calls, its outcome and the truth were the same from first to last.
        sequel: likewise, from the call on that was struck last.
    """

    struck: bool
    succeeded: bool
    seconds: float
    failures: tuple[tuple[str, str], ...]
    spots: tuple[Spot, ...]
    story: str
    sequel: str


def summary_of(trial: Trial, failures: Iterable[Verdict]) -> Summary:
    """What a search keeps of `trial`."""
    strikes = Reading(trial).strikes
    faults = trial.scenario.faults
    last = min((place for place, each in strikes.items() if each is faults[-1]), default=-1) if faults else -1
    end = _end(trial)
    dormant = [str(each) for each in faults if isinstance(each.fault.effect, Planned | Hidden)]
    lasting = [str(each) for each in faults if each.lasts]
    return Summary(
        struck=all(trial.struck),
        succeeded=trial.succeeded,
        seconds=trial.seconds,
        failures=tuple((verdict.judge, verdict.cause) for verdict in failures),
        spots=tuple(_spots(trial, last, frozenset(strikes))),
        story=_digest((*_told(trial.calls), *end)),
        sequel=_digest((*_told(trial.calls[max(last, 0) :], skipped=last >= 0), *end, *dormant, *lasting)),
    )


def _end(trial: Trial) -> Iterator[str]:
    """What the client said, and what was true."""
    yield f"{trial.outcome} {trial.seconds}"
    yield from (f"{image.id} {image.status} {image.created_at}" for image in trial.images)
    for each in trial.operations:
        yield f"{each.id} {each.done} {each.error and each.error.code} {each.modified_at}"


def _told(calls: Iterable[Call], *, skipped: bool = False) -> Iterator[str]:
    """The calls; without the answer to the first if that is to be skipped, as it is what the fault has changed."""
    calls = tuple(calls)
    for number, call in enumerate(calls):
        answer = "" if skipped and not number else f"{call.status} {call.done}"
        yield f"{call.method} {call.line} {call.came_at} {answer}"


def _digest(words: Iterable[str]) -> str:
    return hashlib.blake2b("\n".join(words).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def _spots(trial: Trial, last: int, struck: frozenset[int]) -> Iterator[Spot]:
    """The calls after place `last` that nothing strikes yet; of many equal ones in a row the first two and the last."""
    counts: Counter[str] = Counter()
    spots = []
    for place, call in enumerate(trial.calls):
        counts[call.method] += 1
        if place > last and place not in struck:
            spots.append((Spot(call.method, counts[call.method]), (call.method, call.status, call.done)))
    if not trial.scenario.faults:
        return (spot for spot, _ in spots)
    kinds = [kind for _, kind in spots]
    return (spots[place][0] for start, stop in _runs(kinds) for place in _of_run(start, stop))


def _of_run(start: int, stop: int) -> Iterable[int]:
    return range(start, stop) if stop - start < _RUN else (start, start + 1, stop - 1)


def _runs(kinds: Sequence[object]) -> Iterator[tuple[int, int]]:
    """Where equal ones stand in a row: from which place to before which."""
    edges = [0, *(place for place, (one, other) in enumerate(pairwise(kinds), 1) if one != other), len(kinds)]
    return pairwise(edges)
