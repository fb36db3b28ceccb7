"""The table of behaviours: `behaviours.toml` read into frozen rows. A table that contradicts itself is refused.

Nothing here knows the double. That a row is true is shown by the test that it names; that every row names such a test
is shown by `tests/fidelity/test_table.py`.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from importlib.resources import files
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_ycimages.errors import YCImagesError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class BrokenTableError(YCImagesError):
    """The table of behaviours contradicts itself; the text says where and what would be right."""


class Mark(StrEnum):
    """How a behaviour of the service is known."""

    PAGE = "page"
    OBSERVED = "observed"
    DOCUMENTED = "documented"
    INFERRED = "inferred"
    SETTING = "setting"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Something that the double does, and how it is known that the service does so.

    Attributes:
        id: dotted words; the first is the area.
        does: what the double does, in one sentence.
        mark: how that is known.
        source: where it stands in the specification or in what is known beyond it.
        test: the pytest node id of its proof.
        setting: the setting that decides it; one of mark `setting` has it, others may.
    """

    id: str
    does: str
    mark: Mark
    source: str
    test: str
    setting: str = ""

    @property
    def area(self) -> str:
        """The first word of the id."""
        return self.id.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that is known of the service, or asked about it, and that the double does not do.

    Attributes:
        what: what the service has or does.
        instead: what the double does instead.
        source: where it stands in what is known.
    """

    what: str
    instead: str
    source: str


@dataclass(frozen=True, slots=True)
class Table:
    """All behaviours in the order of the file, the titles of their areas, and what is missing."""

    areas: Mapping[str, str]
    behaviours: tuple[Behaviour, ...]
    gaps: tuple[Gap, ...] = ()

    def of(self, area: str) -> tuple[Behaviour, ...]:
        """The behaviours of one area."""
        return tuple(each for each in self.behaviours if each.area == area)

    def marked(self, mark: Mark) -> Table:
        """The part of the table whose behaviours have `mark`, and no gaps."""
        return replace(self, behaviours=tuple(each for each in self.behaviours if each.mark is mark), gaps=())

    def counts(self) -> dict[Mark, int]:
        """How many behaviours have each mark, marks that none has included."""
        return {mark: sum(each.mark is mark for each in self.behaviours) for mark in Mark}


def read_table(text: str | None = None) -> Table:
    """Read a table.

    Args:
        text: the TOML of it; None reads the double's own.

    Raises:
        BrokenTableError: the text is no TOML, an id stands twice, or a row has a word that does not exist.
    """
    if text is None:
        text = (files(__package__) / "behaviours.toml").read_text(encoding="utf-8")
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BrokenTableError(f"The table of behaviours is no TOML: {error}.") from None
    areas = document.get("areas", {})
    rows = tuple(_row(Behaviour, values, "behaviour") for values in document.get("behaviour", ()))
    gaps = tuple(_row(Gap, values, "missing") for values in document.get("missing", ()))
    _refuse_twins(rows)
    for area in areas:
        if not any(row.area == area for row in rows):
            raise BrokenTableError(f"The area {area!r} has a title and no behaviour: add one, or take the title out.")
    return Table(areas, tuple(_checked(row, areas) for row in rows), gaps)


def _checked(row: Behaviour, areas: Iterable[str]) -> Behaviour:
    """The row with its mark read, if it can stand in the table."""
    if row.mark not in set(Mark):
        raise BrokenTableError(f"The behaviour {row.id!r} has the unknown mark {row.mark!r}. Known: {', '.join(Mark)}.")
    if row.area not in areas:
        raise BrokenTableError(f"The behaviour {row.id!r} is of no area. Known: {', '.join(areas)}.")
    if row.mark == Mark.SETTING and not row.setting:
        raise BrokenTableError(f"The behaviour {row.id!r} is decided by a setting: say which, as `setting`.")
    return replace(row, mark=Mark(row.mark))


def _refuse_twins(rows: Iterable[Behaviour]) -> None:
    seen: dict[str, Behaviour] = {}
    for row in rows:
        first = seen.setdefault(row.id, row)
        if first is not row:
            raise BrokenTableError(
                f"The behaviour {row.id!r} stands twice: once it says {first.does!r}, once {row.does!r}. "
                "Give one of them another id."
            )


Row = TypeVar("Row", Behaviour, Gap)


def _row(kind: type[Row], values: dict[str, Any], table: str) -> Row:
    """One row, if it has what a row of its kind has and nothing else, all of it text."""
    known = [each.name for each in fields(kind)]
    needed = [name for name in known if name != "setting"]
    wrong = [name for name in values if name not in known]
    wrong += [name for name in needed if not isinstance(values.get(name), str) or not values[name].strip()]
    if wrong:
        raise BrokenTableError(
            f"[[{table}]] {values.get(known[0], '')!r}: {', '.join(wrong)} cannot be. "
            f"A row has these, each a text: {', '.join(known)}."
        )
    return kind(**values)
