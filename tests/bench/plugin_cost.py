"""What a plugin costs a pytest run that does not use it: one empty test, in a process of its own."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Final

from .goals import Goal, Sheet
from .peers import DOUBLE, HTTPSERVER
from .pytest_runs import Project
from .stopwatch import excess, noise, turns

if TYPE_CHECKING:
    from collections.abc import Generator

LIMIT: Final = 5.0
"""Milliseconds that the plugin may cost a run without a double."""

_BARE: Final = "no plugin"
_EMPTY: Final = "an empty plugin"
_PLUGINS: Final = {
    _BARE: (),
    _EMPTY: ("empty_plugin",),
    DOUBLE: ("pytest_ycimages.plugin",),
    HTTPSERVER: ("pytest_httpserver.pytest_plugin",),
}


def measure(*, quick: bool) -> Generator[Sheet]:
    """One sheet, a row for each plugin."""
    rounds = 3 if quick else 15
    walls: dict[str, list[float]] = {name: [] for name in _PLUGINS}
    processors: dict[str, list[float]] = {name: [] for name in _PLUGINS}
    with Project() as project:
        project.write("empty_plugin.py", "")
        project.write("test_empty.py", "def test_nothing():\n    pass\n")
        for number in range(-1, rounds):
            for name in turns(list(_PLUGINS), number):
                run = project.run("test_empty.py", plugins=_PLUGINS[name])
                if number >= 0:  # the first round writes bytecode
                    walls[name].append(run.wall)
                    processors[name].append(run.processor)
    sheet = Sheet(
        "A plugin that is loaded and not used, milliseconds of a whole pytest run of one empty test",
        ("plugin", "run", "more", "+-", "more, processor", "+-"),
        note=f"medians of {rounds} rounds; `more` is the median of the differences to no plugin within each round",
    )
    for name in _PLUGINS:
        more, unsure = excess(walls, name, _BARE), noise(walls, name, _BARE)
        goals = _goals(walls) if name == DOUBLE else ()
        processor = excess(processors, name, _BARE), noise(processors, name, _BARE)
        sheet.row(name, median(walls[name]), more, unsure, *processor, goals=goals)
    yield sheet


def _goals(walls: dict[str, list[float]]) -> list[Goal]:
    """Held against no plugin, and against an empty one: what pytest asks for any plugin is not ours to lower."""
    return [
        Goal(
            "unused plugin",
            f"more than {other}",
            excess(walls, DOUBLE, other),
            LIMIT,
            " ms",
            noise=noise(walls, DOUBLE, other),
        )
        for other in (_BARE, _EMPTY)
    ]
