"""What a recording can show of the behaviours of the table, and which differences speak against them.

A row says of one behaviour which things are evidence for it, and which fields of those it decides. A difference speaks
against the first row of the table that it fits, so what is particular stands before what is general. A behaviour of
which a cassette shows nothing is not judged.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_ycimages.fidelity import read_table
from pytest_ycimages.verify.evidence import Past, exhibits_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_ycimages.cassette.storyline import Step
    from pytest_ycimages.fidelity import Mark
    from pytest_ycimages.verify.diff import Difference, Kind
    from pytest_ycimages.verify.evidence import Exhibit


def _always(exhibit: Exhibit) -> bool:  # noqa: ARG001 - the form of a condition
    return True


def _any_difference(exhibit: Exhibit, difference: Difference) -> bool:  # noqa: ARG001 - likewise
    return True


class Evidence(NamedTuple):
    """A row: when something is evidence for a behaviour, and what speaks against that.

    Attributes:
        behaviour: its id.
        of: the kind of thing that shows it; see `Exhibit`.
        fields: the fields that it decides: `.name` in the thing, an empty text for the thing itself, `/status` in the
            answer. A `*` stands for anything.
        when: whether a thing shows it.
        kinds: the kinds of difference that speak against it; none: all of them.
        against: whether a difference of such a field does.
    """

    behaviour: str
    of: str
    fields: tuple[str, ...]
    when: Callable[[Exhibit], bool] = _always
    kinds: frozenset[Kind] = frozenset()
    against: Callable[[Exhibit, Difference], bool] = _any_difference

    def shows(self, exhibit: Exhibit) -> bool:
        """Whether a thing is evidence, for as much as the two answers could be compared."""
        if exhibit.kind != self.of or not self.when(exhibit):
            return False
        return exhibit.was_refused is exhibit.is_refused or "/status" in self.fields

    def speaks(self, exhibit: Exhibit, difference: Difference) -> bool:
        """Whether a difference in a thing that shows it speaks against it."""
        if self.kinds and difference.kind not in self.kinds:
            return False
        pattern = _pattern(exhibit.path, self.fields)
        return pattern.fullmatch(difference.field) is not None and self.against(exhibit, difference)


class Judged(NamedTuple):
    """A behaviour that a cassette shows.

    Attributes:
        behaviour: its id.
        mark: how it is known.
        does: what the double does, in a sentence.
        seen: how many interactions show it.
        differs: the numbers of those in which today's answer speaks against it.
    """

    behaviour: str
    mark: Mark
    does: str
    seen: int
    differs: tuple[int, ...]


@lru_cache(maxsize=4096)
def _pattern(path: str, fields: tuple[str, ...]) -> re.Pattern[str]:
    whole = (field.removeprefix("/") if field.startswith("/") else f"{path}{field}" for field in fields)
    return re.compile("|".join(re.escape(each).replace(r"\*", ".*") for each in whole))


class Court:
    """Judges behaviours, an answer at a time.

    Args:
        table: the rows; the first that fits a difference has it.
    """

    def __init__(self, table: Iterable[Evidence]) -> None:
        self._table = tuple(table)
        self._past = Past()
        self._seen: dict[str, set[int]] = {}
        self._differs: dict[str, set[int]] = {}

    def hear(
        self, step: Step, status: int, answer: Any, differences: Iterable[Difference], *, whole: bool
    ) -> tuple[str, ...]:
        """Take an answer as evidence.

        Args:
            step: what was recorded.
            status: the HTTP status of today.
            answer: the body of today, as a JSON value.
            differences: what differs.
            whole: whether the recording has every header, and the white space of the body.

        Returns:
            For each difference the behaviour that it speaks against; empty for none.
        """
        exhibits = exhibits_of(step, status, answer, self._past, whole=whole)
        shown = [(row, each) for row in self._table for each in exhibits if row.shows(each)]
        for row, _ in shown:
            self._seen.setdefault(row.behaviour, set()).add(step.number)
        explained = []
        for difference in differences:
            behaviour = next((row.behaviour for row, each in shown if row.speaks(each, difference)), "")
            explained.append(behaviour)
            if behaviour:
                self._differs.setdefault(behaviour, set()).add(step.number)
        self._past.add(step)
        return tuple(explained)

    def pass_over(self, step: Step) -> None:
        """Take in what was recorded, of which nothing is compared."""
        self._past.add(step)

    def verdicts(self) -> tuple[Judged, ...]:
        """Every behaviour that was shown, in the order of the table of behaviours."""
        return tuple(
            Judged(
                each.id,
                each.mark,
                each.does,
                len(self._seen[each.id]),
                tuple(sorted(self._differs.get(each.id, ()))),
            )
            for each in read_table().behaviours
            if each.id in self._seen
        )
