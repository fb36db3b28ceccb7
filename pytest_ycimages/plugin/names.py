"""Names of tests in pytest, by their definition: those that repeat or group tests change node ids, and these not.

Loaded for the first test with a double.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest

from pytest_ycimages.plugin.scopes import closure

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_ycimages.plugin.scopes import Node

ALIKE: Final = pytest.StashKey[bool]()
"""Whether another node beside this one has a name that differs by case only."""


class DefinedName(NamedTuple):
    """The name of a test by its definition.

    Attributes:
        module: the file, relative to the root of the run, with slashes.
        parts: the names of its classes, and its own with the parameters that it was defined with.
        is_alike: whether a file system that ignores case may take it for another test.
    """

    module: str
    parts: tuple[str, ...]
    is_alike: bool = False

    def __str__(self) -> str:
        """Return the node id that selects it."""
        return "::".join((self.module, *self.parts))


def defined_name(node: Node) -> DefinedName:
    """Return the name of a test, which is the same for each of its repetitions and in each group of pytest-xdist.

    A class, a module and the session have one too: `test_it.py::TestBake`, `test_it.py` and `session`.
    """
    above = node.listchain()
    file = next((each for each in above if isinstance(each, pytest.File)), None)
    if file is None:
        module, *parts = (node.nodeid or "session").split("::")
        return DefinedName(module, tuple(parts))
    parts = [each.name for each in above[above.index(file) + 1 :]]
    if isinstance(node, pytest.Item):
        parts[-1] = _without_repetitions(node)
    return DefinedName(file.nodeid, tuple(parts), any(each.stash.get(ALIKE, False) for each in above))


def mark_alike(nodes: Iterable[pytest.Item | pytest.Collector]) -> None:
    """Mark the nodes of one collector whose names differ by case only, but for one of them, the most lower-case."""
    names = {node.name for node in nodes}
    folded = dict(sorted((name.casefold(), name) for name in names))  # the last of each
    if len(folded) < len(names):
        for node in nodes:
            node.stash[ALIKE] = folded[node.name.casefold()] != node.name


def _without_repetitions(item: pytest.Item) -> str:
    """Return the name of a test without the counters of plugins that repeat it, such as pytest-repeat."""
    callspec: Any = getattr(item, "callspec", None)
    counters = _counters(item, callspec) if callspec else set()
    if not counters:
        return item.name
    ids = _ids_of_others(list(callspec.params), list(callspec._idlist), counters)  # noqa: SLF001 - pytest joins them
    name: str = getattr(item, "originalname", item.name)
    return f"{name}[{'-'.join(ids)}]" if ids else name


def _counters(item: pytest.Item, callspec: Any) -> set[str]:
    """Return the parameters that are whole numbers, and that neither the test nor its fixtures ask for."""
    counting = {name for name, value in callspec.params.items() if type(value) is int}
    info: Any = getattr(item, "_fixtureinfo", None)
    return counting.difference(closure(item, info.initialnames)) if counting and info is not None else set()


def _ids_of_others(params: Sequence[str], ids: list[str], counters: set[str]) -> list[str]:
    """Return the parts of an id that are not of a counter.

    A part is of one parameter or of several that were given together. A counter stands alone, before or behind all
    others.
    """
    if len(params) == len(ids):
        return [part for name, part in zip(params, ids, strict=True) if name not in counters]
    first = next((index for index, name in enumerate(params) if name not in counters), len(params))
    last = next((index for index, name in enumerate(reversed(params)) if name not in counters), len(params))
    return ids[first : len(ids) - last]
