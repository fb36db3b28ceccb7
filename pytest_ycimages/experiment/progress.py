"""What a search keeps of its trials, and the file from which an interrupted search goes on."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pydantic import TypeAdapter

from pytest_ycimages.errors import UsageError
from pytest_ycimages.experiment.scenario import Transport  # noqa: TC001 - pydantic reads it
from pytest_ycimages.experiment.timeline import Timeline
from pytest_ycimages.experiment.trial import transport_of
from pytest_ycimages.faults.fault import Hidden, Planned

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pytest_ycimages.call import Call
    from pytest_ycimages.experiment.scenario import Scenario
    from pytest_ycimages.experiment.trial import Trial, Verdict

_RUN: Final = 4
"""From how many equal calls in a row on not every one is struck, once something has gone wrong already."""


class Spot(NamedTuple):
    """A call that a fault could strike: the method's word, which call of it, counted from 1, and what it came over."""

    method: str
    nth: int
    transport: Transport = "REST"


class Summary(NamedTuple):
    """What a search keeps of a trial: the same in every process.

    Attributes:
        struck: whether every fault of the scenario struck.
        succeeded: whether the client returned the id of an image that is READY.
        seconds: virtual seconds that it took.
        failures: the name and the cause of each failed judge.
        spots: the calls after the last fault, which one more could strike.
        story: equal in two trials if the client's calls, its outcome and the truth were the same from first to last.
        sequel: equal in two trials if they were the same from the call on that was struck last.
    """

    struck: bool
    succeeded: bool
    seconds: float
    failures: tuple[tuple[str, str], ...]
    spots: tuple[Spot, ...]
    story: str
    sequel: str


def summary_of(trial: Trial, failures: Iterable[Verdict]) -> Summary:
    """Return what a search keeps of `trial`."""
    strikes = Timeline(trial).strikes
    faults = trial.scenario.faults
    last = min((index for index, each in strikes.items() if each is faults[-1]), default=-1) if faults else -1
    end = tuple(_end(trial))
    dormant = [str(each) for each in faults if isinstance(each.fault.effect, Planned | Hidden)]
    lasting = [str(each) for each in faults if each.lasts]
    return Summary(
        struck=all(trial.struck),
        succeeded=trial.succeeded,
        seconds=trial.seconds,
        failures=tuple((verdict.judge, verdict.cause) for verdict in failures),
        spots=tuple(_spots(trial, last, frozenset(strikes))),
        story=_digest((*_calls(trial.calls), *end)),
        sequel=_digest((*_calls(trial.calls[max(last, 0) :], skipped=last >= 0), *end, *dormant, *lasting)),
    )


def _end(trial: Trial) -> Iterator[str]:
    """Yield what the client said, and what was true."""
    yield f"{trial.outcome} {trial.seconds}"
    yield from (f"{image.id} {image.status} {image.created_at}" for image in trial.images)
    for each in trial.operations:
        yield f"{each.id} {each.done} {each.error and each.error.code} {each.modified_at}"


def _calls(calls: Iterable[Call], *, skipped: bool = False) -> Iterator[str]:
    """Yield the calls; without the response to the first if that is to be skipped: the fault has changed it."""
    for number, call in enumerate(calls):
        response = "" if skipped and not number else f"{call.status} {call.done}"
        yield f"{call.method} {call.line} {call.came_at} {response}"


def _digest(words: Iterable[str]) -> str:
    return hashlib.blake2b("\n".join(words).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def _spots(trial: Trial, last: int, struck: frozenset[int]) -> Iterator[Spot]:
    """Yield the calls after index `last` that no fault strikes; of many equal ones in a row the first two and last."""
    counts: Counter[str] = Counter()
    spots = []
    for index, call in enumerate(trial.calls):
        counts[call.method] += 1
        if index > last and index not in struck:
            spots.append((Spot(call.method, counts[call.method], transport_of(call)), (call.status, call.done)))
    for _, run in groupby(spots, key=lambda each: (each[0].method, each[1])):
        alike = [spot for spot, _ in run]
        few = len(alike) < _RUN or not trial.scenario.faults
        yield from alike if few else (*alike[:2], alike[-1])


class ProgressFile:
    """The file of the summaries of a search: a header that says what it is `about`, then a line for each scenario."""

    def __init__(self, path: str | Path, about: Mapping[str, Any]) -> None:
        self._path = Path(path)
        self._about = json.loads(json.dumps(about))
        self._known: dict[str, Summary] = {}
        try:
            if self._path.exists() and self._path.stat().st_size:
                self._load()
            else:
                self._path.write_text(json.dumps(self._about) + "\n", encoding="utf-8")
        except OSError as error:
            raise UsageError(
                f"The progress cannot be kept in {self._path}: {error.strerror}. Name a file in a folder that exists."
            ) from None

    def get(self, scenario: Scenario) -> Summary | None:
        """Return the summary of a scenario, if it is known."""
        return self._known.get(str(scenario))

    def add(self, scenarios: Sequence[Scenario], summaries: Sequence[Summary]) -> None:
        """Remember the summaries of scenarios."""
        lines = [json.dumps([str(one), *other]) for one, other in zip(scenarios, summaries, strict=True)]
        with self._path.open("a", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in lines))

    def _load(self) -> None:
        data = self._path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]  # the last line of a search that was killed may be incomplete
        try:
            about, *lines = map(json.loads, whole.decode().splitlines())
            different = [name for name in self._about if about.get(name) != self._about[name]]
            summary = TypeAdapter(Summary)
            self._known = {words: summary.validate_python(kept) for words, *kept in lines}
        except (ValueError, TypeError, IndexError, AttributeError) as error:
            raise UsageError(
                f"{self._path} is not the progress of an experiment: {error}. Name another file."
            ) from error
        if different:
            raise UsageError(
                f"{self._path} has the progress of another experiment: {', '.join(different)} differ(s). Delete the "
                "file to begin anew, or name another one."
            )
        if whole != data:
            self._path.write_bytes(whole)
