"""Errors of a replay: requests without a recorded answer, with the nearest one recorded, and unused interactions."""

from __future__ import annotations

import json
from glob import escape
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pytest_ycimages.cassette.model import CUT_OFF, shortened
from pytest_ycimages.cassette.requests import Volatile, flat, key_of
from pytest_ycimages.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_ycimages.cassette.model import CassetteData
    from pytest_ycimages.cassette.requests import NormalizedRequest
    from pytest_ycimages.cassette.timeline import RequestTimeline, Timelines

_NOTHING: Final = "nothing"
_SHOWN: Final = 20
"""How many differences a text lists."""


class InForce(NamedTuple):
    """The settings of a replay, the name of the cassette, and the command that records it again; empty: not known."""

    name: str
    pace: str
    volatile: Volatile
    rerecord: str


class RequestDifference(NamedTuple):
    """A part of a request, such as `body.labels.env`, that differs; JSON values, None for none."""

    path: str
    recorded: str | None
    asked: str | None

    def __str__(self) -> str:
        recorded, asked = (shortened(text or _NOTHING) for text in (self.recorded, self.asked))
        return f"{self.path}: recorded {recorded}, asked {asked}"


class NoMatch(NamedTuple):
    """A request without an answer.

    Attributes:
        unused: the indexes of the interactions that have had no part yet.
        nearest: the index of the nearest interaction recorded; None: nothing was recorded at all.
        differences: what differs from it; nothing, if it is the same request and has been used up.
        rule: the field and the pattern of a volatile rule that would accept all that differs; None: not any.
    """

    asked: NormalizedRequest
    cassette: CassetteData
    in_force: InForce
    unused: frozenset[int]
    nearest: int | None
    differences: tuple[RequestDifference, ...]
    rule: tuple[str, str] | None

    @property
    def is_used(self) -> bool:
        """Whether the nearest has been played already."""
        return self.nearest is not None and self.nearest not in self.unused

    def __str__(self) -> str:
        asked, in_force, recorded = self.asked, self.in_force, len(self.cassette.interactions)
        lines = [f"The cassette has no answer for {asked.line}"]
        if asked.body:
            lines.append(f"  asked:    {_json(asked.body)}")
        lines += (
            f"  cassette: {in_force.name}, {recorded} interactions, {len(self.unused)} not played yet",
            f"  in force: pace={in_force.pace!r}, volatile={in_force.volatile!r}",
            f"  nearest:  {self._nearest()}",
            *(f"    {difference}" for difference in self.differences[:_SHOWN]),
        )
        if len(self.differences) > _SHOWN:
            lines.append(f"    ... {len(self.differences) - _SHOWN} more")
        lines += (f"  next:     {step}" for step in self._steps())
        return "\n".join(lines)

    def _nearest(self) -> str:
        if self.nearest is None:
            return "nothing was recorded"
        interaction = self.cassette.interactions[self.nearest]
        used = ", already used" if self.is_used else ", not used yet"
        request = interaction.request
        where = f"interaction {self.nearest + 1}, {request.method} {request.uri}{interaction.moment}"
        return where + (used if self.differences else f": the same request{used}, and a change is played once")

    def _steps(self) -> Iterable[str]:
        if not self.cassette.is_complete:
            yield f"the answer may have been lost: {CUT_OFF}. Restore the file, or record again"
        again = f"record again: {self.in_force.rerecord}" if self.in_force.rerecord else "record the cassette again"
        yield f"if the client is right, {again}"
        if self.rule is not None:
            yield f"if this value differs from run to run, say so: volatile={{{self.rule[0]!r}: {self.rule[1]!r}}}"


def _rule(
    difference: RequestDifference, recorded: NormalizedRequest, asked: NormalizedRequest, volatile: Volatile
) -> tuple[str, str] | None:
    """Return the volatile rule that would accept the difference: a body that is not JSON has no fields."""
    rule = _of_texts(difference)
    if rule is None:
        return None
    try:
        wider = Volatile(volatile.rules | dict([rule]))
    except UsageError:
        return None
    return rule if key_of(recorded, wider).key == key_of(asked, wider).key else None


def _of_texts(difference: RequestDifference) -> tuple[str, str] | None:
    """Return the field, and a glob of the common start of two texts."""
    where, _, path = difference.path.partition(".")
    if where not in {"body", "query"} or difference.recorded is None or difference.asked is None:
        return None
    recorded, asked = json.loads(difference.recorded), json.loads(difference.asked)
    if not isinstance(recorded, str) or not isinstance(asked, str):
        return None
    alike = next((n for n, (a, b) in enumerate(zip(recorded, asked, strict=False)) if a != b), None)
    return path, f"{escape(recorded[: min(len(recorded), len(asked)) if alike is None else alike])}*"


def no_match(  # noqa: PLR0913 - all that has a part in it, each by its name
    asked: NormalizedRequest,
    *,
    here: NormalizedRequest,
    same: RequestTimeline | None,
    timelines: Timelines,
    unused: Iterable[int],
    in_force: InForce,
) -> NoMatch:
    """Return `asked` with the recorded request that is nearest to it.

    Args:
        asked: the request.
        here: the request that the recorded client would have made in its place.
        same: the timeline of this very request, which has been used up; None: it was not recorded.
        timelines: all that was recorded.
        unused: the interactions that had no part yet.
        in_force: the settings of the replay.
    """
    left, volatile = frozenset(unused), timelines.volatile
    nearest = same or _nearest(here, timelines, left)
    index, rule = None, None
    differing: tuple[RequestDifference, ...] = ()
    if nearest is not None:
        index = next((each for each in nearest.indexes if each in left), nearest.indexes[-1])
        differing = () if same else tuple(differences(nearest.request, here, volatile))
        rule = _rule(differing[0], nearest.request, here, volatile) if len(differing) == 1 else None
    return NoMatch(asked, timelines.cassette, in_force, left, index, differing, rule)


def _nearest(asked: NormalizedRequest, timelines: Timelines, left: frozenset[int]) -> RequestTimeline | None:
    """Return the timeline of the same verb and path that has most in common; else the one with most in common."""
    here = _parts(asked, timelines.volatile)

    def nearness(timeline: RequestTimeline) -> tuple[int, ...]:
        there = _parts(timeline.request, timelines.volatile)
        same_place = (there["method"], there["path"]) == (here["method"], here["path"])
        same_shape = (there["method"], _shape(timeline.request)) == (here["method"], _shape(asked))
        equal = sum(there.get(path) == value for path, value in here.items())
        is_left = any(index in left for index in timeline.indexes)
        return same_place, same_shape, equal, -len(there.keys() ^ here.keys()), is_left, -timeline.number

    return max(timelines, key=nearness, default=None)


def _shape(asked: NormalizedRequest) -> tuple[str, bool, bool]:
    """Return the form of a request but its verb, whichever operation or image it names."""
    named = asked.operation_id or asked.image_id
    return asked.path.replace(named, "{id}") if named else asked.path, asked.changes, asked.host == ""


def differences(
    recorded: NormalizedRequest, asked: NormalizedRequest, volatile: Volatile
) -> Iterable[RequestDifference]:
    """Yield each part that differs, in the recorded order, and then what is new."""
    there, here = _parts(recorded, volatile), _parts(asked, volatile)
    for path in dict.fromkeys((*there, *here)):
        if there.get(path) != here.get(path):
            yield RequestDifference(path, there.get(path), here.get(path))


def _parts(asked: NormalizedRequest, volatile: Volatile) -> Mapping[str, str]:
    return {path: _json(value) for path, value in flat(volatile.masked(asked)[0]).items()}


def _json(value: Any) -> str:
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    return json.dumps(value, ensure_ascii=False)


def unused_text(name: str, cassette: CassetteData, unused: Sequence[int]) -> str:
    """Return which interactions of the cassette `name`, by their indexes, were not used, and what to do."""
    count = f"{len(unused)} of {len(cassette.interactions)} interactions"
    lines = [f"The test never asked for {count} of {name}:"]
    for index in unused[:_SHOWN]:
        request, response, *_ = interaction = cassette.interactions[index]
        call = f"{request.method} {request.uri} -> {response.status}{interaction.moment}"
        lines.append(f"  interaction {index + 1}: {call}")
    if len(unused) > _SHOWN:
        lines.append(f"  ... {len(unused) - _SHOWN} more")
    lines.append(f"If the client is right, take them out: ycimages cassette prune {name}")
    return "\n".join(lines)
