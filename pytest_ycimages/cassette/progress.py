"""How far a replay has come: which changes were made, and which state each track shows next.

Three rules, each about what a client may be shown. A state is not shown before the change that made it. A state is not
shown after a change that ended it, nor of an image once its operation was shown done later than that. And what is on
its way arrives: no poll loop is without end.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from pytest_ycimages.call import nanoseconds
from pytest_ycimages.cassette.tracks import Kind

if TYPE_CHECKING:
    from pytest_ycimages.cassette.told import Told
    from pytest_ycimages.cassette.tracks import Subject, Track, Tracks


class _Shown(NamedTuple):
    """What a track has shown: the number of its latest state, how often it was asked, and when it was first.

    And when it was asked last, and how often without a pause until then.
    """

    state: int
    polls: int
    first_at: int
    at: int
    restless: int = 0


class Progress:
    """The progress of one replay of `tracks`."""

    def __init__(self, tracks: Tracks) -> None:
        self._tracks = tracks
        self._made: set[int] = set()
        self._next_missing: defaultdict[Subject, dict[int, int]] = defaultdict(dict)
        self._latest_made: dict[Subject, int] = {}
        self._bases: dict[Subject, int] = {}
        self._done_at: dict[str, int] = {}
        self._shown: dict[int, _Shown] = {}

    # What happens.

    def make(self, index: int, now: int) -> None:
        """Note that the change at `index` was made at `now`."""
        at = self._tracks.tape.interactions[index].at
        self._made.add(index)
        for subject in self._tracks.subjects.get(index, ()):
            self._latest_made[subject] = max(index, self._latest_made.get(subject, index))
            if at is not None:
                self._bases[subject] = now - nanoseconds(at)

    def show(self, index: int, told: Told) -> None:
        """Note that the answer at `index` was shown."""
        if told.done:
            image = told.image_id or self._tracks.image_of.get(told.operation_id, "")
            self._done_at[image] = max(index, self._done_at.get(image, index))

    def is_over(self, image_id: str, index: int) -> bool:
        """Whether an operation of the image was shown done, later than the answer at `index` was recorded."""
        return index < self._done_at.get(image_id, index)

    # What comes next.

    def next_state(self, track: Track, now: int, *, by_time: bool) -> int | None:
        """The number of the state that `track` shows now; None: only what started the operation is known of it yet."""
        shown = self._shown.get(track.number, _Shown(-1, 0, now, now))
        restless = shown.restless + 1 if now == shown.at else 1
        by_time = by_time and bool(track.moments) and track.kind in {Kind.OPERATION, Kind.IMAGE}
        if by_time and restless <= track.polls_before[-1] + 1:  # else nobody waits, and time would stand still for ever
            wanted = self._in_force(track, now, shown)
            if wanted < 0 and shown.state < 0 and self._start_made(track):
                self._shown[track.number] = shown._replace(at=now, restless=restless)
                return None
        else:
            wanted = max(shown.state + 1, self._since_change(track))
        wanted = max(wanted, shown.state, self._since_done(track))
        wanted = min(wanted, self._allowed(track, shown, by_time=by_time))
        self._shown[track.number] = _Shown(wanted, shown.polls + 1, shown.first_at, now, restless)
        return wanted

    def _in_force(self, track: Track, now: int, shown: _Shown) -> int:
        """By time: the state at this moment of the recording, which began with the change that was made last."""
        base = self._bases.get(track.subject, shown.first_at - track.moments[0])
        return bisect_right(track.moments, now - base) - 1

    def _start_made(self, track: Track) -> bool:
        return track.kind is Kind.OPERATION and self._tracks.starts.get(track.subject[1]) in self._made

    def _since_change(self, track: Track) -> int:
        """The first state that was recorded after the latest change made, if there is one; else the first of all."""
        latest = self._latest_made.get(track.subject)
        if latest is None or track.kind is Kind.TOKEN:
            return 0
        state = bisect_left(track.states, latest)
        return state if state < len(track.states) else 0

    def _since_done(self, track: Track) -> int:
        """The first state of an image that was recorded after its operation was shown done, else the last."""
        done_at = self._done_at.get(track.subject[1]) if track.kind is Kind.IMAGE else None
        return 0 if done_at is None else min(bisect_left(track.states, done_at), len(track.states) - 1)

    def _allowed(self, track: Track, shown: _Shown, *, by_time: bool) -> int:
        """The last state that may be shown: the next would come of a change that was not made yet.

        What is on its way does not wait for that longer than it did when it was recorded.
        """
        last = len(track.states) - 1
        missing = self._missing(track)
        if missing is None:
            return last
        allowed = max(bisect_left(track.states, missing) - 1, shown.state)
        while allowed < last and self._tracks.told[track.states[allowed]].waits:
            if not by_time and shown.polls < track.polls_before[allowed + 1]:
                break
            allowed += 1
        return allowed

    def _missing(self, track: Track) -> int | None:
        """The first change that was not made yet, of those recorded since there is something to show."""
        if track.kind is Kind.TOKEN:
            return None
        changes = self._tracks.changes.get(track.subject, [])
        following = self._next_missing[track.subject]
        place, passed = bisect_left(changes, track.states[0]), []
        while place < len(changes) and changes[place] in self._made:
            passed.append(place)
            place = following.get(place, place + 1)
        following.update(dict.fromkeys(passed, place))  # so that none is passed by twice
        return changes[place] if place < len(changes) else None
