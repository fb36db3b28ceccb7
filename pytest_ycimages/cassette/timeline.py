"""Timelines of a cassette: for each request, its recorded answers in the order in which they came.

Built once in a process for a cassette and never changed, so any number of players share them.
"""

from __future__ import annotations

from collections import defaultdict
from enum import Enum, auto
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_ycimages.call import nanoseconds
from pytest_ycimages.cassette.answers import summarize
from pytest_ycimages.cassette.compaction import LatestStates, visible_state
from pytest_ycimages.cassette.requests import Volatile, key_of, normalize

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from pytest_ycimages.cassette.answers import AnswerSummary
    from pytest_ycimages.cassette.model import CassetteData, Interaction
    from pytest_ycimages.cassette.requests import NormalizedRequest, Values

Subject = tuple[str, str]
"""The target of changes: the word `operation` or `image`, and an id."""

EVERYTHING: Final[Subject] = ("everything", "")
"""The subject of lists, and of any other request that may show the effect of any change."""


class RequestKind(Enum):
    """The way in which the answers to a request are played."""

    CHANGE = auto()
    OPERATION = auto()
    IMAGE = auto()
    READING = auto()
    TOKEN = auto()


class RequestTimeline(NamedTuple):
    """Everything recorded of one request.

    Attributes:
        number: its place among the timelines.
        request: the request, as it came first.
        kind: how it is played.
        subject: what it shows; a change of that makes its later answers true.
        indexes: the indexes of its interactions.
        states: those of them that show something new, or for a change all of them.
        polls_before: for each state, how many polls were recorded before it.
        moments: for each state, since when it was in force, in nanoseconds since the recording began; empty: not known.
    """

    number: int
    request: NormalizedRequest
    kind: RequestKind
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
        cassette: what was recorded.
        volatile: which values of requests may differ.
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
            self._add_moments(timeline)

    def __iter__(self) -> Iterator[RequestTimeline]:
        return iter(self.by_key.values())

    def _add(self, index: int, interaction: Interaction) -> None:
        request, answer = normalize(interaction.request), summarize(interaction.response)
        match = key_of(request, self.volatile)
        timeline = self.by_key.get(match.key)
        if timeline is None:
            kind, subject = _kind(request)
            timeline = RequestTimeline(len(self.by_key), request, kind, subject, [], [], [], [])
            self.by_key[match.key] = timeline
        self.answers.append(answer)
        self.values.append(match.volatile)
        timeline.indexes.append(index)
        if answer.operation_id and answer.image_id:
            self.image_of[answer.operation_id] = answer.image_id
        if timeline.kind in {RequestKind.CHANGE, RequestKind.TOKEN}:
            timeline.states.append(index)
            if timeline.kind is RequestKind.CHANGE and answer.ok:
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
        latest = 0
        for index in timeline.states:
            at = self.cassette.interactions[index].at
            if at is None:
                timeline.moments.clear()
                return
            latest = max(latest, nanoseconds(at))
            timeline.moments.append(latest)


def timelines_of(cassette: CassetteData, volatile: Volatile) -> Timelines:
    """Return the timelines of a cassette, built once for equal rules. Safe for threads.

    Args:
        cassette: what was recorded.
        volatile: which values of requests may differ.
    """
    return _timelines_of(cassette, tuple(volatile.rules.items()))


@lru_cache(maxsize=256)
def _timelines_of(cassette: CassetteData, rules: tuple[tuple[str, str], ...]) -> Timelines:
    return Timelines(cassette, Volatile(dict(rules)))


def _kind(request: NormalizedRequest) -> tuple[RequestKind, Subject]:
    if request.is_token_exchange:
        return RequestKind.TOKEN, EVERYTHING
    if request.changes:
        return RequestKind.CHANGE, EVERYTHING
    if request.operation_id:
        return RequestKind.OPERATION, ("operation", request.operation_id)
    if request.image_id:
        return RequestKind.IMAGE, ("image", request.image_id)
    return RequestKind.READING, EVERYTHING
