"""Evidence in recorded answers: the behaviours that they show, and the differences that contradict these.

The rows are data, in `fidelity/behaviours.toml`; this module interprets them. A behaviour that a cassette does not show
has no result.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pytest_ycimages.cassette.answers import images_in, is_operation, operations_in
from pytest_ycimages.fidelity import BrokenTableError, read_table
from pytest_ycimages.verify.observation import CONDITIONS, CONTRADICTIONS, NAMED_CONDITIONS, History, Observation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pytest_ycimages.cassette.answers import RecordedCall
    from pytest_ycimages.fidelity import Mark
    from pytest_ycimages.verify.diff import Difference

    Wire = dict[str, Any]

_LISTS: Final = frozenset({"images.list", "images.listOperations", "endpoints.list"})
_REFUSAL: Final = ("/status", ".code", ".message")


def _observe(call: RecordedCall) -> Iterator[tuple[str, str, Wire]]:
    """Return the kind, the path and the JSON of each observation of an answer."""
    body = call.answer.body
    yield "answer", "body", {}
    if not isinstance(body, dict):
        return
    if not call.answer.ok:
        yield "error", "body", body
        return
    for kind, shown in (("operation", operations_in(body)), ("image", images_in(body))):
        for number, value in enumerate(shown):
            path = "body" if value is body else f"body.{kind}s[{number}]"
            yield kind, path, value
            made = value.get("response") if is_operation(value) else None
            if isinstance(made, dict) and str(made.get("@type")).endswith(".Image"):
                yield "image", f"{path}.response", made
    if call.method in _LISTS:
        yield "list", "body", body


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
        return all(CONDITIONS[name](seen, value) for name, value in self.conditions)

    def is_contradicted(self, seen: Observation, difference: Difference) -> bool:
        """Return whether a difference in an observation that shows the behaviour contradicts it."""
        if self.kinds and difference.kind not in self.kinds:
            return False
        pattern = _pattern(seen.path, self.fields)
        is_in_fields = pattern.fullmatch(difference.field) is not None
        return is_in_fields and (not self.against or CONTRADICTIONS[self.against](seen, difference))


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
    conditions = tuple((name, [value] if isinstance(value, str) else value) for name, value in rest.items())
    for names, known in (
        (rest, CONDITIONS),
        (rest.get("when", ()), NAMED_CONDITIONS),
        ((against,), {"", *CONTRADICTIONS}),
    ):
        for name in names:
            if name not in known:
                text = f"The evidence of {behaviour!r} has the unknown condition {name!r}. Known: "
                raise BrokenTableError(text + ", ".join(filter(None, known)))
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
        self._seen: dict[str, set[int]] = {}
        self._differs: dict[str, set[int]] = {}

    def collect(
        self, call: RecordedCall, status: int, today: Any, differences: Iterable[Difference], *, whole: bool
    ) -> tuple[str, ...]:
        """Add a compared answer, and return for each difference the behaviour that it contradicts; empty for none.

        Args:
            call: the recorded call.
            status: today's HTTP status.
            today: today's body, as a JSON value.
            differences: the differences between both answers.
            whole: whether the recording has every header and the white space of the body.
        """
        now = today if isinstance(today, dict) else {}
        observed = [Observation(*each, call, status, now, self._history, whole) for each in _observe(call)]
        shown = [
            (row, each)
            for kind, rows in evidence_rows().items()
            for row in rows
            for each in observed
            if each.kind == kind and row.shows(each)
        ]
        for row, _ in shown:
            self._seen.setdefault(row.behaviour, set()).add(call.number)
        contradicted = [
            next((row.behaviour for row, each in shown if row.is_contradicted(each, difference)), "")
            for difference in differences
        ]
        for behaviour in {*contradicted} - {""}:
            self._differs.setdefault(behaviour, set()).add(call.number)
        self.skip(call)
        return tuple(contradicted)

    def skip(self, call: RecordedCall) -> None:
        """Add a call whose answer was not compared."""
        self._history.add(call)

    def results(self) -> tuple[BehaviourResult, ...]:
        """Return the behaviours that were shown, in the order of the table."""
        return tuple(
            BehaviourResult(
                each.id, each.mark, each.does, len(self._seen[each.id]), tuple(sorted(self._differs.get(each.id, ())))
            )
            for each in read_table().behaviours
            if each.id in self._seen
        )
