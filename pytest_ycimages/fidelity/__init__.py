"""The table of behaviours: how each behaviour of the double is known, and the page of the documentation that shows it.

The test that a row names proves that the double behaves so. `tests/fidelity/test_table.py` proves that every row names
such a test.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pytest_ycimages.errors import YCImagesError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


class BrokenTableError(YCImagesError):
    """The table of behaviours contradicts itself; the text says where, and what is valid."""


class Mark(StrEnum):
    """How a behaviour of the service is known."""

    PAGE = "page"
    OBSERVED = "observed"
    DOCUMENTED = "documented"
    INFERRED = "inferred"
    SETTING = "setting"


MEANINGS: Final = {
    Mark.PAGE: "the specification page of `images.create` says it",
    Mark.OBSERVED: "recorded from the service, or reported by its users; the source names call, year and kind of log",
    Mark.DOCUMENTED: "the vendor's API definitions, documentation, published source or official clients say it",
    Mark.INFERRED: "concluded from what is known, or the double's own choice; the service may do otherwise",
    Mark.SETTING: "unknown, so the named setting decides; a row says its default unless it names a value",
}
"""What each mark means."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A behaviour of the double, and how it is known that the service behaves so.

    Attributes:
        id: dotted words; the first is the area.
        does: what the double does, in one sentence.
        mark: how that is known.
        source: a place in the specification, or in the collected facts beyond it.
        test: the pytest node id of its proof.
        setting: the setting that decides it; required for the mark `setting`.
    """

    id: str
    does: str
    mark: Mark
    source: str
    test: str
    setting: str = ""

    @property
    def area(self) -> str:
        """Return the first word of the id."""
        return self.id.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Gap:
    """A feature of the service that the double lacks: what the service does, and what the double does instead."""

    what: str
    instead: str
    source: str


@dataclass(frozen=True, slots=True)
class Table:
    """The behaviours in the order of the file, the titles of their areas, and the gaps.

    `evidence` has for each kind of observation the rows that say what a recording shows; see `verify/evidence.py`.
    """

    areas: Mapping[str, str]
    behaviours: tuple[Behaviour, ...]
    gaps: tuple[Gap, ...] = ()
    evidence: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)

    def of(self, area: str) -> tuple[Behaviour, ...]:
        """Return the behaviours of one area."""
        return tuple(each for each in self.behaviours if each.area == area)

    def marked(self, mark: Mark) -> Table:
        """Return the table with only the behaviours of a mark, without gaps."""
        return replace(self, behaviours=tuple(each for each in self.behaviours if each.mark is mark), gaps=())

    def counts(self) -> dict[Mark, int]:
        """Return the number of behaviours of every mark."""
        return {mark: sum(each.mark is mark for each in self.behaviours) for mark in Mark}


def read_table(text: str | None = None) -> Table:
    """Read a table.

    Args:
        text: its TOML; None reads the table of the double.

    Raises:
        BrokenTableError: invalid TOML, a repeated id, or an unknown or missing word in a row.
    """
    return _own_table() if text is None else _parse(text)


@lru_cache(maxsize=1)
def _own_table() -> Table:
    return _parse((files(__name__) / "behaviours.toml").read_text(encoding="utf-8"))


def _parse(text: str) -> Table:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BrokenTableError(f"The table of behaviours is invalid TOML: {error}.") from None
    areas, evidence = document.get("areas", {}), document.get("evidence", {})
    rows = tuple(_row(Behaviour, values, "behaviour") for values in document.get("behaviour", ()))
    gaps = tuple(_row(Gap, values, "missing") for values in document.get("missing", ()))
    seen: dict[str, Behaviour] = {}
    for row in rows:
        first = seen.setdefault(row.id, row)
        if first is not row:
            raise BrokenTableError(
                f"The behaviour {row.id!r} stands twice: once it says {first.does!r}, once {row.does!r}. "
                "Give one of them another id."
            )
    for area in areas:
        if not any(row.area == area for row in rows):
            raise BrokenTableError(f"The area {area!r} has a title and no behaviour: add one, or take the title out.")
    for values in (values for kind in evidence.values() for values in kind):
        if values.get("behaviour") not in seen:
            raise BrokenTableError(f"A row of evidence is about the unknown behaviour {values.get('behaviour')!r}.")
    return Table(areas, tuple(_checked(row, areas) for row in rows), gaps, evidence)


def _checked(row: Behaviour, areas: Iterable[str]) -> Behaviour:
    """Return a valid row with its mark read."""
    if row.mark not in set(Mark):
        raise BrokenTableError(f"The behaviour {row.id!r} has the unknown mark {row.mark!r}. Known: {', '.join(Mark)}.")
    if row.area not in areas:
        raise BrokenTableError(f"The behaviour {row.id!r} is of no area. Known: {', '.join(areas)}.")
    if row.mark == Mark.SETTING and not row.setting:
        raise BrokenTableError(f"The behaviour {row.id!r} is decided by a setting: say which, as `setting`.")
    return replace(row, mark=Mark(row.mark))


Row = TypeVar("Row", Behaviour, Gap)


def _row(kind: type[Row], values: dict[str, Any], table: str) -> Row:
    """Return one row; it has all fields of its kind, each a text, and no other fields."""
    known = [each.name for each in fields(kind)]
    needed = [name for name in known if name != "setting"]
    wrong = [name for name in values if name not in known]
    wrong += [name for name in needed if not isinstance(values.get(name), str) or not values[name].strip()]
    if wrong:
        raise BrokenTableError(
            f"[[{table}]] {values.get(known[0], '')!r}: invalid {', '.join(wrong)}. "
            f"A row has these, each a text: {', '.join(known)}."
        )
    return kind(**values)


_HEAD: Final = """\
<!-- Made by `ycimages fidelity --markdown` from pytest_ycimages/fidelity/behaviours.toml. Edit that file, not this. -->
# What the double does, and how it is known

The behaviours of the double, one a row, each with the source that says so and the test that proves that the double does
it. A source is a field of [the specification of images.create](images-create.md), or a section of
[the facts about the service](api-facts.md) beyond it. `ycimages fidelity` prints the same table.
"""

_TO_ROOT: Final = "../../"
"""The path from the folder of the page to the root, for links to tests."""
_PAGE: Final = re.compile(r"(?<![\w-])[\w-]+\.md")
"""A page that a source names; it is in the folder of this one."""


def render(table: Table) -> str:
    """Return the page of the documentation that shows `table`, as Markdown."""
    return "\n".join((_HEAD, *_sections(table)))


def _sections(table: Table) -> Iterator[str]:
    marks = ((f"`{mark}`", MEANINGS[mark], str(count)) for mark, count in table.counts().items())
    yield from _grid(("mark", "meaning", "behaviours"), marks)
    for area, title in table.areas.items():
        if rows := table.of(area):
            yield f"## {title}\n"
            yield from _grid(("behaviour", "what the double does", "known by", "source", "test"), map(_cells, rows))
    if table.gaps:
        yield "## Not in the double\n"
        gaps = ((gap.what, gap.instead, _linked(gap.source)) for gap in table.gaps)
        yield from _grid(("of the service", "what the double does instead", "source"), gaps)


def _cells(row: Behaviour) -> tuple[str, ...]:
    path, _, test = row.test.partition("::")
    known = f"{row.mark} `{row.setting}`" if row.setting else str(row.mark)
    return f"`{row.id}`", row.does, known, _linked(row.source), f"[{test.removeprefix('test_')}]({_TO_ROOT}{path})"


def _linked(source: str) -> str:
    return _PAGE.sub(r"[\g<0>](\g<0>)", source)


def _grid(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield _line(head)
    yield _line(("---",) * len(head), space="")
    yield from map(_line, rows)
    yield ""


def _line(cells: tuple[str, ...], space: str = " ") -> str:
    inside = f"{space}|{space}".join(cell.replace("|", "\\|") for cell in cells)
    return f"|{space}{inside}{space}|"
