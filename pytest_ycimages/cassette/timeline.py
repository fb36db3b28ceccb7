"""Timelines of a cassette: for each request, its recorded answers in order; and how far a replay is in them.

Timelines are built once in a process for a cassette and never changed, so any number of players share them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_ycimages.api.message import nanoseconds
from pytest_ycimages.cassette.answers import LatestStates, summarize, visible_state
from pytest_ycimages.cassette.requests import Volatile, key_of, normalize

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from pytest_ycimages.cassette.answers import AnswerSummary
    from pytest_ycimages.cassette.model import CassetteData, Interaction
    from pytest_ycimages.cassette.requests import NormalizedRequest, Values

Subject = tuple[str, str]
"""What a request is about: the word `operation` or `image`, and an id; or one of these:"""

EVERYTHING: Final[Subject] = ("everything", "")
"""The subject of lists, and of any other request that may show the effect of any change."""
CHANGE: Final[Subject] = ("change", "")
"""The subject of requests that ask for a change."""
TOKEN: Final[Subject] = ("token", "")
"""The subject of token exchanges, whose answers depend on no change."""


class RequestTimeline(NamedTuple):
    """Everything recorded of one request.

    Attributes:
        number: its place among the timelines.
        request: the request, as it came first.
        subject: what it is about; a change of that makes its later answers true.
        indexes: the indexes of its interactions.
        states: those of them that show something new, or for a change all of them.
        polls_before: for each state, how many polls were recorded before it.
        moments: for each state of an operation or an image, since when it was in force, in nanoseconds since the
            recording began; empty: not known.
    """

    number: int
    request: NormalizedRequest
    subject: Subject
    indexes: list[int]
    states: list[int]
    polls_before: list[int]
    moments: list[int]


class Timelines:
    """The timelines of a cassette.

    Args:
        cassette: what was recorded.
        volatile: which values of requests may differ.

    Attributes:
        by_key: the timeline of each request.
        answers: the summary of each answer.
        values: the volatile values of each request.
        subjects: the subjects of each change that was not refused.
        changes: the changes of each subject, in order.
        starts: the change that started each operation.
        image_of: the image that each operation is about.
    """

    def __init__(self, cassette: CassetteData, volatile: Volatile) -> None:
        self.cassette = cassette
        self.volatile = volatile
        self.by_key: dict[Hashable, RequestTimeline] = {}
        self.answers: list[AnswerSummary] = []
        self.values: list[Values] = []
        self.subjects: dict[int, tuple[Subject, ...]] = {}
        self.changes: defaultdict[Subject, list[int]] = defaultdict(list)
        self.starts: dict[str, int] = {}
        self.image_of: dict[str, str] = {}
        self._latest = LatestStates()
        self._polls: defaultdict[int, int] = defaultdict(int)
        for index, interaction in enumerate(cassette.interactions):
            self._add(index, interaction)
        for timeline in self.by_key.values():
            if timeline.subject[1]:
                self._add_moments(timeline)

    def __iter__(self) -> Iterator[RequestTimeline]:
        return iter(self.by_key.values())

    def _add(self, index: int, interaction: Interaction) -> None:
        request, answer = normalize(interaction.request), summarize(interaction.response)
        match = key_of(request, self.volatile)
        timeline = self.by_key.get(match.key)
        if timeline is None:
            timeline = RequestTimeline(len(self.by_key), request, _subject(request), [], [], [], [])
            self.by_key[match.key] = timeline
        self.answers.append(answer)
        self.values.append(match.volatile)
        timeline.indexes.append(index)
        if answer.operation_id and answer.image_id:
            self.image_of[answer.operation_id] = answer.image_id
        if timeline.subject in {CHANGE, TOKEN}:
            timeline.states.append(index)
            if timeline.subject == CHANGE and answer.ok:
                self._add_change(index, request, answer)
        else:
            key = match.key if not match.volatile else key_of(request).key
            self._add_poll(index, interaction, timeline, key)

    def _add_change(self, index: int, request: NormalizedRequest, answer: AnswerSummary) -> None:
        operation = answer.operation_id or request.operation_id
        image = request.image_id or self.image_of.get(operation, "")
        if answer.operation_id and not request.operation_id:
            self.starts.setdefault(answer.operation_id, index)
        about = ("operation", operation), ("image", image)
        self.subjects[index] = EVERYTHING, *(subject for subject in about if subject[1])
        for subject in self.subjects[index]:
            self.changes[subject].append(index)

    def _add_poll(self, index: int, interaction: Interaction, timeline: RequestTimeline, key: Hashable) -> None:
        self._polls[timeline.number] += interaction.skipped_polls
        answer = self.answers[index]
        is_new = self._latest.changes(key, visible_state(interaction.response.status, answer))
        if is_new and not self._goes_back(timeline, answer):
            timeline.states.append(index)
            timeline.polls_before.append(self._polls[timeline.number])
        self._polls[timeline.number] += 1

    def _goes_back(self, timeline: RequestTimeline, answer: AnswerSummary) -> bool:
        """Return whether an answer shows an operation running that was shown done: it was overtaken on its way."""
        return answer.done is False and bool(timeline.states) and self.answers[timeline.states[-1]].done is True

    def _add_moments(self, timeline: RequestTimeline) -> None:
        """Add since when each state is in force for a client whose calls take no time, as they do in virtual time.

        The recorded calls took time, by which each poll came later than its client had waited. Polls that were left out
        are taken to be as long as the one before them, and what the client itself took is not known. So a state begins
        half-way between the poll that showed it first and the one before. After calls that took no time, as in virtual
        time, it begins with the poll.
        """
        states, changes = set(timeline.states), self.changes[timeline.subject]
        change, spent, before, length = -1, 0, 0, 0.0
        for index in timeline.indexes:
            _, _, at, duration, skipped = self.cassette.interactions[index]
            if at is None:
                timeline.moments.clear()
                return
            place = bisect_left(changes, index) - 1
            if place >= 0 and changes[place] != change:
                change = changes[place]
                before = nanoseconds(self.cassette.interactions[change].at or 0)
                length = self.cassette.interactions[change].duration
                spent = nanoseconds(length)
            spent += nanoseconds(length) * skipped
            moment = nanoseconds(at) - spent
            if index in states:
                half = (moment - before) // (2 * skipped + 2) if spent else 0
                timeline.moments.append(max(moment - half, *timeline.moments[-1:], 0))
            spent += nanoseconds(duration)
            before, length = moment, duration


def timelines_of(cassette: CassetteData, volatile: Volatile) -> Timelines:
    """Return the timelines of a cassette, built once for equal rules. Safe for threads."""
    return _timelines_of(cassette, tuple(volatile.rules.items()))


@lru_cache(maxsize=256)
def _timelines_of(cassette: CassetteData, rules: tuple[tuple[str, str], ...]) -> Timelines:
    return Timelines(cassette, Volatile(dict(rules)))


def _subject(request: NormalizedRequest) -> Subject:
    if request.is_token_exchange:
        return TOKEN
    if request.changes:
        return CHANGE
    if request.operation_id:
        return "operation", request.operation_id
    return ("image", request.image_id) if request.image_id else EVERYTHING


class _Position(NamedTuple):
    """The position in a timeline: the latest state shown, the polls, and how many without a pause came last."""

    state: int
    polls: int
    first_at: int
    at: int
    at_once: int = 0


class ReplayState:
    """The progress of one replay: which changes were made, and which state each timeline shows next.

    Three rules. A state is not shown before the change that made it. A state is not shown after a change that ended
    it, nor of an image once its operation was shown done later than that. And what is in progress ends, so that a poll
    loop does.
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
        base = None if at is None else now - nanoseconds(at)
        self._made.add(index)
        for subject in self._timelines.subjects.get(index, ()):
            self._latest_made[subject] = max(index, self._latest_made.get(subject, index))
            if base is not None:
                self._bases[subject] = base

    def show(self, index: int, answer: AnswerSummary) -> None:
        """Record that the answer at `index` was shown."""
        image = answer.done and (answer.image_id or self._timelines.image_of.get(answer.operation_id))
        if image:
            self._done_at[image] = max(index, self._done_at.get(image, index))

    def is_over(self, image_id: str, index: int) -> bool:
        """Return whether an operation of the image was shown done, later than the answer at `index` was recorded."""
        return index < self._done_at.get(image_id, index)

    def next_state(self, timeline: RequestTimeline, now: int, *, by_time: bool) -> int | None:
        """Return the number of the state to show; None: only the start of the operation is known of it yet."""
        position = self._positions.get(timeline.number) or _Position(-1, 0, now, now)
        at_once = position.at_once + 1 if now == position.at else 1
        by_time = by_time and bool(timeline.moments)
        if by_time and at_once <= timeline.polls_before[-1] + 1:  # a client that never waits would stop time for ever
            wanted = self._in_force(timeline, now, position)
            is_started = self._timelines.starts.get(timeline.subject[1]) in self._made
            if wanted < 0 and position.state < 0 and is_started:
                self._positions[timeline.number] = position._replace(at=now, at_once=at_once)
                return None
        else:
            wanted = max(position.state + 1, self._since_change(timeline))
        wanted = max(wanted, position.state, self._since_done(timeline))
        wanted = min(wanted, self._allowed(timeline, position, by_time=by_time))
        self._positions[timeline.number] = _Position(wanted, position.polls + 1, position.first_at, now, at_once)
        return wanted

    def _in_force(self, timeline: RequestTimeline, now: int, position: _Position) -> int:
        """Return the state at this moment of the recording, which began with the change that was made last."""
        base = self._bases.get(timeline.subject, position.first_at - timeline.moments[0])
        return bisect_right(timeline.moments, now - base) - 1

    def _since_change(self, timeline: RequestTimeline) -> int:
        """Return the first state recorded after the latest change made; else the first of all."""
        state = bisect_left(timeline.states, self._latest_made.get(timeline.subject, 0))
        return state if state < len(timeline.states) else 0

    def _since_done(self, timeline: RequestTimeline) -> int:
        """Return the first state of an image recorded after its operation was shown done, else the last."""
        done_at = self._done_at.get(timeline.subject[1])
        return 0 if done_at is None else min(bisect_left(timeline.states, done_at), len(timeline.states) - 1)

    def _allowed(self, timeline: RequestTimeline, position: _Position, *, by_time: bool) -> int:
        """Return the last state that may be shown: the next would follow from a change that was not made yet.

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
        """Return the first change that was not made yet, of those recorded since there is something to show."""
        changes = self._timelines.changes.get(timeline.subject, [])
        following = self._next_missing[timeline.subject]
        place, passed = bisect_left(changes, timeline.states[0]), []
        while place < len(changes) and changes[place] in self._made:
            passed.append(place)
            place = following.get(place, place + 1)
        following.update(dict.fromkeys(passed, place))  # so that none is passed by twice
        return changes[place] if place < len(changes) else None
