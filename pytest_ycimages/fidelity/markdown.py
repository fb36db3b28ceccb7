"""The table of behaviours as a page of the documentation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_ycimages.fidelity.table import Mark

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_ycimages.fidelity.table import Behaviour, Table

MEANINGS: Final = {
    Mark.PAGE: "the specification page of `images.create` says it",
    Mark.OBSERVED: "recorded from the service, or reported by somebody who called it",
    Mark.DOCUMENTED: "the vendor's API definitions, documentation or official clients say it",
    Mark.INFERRED: "concluded from what is known, or the double's own choice; the service may do otherwise",
    Mark.SETTING: "nobody knows, so the named setting decides; a row says its default unless it names a value",
}
"""What each mark means."""

_HEAD: Final = """\
<!-- Made by `ycimages fidelity --markdown` from pytest_ycimages/fidelity/behaviours.toml. Edit that file, not this. -->
# What the double does, and how it is known

Every behaviour of the double is a row here, with the source that says so and the test that proves that the double does
it. A source is a field of `images-create.md`, the specification page of `images.create` (`README.md` beside it has its
patterns in full), or a section of `api-facts.md`, which collects what is known of the service beyond that page.
`ycimages fidelity` prints the same table.
"""

_TO_ROOT: Final = "../../"
"""From the folder of the page to that of the tests."""


def render(table: Table) -> str:
    """The page that shows `table`."""
    return "\n".join((_HEAD, *_marks(table), *_areas(table), *_gaps(table)))


def _marks(table: Table) -> Iterator[str]:
    yield from _grid(
        ("mark", "meaning", "behaviours"),
        ((f"`{mark}`", MEANINGS[mark], str(count)) for mark, count in table.counts().items()),
    )


def _areas(table: Table) -> Iterator[str]:
    for area, title in table.areas.items():
        rows = table.of(area)
        if rows:
            yield f"## {title}\n"
            yield from _grid(("behaviour", "what the double does", "known by", "source", "test"), map(_cells, rows))


def _cells(row: Behaviour) -> tuple[str, ...]:
    path, _, test = row.test.partition("::")
    known = f"{row.mark} `{row.setting}`" if row.setting else str(row.mark)
    return f"`{row.id}`", row.does, known, row.source, f"[{test.removeprefix('test_')}]({_TO_ROOT}{path})"


def _gaps(table: Table) -> Iterator[str]:
    if table.gaps:
        yield "## Not in the double\n"
        yield from _grid(
            ("of the service", "what the double does instead", "source"),
            ((gap.what, gap.instead, gap.source) for gap in table.gaps),
        )


def _grid(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield _line(head)
    yield _line(("---",) * len(head), space="")
    yield from map(_line, rows)
    yield ""


def _line(cells: tuple[str, ...], space: str = " ") -> str:
    inside = f"{space}|{space}".join(cell.replace("|", "\\|") for cell in cells)
    return f"|{space}{inside}{space}|"
