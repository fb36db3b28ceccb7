"""Plays a tape: what answers a request, at a moment that the caller tells. No clock, no file, no lock of its own.

A change is played once, in the order of the tape; what reads is played as often as it is asked, and ends in the last
state recorded. `docs/explanation/replay.md` tells how that is decided. Callers hold the double's lock.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Self, get_args

from pytest_ycimages.api.message import json_bytes
from pytest_ycimages.cassette.asked import asked_by
from pytest_ycimages.cassette.carrying import Carrying, with_body
from pytest_ycimages.cassette.matching import match_of
from pytest_ycimages.cassette.no_match import InForce, NoMatch, no_match
from pytest_ycimages.cassette.progress import Progress
from pytest_ycimages.cassette.seen import Seen
from pytest_ycimages.cassette.told import told_by
from pytest_ycimages.cassette.tracks import Kind, tracks_of
from pytest_ycimages.cassette.volatile import Volatile
from pytest_ycimages.errors import unknown_word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_ycimages.cassette.asked import Asked
    from pytest_ycimages.cassette.interaction import Interaction, RecordedRequest, RecordedResponse, Tape
    from pytest_ycimages.cassette.matching import Match
    from pytest_ycimages.cassette.told import Told
    from pytest_ycimages.cassette.tracks import Track

Pace = Literal["auto", "state", "time"]
"""How an operation goes on: with each poll, with time, or as it is fitting for the double's clock."""


@dataclass(frozen=True, slots=True)
class Played:
    """A request's answer.

    Attributes:
        response: the answer, with what this client sent in place of what the recorded one had sent.
        index: which interaction of the tape it comes from.
        interaction: that interaction, as it was recorded.
        told: what the answer tells of operations.
        is_repeated: whether it is the answer to the first request with this idempotency key, once more.
    """

    response: RecordedResponse
    index: int
    interaction: Interaction
    told: Told
    is_repeated: bool = False


class Player:
    """Answers requests from a tape. Not safe for threads: callers hold the double's lock.

    Args:
        tape: what was recorded. Requests are to be scrubbed the way these were, before they are played.
        volatile: fields of requests that differ from run to run -> the glob that their values fit.
        pace: `state` goes on with each poll, `time` with the caller's clock, `auto` the way `play` is told to.
        name: which cassette this is, for texts.
        rerecord: the command that records it anew, for texts.

    Attributes:
        tape: what was recorded.
        seen: what this client has been shown of operations and images.
        played: how often each interaction was an answer, by its index.

    Raises:
        UsageError: a rule or a pace that cannot be.
    """

    def __init__(
        self,
        tape: Tape,
        *,
        volatile: Mapping[str, str] | None = None,
        pace: Pace = "auto",
        name: str = "the cassette",
        rerecord: str = "",
    ) -> None:
        if pace not in get_args(Pace):
            raise unknown_word("pace", pace, get_args(Pace))
        self._tracks = tracks_of(tape, Volatile(volatile))
        self._in_force = InForce(name, pace, self._tracks.volatile, rerecord)
        self._begin()

    def _begin(self) -> None:
        self.seen = Seen()
        self.played: Counter[int] = Counter()
        self._progress = Progress(self._tracks)
        self._carrying = Carrying()
        self._used: Counter[int] = Counter()
        self._by_key: dict[tuple[str, str, str], tuple[Match, Played]] = {}

    @property
    def tape(self) -> Tape:
        """What was recorded."""
        return self._tracks.tape

    def rewound(self) -> Self:
        """A player of the same tape that has played nothing yet. What the tape was read into is shared."""
        player = object.__new__(type(self))
        player._tracks, player._in_force = self._tracks, self._in_force
        player._begin()
        return player

    def play(
        self, request: RecordedRequest, now: int, *, by_time: bool = False, idempotency_key: str = ""
    ) -> Played | NoMatch:
        """What answers `request`.

        Args:
            request: what is asked, scrubbed as the tape is.
            now: the time of the double's clock, in nanoseconds since the epoch.
            by_time: whether that clock moves with the client's waits, so that states are shown by time; a pace that
                is not `auto` decides that itself.
            idempotency_key: the key that came with it, scrubbed or not; empty for none.

        Returns:
            The answer; a `NoMatch`, whose `error()` may be raised, if the tape has none.
        """
        asked = asked_by(request)
        match = match_of(asked, self._tracks.volatile)
        track = self._track(asked, match)
        changes = asked.changes
        key = (idempotency_key, asked.method, asked.path) if changes and idempotency_key else None
        if key and (again := self._again(key, match, track)):
            return again
        if track is None or self._used_up(track):
            here = self._carrying.recorded(asked) or asked
            unused, in_force = self.unused(), self._in_force
            return no_match(asked, here=here, track=track, tracks=self._tracks, unused=unused, in_force=in_force)
        played = self._change(track, match, now) if changes else self._state(track, match, now, by_time=by_time)
        if key and played.told.worked:
            self._by_key.setdefault(key, (match, played))
        return played

    def _track(self, asked: Asked, match: Match) -> Track | None:
        """The track of what the recorded client would have asked, else of the very request."""
        there = self._carrying.recorded(asked)
        track = None if there is None else self._tracks.by_key.get(match_of(there, self._tracks.volatile).key)
        return track or self._tracks.by_key.get(match.key)

    def _used_up(self, track: Track) -> bool:
        return track.kind is Kind.CHANGE and self._used[track.number] >= len(track.indexes)

    def _again(self, key: tuple[str, str, str], match: Match, track: Track | None) -> Played | None:
        """The first answer to this idempotency key, unless the tape has one for its coming again."""
        if key not in self._by_key:
            return None
        first_match, first = self._by_key[key]
        if track is not None and not self._used_up(track):
            following = self._tracks.told[track.indexes[self._used[track.number]]]
            if match.key != first_match.key or following.operation_id == first.told.operation_id:
                return None
        current = self.seen.answers.get(first.told.operation_id, first.response)
        return replace(first, response=current, told=told_by(current), is_repeated=True)

    def _change(self, track: Track, match: Match, now: int) -> Played:
        index = track.indexes[self._used[track.number]]
        self._progress.make(index, now)
        return self._answer(track, index, match)

    def _state(self, track: Track, match: Match, now: int, *, by_time: bool) -> Played:
        pace = self._in_force.pace
        state = self._progress.next_state(track, now, by_time=pace == "time" or (pace == "auto" and by_time))
        index = self._tracks.starts[track.asked.operation_id] if state is None else track.states[state]
        return self._answer(track, index, match)

    def _answer(self, track: Track, index: int, match: Match) -> Played:
        if match.volatile:
            self._carrying.add(self._tracks.values[index], match.volatile)
        interaction, told = self.tape.interactions[index], self._tracks.told[index]
        response = self._carrying.sent(self._told_by_operation(track, index) or interaction.response)
        if response is not interaction.response:
            told = told_by(response)
        self._used[track.number] += 1
        self.played[index] += 1
        self._progress.show(index, told)
        self.seen.add(track.asked, told, response)
        return Played(response, index, interaction, told)

    def _told_by_operation(self, track: Track, index: int) -> RecordedResponse | None:
        """What the operation has told of its image, where the tape has only older answers of the image itself."""
        image_id = track.asked.image_id
        if not self._tracks.told[index].waits or not self._progress.is_over(image_id, index):
            return None
        image = self.seen.images.get(image_id)
        response = self.tape.interactions[index].response
        return with_body(response, json_bytes(image)) if image else None

    def unused(self) -> Sequence[int]:
        """The interactions that had no part, in order: changes never made, and what was never asked at all.

        Of a request that reads, one answer is enough: a client that polls less leaves nothing unused.
        """
        unused: list[int] = []
        for track in self._tracks:
            used = self._used[track.number]
            if track.kind is Kind.CHANGE:
                unused += track.indexes[used:]
            elif not used:
                unused += track.indexes
        return sorted(unused)
