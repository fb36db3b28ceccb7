"""Evidence in recorded answers: the behaviours that they show, and the differences that contradict these.

The rows are data, in `fidelity/behaviours.toml`; this module interprets them. A behaviour that a cassette does not show
has no result.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pytest_ycimages.cloud.sources import CHUNK
from pytest_ycimages.fidelity import BrokenTableError, read_table
from pytest_ycimages.verify.observation import CONDITIONS, FACTS, History, Observation, holds, places

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pytest_ycimages.cassette.answers import RecordedCall
    from pytest_ycimages.fidelity import Mark
    from pytest_ycimages.verify.diff import Difference

    Wire = dict[str, Any]

_REFUSAL: Final = ("/status", ".code", ".message")
_VALIDATION: Final = "Request validation error"
_EMPTY: Final = frozenset({'""', "[]", "{}", "null", "false", "0", '"0"'})


def _is_about_detail(name: str, field: str) -> Callable[[Observation, Difference], bool]:
    """Return a test whether a difference is a whole detail, or in a field that only this detail has."""
    return lambda _, difference: field in difference.field or name in difference.recorded + difference.answered


def _is_asked_for(seen: Observation, difference: Difference) -> bool:
    """Return whether the request that created the image has the field that differs."""
    return re.split(r"[.\[]", difference.field.removeprefix(f"{seen.path}."))[0] in seen.made_by


def _has_partial_chunks(_: Observation, difference: Difference) -> bool:
    sizes = (side.strip('"') for side in (difference.recorded, difference.answered))
    return any(size.isdecimal() and int(size) % CHUNK for size in sizes)


def _is_result_moved(_: Observation, difference: Difference) -> bool:
    """Return whether the orders of keys differ in the place of the result only."""
    sides = (difference.recorded, difference.answered)
    was, now = ([key for key in side.split(", ") if key not in {"response", "error"}] for side in sides)
    return was == now


_CONTRADICTIONS: Final[dict[str, Callable[[Observation, Difference], bool]]] = {
    "": lambda *_: True,
    "asked-for": _is_asked_for,
    "bad-request": _is_about_detail("BadRequest", "fieldViolations"),
    "empty-value": lambda _, each: (each.recorded or each.answered) in _EMPTY,
    "partial-chunks": _has_partial_chunks,
    "quoted": lambda _, each: each.recorded[:1] == '"',
    "request-info": _is_about_detail("RequestInfo", "requestId"),
    "result-moved": _is_result_moved,
    "same-code": lambda seen, _: seen.is_refused and seen.body.get("code") == seen.today.get("code"),
    "same-heading": lambda _, each: _VALIDATION in each.recorded and _VALIDATION in each.answered,
    "type-moved": lambda _, each: each.recorded.startswith("@type") is not each.answered.startswith("@type"),
}
"""Whether a difference contradicts the behaviour: the name in `against` -> a test of the observation and difference."""


# Rows.


class Row(NamedTuple):
    """One row of evidence; `fidelity/behaviours.toml` describes its fields."""

    behaviour: str
    fields: tuple[str, ...]
    conditions: tuple[tuple[str, Any], ...]
    kinds: frozenset[str]
    against: str

    def shows(self, seen: Observation) -> bool:
        """Return whether an observation is evidence of the behaviour, and both answers are comparable."""
        if seen.was_refused is not seen.is_refused and "/status" not in self.fields:
            return False
        return all(holds(seen, name, value) for name, value in self.conditions)

    def is_contradicted(self, seen: Observation, difference: Difference) -> bool:
        """Return whether a difference in an observation that shows the behaviour contradicts it."""
        is_of_kind = not self.kinds or difference.kind in self.kinds
        is_in_fields = _pattern(seen.path, self.fields).fullmatch(difference.field) is not None
        return is_of_kind and is_in_fields and _CONTRADICTIONS[self.against](seen, difference)


@lru_cache(maxsize=4096)
def _pattern(path: str, fields: tuple[str, ...]) -> re.Pattern[str]:
    whole = (field.removeprefix("/") if field.startswith("/") else f"{path}{field}" for field in fields)
    return re.compile("|".join(re.escape(each).replace(r"\*", ".*") for each in whole))


@lru_cache(maxsize=1)
def evidence_rows() -> Mapping[str, tuple[Row, ...]]:
    """Return the rows of the table by the kind of observation, in the order in which they claim differences."""
    return parse_rows(read_table().evidence)


def parse_rows(evidence: Mapping[str, list[Wire]]) -> Mapping[str, tuple[Row, ...]]:
    """Return rows of evidence by the kind of observation.

    Raises:
        BrokenTableError: an unknown condition.
    """
    return {kind: tuple(map(_row, rows)) for kind, rows in evidence.items()}


def _row(values: Wire) -> Row:
    rest = dict(values)
    behaviour, against = rest.pop("behaviour"), rest.pop("against", "")
    fields, kinds = tuple(rest.pop("fields", _REFUSAL)), frozenset(rest.pop("kinds", ()))
    facts = {"when", *FACTS, *(f"not_{name}" for name in FACTS)}
    for names, known in ((rest, facts), (rest.get("when", ()), CONDITIONS), ([against], _CONTRADICTIONS)):
        for name in names:
            if name not in known:
                text = f"The evidence of {behaviour!r} has the unknown condition {name!r}. Known: "
                raise BrokenTableError(text + ", ".join(filter(None, known)))
    conditions = tuple((name, [value] if isinstance(value, str) else value) for name, value in rest.items())
    return Row(behaviour, fields, conditions, kinds, against)


class BehaviourResult(NamedTuple):
    """A behaviour that a cassette shows, and whether today's answers agree.

    Attributes:
        behaviour: its id.
        mark: how it is known.
        does: what the double does, in a sentence.
        seen: how many interactions show it.
        differs: the numbers of those that today's answers contradict.
    """

    behaviour: str
    mark: Mark
    does: str
    seen: int
    differs: tuple[int, ...]


class Evidence:
    """The evidence of one cassette, collected call by call."""

    def __init__(self) -> None:
        self._history = History()
        self._shown: dict[str, dict[int, bool]] = {}  # behaviour -> numbers of interactions, and whether today differs

    def collect(
        self, call: RecordedCall, status: int, today: object, differences: Iterable[Difference], *, whole: bool
    ) -> tuple[str, ...]:
        """Add a compared answer, and return for each difference the behaviour that it contradicts; empty for none.

        Args:
            call: the recorded call.
            status: today's HTTP status.
            today: today's body, as a JSON value.
            differences: the differences between both answers.
            whole: whether the recording has every header and the white space of the body.
        """
        observed = [Observation(call, status, today, self._history, whole, *each) for each in places(call)]
        shown = [
            (row, each)
            for kind, rows in evidence_rows().items()
            for row in rows
            for each in observed
            if each.kind == kind and row.shows(each)
        ]
        contradicted = tuple(
            next((row.behaviour for row, each in shown if row.is_contradicted(each, difference)), "")
            for difference in differences
        )
        for row, _ in shown:
            self._shown.setdefault(row.behaviour, {})[call.number] = row.behaviour in contradicted
        self.skip(call)
        return contradicted

    def skip(self, call: RecordedCall) -> None:
        """Add a call whose answer was not compared."""
        self._history.add(call)

    def results(self) -> tuple[BehaviourResult, ...]:
        """Return the behaviours that were shown, in the order of the table."""
        return tuple(
            BehaviourResult(
                each.id, each.mark, each.does, len(shown), tuple(number for number in shown if shown[number])
            )
            for each in read_table().behaviours
            if (shown := self._shown.get(each.id))
        )
