"""Replay of a cassette: the answer to a request, at a moment that the caller gives. No clock, no file, no lock.

A change is played once, in the recorded order; a request that reads is played as often as it is made, and ends in the
last state recorded. `docs/explanation/replay.md` explains the rules. Callers hold the double's lock.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal, get_args

from pytest_ycimages.api.message import json_bytes
from pytest_ycimages.cassette.answers import ShownResources, summarize
from pytest_ycimages.cassette.model import with_body
from pytest_ycimages.cassette.no_match import InForce, NoMatch, no_match
from pytest_ycimages.cassette.requests import Volatile, key_of, normalize
from pytest_ycimages.cassette.timeline import CHANGE, ReplayState, timelines_of
from pytest_ycimages.errors import unknown_word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_ycimages.cassette.answers import AnswerSummary
    from pytest_ycimages.cassette.model import CassetteData, RecordedRequest, RecordedResponse
    from pytest_ycimages.cassette.requests import NormalizedRequest, RequestKey, Values
    from pytest_ycimages.cassette.timeline import RequestTimeline

_WORD: Final = re.compile(r"[0-9A-Za-z_-]+")
_JSON_STRING: Final = re.compile(r'"((?:[^"\\]|\\.)*)"(\s*:)?')
_AMBIGUOUS: Final = re.compile(r"[-_]*+(?:[0-9]++[-_]*+)?|.{1,2}")
_FIXED: Final = frozenset({"@type", "status", "createdAt", "modifiedAt", "expiresAt"})
"""Fields that never hold a client's value."""

Pace = Literal["auto", "state", "time"]
"""How an operation advances: with each poll, with time, or as the double's clock allows."""


@dataclass(frozen=True, slots=True)
class Played:
    """The answer to a request.

    Attributes:
        response: the answer, with this client's values in place of those of the recorded client.
        index: the index of its interaction.
        answer: the summary of `response`.
    """

    response: RecordedResponse
    index: int
    answer: AnswerSummary


class Player:
    """Answers requests from a cassette. Not safe for threads: callers hold the double's lock.

    Args:
        cassette: what was recorded. Requests must be redacted as these were, before they are played.
        volatile: fields of requests that differ from run to run -> the glob that their values fit.
        pace: `state` advances with each poll, `time` with the caller's clock, `auto` as `play` is told.
        name: the name of the cassette, for texts.
        rerecord: the command that records it again, for texts.

    Attributes:
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

    def play(
        self, request: RecordedRequest, now: int, *, by_time: bool = False, idempotency_key: str = ""
    ) -> Played | NoMatch:
        """Return the answer to `request`, or a `NoMatch`, whose text an error may have.

        Args:
            request: the request, redacted as the cassette is.
            now: the time of the double's clock, in nanoseconds since the epoch.
            by_time: whether that clock moves with the client's waits; it decides for the pace `auto`.
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
            here, unused = here or asked, self.unused()
            return no_match(
                asked, here=here, same=timeline, timelines=self._timelines, unused=unused, in_force=self._in_force
            )
        played = self._change(timeline, match, now) if changes else self._poll(timeline, match, now, by_time=by_time)
        if key and played.answer.ok:
            self._by_key.setdefault(key, (match, played))
        return played

    def _timeline(self, here: NormalizedRequest | None, match: RequestKey) -> RequestTimeline | None:
        by_key = self._timelines.by_key
        there = None if here is None else by_key.get(key_of(here, self._timelines.volatile).key)
        return there or by_key.get(match.key)

    def _used_up(self, timeline: RequestTimeline) -> bool:
        return timeline.subject == CHANGE and self._used[timeline.number] >= len(timeline.indexes)

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
        return replace(first, response=current, answer=summarize(current))

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
        interaction, answer = self._timelines.cassette.interactions[index], self._timelines.answers[index]
        response = self._substitution.sent(self._shown_by_operation(timeline, index) or interaction.response)
        if response is not interaction.response:
            answer = summarize(response)
        self._used[timeline.number] += 1
        self.played[index] += 1
        self._state.show(index, answer)
        self.shown.add(timeline.request, answer, response)
        return Played(response, index, answer)

    def _shown_by_operation(self, timeline: RequestTimeline, index: int) -> RecordedResponse | None:
        """Return the image as its operation showed it, where the cassette has only older answers of the image."""
        image_id = timeline.request.image_id
        if not self._timelines.answers[index].in_progress or not self._state.is_over(image_id, index):
            return None
        image = self.shown.images.get(image_id)
        response = self._timelines.cassette.interactions[index].response
        return with_body(response, json_bytes(image)) if image else None

    def unused(self) -> Sequence[int]:
        """Return the changes never made, and all of requests that read and were never made, by their indexes."""
        unused: list[int] = []
        for timeline in self._timelines:
            used = self._used[timeline.number]
            if timeline.subject == CHANGE:
                unused += timeline.indexes[used:]
            elif not used:
                unused += timeline.indexes
        return sorted(unused)


# Substitution.


class Words:
    """Replacements of words, of phrases, and of values of single fields.

    Only whole words are replaced, in the strings of a JSON body and in paths and queries: never part of an id or of
    another name. A value that is too short to be unique, such as `7`, is only replaced in fields of its own name.
    """

    def __init__(self) -> None:
        self._words: dict[str, str] = {}
        self._phrases: dict[str, str] = {}
        self._of_field: dict[tuple[str, str], str] = {}

    def add(self, field: str, old: str, new: str) -> None:
        """Replace `old`, which a client sent in `field`, by `new`."""
        if not old:
            return
        if _AMBIGUOUS.fullmatch(old):
            self._of_field[field, old] = new
        elif _WORD.fullmatch(old):
            self._words[old] = new
        else:
            self._phrases[old] = new

    def in_text(self, text: str, field: str = "") -> str:
        """Return `text`, a value of `field`, with everything replaced at once: a replacement is not replaced again."""
        if (field, text) in self._of_field:
            return self._of_field[field, text]
        for phrase, new in self._phrases.items():
            if phrase in text:
                parts = re.split(rf"(?<![\w-]){re.escape(phrase)}(?![\w-])", text)
                if len(parts) > 1:
                    return new.join(map(self.in_text, parts))
        return _WORD.sub(lambda word: self._words.get(word[0], word[0]), text) if self._words else text

    def in_json(self, text: str) -> str:
        """Return the text of a JSON value with everything replaced in its strings, and otherwise unchanged."""
        field = ""

        def replaced(found: re.Match[str]) -> str:
            nonlocal field
            if found[2]:
                field = found[1]
            elif field not in _FIXED:
                old = json.loads(f'"{found[1]}"', strict=False)
                new = self.in_text(old, field)
                if new != old:
                    return json.dumps(new, ensure_ascii=False)
            return found[0]

        return _JSON_STRING.sub(replaced, text)


class Substitution:
    """This client's values for those of the recorded client, so far."""

    def __init__(self) -> None:
        self._is_empty = True
        self._sent = Words()
        self._recorded = Words()

    def add(self, recorded: Values, sent: Values) -> None:
        """Add pairs of a recorded value and the one sent in its place."""
        self._is_empty = False
        for (path, old), (_, new) in zip(recorded, sent, strict=False):
            field = path.rpartition(".")[2]
            self._sent.add(field, old, new)
            self._recorded.add(field, new, old)

    def recorded(self, request: NormalizedRequest) -> NormalizedRequest | None:
        """Return the request that the recorded client would have made; None: the same one."""
        if self._is_empty:
            return None
        body = request.body
        there = request._replace(
            path=self._recorded.in_text(request.path),
            query=tuple(sorted((name, self._recorded.in_text(value, name)) for name, value in request.query)),
            body=body if isinstance(body, bytes) else json.loads(self._recorded.in_json(json.dumps(body))),
        )
        return None if there == request else there

    def sent(self, response: RecordedResponse) -> RecordedResponse:
        """Return the answer for this client."""
        if self._is_empty or not response.body:
            return response
        try:
            text = response.body.decode()
        except UnicodeDecodeError:
            return response
        new = (self._sent.in_json if text.lstrip()[:1] in {"{", "["} else self._sent.in_text)(text)
        if new == text:
            return response
        return with_body(response, new.encode())
