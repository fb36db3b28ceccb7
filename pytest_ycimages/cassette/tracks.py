"""A tape by its requests: everything recorded of one request is a track, found by the key of the request.

Built once in a process for a tape and never changed, so any number of players share it. Order is the order of the
tape, in which the answers came.
"""

from __future__ import annotations

from collections import defaultdict
from enum import Enum, auto
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_ycimages.call import nanoseconds
from pytest_ycimages.cassette.asked import asked_by
from pytest_ycimages.cassette.matching import match_of
from pytest_ycimages.cassette.same_tape import SameTape
from pytest_ycimages.cassette.states import Latest, state_of
from pytest_ycimages.cassette.told import told_by
from pytest_ycimages.cassette.volatile import Volatile

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from pytest_ycimages.cassette.asked import Asked
    from pytest_ycimages.cassette.interaction import Interaction, Tape
    from pytest_ycimages.cassette.told import Told
    from pytest_ycimages.cassette.volatile import Values

Subject = tuple[str, str]
"""What changes are about: the word `operation` or `image`, and an id."""

EVERYTHING: Final[Subject] = ("everything", "")
"""The subject of lists and of whatever else may show the effect of any change."""


class Kind(Enum):
    """How the answers of a track are played."""

    CHANGE = auto()
    OPERATION = auto()
    IMAGE = auto()
    READING = auto()
    TOKEN = auto()


class Track(NamedTuple):
    """Everything recorded of one request.

    Attributes:
        number: which track it is.
        asked: what is asked, as the first of them asked it.
        kind: how it is played.
        subject: what it shows; a change of that makes its later answers true.
        indexes: where on the tape its interactions are.
        states: those of them that show something new, or for a change all of them.
        polls_before: for each state, how many polls were recorded before it.
        moments: for each state, since when it was in force, in nanoseconds since the recording began; empty: not known.
    """

    number: int
    asked: Asked
    kind: Kind
    subject: Subject
    indexes: list[int]
    states: list[int]
    polls_before: list[int]
    moments: list[int]


class Tracks:
    """The tracks of a tape.

    Args:
        tape: what was recorded.
        volatile: which values of requests may differ.

    Attributes:
        tape: what was recorded.
        volatile: which values of requests may differ.
        by_key: the track of each request.
        told: what each answer tells.
        values: the volatile values of each request.
        track_of: the track of each interaction.
        subjects: what each change is about; only changes that were not refused are here.
        changes: the changes of each subject, in order.
        starts: the change that started each operation.
        image_of: the image that each operation is about.
    """

    def __init__(self, tape: Tape, volatile: Volatile) -> None:
        self.tape = tape
        self.volatile = volatile
        self.by_key: dict[Hashable, Track] = {}
        self.told: list[Told] = []
        self.values: list[Values] = []
        self.track_of: list[Track] = []
        self.subjects: dict[int, tuple[Subject, ...]] = {}
        self.changes: defaultdict[Subject, list[int]] = defaultdict(list)
        self.starts: dict[str, int] = {}
        self.image_of: dict[str, str] = {}
        self._latest = Latest()
        self._polls: defaultdict[int, int] = defaultdict(int)
        for index, interaction in enumerate(tape.interactions):
            self._add(index, interaction)
        for track in self.by_key.values():
            self._finish(track)

    def __iter__(self) -> Iterator[Track]:
        return iter(self.by_key.values())

    def _add(self, index: int, interaction: Interaction) -> None:
        asked, told = asked_by(interaction.request), told_by(interaction.response)
        match = match_of(asked, self.volatile)
        track = self.by_key.get(match.key)
        if track is None:
            track = self.by_key[match.key] = _track(len(self.by_key), asked)
        self.told.append(told)
        self.values.append(match.volatile)
        self.track_of.append(track)
        track.indexes.append(index)
        if told.operation_id and told.image_id:
            self.image_of[told.operation_id] = told.image_id
        if track.kind in {Kind.CHANGE, Kind.TOKEN}:
            track.states.append(index)
            if track.kind is Kind.CHANGE and told.worked:
                self._changed(index, asked, told)
        else:
            self._polled(index, interaction, track, match.key if not match.volatile else match_of(asked).key)

    def _changed(self, index: int, asked: Asked, told: Told) -> None:
        operation = told.operation_id or asked.operation_id
        image = asked.image_id or self.image_of.get(operation, "")
        if told.operation_id and not asked.operation_id:
            self.starts.setdefault(told.operation_id, index)
        about = ("operation", operation), ("image", image)
        self.subjects[index] = EVERYTHING, *(subject for subject in about if subject[1])
        for subject in self.subjects[index]:
            self.changes[subject].append(index)

    def _polled(self, index: int, interaction: Interaction, track: Track, key: Hashable) -> None:
        self._polls[track.number] += interaction.equal
        told = self.told[index]
        if self._latest.changes(key, state_of(interaction.response.status, told)) and not self._goes_back(track, told):
            track.states.append(index)
            track.polls_before.append(self._polls[track.number])
        self._polls[track.number] += 1

    def _goes_back(self, track: Track, told: Told) -> bool:
        """Whether it shows an operation running that was shown done: its answer was overtaken on its way."""
        return told.done is False and bool(track.states) and self.told[track.states[-1]].done is True

    def _finish(self, track: Track) -> None:
        """Write down since when its states were in force, if all that is known."""
        latest = 0
        for index in track.states:
            at = self.tape.interactions[index].at
            if at is None:
                track.moments.clear()
                return
            latest = max(latest, nanoseconds(at))
            track.moments.append(latest)


def tracks_of(tape: Tape, volatile: Volatile) -> Tracks:
    """The tracks of a tape, built once for equal rules. Safe for threads.

    Args:
        tape: what was recorded.
        volatile: which values of requests may differ.
    """
    return _tracks_of(SameTape(tape), tuple(volatile.rules.items()))


@lru_cache(maxsize=256)
def _tracks_of(same: SameTape, rules: tuple[tuple[str, str], ...]) -> Tracks:
    return Tracks(same.tape, Volatile(dict(rules)))


def _track(number: int, asked: Asked) -> Track:
    kind, subject = _kind(asked)
    return Track(number, asked, kind, subject, [], [], [], [])


def _kind(asked: Asked) -> tuple[Kind, Subject]:
    if asked.is_token_exchange:
        return Kind.TOKEN, EVERYTHING
    if asked.changes:
        return Kind.CHANGE, EVERYTHING
    if asked.operation_id:
        return Kind.OPERATION, ("operation", asked.operation_id)
    if asked.image_id:
        return Kind.IMAGE, ("image", asked.image_id)
    return Kind.READING, EVERYTHING
