"""Replay of a cassette: the answer to a request, at a moment that the caller gives. No clock, no file, no lock.

A change is played once, in the recorded order; a request that reads is played as often as it is made, and ends in the
last state recorded. `docs/explanation/replay.md` explains the rules. Callers hold the double's lock.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, NamedTuple, Self, get_args

from pytest_ycimages.api.message import json_bytes
from pytest_ycimages.call import nanoseconds
from pytest_ycimages.cassette.answers import ShownResources, summarize
from pytest_ycimages.cassette.no_match import InForce, NoMatch, no_match
from pytest_ycimages.cassette.requests import Volatile, key_of, normalize
from pytest_ycimages.cassette.substitution import Substitution, with_body
from pytest_ycimages.cassette.timeline import RequestKind, timelines_of
from pytest_ycimages.errors import unknown_word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_ycimages.cassette.answers import AnswerSummary
    from pytest_ycimages.cassette.model import CassetteData, Interaction, RecordedRequest, RecordedResponse
    from pytest_ycimages.cassette.requests import NormalizedRequest, RequestKey
    from pytest_ycimages.cassette.timeline import RequestTimeline, Subject, Timelines

Pace = Literal["auto", "state", "time"]
"""How an operation advances: with each poll, with time, or as the double's clock allows."""


@dataclass(frozen=True, slots=True)
class Played:
    """The answer to a request.

    Attributes:
        response: the answer, with this client's values in place of those of the recorded client.
        index: the index of its interaction.
        interaction: that interaction, as it was recorded.
        answer: the summary of the answer.
        is_repeated: whether it is the answer to the first request with this idempotency key, once more.
    """

    response: RecordedResponse
    index: int
    interaction: Interaction
    answer: AnswerSummary
    is_repeated: bool = False


class Player:
    """Answers requests from a cassette. Not safe for threads: callers hold the double's lock.

    Args:
        cassette: what was recorded. Requests must be redacted as these were, before they are played.
        volatile: fields of requests that differ from run to run -> the glob that their values fit.
        pace: `state` advances with each poll, `time` with the caller's clock, `auto` as `play` is told.
        name: the name of the cassette, for texts.
        rerecord: the command that records it again, for texts.

    Attributes:
        cassette: what was recorded.
        shown: the resources that this client has been shown.
        played: how often each interaction was an answer, by its index.

    Raises:
        UsageError: a rule or a pace is invalid.
    """

    def __init__(
        self,
        cassette: CassetteData,
        *,
        volatile: Mapping[str, str] | None = None,
        pace: Pace = "auto",
        name: str = "the cassette",
        rerecord: str = "",
    ) -> None:
        if pace not in get_args(Pace):
            raise unknown_word("pace", pace, get_args(Pace))
        self._timelines = timelines_of(cassette, Volatile(volatile))
        self._in_force = InForce(name, pace, self._timelines.volatile, rerecord)
        self._begin()

    def _begin(self) -> None:
        self.shown = ShownResources()
        self.played: Counter[int] = Counter()
        self._state = ReplayState(self._timelines)
        self._substitution = Substitution()
        self._used: Counter[int] = Counter()
        self._by_key: dict[tuple[str, str, str], tuple[RequestKey, Played]] = {}

    @property
    def cassette(self) -> CassetteData:
        """What was recorded."""
        return self._timelines.cassette

    def rewound(self) -> Self:
        """Return a player of the same cassette that has played nothing yet, and shares its timelines."""
        player = object.__new__(type(self))
        player._timelines, player._in_force = self._timelines, self._in_force
        player._begin()
        return player

    def play(
        self, request: RecordedRequest, now: int, *, by_time: bool = False, idempotency_key: str = ""
    ) -> Played | NoMatch:
        """Return the answer to `request`, or a `NoMatch`, whose `error()` may be raised.

        Args:
            request: the request, redacted as the cassette is.
            now: the time of the double's clock, in nanoseconds since the epoch.
            by_time: whether that clock moves with the client's waits, so that states are shown by time; a pace other
                than `auto` decides that itself.
            idempotency_key: the key that came with it, redacted or not; empty for none.
        """
        asked = normalize(request)
        match = key_of(asked, self._timelines.volatile)
        here = self._substitution.recorded(asked)
        timeline = self._timeline(here, match)
        changes = asked.changes
        key = (idempotency_key, asked.method, asked.path) if changes and idempotency_key else None
        if key and (again := self._again(key, match, timeline)):
            return again
        if timeline is None or self._used_up(timeline):
            return no_match(
                asked,
                here=here or asked,
                timeline=timeline,
                timelines=self._timelines,
                unused=self.unused(),
                in_force=self._in_force,
            )
        played = self._change(timeline, match, now) if changes else self._poll(timeline, match, now, by_time=by_time)
        if key and played.answer.ok:
            self._by_key.setdefault(key, (match, played))
        return played

    def _timeline(self, here: NormalizedRequest | None, match: RequestKey) -> RequestTimeline | None:
        """Return the timeline of what the recorded client would have asked, else of the very request."""
        by_key = self._timelines.by_key
        there = None if here is None else by_key.get(key_of(here, self._timelines.volatile).key)
        return there or by_key.get(match.key)

    def _used_up(self, timeline: RequestTimeline) -> bool:
        return timeline.kind is RequestKind.CHANGE and self._used[timeline.number] >= len(timeline.indexes)

    def _again(self, key: tuple[str, str, str], match: RequestKey, timeline: RequestTimeline | None) -> Played | None:
        """Return the first answer to this idempotency key, unless the cassette has one for its repetition."""
        if key not in self._by_key:
            return None
        first_match, first = self._by_key[key]
        if timeline is not None and not self._used_up(timeline):
            following = self._timelines.answers[timeline.indexes[self._used[timeline.number]]]
            if match.key != first_match.key or following.operation_id == first.answer.operation_id:
                return None
        current = self.shown.responses.get(first.answer.operation_id, first.response)
        return replace(first, response=current, answer=summarize(current), is_repeated=True)

    def _change(self, timeline: RequestTimeline, match: RequestKey, now: int) -> Played:
        index = timeline.indexes[self._used[timeline.number]]
        self._state.make(index, now)
        return self._answer(timeline, index, match)

    def _poll(self, timeline: RequestTimeline, match: RequestKey, now: int, *, by_time: bool) -> Played:
        pace = self._in_force.pace
        state = self._state.next_state(timeline, now, by_time=pace == "time" or (pace == "auto" and by_time))
        operation_id = timeline.request.operation_id
        index = self._timelines.starts[operation_id] if state is None else timeline.states[state]
        return self._answer(timeline, index, match)

    def _answer(self, timeline: RequestTimeline, index: int, match: RequestKey) -> Played:
        if match.volatile:
            self._substitution.add(self._timelines.values[index], match.volatile)
        interaction, answer = self.cassette.interactions[index], self._timelines.answers[index]
        response = self._substitution.sent(self._shown_by_operation(timeline, index) or interaction.response)
        if response is not interaction.response:
            answer = summarize(response)
        self._used[timeline.number] += 1
        self.played[index] += 1
        self._state.show(index, answer)
        self.shown.add(timeline.request, answer, response)
        return Played(response, index, interaction, answer)

    def _shown_by_operation(self, timeline: RequestTimeline, index: int) -> RecordedResponse | None:
        """Return the image as its operation showed it, where the cassette has only older answers of the image."""
        image_id = timeline.request.image_id
        if not self._timelines.answers[index].in_progress or not self._state.is_over(image_id, index):
            return None
        image = self.shown.images.get(image_id)
        response = self.cassette.interactions[index].response
        return with_body(response, json_bytes(image)) if image else None

    def unused(self) -> Sequence[int]:
        """Return the interactions that had no part: changes never made, and requests never made at all.

        Of a request that reads, one answer is enough: a client that polls less leaves nothing unused.
        """
        unused: list[int] = []
        for timeline in self._timelines:
            used = self._used[timeline.number]
            if timeline.kind is RequestKind.CHANGE:
                unused += timeline.indexes[used:]
            elif not used:
                unused += timeline.indexes
        return sorted(unused)


class _Position(NamedTuple):
    """The position in a timeline.

    Attributes:
        state: the number of the latest state shown.
        polls: how often it was polled.
        first_at: when it was polled first.
        at: when it was polled last.
        at_once: how many polls without a pause came last.
    """

    state: int
    polls: int
    first_at: int
    at: int
    at_once: int = 0


class ReplayState:
    """The progress of one replay: which changes were made, and which state each timeline shows next.

    Three rules. A state is not shown before the change that made it. A state is not shown after a change that ended
    it, nor of an image once its operation was shown done later than that. And what is in progress ends: no poll loop is
    endless.
    """

    def __init__(self, timelines: Timelines) -> None:
        self._timelines = timelines
        self._made: set[int] = set()
        self._next_missing: defaultdict[Subject, dict[int, int]] = defaultdict(dict)
        self._latest_made: dict[Subject, int] = {}
        self._bases: dict[Subject, int] = {}
        self._done_at: dict[str, int] = {}
        self._positions: dict[int, _Position] = {}

    def make(self, index: int, now: int) -> None:
        """Record that the change at `index` was made at `now`."""
        at = self._timelines.cassette.interactions[index].at
        self._made.add(index)
        for subject in self._timelines.subjects.get(index, ()):
            self._latest_made[subject] = max(index, self._latest_made.get(subject, index))
            if at is not None:
                self._bases[subject] = now - nanoseconds(at)

    def show(self, index: int, answer: AnswerSummary) -> None:
        """Record that the answer at `index` was shown."""
        if answer.done:
            image = answer.image_id or self._timelines.image_of.get(answer.operation_id, "")
            self._done_at[image] = max(index, self._done_at.get(image, index))

    def is_over(self, image_id: str, index: int) -> bool:
        """Return whether an operation of the image was shown done, later than the answer at `index` was recorded."""
        return index < self._done_at.get(image_id, index)

    def next_state(self, timeline: RequestTimeline, now: int, *, by_time: bool) -> int | None:
        """Return the number of the state to show; None: only the start of the operation is known of it yet."""
        position = self._positions.get(timeline.number) or _Position(-1, 0, now, now)
        at_once = position.at_once + 1 if now == position.at else 1
        by_time = by_time and bool(timeline.moments) and timeline.kind in {RequestKind.OPERATION, RequestKind.IMAGE}
        if by_time and at_once <= timeline.polls_before[-1] + 1:  # a client that never waits would stop time for ever
            wanted = self._in_force(timeline, now, position)
            if wanted < 0 and position.state < 0 and self._is_started(timeline):
                self._positions[timeline.number] = position._replace(at=now, at_once=at_once)
                return None
        else:
            wanted = max(position.state + 1, self._since_change(timeline))
        wanted = max(wanted, position.state, self._since_done(timeline))
        wanted = min(wanted, self._allowed(timeline, position, by_time=by_time))
        self._positions[timeline.number] = _Position(wanted, position.polls + 1, position.first_at, now, at_once)
        return wanted

    def _in_force(self, timeline: RequestTimeline, now: int, position: _Position) -> int:
        """By time: the state at this moment of the recording, which began with the change that was made last."""
        base = self._bases.get(timeline.subject, position.first_at - timeline.moments[0])
        return bisect_right(timeline.moments, now - base) - 1

    def _is_started(self, timeline: RequestTimeline) -> bool:
        is_operation = timeline.kind is RequestKind.OPERATION
        return is_operation and self._timelines.starts.get(timeline.subject[1]) in self._made

    def _since_change(self, timeline: RequestTimeline) -> int:
        """The first state that was recorded after the latest change made, if there is one; else the first of all."""
        latest = self._latest_made.get(timeline.subject)
        if latest is None or timeline.kind is RequestKind.TOKEN:
            return 0
        state = bisect_left(timeline.states, latest)
        return state if state < len(timeline.states) else 0

    def _since_done(self, timeline: RequestTimeline) -> int:
        """The first state of an image that was recorded after its operation was shown done, else the last."""
        done_at = self._done_at.get(timeline.subject[1]) if timeline.kind is RequestKind.IMAGE else None
        return 0 if done_at is None else min(bisect_left(timeline.states, done_at), len(timeline.states) - 1)

    def _allowed(self, timeline: RequestTimeline, position: _Position, *, by_time: bool) -> int:
        """The last state that may be shown: the next would follow from a change that was not made yet.

        A resource in progress does not wait for that longer than it did when it was recorded.
        """
        last = len(timeline.states) - 1
        missing = self._missing(timeline)
        if missing is None:
            return last
        allowed = max(bisect_left(timeline.states, missing) - 1, position.state)
        while allowed < last and self._timelines.answers[timeline.states[allowed]].in_progress:
            if not by_time and position.polls < timeline.polls_before[allowed + 1]:
                break
            allowed += 1
        return allowed

    def _missing(self, timeline: RequestTimeline) -> int | None:
        """The first change that was not made yet, of those recorded since there is something to show."""
        if timeline.kind is RequestKind.TOKEN:
            return None
        changes = self._timelines.changes.get(timeline.subject, [])
        following = self._next_missing[timeline.subject]
        place, passed = bisect_left(changes, timeline.states[0]), []
        while place < len(changes) and changes[place] in self._made:
            passed.append(place)
            place = following.get(place, place + 1)
        following.update(dict.fromkeys(passed, place))  # so that none is passed by twice
        return changes[place] if place < len(changes) else None
